"""What the page of one postmortem shows: the text as it is read, and what its reader may do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from typing import Any

from markupsafe import Markup

from app.core import clock
from app.core.access import Actor
from app.identity.queries import may
from app.incidents import markdown
from app.postmortems import documents, editing, facts, forms, queries, rendered, rules, sharing, timeline
from app.postmortems.models import (
    ActionItem,
    Postmortem,
    PostmortemComment,
    PostmortemReview,
    PostmortemVersion,
    ShareLink,
    Unsaved,
)

# A long text takes a while, and is read far more often than written: as many are kept as fit into some 30 MB, by length.
KEPT = {500: 8192, 5000: 1024, rules.WORDS: 64}
_SHELVES = {most: lru_cache(number)(markdown.html) for most, number in KEPT.items()}


def shown(text: str) -> Markup:
    """Markdown as safe HTML, remembered."""
    return next((shelf for most, shelf in _SHELVES.items() if len(text) <= most), markdown.html)(text)


def forget() -> None:
    """Remember nothing, as a process that has just started."""
    for shelf in _SHELVES.values():
        shelf.cache_clear()


@dataclass(frozen=True)
class Said:
    """What a version says, ready to be shown: `body` and the notes of the timeline are safe HTML."""

    version: PostmortemVersion
    content: rules.Content
    sections: list[tuple[str, Markup]]
    facts: facts.Facts
    rows: list[tuple[timeline.Row, Markup, bool]]
    left_out: int


def said(postmortem: Postmortem, version: PostmortemVersion, *, clean: Callable[[str], str] = str) -> Said:
    """A version with its facts and its timeline, as it is read; `clean` goes over every text first."""
    content = rules.content(version.content)
    known, rows = documents.as_read(postmortem, version)
    visible, kept = [row for row in rows if not row.hidden], rendered.html_of(postmortem, content)
    days = [None, *(row.at.date() for row in visible)]
    bodies = [(clean(one.heading), clean(one.body)) for one in content.sections if one.body]
    return Said(version, content, [(heading, kept.get(rendered.digest(body)) or shown(body)) for heading, body in bodies],
                known, [(replace(row, text=clean(row.text)), shown(clean(row.body)) if row.body else Markup(""),
                         row.at.date() != before) for row, before in zip(visible, days, strict=False)],
                len(rows) - len(visible))


@dataclass(frozen=True)
class PostmortemPage:
    """One document, and what this reader may do with it. `refusal` is why the last press changed nothing."""

    postmortem: Postmortem
    said: Said
    items: list[ActionItem]
    reviews: list[PostmortemReview]
    comments: list[tuple[PostmortemComment, Markup]]
    may: Mapping[str, bool]
    links: list[ShareLink]
    busy: list[Unsaved]
    unsaved: Unsaved | None
    changed: bool
    today: date
    reviewers: list[tuple[str, str]] = field(default_factory=list)
    people: list[tuple[str, str]] = field(default_factory=list)
    refusal: str = ""
    fresh_link: str = ""
    typed: Mapping[str, str] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> int:
        """The document's number."""
        return self.postmortem.id


def postmortem_page(key: int | str, by: Actor, **form: Any) -> PostmortemPage:
    """Everything the page shows. Raises NotFound."""
    found = queries.postmortem_for(key, by)
    members = forms.candidates(found)
    rights = rights_of(found, by)
    return PostmortemPage(
        postmortem=found, said=said(found, queries.read_by(found)), items=queries.ranked(found.items),
        reviews=list(found.reviews), comments=[(one, shown(one.body)) for one in editing.comments_of(found)], may=rights,
        people=[(one.email, one.name) for one in members],
        reviewers=[(one.email, one.name) for one in members if one.id != by.user_id], today=clock.now().date(),
        links=sharing.links_of(found) if rights["write"] else [], busy=editing.busy(found, by) if rights["write"] else [],
        unsaved=editing.unsaved_of(found, by), changed=rights["manage"] and queries.unpublished_changes(found), **form)


def rights_of(postmortem: Postmortem, by: Actor) -> dict[str, bool]:
    """What this person may do now, by the state of the document."""
    team, state = postmortem.team_id, postmortem.state
    write, manage = (may(by, f"postmortem.{one}", team_id=team) for one in ("write", "manage"))
    review = may(by, "postmortem.review", team_id=team, involved=queries.is_reviewer(postmortem, by))
    approved = bool(queries.approved_by(postmortem))
    optional = queries.habits_of(team).review == "optional"
    return {
        "write": write, "manage": manage, "comment": review, "edit": manage if state == "published" else write,
        "submit": write and state == "draft", "withdraw": write and state == "in_review",
        "judge": review and state == "in_review" and not approved,
        "approve": review and state == "in_review" and not approved and postmortem.author_id != by.user_id,
        "publish": state != "published" and ((write and approved) or (manage and optional)),
        "publish_again": manage and queries.unpublished_changes(postmortem), "delete": manage and state != "published"}
