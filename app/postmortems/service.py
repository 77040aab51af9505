"""Commands on postmortems: begin, save, delete. Each locks the row, asks permission, records a fact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import delete, select

from app.core import clock
from app.core.access import Actor
from app.core.db import alone, locked, session
from app.core.errors import Conflict, Invalid, NotFound, Problem
from app.core.events import Kind, record
from app.core.forms import CONTROL, Problems
from app.identity.models import Team, User
from app.identity.queries import allow
from app.incidents.models import Incident
from app.postmortems import events, facts, queries, rules
from app.postmortems.models import (
    Postmortem,
    PostmortemComment,
    PostmortemHtml,
    PostmortemIncident,
    PostmortemTemplate,
    PostmortemVersion,
    ShareLink,
    Unsaved,
)


@dataclass
class Stale(Conflict):
    """Somebody else saved meanwhile, and both changed the same parts; `merged` is what fits, and where it clashes."""

    merged: rules.Merged | None = None


def claimed(postmortem: Postmortem, action: str, by: Actor) -> Postmortem:
    """Lock the row, then ask permission: the first line of every command."""
    found = locked(Postmortem, postmortem.id)
    if found is None:
        raise NotFound
    allow(by, action, team_id=found.team_id, involved=queries.is_reviewer(found, by))
    return found


def said(kind: Kind, postmortem: Postmortem, by: Actor, **data: Any) -> None:
    """Record a fact, with team and incidents: the last line of every command."""
    session.flush()
    record(kind, postmortem.ref, by=by, title=postmortem.title, **data, also=[
        "postmortems", *([f"team:{postmortem.team_id}"] if postmortem.team_id else []),
        *(f"incident:{number.incident_id}" for number in postmortem.links)])


def create(incidents: Sequence[Incident], *, by: Actor, team: Team | None = None, title: str = "",
           owner: User | None = None, template: PostmortemTemplate | None = None) -> Postmortem:
    """A draft about these incidents, filled in from what was recorded. Raises Conflict with the address of the
    postmortem that one of them is in."""
    if not 0 < len(incidents) <= rules.INCIDENTS:  # whose it is, the incidents say
        raise Invalid(problems=[Problem("incidents", f"Name one to {rules.INCIDENTS} incidents")])
    owned = team or incidents[0].team
    allow(by, "postmortem.write", team_id=owned.id if owned else None)
    made = Postmortem(team=owned, team_id=owned.id if owned else None, title="", owner=owner, state="draft", version=0,
                      author_id=by.user_id, nudge_at=rules.nudge_due((one.resolved_at for one in incidents), clock.now()))
    for incident in incidents:
        attach(made, incident)
    session.add(made)
    session.flush()
    known = facts.known(facts.gathered(list(incidents), rules.Content(""), owned.name if owned else ""))
    write(made, _checked(rules.Content(
        title.strip() or incidents[0].title[:rules.TITLE],
        tuple(rules.Section(one["heading"], rules.filled(one["body"], known), one["guide"])
              for one in _sections(made, template)))), by=by, what="drafted")
    said(events.CREATED, made, by, incidents=[one.id for one in incidents], automatic=by.user_id is None)
    return made


def _sections(postmortem: Postmortem, template: PostmortemTemplate | None) -> list[dict[str, str]]:
    chosen = template or queries.habits_of(postmortem.team_id).template
    return list(chosen.sections) if chosen else rules.default_sections()


def attach(postmortem: Postmortem, incident: Incident) -> None:
    """Put an incident in. Two at once wait for each other, and the database allows one."""
    alone(f"postmortems of {incident.id}")
    other = queries.about(incident.id, postmortem.team_id)
    if other is not None:
        raise Conflict(f"#{incident.id} is in the postmortem {queries.link(other)}",
                       state={"incident": str(incident.id), "postmortem": str(other.id), "url": queries.link(other)})
    postmortem.links.append(PostmortemIncident(incident=incident, incident_id=incident.id, owner=postmortem.team_id or 0))


def write(postmortem: Postmortem, content: rules.Content, *, by: Actor, what: str, reason: str = "") -> PostmortemVersion:
    """The next version. Whoever changes the text is its author and can't approve it."""
    postmortem.version += 1
    version = PostmortemVersion(postmortem_id=postmortem.id, number=postmortem.version, what=what, reason=reason,
                                author=by.ref, author_name=by.name[:200], at=clock.now(), content=content.document())
    session.add(version)
    if postmortem.published is None:
        found_by(postmortem, content)
    session.flush()
    return version


def found_by(postmortem: Postmortem, content: rules.Content) -> None:
    """What lists show and a search finds: what its readers read."""
    postmortem.title = content.title
    postmortem.words = "\n".join([content.title, *(f"{one.heading}\n{one.body}" for one in content.sections)])


def save(postmortem: Postmortem, base: int, own: rules.Content, *, by: Actor, strict: bool = False) -> Postmortem:
    """Make `own`, which began with version `base`, the newest version; what others saved meanwhile stays, and what
    changes nothing makes no version. Raises Stale where both changed the same, or when `strict` and `base` is old."""
    postmortem = claimed(postmortem, "postmortem.write", by)
    own, present = _checked(own), queries.content_of(postmortem)
    if postmortem.state == "published":
        allow(by, "postmortem.manage", team_id=postmortem.team_id)
    if base != postmortem.version:
        merged = rules.merge(queries.content_of(postmortem, base), own, present)
        if strict or merged.clashes:
            raise Stale(whose(postmortem), state=queries.state_of(postmortem), merged=merged)
        own = merged.content
    session.execute(delete(Unsaved).where(Unsaved.postmortem_id == postmortem.id, Unsaved.user_id == by.user_id))
    if own != present:
        change(postmortem, own, by=by, what="saved")
    return postmortem


def change(postmortem: Postmortem, content: rules.Content, *, by: Actor, what: str) -> None:
    """A new version with another text: approvals of the former one are void by that."""
    write(postmortem, _checked(content), by=by, what=what)
    postmortem.author_id = by.user_id
    said(events.SAVED, postmortem, by, version=postmortem.version, what=what)


def whose(postmortem: Postmortem) -> str:
    """Who wrote the newest version."""
    newest = queries.version_of(postmortem)
    return f"{newest.author_name} saved version {newest.number} meanwhile"


def _checked(content: rules.Content) -> rules.Content:
    """The text within its limits. Raises Invalid with each fault."""
    problems = Problems()
    title = " ".join(content.title.split())
    if not 0 < len(title) <= rules.TITLE:
        problems.add("title", f"A title has 1 to {rules.TITLE} characters")
    headings = [" ".join(one.heading.split()) for one in content.sections]
    if not all(0 < len(one) <= rules.HEADING for one in headings):
        problems.add("sections", f"A heading has 1 to {rules.HEADING} characters")
    if len({one.lower() for one in headings}) != len(headings) or len(headings) > rules.SECTIONS:
        problems.add("sections", f"Headings differ from each other, and there are at most {rules.SECTIONS}")
    if content.length > rules.WORDS:
        problems.add("sections", f"All sections together have at most {rules.WORDS:,} characters")
    if len(content.impact) > rules.TITLE:
        problems.add("impact", f"The impact in short has at most {rules.TITLE} characters")
    if any(CONTROL.search(text) for text in (title, content.impact, *headings, *(one.body for one in content.sections))):
        problems.add("sections", "The text holds a control character")
    problems.raise_if_any()
    return replace(content, title=title, impact=content.impact.strip(), sections=tuple(
        replace(one, heading=heading, body=one.body.replace("\r\n", "\n").rstrip())
        for one, heading in zip(content.sections, headings, strict=True)))


def move(command: str, postmortem: Postmortem) -> str:
    """The state that the command leads to. Raises Conflict where it is not allowed."""
    to = rules.after(command, postmortem.state)
    if to is None:
        word = f"Already published as version {postmortem.publication}" if postmortem.state == "published" else (
            f"You can't {command} it: it is {postmortem.state.replace('_', ' ')}")
        raise Conflict(word, state=queries.state_of(postmortem))
    return to


def delete_draft(postmortem: Postmortem, *, by: Actor) -> None:
    """A manager deletes a draft and its action items; the log keeps what it was about. Published ones stay."""
    postmortem = claimed(postmortem, "postmortem.manage", by)
    move("delete", postmortem)
    said(events.DELETED, postmortem, by, incidents=[link.incident_id for link in postmortem.links],
         action_items=[item.title for item in postmortem.items])
    for table in (PostmortemVersion, PostmortemHtml, Unsaved, PostmortemComment, ShareLink):
        session.execute(delete(table).where(table.postmortem_id == postmortem.id))
    session.delete(postmortem)
    session.flush()


def people(ids: Sequence[int | None]) -> list[User]:
    """The active ones of these people."""
    wanted = [one for one in ids if one is not None]
    return list(session.scalars(select(User).where(User.id.in_(wanted), User.state == "active").order_by(User.id)))
