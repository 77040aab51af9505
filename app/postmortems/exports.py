"""A postmortem to take away: as Markdown, as JSON, as one HTML file that prints and needs no network."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from pathlib import Path

from flask import current_app
from markupsafe import Markup

from app.postmortems import documents, facts, pages, queries, rules, sharing, timeline
from app.postmortems.models import ActionItem, Postmortem, PostmortemVersion

FORMS = {"md": "text/markdown", "json": "application/json", "html": "text/html"}
SHEET = "css/paper.css"


@dataclass(frozen=True)
class Paper:
    """What stands on paper. `style` is the sheet itself, so that the file needs nothing else."""

    title: str
    state: str
    team: str
    said: pages.Said
    items: list[ActionItem]
    style: Markup
    outside: bool = False


def name_of(postmortem: Postmortem, form: str) -> str:
    """The file's name."""
    return f"postmortem-{postmortem.id}.{form}"


def text_of(postmortem: Postmortem, form: str) -> str:
    """The document as its reader gets it, in one of the forms. Markdown and JSON; HTML is a template's."""
    version = queries.read_by(postmortem)
    return as_json(postmortem, version) if form == "json" else as_markdown(postmortem, version)


def as_json(postmortem: Postmortem, version: PostmortemVersion) -> str:
    """All that the API tells."""
    return json.dumps(documents.postmortem_document(postmortem, version), ensure_ascii=False, indent=2)


def as_markdown(postmortem: Postmortem, version: PostmortemVersion) -> str:
    """The same sections, timeline and items as on the page."""
    content = rules.content(version.content)
    known, rows = documents.as_read(postmortem, version)
    lines = [f"# {content.title}", "", *_facts(known), ""]
    for section in content.sections:
        if section.body:
            lines += [f"## {section.heading}", "", section.body, ""]
    lines += ["## Timeline", "", *(_row(row) for row in rows if not row.hidden), "", "## Action items", ""]
    lines += [_item(item) for item in queries.ranked(postmortem.items)] or ["None."]
    return "\n".join(lines) + "\n"


def _facts(known: facts.Facts) -> list[str]:
    """A list of the facts, and how long it took."""
    said = facts.known(known)
    named = (("Incidents", said["incidents"]), ("Services", said["services"]), ("Severity", said["severity"]),
             ("Impact", " ".join(part for part in (
                 known.impact, f"from {said['impact_from']} to {said['impact_to']}" if known.impact_to else "") if part)),
             ("Detected", said["detected"]), ("Acknowledged", _by(said["acknowledged"], known.acknowledged_by)),
             ("Mitigated", said["mitigated"]), ("Resolved", _by(said["resolved"], known.resolved_by)),
             ("Time to acknowledge", known.said("acknowledge")), ("Time to resolve", known.said("resolve")),
             ("People", ", ".join(f"{one['name']} ({one['role']})" for one in known.people)))
    return [f"- **{name}:** {value}" for name, value in named if value]


def _by(at: str, who: str) -> str:
    return f"{at} by {who}" if at and who else at


def _row(row: timeline.Row) -> str:
    added = f" *(added by {row.added_by})*" if row.added_by else ""
    body = "".join(f"\n  > {line}" for line in row.body.splitlines())
    return f"- {row.at:%Y-%m-%d %H:%M} UTC {row.text}{added}{body}"


def _item(item: ActionItem) -> str:
    done = "x" if item.state == "done" else " "
    return f"- [{done}] {item.title} ({item.owner.name}, {item.due_on.isoformat()}, {item.priority}, {item.state})"


def paper(postmortem: Postmortem, *, outside: bool = False) -> Paper:
    """The document for paper, or for somebody `outside`: without mail addresses and ways into the house."""
    version = queries.read_by(postmortem)
    said = pages.said(postmortem, version, clean=sharing.outward if outside else str)
    if outside:
        said = replace(said, sections=[(heading, sharing.unlinked(body)) for heading, body in said.sections],
                       rows=[(row, sharing.unlinked(body), new) for row, body, new in said.rows],
                       facts=facts.thawed(sharing.outward_all(said.facts.document())))
    title = sharing.outward(said.content.title) if outside else said.content.title
    items = [] if outside else queries.ranked(postmortem.items)
    return Paper(title, postmortem.state, postmortem.team.name if postmortem.team else "", said, items, style(), outside)


@cache
def _sheet(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def style() -> Markup:
    """The sheet of paper as an element of the page: what is taken away has to hold it."""
    return Markup(f"<style>{_sheet(Path(current_app.static_folder or '') / SHEET)}</style>")


def policy() -> str:
    """What the file may load: nothing, but for the sheet in it, which its digest names (CSP 3, 2.3.1)."""
    text = _sheet(Path(current_app.static_folder or "") / SHEET)
    digest = b64encode(sha256(text.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
