"""When a part counts as failed, what is said of it, and when the world outside may be told that all is well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

LOOK = 5.0  # seconds between two looks of one process
CONFIRMED = 30.0  # seconds that a part must stand still before anybody is told: a restart is no failure
CALM = timedelta(seconds=60)  # for so long nobody may have seen it fail, before it is well again
ASKED_EVERY, PROOF_LASTS = timedelta(seconds=30), timedelta(seconds=75)
BEAT_EVERY, BEAT_AGAIN = timedelta(seconds=60), timedelta(seconds=15)
TEST_EVERY, TEST_AGAIN, TEST_LIMIT = timedelta(minutes=5), timedelta(minutes=1), timedelta(seconds=30)

# What each part is called, and whether nobody may be paged without it: then every proven method is used.
PARTS = {"database": ("The database", True), "redis": ("Redis", False), "clock": ("The clock", True),
         "worker": ("The worker", False), "self-test": ("The self-test", True)}


@dataclass(frozen=True)
class Beat:
    """How the heartbeat that goes out fares: when it last arrived, when it was last tried, and why it did not go."""

    sent: datetime | None = None
    tried: datetime | None = None
    trouble: str = ""


def name(part: str) -> str:
    """What people call it."""
    return PARTS[part][0]


def is_loud(part: str) -> bool:
    """Whether its failure may keep pages from people."""
    return PARTS[part][1]


def confirmed(since: dict[str, float], wrong: Mapping[str, str], now: float) -> list[str]:
    """Which of the parts that are `wrong` have been so for long enough; `since` is kept up to date. In seconds."""
    for part in list(since):
        if part not in wrong:
            del since[part]
    for part in wrong:
        since.setdefault(part, now)
    return [part for part in wrong if now - since[part] >= CONFIRMED]


def told(part: str, reason: str) -> str:
    """What administrators read when it fails; the first words are the subject."""
    return f"{name(part)} stands still: {reason}"


def told_well(part: str, lasted: str) -> str:
    """What they read when it is well again."""
    return f"{name(part)} works again: it stood still for {lasted}"


def is_beat_due(beat: Beat, now: datetime) -> bool:
    """A minute after the last that arrived; sooner after one that did not."""
    if beat.tried is not None and now - beat.tried < BEAT_AGAIN:
        return False
    return beat.sent is None or now - beat.sent >= BEAT_EVERY


def is_test_due(began: datetime | None, failed: bool, now: datetime) -> bool:
    """Every five minutes, after a failure every minute: so that it is known soon when it is well again."""
    return began is None or now - began >= (TEST_AGAIN if failed else TEST_EVERY)


def withheld(problems: list[str], proved: timedelta | None, failed_test: str) -> str:
    """Why the world outside is not told that all is well; "" when it is. `proved`: how long ago the chain was proved."""
    if problems:
        return problems[0]
    if proved is None or proved > PROOF_LASTS:
        ago = "never" if proved is None else f"{proved.total_seconds():.0f} s ago"
        return f"The chain from the clock through an event to a worker was last proved {ago}"
    return f"The last self-test failed: {failed_test}" if failed_test else ""
