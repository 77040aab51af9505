"""What the system does again and again to know that it works: a proof of the chain, a heartbeat out, a test of itself."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from flask import current_app
from sqlalchemy.exc import SQLAlchemyError

from app.core import clock, health, http
from app.core.db import session, transaction
from app.core.isolation import words
from app.core.pulse import Pulse
from app.core.secrets import new_token
from app.ingest import selftest
from app.notifications import directly, sink
from app.watch import looking, noting, queries, rules

log = structlog.get_logger()
PART = "self-test"


def look() -> None:
    """Look at the parts beneath and beside the clock."""
    looking.look()


def ask_for_proof() -> bool:
    """Let a token travel from this tick through an event and a worker into the database."""
    with transaction():
        return noting.ask_for_proof()


def beat() -> bool:
    """Tell the world outside that all is well, once a minute and only if it is; says whether it was told."""
    url = current_app.config["DEADMAN_URL"]
    if not url or not _is_beat_due():
        return False
    trouble = _why_not()
    with transaction():
        row = noting.locked(queries.BEAT)
        last = queries.beat(row)
        if not rules.is_beat_due(last, clock.now()):
            return False
        _keep(last, last.trouble)
    if not trouble:
        trouble = _called(url)
    with transaction():
        _keep(queries.beat(noting.locked(queries.BEAT)), trouble, arrived=not trouble)
    if trouble and trouble != last.trouble:
        log.warning("deadman.not_sent", reason=trouble)
    return not trouble


def _is_beat_due() -> bool:
    try:
        return rules.is_beat_due(queries.beat(queries.pulses(queries.BEAT).get(queries.BEAT)), clock.now())
    finally:
        session.rollback()


def _why_not() -> str:
    found = health.examine()
    try:
        test = queries.test(queries.pulses(queries.TEST).get(queries.TEST))
        failed = test.reason if test is not None and test.outcome == "failed" else ""
        return rules.withheld(found.problems, queries.since_proof(), failed)
    finally:
        session.rollback()


def _keep(last: rules.Beat, trouble: str, *, arrived: bool = False) -> None:
    now = clock.now()
    sent = now if arrived else last.sent
    session.merge(Pulse(name=queries.BEAT, at=now, detail={"sent": clock.rfc3339(sent), "trouble": trouble[:250]}))


def _called(url: str) -> str:
    try:
        answer = http.request("GET", url)
    except http.Unreachable as fault:
        return fault.reason
    return "" if answer.status < 300 else f"The address of the dead-man switch answered {answer.status}"


def test_itself() -> None:
    """Begin a self-test where one is due, and judge the one that is under way; one that nobody judged in time, since all
    stood still by intent, does not count."""
    found = _newest()
    if found is not None and not found.outcome and clock.now() - found.began < 2 * rules.TEST_LIMIT:
        return _judge(found)
    if rules.is_test_due(found.began if found else None, found is not None and found.outcome == "failed", clock.now()):
        _begin(found)
    return None


def _newest() -> queries.Test | None:
    try:
        return queries.test(queries.pulses(queries.TEST).get(queries.TEST))
    finally:
        session.rollback()


def _begin(last: queries.Test | None) -> None:
    mark = new_token()
    with transaction():
        row = noting.locked(queries.TEST)
        if row is not None and last is not None and row.detail["mark"] != last.mark:
            return  # another clock began one
        selftest.clear()
        if sink.method() is None:
            return  # nobody administers this yet
        sender = selftest.sender()
        detail = {"mark": mark, "milliseconds": last.milliseconds if last else None}
        if row is None and noting.made(queries.TEST, clock.now(), **detail) is None:
            return
        if row is not None:
            row.at, row.detail = clock.now(), detail
    try:
        selftest.knock(sender, mark)
    except SQLAlchemyError:
        raise
    except Exception as fault:
        log.exception("self_test.not_begun")
        _end(mark, "failed", f"the door did not take it: {words(fault)}")


def _judge(found: queries.Test) -> None:
    at = _arrived(found.mark)
    if at is not None:
        took = at - found.began
        if took <= rules.TEST_LIMIT:
            return _end(found.mark, "passed", "", took)
        return _end(found.mark, "failed", f"a signal took {took.total_seconds():.0f} s to come through", took)
    if clock.now() - found.began > rules.TEST_LIMIT:
        reason = f"a signal did not come through within {rules.TEST_LIMIT.seconds} s: {_where(found.mark)}"
        return _end(found.mark, "failed", reason)
    return None


def _arrived(mark: str) -> datetime | None:
    try:
        return sink.arrived(mark)[1]
    finally:
        session.rollback()


def _where(mark: str) -> str:
    try:
        return selftest.where(mark)
    finally:
        session.rollback()


def _end(mark: str, outcome: str, reason: str, took: timedelta | None = None) -> None:
    """Keep what came of it, leave nothing else of it, and tell administrators when it fails or passes again."""
    with transaction():
        row = noting.locked(queries.TEST)
        if row is None or row.detail["mark"] != mark or row.detail.get("outcome"):
            return
        kept = row.detail.get("milliseconds") if took is None else int(took.total_seconds() * 1000)
        row.detail = {"mark": mark, "outcome": outcome, "reason": reason[:250], "milliseconds": kept}
        selftest.clear()
        messages = noting.note_failing(PART, reason) if outcome == "failed" else noting.note_well(PART, at_once=True)
    directly.send(messages)
