"""Commands of review and publication: ask, judge, publish. An approval counts for one version, and so does a publication."""

from __future__ import annotations

from collections.abc import Sequence

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Conflict, Forbidden, Invalid, Problem
from app.core.forms import Problems
from app.identity.models import User
from app.identity.queries import allow, may_see
from app.postmortems import editing, events, facts, queries, rules, service, timeline
from app.postmortems.models import Postmortem, PostmortemReview


def submit(postmortem: Postmortem, reviewers: Sequence[User], *, by: Actor) -> Postmortem:
    """Ask these people to review it; it needs an incident, a title and a summary."""
    postmortem = service.claimed(postmortem, "postmortem.write", by)
    state, content = service.move("submit", postmortem), queries.content_of(postmortem)
    problems = Problems()
    if not rules.summary_of(content):
        problems.add("sections", "A summary is needed before others review it")
    if not postmortem.links:
        problems.add("incidents", "It is about no incident")
    named = [one for one in reviewers if one.id != by.user_id]
    if not named:
        problems.add("reviewers", "Name somebody else who reviews it")
    for one in named:
        if not one.is_active or (postmortem.team_id and not may_see(Actor(one.ref, one.name, user_id=one.id),
                                                                     postmortem.team_id)):
            problems.add("reviewers", f"{one.name} can't read it")
    problems.raise_if_any()
    known = {review.user_id: review for review in postmortem.reviews}
    for one in named:
        if one.id in known:
            known[one.id].state, known[one.id].version, known[one.id].at = "asked", None, clock.now()
        else:
            postmortem.reviews.append(PostmortemReview(user_id=one.id, user=one, state="asked", at=clock.now()))
    postmortem.state = state
    service.write(postmortem, content, by=by, what="submitted")
    service.said(events.SUBMITTED, postmortem, by, version=postmortem.version, reviewers=[one.name for one in named])
    return postmortem


def withdraw(postmortem: Postmortem, *, by: Actor) -> Postmortem:
    """Back to draft, by those who write it."""
    postmortem = service.claimed(postmortem, "postmortem.write", by)
    postmortem.state = service.move("withdraw", postmortem)
    service.write(postmortem, queries.content_of(postmortem), by=by, what="withdrawn")
    service.said(events.WITHDRAWN, postmortem, by, version=postmortem.version)
    return postmortem


def _judged(postmortem: Postmortem, state: str, by: Actor) -> None:
    mine = next((one for one in postmortem.reviews if one.user_id == by.user_id), None)
    if mine is None:
        mine = PostmortemReview(user_id=by.user_id or 0, user=session.get_one(User, by.user_id))
        postmortem.reviews.append(mine)
    mine.state, mine.version, mine.at = state, postmortem.version, clock.now()


def ask_changes(postmortem: Postmortem, note: str, *, by: Actor) -> Postmortem:
    """A reviewer sends it back, with what is missing."""
    postmortem = service.claimed(postmortem, "postmortem.review", by)
    state = service.move("ask for changes to", postmortem)
    if by.user_id is None:
        raise Forbidden("Only a person reviews a postmortem.")
    text = editing.comment_text(note)
    _judged(postmortem, "changes", by)
    editing.keep_comment(postmortem, text, by)
    postmortem.state = state
    service.write(postmortem, queries.content_of(postmortem), by=by, what="sent back")
    service.said(events.CHANGES_ASKED, postmortem, by, version=postmortem.version, note=text[:300])
    return postmortem


def approve(postmortem: Postmortem, *, by: Actor, version: int | None = None) -> Postmortem:
    """This very version is good; not by who wrote its last change. The same person again changes nothing."""
    postmortem = service.claimed(postmortem, "postmortem.review", by)
    service.move("approve", postmortem)
    if by.user_id is None:
        raise Forbidden("Only a person approves a postmortem.")
    if postmortem.author_id == by.user_id:
        raise Forbidden("You wrote the last change. Somebody else has to approve it.")
    if version is not None and version != postmortem.version:
        raise Conflict(f"{service.whose(postmortem)}. Read it before you approve.", state=queries.state_of(postmortem))
    already = queries.approved_by(postmortem)
    if any(one.user_id == by.user_id for one in already):
        return postmortem
    if already:
        raise Conflict(f"Already approved by {already[0].user.name}", state=queries.state_of(postmortem))
    _judged(postmortem, "approved", by)
    service.said(events.APPROVED, postmortem, by, version=postmortem.version)
    return postmortem


def publish_version(postmortem: Postmortem, *, by: Actor, reason: str = "") -> Postmortem:
    """Freeze text, facts and timeline into a version that readers see from now on; the first time after an approval of
    this very version, later by a manager who says what changed."""
    postmortem = service.claimed(postmortem, "postmortem.write", by)
    again = postmortem.state == "published"
    if again and queries.unpublished_changes(postmortem):
        allow(by, "postmortem.manage", team_id=postmortem.team_id)
        if not 0 < len(reason.strip()) <= 500:
            raise Invalid(problems=[Problem("reason", "Say in 1 to 500 characters what changed")])
    else:
        _may_publish(postmortem, by)
        reason = ""
    _freeze(postmortem, by, reason.strip())
    service.said(events.PUBLISHED, postmortem, by, version=postmortem.version, publication=postmortem.publication,
                 reason=reason.strip())
    return postmortem


def _may_publish(postmortem: Postmortem, by: Actor) -> None:
    """The first publication: what the team's habits ask for."""
    if queries.approved_by(postmortem):
        service.move("publish", postmortem)
        return
    service.move("publish without review", postmortem)
    if queries.habits_of(postmortem.team_id).review == "required":
        raise Conflict("Nobody approved this version yet", state=queries.state_of(postmortem))
    allow(by, "postmortem.manage", team_id=postmortem.team_id)


def _freeze(postmortem: Postmortem, by: Actor, reason: str) -> None:
    content = queries.content_of(postmortem)
    known, rows = facts.facts_of(postmortem, content), timeline.rows_of(postmortem, content)
    postmortem.state, postmortem.publication = "published", postmortem.publication + 1
    version = service.write(postmortem, content, by=by, what="published", reason=reason)
    version.publication, version.facts, version.timeline = postmortem.publication, known.document(), timeline.frozen(rows)
    postmortem.published, postmortem.published_at, postmortem.nudge_at = version.number, version.at, None
    service.found_by(postmortem, content)
