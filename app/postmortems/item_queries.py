"""Reads on action items: one, the reader's own, lists by team and owner, and a list as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, case, or_, select
from sqlalchemy.orm import selectinload

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Forbidden, NotFound
from app.core.sheets import inert
from app.identity.models import Team, User
from app.identity.queries import allow, may, user_by_email
from app.incidents.queries import number_of
from app.postmortems import queries, rules
from app.postmortems.models import ActionItem, Postmortem

FILTERS = ("team", "owner", "state", "priority", "due")
RANK = case(*((ActionItem.priority == name, at) for at, name in enumerate(rules.PRIORITIES)), else_=len(rules.PRIORITIES))
COLUMNS = ("id", "title", "owner", "team", "state", "priority", "due_on", "done_at", "postmortem")


def item_for(key: int | str, by: Actor, action: str = "postmortem.read") -> ActionItem:
    """One, if this person may do `action` with it: its owner always reads it, others with its postmortem."""
    found = session.get(ActionItem, number_of(key))
    if found is None:
        raise NotFound
    mine, postmortem = by.user_id is not None and found.owner_id == by.user_id, found.postmortem
    allow(by, action, team_id=postmortem.team_id, involved=mine or queries.is_reviewer(postmortem, by))
    if not mine and postmortem.published is None and not queries.sees_draft(postmortem, by):
        raise NotFound
    return found


def may_change(item: ActionItem, by: Actor) -> bool:
    """Whether this person may change it."""
    return may(by, "action_item.change", team_id=item.postmortem.team_id, involved=item.owner_id == by.user_id)


def visible(by: Actor) -> Select[Any]:
    """The items of documents that this person may read, and their own."""
    readable = queries.visible(select(Postmortem.id), by)
    return select(ActionItem).where(or_(ActionItem.postmortem_id.in_(readable), ActionItem.owner_id == by.user_id)).options(
        selectinload(ActionItem.owner), selectinload(ActionItem.postmortem).selectinload(Postmortem.team))


def filtered(query: Select[Any], wanted: Mapping[str, str]) -> Select[Any]:
    """`query` narrowed to the filters; `due` is overdue, or week for what is due within seven days."""
    if wanted.get("team"):
        query = query.where(ActionItem.postmortem_id.in_(select(Postmortem.id).where(Postmortem.team_id.in_(
            select(Team.id).where(Team.key == wanted["team"])))))
    if wanted.get("owner"):
        query = query.where(ActionItem.owner_id.in_(select(User.id).where(User.email == wanted["owner"].lower())))
    if wanted.get("state") == "left":
        query = query.where(ActionItem.state.in_(rules.LEFT))
    elif wanted.get("state"):
        query = query.where(ActionItem.state == wanted["state"])
    if wanted.get("priority"):
        query = query.where(ActionItem.priority == wanted["priority"])
    today = clock.now().date()
    if wanted.get("due") == "overdue":
        query = query.where(ActionItem.due_on < today, ActionItem.state.in_(rules.LEFT))
    elif wanted.get("due") == "week":
        query = query.where(ActionItem.due_on.between(today, today + timedelta(days=7)), ActionItem.state.in_(rules.LEFT))
    return query


def ordered(query: Select[Any]) -> Select[Any]:
    """Overdue before due, as the earlier date comes first; then high before medium before low."""
    return query.order_by(ActionItem.due_on, RANK, ActionItem.id)


def mine(by: Actor, *, most: int = 50) -> list[ActionItem]:
    """What this person has left to do."""
    left = select(ActionItem).where(ActionItem.owner_id == by.user_id, ActionItem.state.in_(rules.LEFT))
    return list(session.scalars(ordered(left).options(selectinload(ActionItem.postmortem)).limit(most)))


def left_by(email: str, by: Actor) -> tuple[User, list[ActionItem]]:
    """What this person has left, as far as the reader may hand it over. Raises NotFound, and Forbidden for none."""
    owner = user_by_email(email)
    if owner is None:
        raise NotFound
    found = list(session.scalars(ordered(filtered(visible(by), {"owner": owner.email, "state": "left"}))))
    own = [one for one in found if may_change(one, by)]
    if found and not own:
        raise Forbidden("Your role does not include this.")
    return owner, own


def as_csv(found: Iterable[ActionItem]) -> str:
    """The list as CSV (RFC 4180); a text that a spreadsheet would compute gets an apostrophe in front."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for one in found:
        team = one.postmortem.team
        writer.writerow([inert(str(value)) for value in (
            one.id, one.title, one.owner.email, team.key if team else "", one.state, one.priority, one.due_on.isoformat(),
            clock.rfc3339(one.done_at) or "", queries.link(one.postmortem))])
    return out.getvalue()
