"""An action item as an issue elsewhere: ordered once, made with nothing open, its standing looked up now and then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import or_, select, update

from app.connections import queries as connections
from app.connections.models import Connection
from app.core import acting, clock
from app.core.access import SYSTEM, Actor
from app.core.db import locked, session, transaction
from app.core.errors import Failure, NotFound
from app.core.forms import Problems
from app.core.jobs import wake
from app.core.masking import mask, storable
from app.core.secrets import digest
from app.core.shadow import begun_since, newest
from app.plugin_api import Action, NoAccess, Order
from app.postmortems import events, items, notices, queries, rules
from app.postmortems.models import ActionItem, ItemTicket
from app.shadow import queries as shadows
from app.shadow.service import Held, note

MAKE = "app.postmortems.tickets.make_due"
OURS = ("title", "description")
LEASE, SECONDS, BATCH = timedelta(minutes=3), 20.0, 20
REFRESH = timedelta(hours=1)
SETTLES = timedelta(minutes=5)  # a search elsewhere may find a new issue only after a while
WAITS = (5, 30, 120, 600, 1800)


def makers(item: ActionItem) -> list[Connection]:
    """The connections with which an issue can be made of it."""
    return connections.ticket_makers(item.postmortem.team_id)


def order(item: ActionItem, key: str, params: Mapping[str, Any], *, by: Actor) -> ItemTicket:
    """One issue, by this connection. What was ordered or made before is given back; a refused one is ordered anew."""
    item = items.claimed(item, by)
    connection = next((one for one in makers(item) if one.key == key), None)
    if connection is None:
        raise NotFound(f"There is no connection {key} that makes issues for this team")
    present = item.ticket
    if present is not None and present.state != "failed":
        return present
    ticket = present or ItemTicket(item_id=item.id)
    ticket.connection, ticket.params = connection.key, _checked(connections.action_of(connection), params)
    ticket.state, ticket.next_at, ticket.tries, ticket.problem = "queued", clock.now(), 0, ""
    item.ticket = ticket
    session.add(ticket)
    session.flush()
    items.said(events.TICKET_ORDERED, item, by, connection=connection.name)
    wake(MAKE, "default")
    return ticket


def _checked(action: Action, params: Mapping[str, Any]) -> dict[str, Any]:
    problems = Problems("params")
    fields = {one.name: one for one in action.params if one.name not in OURS}
    for name in sorted(set(params) - set(fields)):
        problems.add(name, f"{action.product} asks for no {name}")
    found = {name: problems.take(name, field.parse, params.get(name)) for name, field in fields.items()}
    problems.raise_if_any()
    return {name: value for name, value in found.items() if value not in (None, "")}


def last_params(connection: str) -> dict[str, Any]:
    """What was said the last time, to begin with."""
    found = session.scalar(select(ItemTicket.params).where(ItemTicket.connection == connection).order_by(
        ItemTicket.id.desc()).limit(1))
    return dict(found or {})


@dataclass(frozen=True)
class _Job:
    """All that a call needs, read before it."""

    action: Action
    order: Order
    config: dict[str, Any]
    hidden: list[str]
    unknown: bool


def _job(ticket: ItemTicket) -> _Job:
    """Raises NotFound when connection or plugin are gone."""
    item = session.get_one(ActionItem, ticket.item_id)
    connection = connections.connection_by_key(ticket.connection)
    if connection is None:
        raise NotFound(f"The connection {ticket.connection} is gone")
    said = {**ticket.params, "title": item.title, "description": "\n\n".join(part for part in (
        item.description, f"Due {item.due_on.isoformat()}. Owner: {item.owner.name}.",
        f"From the postmortem “{item.postmortem.title}”: {queries.link(item.postmortem)}",
        f"In OnCall: {notices.address(item)}") if part)}
    return _Job(connections.action_of(connection), Order(mark(item), said), connections.settings_of(connection),
                connections.secret_values(connection), ticket.unknown)


def mark(item: ActionItem) -> str:
    """What the issue carries, equal over all attempts and of no other item or installation."""
    return f"oncall-item-{item.id}-{digest(notices.address(item))[:10]}"


def make_due() -> int:
    """Tick: make what was ordered; what a dead process left half-way is looked for first."""
    now = clock.now()
    due = or_(ItemTicket.state == "queued", ItemTicket.state == "making")
    keys = list(session.scalars(select(ItemTicket.id).where(due, ItemTicket.next_at <= now).limit(BATCH)))
    session.rollback()
    return sum(_make(key) for key in keys)


def _make(key: int) -> bool:
    with transaction():
        ticket = session.get(ItemTicket, key, populate_existing=True)
        now = clock.now()
        if ticket is None or ticket.state not in ("queued", "making") or ticket.next_at is None or ticket.next_at > now:
            return False
        lost, seen = ticket.state == "making", newest()  # its lease is over: nobody knows what came of it
        won = session.execute(update(ItemTicket).where(ItemTicket.id == key, ItemTicket.next_at == ticket.next_at).values(
            state="making", next_at=now + LEASE, tries=ItemTicket.tries + 1, unknown=ItemTicket.unknown | lost)).rowcount
        if not won:
            return False
        session.refresh(ticket)
        job = _readable(ticket)
    session.remove()
    if job is None:
        return True
    if begun_since(seen):
        return False  # its lease ends, and it is looked for before it is made
    tried = acting.attempt(job.action, job.order, job.config, look=job.unknown, timeout=SECONDS)
    with transaction():
        found = locked(ItemTicket, key)
        if found is not None:
            _came(found, tried, job)
    return True


def _readable(ticket: ItemTicket) -> _Job | None:
    item = session.get_one(ActionItem, ticket.item_id)
    if (shadow := shadows.of_team(item.postmortem.team_id)) is not None:
        note(shadow, Held(f"ticket:{ticket.id}:{ticket.tries}", clock.now(), "action", ticket.connection, item.title,
                          whom=ticket.connection, team_id=item.postmortem.team_id))
        _failed(ticket, f"Not made, {shadow.words}")
        return None
    try:
        return _job(ticket)
    except Failure as fault:
        _failed(ticket, fault.detail)
        return None


def _came(ticket: ItemTicket, tried: acting.Attempt, job: _Job) -> None:
    """Write down what came of an attempt."""
    ticket.unknown = tried.unknown
    if tried.done is not None and tried.done.ticket is not None:
        made = tried.done.ticket
        ticket.state, ticket.next_at, ticket.problem = "made", None, ""
        ticket.key, ticket.url, ticket.open = made.key[:200], made.url[:2000], True if made.open is None else made.open
        ticket.made_at = ticket.checked_at = clock.now()
        item = session.get_one(ActionItem, ticket.item_id)
        items.said(events.TICKET_MADE, item, _as(job), key=ticket.key, url=ticket.url)
    elif tried.again and ticket.tries <= len(WAITS):
        ticket.state, ticket.problem = "queued", _plain(tried.fault, job)
        ticket.next_at = clock.now() + timedelta(seconds=WAITS[ticket.tries - 1])
    else:
        _failed(ticket, _plain(tried.fault, job))


def _failed(ticket: ItemTicket, problem: str) -> None:
    ticket.state, ticket.next_at, ticket.problem = "failed", None, problem[:300]
    items.said(events.TICKET_FAILED, session.get_one(ActionItem, ticket.item_id), SYSTEM, problem=ticket.problem)


def _plain(fault: Exception | None, job: _Job) -> str:
    return str(mask(storable(str(fault or "No issue was made")), job.hidden))[:300]


def _as(job: _Job) -> Actor:
    return Actor(SYSTEM.ref, job.action.product)


def refresh_due() -> int:
    """Tick: every hour look how the issues of open items stand."""
    now = clock.now()
    query = select(ItemTicket.id).join(ActionItem, ActionItem.id == ItemTicket.item_id).where(
        ItemTicket.state == "made", ActionItem.state.in_(rules.LEFT), ItemTicket.checked_at <= now - REFRESH)
    keys = list(session.scalars(query.order_by(ItemTicket.checked_at).limit(BATCH * 5)))
    session.rollback()
    return sum(_refresh(key, lambda ticket: ticket.checked_at is not None and ticket.checked_at <= now - REFRESH)
               for key in keys)


def refresh(key: int) -> None:
    """Look now, because somebody wants to know. Call it with nothing open, after asking for permission."""
    _refresh(key, lambda _: True)


def _refresh(key: int, wanted: Callable[[ItemTicket], bool]) -> bool:
    with transaction():
        ticket = locked(ItemTicket, key)
        if ticket is None or ticket.state != "made" or not wanted(ticket):
            return False
        if shadows.of_team(session.get_one(ActionItem, ticket.item_id).postmortem.team_id) is not None:
            return False
        ticket.checked_at = clock.now()  # whoever else comes now has nothing left to do
        try:
            job = _job(ticket)
        except Failure as fault:
            ticket.problem = fault.detail[:300]
            return True
    session.remove()
    tried = acting.find(job.action, job.order, job.config, timeout=SECONDS)
    with transaction():
        found = locked(ItemTicket, key)
        if found is not None:
            _stands(found, tried, job)
    return True


def _stands(ticket: ItemTicket, tried: acting.Attempt, job: _Job) -> None:
    """A closed issue ends its item; one that is gone, or that we may not see, is said and ends nothing."""
    if tried.fault is not None:
        lost = "Access was refused: " if isinstance(tried.fault, NoAccess) else ""
        ticket.problem = f"{lost}{_plain(tried.fault, job)}"[:300]
        return
    if tried.done is None or tried.done.ticket is None:
        if ticket.made_at is None or clock.now() - ticket.made_at > SETTLES:
            ticket.problem, ticket.open = f"{job.action.product} has it no more", None
        return
    ticket.problem, closed = "", tried.done.ticket.open is False
    item = session.get_one(ActionItem, ticket.item_id)
    if closed and ticket.open is not False and "done" in rules.ITEM_MOVES[item.state]:
        items.move_item(item, "done", by=_as(job))
    ticket.open = not closed
