"""What people of the house type about partners: one by a form, many by lines that are looked at before they count."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from app.core.access import Actor
from app.core.db import pending, session
from app.core.errors import Failure
from app.identity.queries import may
from app.partners import queries, service
from app.status_pages.models import StatusPage

MOST_LINES = 1000


def read(form: Mapping[str, str]) -> dict[str, Any]:
    """The typed text as values for `add_partner`."""
    values: dict[str, Any] = {name: form.get(name, "").strip() for name in ("email", "name", "organisation")}
    if form.get("language"):
        values["language"] = form["language"]
    page = form.get("page", "")
    return {**values, "grants": [{"page": page, "expires": form.get("expires", "").strip() or None}]} if page else values


def page_choices(by: Actor) -> list[tuple[str, str]]:
    """The pages that this person may share, by slug."""
    found = session.scalars(select(StatusPage).order_by(StatusPage.name))
    return [(one.slug, one.name) for one in found if may(by, "partner.edit", team_id=one.team_id)]


@dataclass(frozen=True)
class Line:
    """One line of an import: what it says, and what becomes of it (`adds`, `changes`, or a fault)."""

    number: int
    values: dict[str, Any]
    adds: bool
    fault: str = ""


def lines(text: str) -> list[Line]:
    """The lines of a CSV text: e-mail, name, organisation, pages with blanks between, last day. Raises Invalid."""
    found = [row for row in csv.reader(io.StringIO(text.replace("\0", ""))) if any(cell.strip() for cell in row)]
    if found and found[0][0].strip().lower() in ("email", "e-mail", "mail"):
        found = found[1:]
    if not found or len(found) > MOST_LINES:
        service.refuse("lines", f"Paste 1 to {MOST_LINES} lines")
    return [_line(number, [*(cell.strip() for cell in row), "", "", "", ""]) for number, row in enumerate(found, 1)]


def _line(number: int, row: list[str]) -> Line:
    email, name, organisation, pages, until = row[:5]
    known = queries.partner_by_email(email)
    held = {one.page.slug: one.expires_at for one in known.grants} if known else {}
    grants = [{"page": slug, "expires": until or None} for slug in pages.split()]
    named = {grant["page"] for grant in grants}
    kept = [{"page": slug, "expires": at.isoformat() if at else None} for slug, at in held.items() if slug not in named]
    values: dict[str, Any] = {"email": email, "name": name or (known.name if known else ""), "grants": grants + kept}
    return Line(number, {**values, **({"organisation": organisation} if organisation else {})}, known is None)


def tried(found: list[Line], *, by: Actor) -> list[Line]:
    """Save each line, and say what is wrong with those that can't be; one that fails leaves nothing behind."""
    return [Line(one.number, one.values, one.adds, _saved(one, by)) for one in found]


def _saved(line: Line, by: Actor) -> str:
    facts = pending().events
    before = len(facts)
    try:
        with session.begin_nested():
            service.save_partner(line.values, by=by)
    except Failure as fault:
        del facts[before:]
        return fault.detail or fault.title
    return ""
