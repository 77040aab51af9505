"""Commands beside the text: rows of the timeline, former versions, incidents, the owner, what is not saved, comments."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Conflict, Forbidden, Invalid, NotFound, Problem
from app.core.forms import CONTROL, check_text
from app.identity.models import User
from app.identity.queries import allow, may, role_in
from app.incidents.models import Incident
from app.postmortems import events, queries, rules, service, timeline
from app.postmortems.models import Postmortem, PostmortemComment, PostmortemVersion, Unsaved

BUSY = timedelta(minutes=10)


def _writing(postmortem: Postmortem, by: Actor) -> tuple[Postmortem, rules.Content]:
    """Locked, permitted, and what it says; of a published one only managers change anything."""
    postmortem = service.claimed(postmortem, "postmortem.write", by)
    if postmortem.state == "published":
        allow(by, "postmortem.manage", team_id=postmortem.team_id)
    return postmortem, queries.content_of(postmortem)


def choose_rows(postmortem: Postmortem, shown: Collection[int], *, seen: Collection[int], by: Actor) -> Postmortem:
    """Of the rows of the log that were `seen`, show exactly these. What came since stays as it is, and what has not
    happened yet will be shown."""
    postmortem, content = _writing(postmortem, by)
    hidden = tuple(row.key for row in timeline.rows_of(postmortem, content) if not row.added_by and (
        row.key not in shown if row.key in seen else row.key in content.hidden))
    if set(hidden) != set(content.hidden):
        service.change(postmortem, replace(content, hidden=hidden), by=by, what="timeline chosen")
    return postmortem


def add_row(postmortem: Postmortem, at: datetime, text: str, *, by: Actor) -> Postmortem:
    """A row of one's own, marked as such."""
    postmortem, content = _writing(postmortem, by)
    try:
        clean = check_text(text, least=1, most=500, label="What happened")
    except ValueError as fault:
        raise Invalid(problems=[Problem("text", str(fault))]) from None
    if len(content.rows) >= rules.OWN_ROWS:
        raise Invalid(problems=[Problem("text", f"There are {rules.OWN_ROWS} rows of one's own already")])
    key = max((int(row["id"]) for row in content.rows), default=0) + 1
    row = {"id": key, "at": clock.rfc3339(at), "text": clean, "by": by.name[:200], "author": by.ref}
    service.change(postmortem, replace(content, rows=(*content.rows, row)), by=by, what="row added")
    return postmortem


def remove_row(postmortem: Postmortem, key: int, *, by: Actor) -> Postmortem:
    """A row that a person added goes; entries of the log can only be hidden."""
    postmortem, content = _writing(postmortem, by)
    left = tuple(row for row in content.rows if int(row["id"]) != key)
    if len(left) == len(content.rows):
        raise NotFound
    service.change(postmortem, replace(content, rows=left), by=by, what="row removed")
    return postmortem


def restore(postmortem: Postmortem, number: int, *, by: Actor) -> Postmortem:
    """A new version that is equal to a former one."""
    postmortem, present = _writing(postmortem, by)
    former = queries.content_of(postmortem, number)
    if former != present:
        service.change(postmortem, former, by=by, what=f"version {number} restored")
    return postmortem


def add_incident(postmortem: Postmortem, incident: Incident, *, by: Actor) -> Postmortem:
    """One more incident: its rows join the timeline."""
    postmortem, content = _writing(postmortem, by)
    if any(link.incident_id == incident.id for link in postmortem.links):
        return postmortem
    if len(postmortem.links) >= rules.INCIDENTS:
        raise Invalid(problems=[Problem("incident", f"It is about {rules.INCIDENTS} incidents already")])
    service.attach(postmortem, incident)
    _touched(postmortem, content, by, f"#{incident.id} added")
    service.said(events.INCIDENT_ADDED, postmortem, by, incident=incident.id)
    return postmortem


def remove_incident(postmortem: Postmortem, number: int, *, by: Actor) -> Postmortem:
    """One incident less: its rows leave the draft. The last one stays."""
    postmortem, content = _writing(postmortem, by)
    link = next((one for one in postmortem.links if one.incident_id == number), None)
    if link is None:
        raise NotFound
    if len(postmortem.links) == 1:
        raise Conflict("A postmortem is about at least one incident", state=queries.state_of(postmortem))
    service.said(events.INCIDENT_REMOVED, postmortem, by, incident=number)
    postmortem.links.remove(link)
    _touched(postmortem, content, by, f"#{number} removed")
    return postmortem


def _touched(postmortem: Postmortem, content: rules.Content, by: Actor, what: str) -> None:
    session.flush()
    service.write(postmortem, content, by=by, what=what)
    postmortem.author_id = by.user_id


def name_owner(postmortem: Postmortem, owner: User, *, by: Actor) -> Postmortem:
    """Who sees to it that it gets done: somebody of the team."""
    postmortem = service.claimed(postmortem, "postmortem.write", by)
    if not owner.is_active or (postmortem.team_id and role_in(owner, postmortem.team_id) is None and owner.role != "admin"):
        raise Invalid(problems=[Problem("owner", f"{owner.name} is not in the team")])
    if owner.id != postmortem.owner_id:
        before = postmortem.owner.name if postmortem.owner else None
        postmortem.owner, postmortem.owner_id = owner, owner.id
        service.said(events.OWNER_CHANGED, postmortem, by, person=owner.name, before=before)
    return postmortem


def keep_unsaved(postmortem: Postmortem, base: int, content: rules.Content, *, by: Actor, late: bool = True) -> None:
    """What a person typed, kept apart from the document until they save it: nobody else's text is in its way. Unless
    `late`, raise Conflict once they have saved a version after `base`: what was sent before that arrives behind it."""
    postmortem = service.claimed(postmortem, "postmortem.write", by)
    if by.user_id is None:
        raise Forbidden("Only a person writes.")
    if not late and session.scalar(select(PostmortemVersion.id).where(
            PostmortemVersion.postmortem_id == postmortem.id, PostmortemVersion.number > base,
            PostmortemVersion.author == by.ref, PostmortemVersion.what == "saved").limit(1)):
        raise Conflict("You saved a newer version meanwhile", state=queries.state_of(postmortem))
    if content.length > rules.WORDS:
        raise Invalid(problems=[Problem("sections", f"All sections together have at most {rules.WORDS:,} characters")])
    kept = unsaved_of(postmortem, by) or Unsaved(postmortem_id=postmortem.id, user_id=by.user_id)
    kept.base, kept.content, kept.at = base, content.document(), clock.now()
    session.add(kept)
    session.flush()


def unsaved_of(postmortem: Postmortem, by: Actor) -> Unsaved | None:
    """What this person has not saved yet."""
    return session.scalar(select(Unsaved).where(Unsaved.postmortem_id == postmortem.id, Unsaved.user_id == by.user_id))


def drop_unsaved(postmortem: Postmortem, *, by: Actor) -> None:
    """Throw one's own unsaved text away."""
    allow(by, "postmortem.write", team_id=postmortem.team_id)
    kept = unsaved_of(postmortem, by)
    if kept is not None:
        session.delete(kept)


def busy(postmortem: Postmortem, by: Actor) -> list[Unsaved]:
    """Who else has typed something in the last minutes and not saved it."""
    return list(session.scalars(select(Unsaved).where(
        Unsaved.postmortem_id == postmortem.id, Unsaved.user_id != (by.user_id or 0), Unsaved.at > clock.now() - BUSY)))


def comment_text(body: str) -> str:
    """The text of a comment. Raises Invalid."""
    text = body.strip()
    if not 0 < len(text) <= 5000 or CONTROL.search(text):
        raise Invalid(problems=[Problem("body", "A comment has 1 to 5,000 characters")])
    return text


def keep_comment(postmortem: Postmortem, text: str, by: Actor) -> PostmortemComment:
    """Keep what was said."""
    comment = PostmortemComment(postmortem_id=postmortem.id, author_id=by.user_id, author_name=by.name[:200], body=text)
    session.add(comment)
    session.flush()
    return comment


def add_comment(postmortem: Postmortem, body: str, *, by: Actor) -> PostmortemComment:
    """Say something beside the text."""
    postmortem = service.claimed(postmortem, "postmortem.review", by)
    comment = keep_comment(postmortem, comment_text(body), by)
    service.said(events.COMMENTED, postmortem, by, comment=comment.id)
    return comment


def remove_comment(postmortem: Postmortem, key: int, *, by: Actor) -> None:
    """Its author takes a comment away, or a manager."""
    postmortem = service.claimed(postmortem, "postmortem.review", by)
    comment = session.get(PostmortemComment, key)
    if comment is None or comment.postmortem_id != postmortem.id:
        raise NotFound
    if comment.author_id != by.user_id and not may(by, "postmortem.manage", team_id=postmortem.team_id):
        raise Forbidden("Only its author or a manager removes a comment.")
    session.delete(comment)
    service.said(events.COMMENT_REMOVED, postmortem, by, comment=key)


def comments_of(postmortem: Postmortem) -> list[PostmortemComment]:
    """What was said, oldest first."""
    return list(session.scalars(select(PostmortemComment).where(
        PostmortemComment.postmortem_id == postmortem.id).order_by(PostmortemComment.id)))
