"""What the page of the system says of its own watch: lines of label, value, state and remedy."""

from __future__ import annotations

from datetime import datetime

from app.core import clock
from app.core.forms import duration_text
from app.core.panels import Line
from app.watch import queries, rules


def dead_man_switch(_subject: None = None) -> list[Line]:
    """Whether somebody outside would notice that all of this is gone, and whether the chain holds."""
    found = queries.watched()
    return [_beat(found.beat), _proof(found.proved)]


def self_test(_subject: None = None) -> list[Line]:
    """The newest test of the whole road, and what stands still."""
    found = queries.watched()
    lines = [_test(found.test)]
    return lines + [Line(rules.name(one.part), f"stands still since {_ago(one.since)}: {one.reason}", "bad",
                         "Administrators were told; they hear when it works again.") for one in found.failing]


def _beat(beat: rules.Beat | None) -> Line:
    if beat is None:
        return Line("Heartbeat out", "goes nowhere", "",
                    "Set DEADMAN_URL, so that somebody outside notices when this is gone.")
    if beat.trouble:
        return Line("Heartbeat out", beat.trouble, "bad", "It goes out again by itself once that is over.")
    return Line("Heartbeat out", f"arrived {_ago(beat.sent)} ago" if beat.sent else "goes out within a minute")


def _proof(proved: datetime | None) -> Line:
    if proved is None:
        return Line("From clock to worker", "not proved yet", "")
    late = clock.now() - proved > rules.PROOF_LASTS
    return Line("From clock to worker", f"proved {_ago(proved)} ago", "bad" if late else "ok",
                "Look whether worker and clock run." if late else "")


def _test(test: queries.Test | None) -> Line:
    if test is None:
        return Line("Signal to itself", "none was sent yet", "")
    took = "under way"
    if test.milliseconds is not None:
        took = f"{test.milliseconds / 1000:.1f} s from the inbox to the hand-over"
    if test.outcome == "failed":
        return Line("Signal to itself", test.reason, "bad", "It is sent again every minute. The log says what failed.")
    return Line("Signal to itself", f"{took}, {_ago(test.began)} ago")


def _ago(at: datetime | None) -> str:
    """Whole minutes from the second one on."""
    if at is None:
        return "never"
    seconds = max(1, int((clock.now() - at).total_seconds()))
    return duration_text(seconds if seconds < 120 else seconds // 60 * 60)
