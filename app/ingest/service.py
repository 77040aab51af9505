"""Commands on integrations and deliveries: pause, resume, renew the token, replay, remove."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.orm import aliased

from app.core import clock, secrets
from app.core.access import Actor
from app.core.db import locked, session
from app.core.errors import Conflict, Invalid, Problem
from app.core.events import record
from app.core.jobs import wake
from app.identity.queries import allow
from app.incidents.models import Alert
from app.ingest import events, queries
from app.ingest.door import DRAIN
from app.ingest.models import Delivery, FormerCredential, Integration, RefusedRequest
from app.ingest.saving import also, checked_key, save_integration, set_token

__all__ = ["add_integration", "note_test", "pause", "remove_integration", "replay", "resume",
           "save_integration"]


REPLAYED = 10_000


def add_integration(values: Mapping[str, Any], *, by: Actor) -> Integration:
    """A new integration; a key that is taken is refused, never its owner's changed."""
    if queries.integration_by_key(checked_key(values)) is not None:
        raise Invalid(problems=[Problem("key", "Another integration has this key")])
    return save_integration(values, by=by)


def note_test(integration: Integration, *, by: Actor) -> None:
    """Somebody is about to send a test; what becomes of it stands in its delivery."""
    _allow(integration, by)
    record(events.TESTED, integration.ref, by=by, also=also(integration), name=integration.name)


def _allow(integration: Integration, by: Actor) -> None:
    allow(by, "integration.edit", team_id=integration.team_id)
    if integration.removed_at is not None:
        raise Conflict(f"{integration.name} was deleted; its history stays readable")


def pause(integration: Integration, *, by: Actor) -> None:
    """Deliveries are still accepted, but held until somebody resumes."""
    _allow(integration, by)
    if integration.paused_at is None:
        integration.paused_at = clock.now()
        record(events.PAUSED, integration.ref, by=by, also=also(integration), name=integration.name)


def resume(integration: Integration, *, by: Actor, discard: bool = False) -> int:
    """Go on, and process what was held, or `discard` it: its rows then say so. Returns how many."""
    _allow(integration, by)
    integration.paused_at = None
    fate: dict[str, Any] = {"state": "received"} if not discard else {
        "state": "processed", "processed_at": clock.now(), "note": f"discarded by {by.name} at the end of the pause"}
    result = session.execute(update(Delivery).where(
        Delivery.integration_id == integration.id, Delivery.state == "held").values(**fate))
    held = int(result.rowcount)
    record(events.RESUMED, integration.ref, by=by, also=also(integration), name=integration.name, held=held,
           discarded=discard)
    wake(DRAIN)
    return held


def replay(delivery: Delivery, *, by: Actor) -> Delivery:
    """Work on a stored delivery once more. Two at once: the second is a conflict."""
    _allow(delivery.integration, by)
    fresh = locked(Delivery, delivery.id)
    if fresh is None or fresh.state in ("received", "duplicate"):
        raise Conflict("This delivery is waiting already" if fresh and fresh.state == "received" else
                       "A repeat can't be replayed; replay its original")
    if not fresh.body:
        raise Conflict("Its body is no longer kept")
    if fresh.state == "rejected" and (other := queries.original_of(fresh)) is not None:
        raise Conflict(f"The same request is there already, as delivery {other}")
    fresh.replayed_from, fresh.replayed_by = fresh.state, by.ref
    fresh.state, fresh.next_at, fresh.attempts = "received", clock.now(), 0
    record(events.REPLAYED, fresh.integration.ref, by=by, also=also(fresh.integration),
           name=fresh.integration.name, delivery=str(fresh.id))
    wake(DRAIN)
    return fresh


def replay_many(integration: Integration, states: Sequence[str], *, by: Actor) -> int:
    """Work once more on what is in these states, at most 10,000, oldest first; says how many. What was processed is none
    of them: each signal counts on what is open, so nothing is paged twice."""
    _allow(integration, by)
    if set(states) - {"rejected", "failed"} or not states:
        raise Invalid(problems=[Problem("state", "Rejected and failed deliveries are replayed together, others one by one")])
    keys = list(session.scalars(select(Delivery.id).where(
        Delivery.integration_id == integration.id, Delivery.state.in_(states), (Delivery.state == "failed") | ~_twin(),
        func.length(Delivery.body) > 0).order_by(Delivery.id).limit(REPLAYED)))
    number = 0
    for start in range(0, len(keys), 500):  # what somebody replayed meanwhile, alone, is on its way or has been worked on
        again = update(Delivery).where(Delivery.id.in_(keys[start:start + 500]), Delivery.state.in_(states)).values(
            state="received", next_at=clock.now(), attempts=0, replayed_by=by.ref, replayed_from=Delivery.state)
        number += int(session.execute(again).rowcount)
    record(events.REPLAYED_MANY, integration.ref, by=by, also=also(integration), name=integration.name, number=number)
    wake(DRAIN)
    return number


def _twin() -> ColumnElement[bool]:
    """Another delivery stands for the same key and bytes: one that counts, or the first of those that could not be read."""
    original = aliased(Delivery)
    first = and_(original.state == "rejected", original.id < Delivery.id, func.length(original.body) > 0)
    return select(original.id).where(
        original.integration_id == Delivery.integration_id, original.delivery_key == Delivery.delivery_key,
        original.body_hash == Delivery.body_hash, original.id != Delivery.id,
        or_(original.state.not_in(("duplicate", "rejected")), first)).exists()


def stop_replay(integration: Integration, *, by: Actor) -> int:
    """What is still to be replayed goes back to what it was, with the reason that it had; says how many."""
    _allow(integration, by)
    result = session.execute(update(Delivery).where(
        Delivery.integration_id == integration.id, Delivery.state == "received", Delivery.replayed_by.is_not(None))
        .values(state=func.coalesce(Delivery.replayed_from, "rejected")))
    record(events.REPLAY_STOPPED, integration.ref, by=by, also=also(integration), name=integration.name,
           number=int(result.rowcount))
    return int(result.rowcount)


def remove_integration(integration: Integration, *, by: Actor) -> None:
    """Delete it. One with deliveries keeps its row, without token and secrets, so that its history stays readable."""
    _allow(integration, by)
    before, concerned = queries.integration_document(integration), also(integration)
    history = (select(model.id).where(model.integration_id == integration.id).limit(1) for model in (Delivery, Alert))
    if all(session.scalar(query) is None for query in history):
        for model in (RefusedRequest, FormerCredential):
            session.execute(delete(model).where(model.integration_id == integration.id))
        session.delete(integration)
    else:
        _retire(integration)
    session.flush()
    record(events.DELETED, integration.ref, by=by, also=concerned, name=integration.name, before=before)


def _retire(integration: Integration) -> None:
    """Nothing opens its door any more, and its key is free for another."""
    mark = f"~{integration.id}"
    session.execute(delete(FormerCredential).where(FormerCredential.integration_id == integration.id))
    set_token(integration, secrets.new_token())
    integration.key = integration.key[:60 - len(mark)] + mark
    integration.token_sealed, integration.token_last4, integration.secret_sealed = "", "", None
    integration.config = {name: value for name, value in integration.config.items() if not secrets.is_sealed(value)}
    integration.config, integration.removed_at = {}, clock.now()
