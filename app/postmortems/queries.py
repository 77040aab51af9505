"""Reads on postmortems: who may see which, the versions, the approvals."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, Select, and_, exists, false, or_, select, true
from sqlalchemy.orm import defer, joinedload

from app.core.access import Actor
from app.core.db import session
from app.core.errors import NotFound
from app.core.forms import LARGEST
from app.identity.models import Membership, User
from app.identity.queries import allow, may, visible_teams
from app.incidents.queries import number_of
from app.postmortems import rules
from app.postmortems.models import (
    ActionItem,
    Habits,
    Postmortem,
    PostmortemIncident,
    PostmortemReview,
    PostmortemVersion,
)


def postmortem_for(key: int | str, by: Actor, action: str = "postmortem.read") -> Postmortem:
    """The document, if this person may do `action` with it. Raises NotFound for drafts of others, else Forbidden."""
    found = session.get(Postmortem, number_of(key))
    if found is None:
        raise NotFound
    if action != "postmortem.read":
        allow(by, action, team_id=found.team_id, involved=is_reviewer(found, by))
    allow(by, "postmortem.read", team_id=found.team_id, involved=is_reviewer(found, by))
    if found.published is None and not sees_draft(found, by):
        raise NotFound
    return found


def is_reviewer(postmortem: Postmortem, by: Actor) -> bool:
    """Whether this person was asked to review it."""
    return by.user_id is not None and any(review.user_id == by.user_id for review in postmortem.reviews)


def sees_draft(postmortem: Postmortem, by: Actor) -> bool:
    """Whether this person may read what is not published: the team, those asked to review, admins."""
    if may(by, "admin") or is_reviewer(postmortem, by):
        return True
    user = person(by)
    if user is None:
        return by.kind in ("operator", "system")
    return user.role == "admin" or any(member.team_id == postmortem.team_id for member in user.memberships)


def visible(query: Select[Any], by: Actor, *, asked: bool = True) -> Select[Any]:
    """Only what this person may read: published ones of teams they may see, drafts of their own teams, and, unless not
    `asked` for, those they were asked to review."""
    user = person(by)
    if user is None or user.role == "admin":
        return query
    mine_to_judge = exists().where(PostmortemReview.postmortem_id == Postmortem.id,
                                   PostmortemReview.user_id == by.user_id) if asked else false()
    mine = select(Membership.team_id).where(Membership.user_id == by.user_id)
    teams = visible_teams(by)
    open_: ColumnElement[bool] = true() if teams is None else or_(
        Postmortem.team_id.is_(None), Postmortem.team_id.in_(teams)) if teams else false()
    return query.where(or_(and_(Postmortem.published.is_not(None), open_), Postmortem.team_id.in_(mine), mine_to_judge))


def version_of(postmortem: Postmortem, number: int | None = None) -> PostmortemVersion:
    """One version, the newest unless told. Raises NotFound."""
    found = session.scalar(select(PostmortemVersion).where(
        PostmortemVersion.postmortem_id == postmortem.id,
        PostmortemVersion.number == (postmortem.version if number is None else min(number, LARGEST))))
    if found is None:
        raise NotFound
    return found


def content_of(postmortem: Postmortem, number: int | None = None) -> rules.Content:
    """What a version says, the newest unless told."""
    return rules.content(version_of(postmortem, number).content)


def versions_of(postmortem: Postmortem, by: Actor, *, whole: bool = False) -> list[PostmortemVersion]:
    """The versions that this person may read, newest first; readers of published ones see those alone. What they say may
    be long, and is read when it is asked for, unless `whole`."""
    query = select(PostmortemVersion).where(PostmortemVersion.postmortem_id == postmortem.id).options(
        defer(PostmortemVersion.facts), defer(PostmortemVersion.timeline))
    if not whole:
        query = query.options(defer(PostmortemVersion.content))
    if not sees_draft(postmortem, by):
        query = query.where(PostmortemVersion.publication.is_not(None))
    return list(session.scalars(query.order_by(PostmortemVersion.number.desc())))


def habits_of(team_id: int | None) -> Habits:
    """How the team writes postmortems; what nobody set is as it is by default."""
    return habits_of_all([team_id])[team_id]


def habits_of_all(team_ids: Collection[int | None]) -> dict[int | None, Habits]:
    """The same of many, by the team's id."""
    known = [key for key in team_ids if key]
    found = {one.team_id: one for one in session.scalars(select(Habits).where(Habits.team_id.in_(known)).options(
        joinedload(Habits.template)))} if known else {}
    return {key: found.get(key or 0) or Habits(team_id=key or 0, automatic="critical", review="required", template_id=None)
            for key in team_ids}


def about(number: int, team_id: int | None) -> Postmortem | None:
    """The postmortem of this team that holds the incident."""
    return session.scalar(select(Postmortem).join(PostmortemIncident).where(
        PostmortemIncident.incident_id == number, PostmortemIncident.owner == (team_id or 0)))


def approved_by(postmortem: Postmortem) -> list[PostmortemReview]:
    """The approvals of the very version that is there now."""
    return [review for review in postmortem.reviews
            if review.state == "approved" and review.version == postmortem.version]


def unpublished_changes(postmortem: Postmortem) -> bool:
    """Whether a published document was changed since."""
    return postmortem.published is not None and postmortem.version != postmortem.published


def link(postmortem: Postmortem) -> str:
    """Its absolute address."""
    return f"{current_app.config['BASE_URL']}/postmortems/{postmortem.id}"


def person(by: Actor) -> User | None:
    """The person behind an actor, None for machines."""
    return session.get(User, by.user_id) if by.user_id is not None else None


def read_by(postmortem: Postmortem) -> PostmortemVersion:
    """The version that is read: the published one where there is one, else the newest."""
    return version_of(postmortem, postmortem.published)


def state_of(postmortem: Postmortem) -> dict[str, Any]:
    """What an API caller needs to know after a refusal."""
    return {"state": postmortem.state, "version": postmortem.version, "publication": postmortem.publication}


def ranked(items: Iterable[ActionItem]) -> list[ActionItem]:
    """Overdue and due ones by date, then high before medium before low: the earliest date comes first, and what is
    overdue lies before it."""
    return sorted(items, key=lambda one: (one.due_on, rules.PRIORITIES.index(one.priority), one.id))
