"""Reads on what is kept of the system's own health: one row for each thing that is watched."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import select

from app.core import clock
from app.core.db import session
from app.core.pulse import Pulse
from app.watch import rules

PROOF, PROVED, BEAT, TEST, FAILING = "proof", "proved", "dead-man", "self-test", "failing:"


@dataclass(frozen=True)
class Test:
    """The newest self-test: when it began, what came of it ("" while it is under way), and its last figure that counts."""

    began: datetime
    mark: str
    outcome: str
    reason: str
    milliseconds: int | None


@dataclass(frozen=True)
class Failing:
    """A part that stands still, since when, and why; administrators were told."""

    part: str
    since: datetime
    reason: str


@dataclass(frozen=True)
class Watched:
    """All that the system knows of its own watch; `beat` is None where no address is set."""

    beat: rules.Beat | None
    test: Test | None
    proved: datetime | None
    failing: list[Failing]


def pulses(*names: str) -> dict[str, Pulse]:
    """These rows by name, as they are now."""
    query = select(Pulse).where(Pulse.name.in_(names)).execution_options(populate_existing=True)
    return {one.name: one for one in session.scalars(query)}


def watched() -> Watched:
    """As it stands now."""
    found = pulses(PROVED, BEAT, TEST, *(f"{FAILING}{part}" for part in rules.PARTS))
    proved = found.get(PROVED)
    return Watched(
        beat=beat(found.get(BEAT)) if current_app.config["DEADMAN_URL"] else None, test=test(found.get(TEST)),
        proved=proved.at if proved is not None else None,
        failing=[failing(row) for part in rules.PARTS if (row := found.get(f"{FAILING}{part}")) is not None])


def beat(row: Pulse | None) -> rules.Beat:
    """What its row says."""
    return rules.Beat() if row is None else rules.Beat(
        _instant(row.detail.get("sent")), row.at, str(row.detail.get("trouble", "")))


def test(row: Pulse | None) -> Test | None:
    """What its row says."""
    return None if row is None else Test(row.at, str(row.detail["mark"]), str(row.detail.get("outcome", "")),
                                         str(row.detail.get("reason", "")), row.detail.get("milliseconds"))


def failing(row: Pulse) -> Failing:
    """What its row says."""
    return Failing(row.name.removeprefix(FAILING), clock.parse_instant(row.detail["since"]), str(row.detail["reason"]))


def since_proof() -> timedelta | None:
    """How long ago the chain was proved, counted from when that proof was asked for; None when it never was."""
    row = pulses(PROVED).get(PROVED)
    return None if row is None else clock.now() - row.at


def health(_subject: None = None) -> dict[str, Any]:
    """For metrics and the doctor: what can be told in a number, by name."""
    found, now = watched(), clock.now()
    told: dict[str, Any] = {"failing_parts": len(found.failing)}
    if found.proved is not None:
        told["proof_age_s"] = round((now - found.proved).total_seconds(), 2)
    if found.beat is not None and found.beat.sent is not None:
        told["deadman_age_s"] = round((now - found.beat.sent).total_seconds(), 2)
    if found.test is not None:
        told["self_test_failed"] = int(found.test.outcome == "failed")
        if found.test.milliseconds is not None:
            told["self_test_s"] = found.test.milliseconds / 1000
    return told


def _instant(text: object) -> datetime | None:
    return clock.parse_instant(text) if isinstance(text, str) else None


def doctor() -> dict[str, str]:
    """Why the world outside was not told that all is well, where it was not."""
    row = pulses(BEAT).get(BEAT) if current_app.config["DEADMAN_URL"] else None
    return {"deadman": beat(row).trouble} if row is not None else {}
