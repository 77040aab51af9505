"""The self-test's way: by the door into the inbox, through all that makes an incident and back, out to the sink."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress

from sqlalchemy import delete, select

from app.core import clock, secrets
from app.core.db import pending, session
from app.core.isolation import attempt
from app.escalation import events as escalation
from app.ingest import door, pipeline, testing
from app.ingest.models import Delivery, Integration
from app.ingest.queries import SELF_TEST
from app.notifications import sink
from app.plugin_api import Inbound, Signal


class Back(Exception):
    """It came through: what it did is undone."""


def is_its(integration: Integration) -> bool:
    """Whether this is the sender of the self-test, which is in no list."""
    return integration.key == SELF_TEST


def sender() -> Integration:
    """That sender, made at the first time, in the open transaction."""
    found = session.scalar(select(Integration).where(Integration.key == SELF_TEST))
    if found is None:
        found = Integration(key=SELF_TEST, name="Self-test", plugin=SELF_TEST, config={}, removed_at=clock.now(),
                            token_hash=secrets.digest(secrets.new_token()), token_sealed="", token_last4="")
        session.add(found)
        session.flush()
    return found


def knock(integration: Integration, mark: str) -> None:
    """Bring a delivery to the door; it is in the inbox when this returns."""
    headers = {"content-type": "application/json", testing.HEADER: testing.mark(testing.SELF, mark)}
    door.receive(integration, Inbound("POST", headers, {}, json.dumps({"mark": mark}).encode(), clock.now()))


def work(deliveries: Sequence[Delivery], batch: pipeline.Batch) -> int:
    """Make of each an incident that pages, as of any other; undo all of it; and queue what the sink is to get."""
    for delivery in deliveries:
        mark = str(json.loads(delivery.body)["mark"])
        with suppress(Back), attempt():
            _opened(delivery, batch)
            raise Back
        delivery.state, delivery.processed_at = "processed", clock.now()
        sink.queue(mark)
    return len(deliveries)


def _opened(delivery: Delivery, batch: pipeline.Batch) -> None:
    before = len(pending().events)
    signal = testing.marked(Signal(dedup_key="", status="firing", title="Self-test", severity="critical"), delivery)
    pipeline.apply(signal, pipeline.judged(signal, delivery, batch), batch)
    session.flush()
    if any(event.kind == escalation.STUMBLED.name for event in pending().events[before:]):
        raise RuntimeError("its escalation failed")


def where(mark: str) -> str:
    """How far the delivery of this mark came, for a test that did not arrive."""
    state, _ = sink.arrived(mark)
    if state:
        return f"its message is {state}, and was not handed over"
    found = session.scalar(select(Delivery).join(Integration).where(Integration.key == SELF_TEST).order_by(
        Delivery.id.desc()).limit(1))
    if found is None:
        return "it did not get into the inbox"
    return f"the inbox was not worked on{f' ({found.note})' if found.note else ''}" if found.state != "processed" else (
        "no message was written")


def clear() -> None:
    """Nothing is left of self-tests."""
    sink.clear()
    session.execute(delete(Delivery).where(Delivery.integration_id.in_(
        select(Integration.id).where(Integration.key == SELF_TEST))))
