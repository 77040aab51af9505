"""Commands on action items: add, change, move, hand over, remind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select, update

from app.core import clock
from app.core.access import SYSTEM, Actor
from app.core.db import locked, session
from app.core.errors import Conflict, Invalid, NotFound, Problem
from app.core.events import Event, Kind, record
from app.core.forms import Problems, check_text, one_of
from app.identity.models import User
from app.identity.queries import allow, may_see, user_by_email
from app.postmortems import documents, events, notices, rules, service
from app.postmortems.models import ActionItem, Postmortem

FIELDS = ("title", "description", "owner", "due_on", "priority")


def add_item(postmortem: Postmortem, values: Mapping[str, Any], *, by: Actor) -> ActionItem:
    """Give somebody something to do until a date; they are told."""
    postmortem = service.claimed(postmortem, "postmortem.write", by)
    if len(postmortem.items) >= rules.ITEMS:
        raise Invalid(problems=[Problem("title", f"A postmortem has at most {rules.ITEMS} action items")])
    item = ActionItem(postmortem_id=postmortem.id, state="open")
    _fill(item, {"description": "", "priority": "medium", **values}, postmortem)
    postmortem.items.append(item)
    session.flush()
    _time(item)
    _assigned(item, by, said(events.ITEM_ADDED, item, by, due_on=item.due_on.isoformat(), priority=item.priority))
    return item


def claimed(item: ActionItem, by: Actor) -> ActionItem:
    """Lock the row, then ask: its owner, responders of the team and managers change it."""
    found = locked(ActionItem, item.id)
    if found is None:
        raise NotFound
    allow(by, "action_item.change", team_id=found.postmortem.team_id, involved=by.user_id == found.owner_id)
    return found


def change_item(item: ActionItem, values: Mapping[str, Any], *, by: Actor) -> ActionItem:
    """Another text, owner, date or priority; what is left out stays. A new owner is told, a new date is watched anew."""
    item = claimed(item, by)
    before, owner = documents.item_document(item), item.owner_id
    _fill(item, values, item.postmortem)
    after = documents.item_document(item)
    if after == before:
        return item
    _time(item)
    event = said(events.ITEM_CHANGED, item, by, before={name: before[name] for name in FIELDS},
                  after={name: after[name] for name in FIELDS})
    if item.owner_id != owner:
        _assigned(item, by, event)
    return item


def move_item(item: ActionItem, state: str, *, by: Actor) -> ActionItem:
    """To another state. Raises Conflict with those that are allowed."""
    item = claimed(item, by)
    if state not in rules.ITEM_STATES:
        raise Invalid(problems=[Problem("state", f"Must be one of {', '.join(rules.ITEM_STATES)}")])
    allowed = rules.ITEM_MOVES[item.state]
    if state not in allowed:
        words = " or ".join(one.replace("_", " ") for one in allowed)
        raise Conflict(f"It is {item.state.replace('_', ' ')} and can become {words}",
                       state={"state": item.state, "allowed": list(allowed)})
    before, item.state = item.state, state
    item.done_at = clock.now() if state == "done" else None
    _time(item)
    said(events.ITEM_MOVED, item, by, before=before, after=state)
    return item


def hand_over(items: Sequence[ActionItem], owner: User, *, by: Actor) -> int:
    """All of these that are left, in one step, to somebody else, who is told once for each team. Says how many."""
    given: dict[int | None, list[Event]] = {}
    for one in sorted(items, key=lambda found: found.id):
        item = claimed(one, by)
        if item.state in rules.LEFT and item.owner_id != owner.id:
            _check_owner(owner, item.postmortem)
            former, item.owner, item.owner_id = item.owner.name, owner, owner.id
            _time(item)
            given.setdefault(item.postmortem.team_id, []).append(said(events.ITEM_HANDED_OVER, item, by, former=former))
    for team, facts in given.items():
        if owner.id != by.user_id:
            number = f"{len(facts)} action items" if len(facts) > 1 else "an action item"
            notices.items(owner, team, cause=f"event:{facts[0].id}", reason=f"{by.name} handed you {number}")
    return sum(map(len, given.values()))


def _fill(item: ActionItem, values: Mapping[str, Any], postmortem: Postmortem) -> None:
    problems = Problems()
    for name, most, least in (("title", 200, 1), ("description", 2000, 0)):
        if name in values:
            text = problems.take(name, check_text, values[name], least=least, most=most, label=f"A {name}")
            setattr(item, name, text if text is not None else "")
    if "priority" in values:
        item.priority = problems.take("priority", one_of, values["priority"], choices=rules.PRIORITIES) or "medium"
    if "due_on" in values or item.due_on is None:
        item.due_on = problems.take("due_on", _day, values.get("due_on")) or clock.now().date()
    owner = _owner(values, problems) if "owner" in values or item.owner_id is None else item.owner
    problems.raise_if_any()
    if owner is not None and owner.id != item.owner_id:
        _check_owner(owner, postmortem)
        item.owner, item.owner_id = owner, owner.id


def _owner(values: Mapping[str, Any], problems: Problems) -> User | None:
    email = str(values.get("owner") or "")
    owner = user_by_email(email)
    if owner is None:
        problems.add("owner", f"There is nobody with the address {email}" if email else "An owner is needed")
    return owner


def _check_owner(owner: User, postmortem: Postmortem) -> None:
    if not owner.is_active:
        raise Invalid(problems=[Problem("owner", f"{owner.name} is not active")])
    if postmortem.team_id and not may_see(Actor(owner.ref, owner.name, user_id=owner.id), postmortem.team_id):
        raise Invalid(problems=[Problem("owner", f"{owner.name} may not see things of this team")])


def _day(text: object) -> date:
    try:
        day = date.fromisoformat(str(text))
    except ValueError:
        raise ValueError("A due date looks like 2026-03-31") from None
    if not 2000 <= day.year <= 2100:
        raise ValueError("A due date lies between 2000 and 2100")
    return day


def _time(item: ActionItem) -> None:
    """When its owner hears of it next; no more once it is done."""
    left = item.state in rules.LEFT
    item.remind_at = rules.next_reminder(item.due_on, item.owner.time_zone, clock.now()) if left else None


def retime(user: User) -> None:
    """Somebody lives in another time zone now: their reminders come at nine there."""
    for item in session.scalars(select(ActionItem).where(ActionItem.owner_id == user.id,
                                                         ActionItem.remind_at.is_not(None))):
        _time(item)


def _assigned(item: ActionItem, by: Actor, event: Event) -> None:
    if item.owner_id != by.user_id:
        notices.item(item, cause=f"event:{event.id}", reason=(
            f"{by.name} gave you an action item until {item.due_on:%-d %B %Y}: {item.title}"))


def remind(key: int, now: datetime) -> bool:
    """Its time has come: tell its owner once and set the next time. False when somebody else was faster."""
    item = session.get(ActionItem, key)
    if item is None or item.remind_at is None or item.remind_at > now:
        return False
    moment = item.remind_at
    won = session.execute(update(ActionItem).where(ActionItem.id == key, ActionItem.remind_at == moment).values(
        remind_at=rules.next_reminder(item.due_on, item.owner.time_zone, now))).rowcount
    if not won:
        return False
    session.refresh(item)
    day = now.astimezone(ZoneInfo(item.owner.time_zone)).date()
    words = "is due tomorrow" if day < item.due_on else "is due today" if day == item.due_on else (
        f"is overdue since {item.due_on:%-d %B}")
    if notices.item(item, cause=f"action-item:{key}:{moment:%Y-%m-%dT%H:%M}", reason=f"“{item.title}” {words}"):
        said(events.ITEM_REMINDED, item, SYSTEM, due_on=item.due_on.isoformat())
    return True


def said(kind: Kind, item: ActionItem, by: Actor, **data: Any) -> Event:
    """Record a fact about an item, with its owner and team: the last line of every command."""
    event = record(kind, f"postmortem:{item.postmortem_id}", by=by, item=item.id, title=item.title, owner=item.owner.name,
                   also=["action_items", item.owner.ref, *([f"team:{item.postmortem.team_id}"]
                                                           if item.postmortem.team_id else [])], **data)
    session.flush()
    return event
