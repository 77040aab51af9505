"""What comes of a call, a look, a callback or the end of the time, apart from making calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.core import clock
from app.core.db import locked
from app.core.masking import storable
from app.core.worker import owner
from app.plugin_api import NoAccess, Outcome, Rejected, Retry
from app.runbooks import events, queries, rules
from app.runbooks.executions import Result, end, late, tell, tell_progress
from app.runbooks.models import Execution
from app.runbooks.requests import masked

UNKNOWN = "outcome unknown: the worker stopped"
NEARLY = timedelta(seconds=0.1)


@dataclass(frozen=True)
class Said:
    """An outcome with the time it came at, how long it took in ms, and what must not be read in it."""

    outcome: Outcome | Exception
    at: datetime
    took: int
    masks: tuple[str, ...]

    @property
    def reason(self) -> str:
        """Why it failed, masked; "" when it did not."""
        fault = self.outcome
        text = fault.reason if isinstance(fault, Outcome | Retry | Rejected | NoAccess) else str(fault)
        return masked(text, self.masks)

    @property
    def output(self) -> str:
        """What came back, masked."""
        return masked(self.outcome.output, self.masks) if isinstance(self.outcome, Outcome) else ""


def note(execution_id: int, phase: str, said: Said) -> None:
    """Record what came of one step; the row may have ended meanwhile."""
    execution = locked(Execution, execution_id)
    if execution is None:
        return
    if phase == "start":
        _add_attempt(execution, said)
    if execution.lease_owner == owner() and execution.phase == phase:
        execution.lease_until = execution.lease_owner = execution.calling_at = None
    if phase == "cancel":
        _cancelled(execution, said)
    elif execution.state != "running":
        _came_late(execution, said)
    else:
        execution.next_at = None
        {"start": _started, "follow": _followed}[phase](execution, said)
        tell_progress(execution)


def _add_attempt(execution: Execution, said: Said) -> None:
    good = isinstance(said.outcome, Outcome) and said.outcome.state != "failed"
    execution.attempts = [*execution.attempts, {
        "at": said.at.isoformat(), "ms": said.took, "ok": good, "said": rules.shown(said.reason or said.output)}]


def _came_late(execution: Execution, said: Said) -> None:
    """The call itself was waited for in vain; that a callback was quicker than its answer is nothing to note."""
    outcome = said.outcome
    if not isinstance(outcome, Outcome):
        return
    if outcome.state != "running" and execution.state in ("cancelled", "timed_out"):
        late(execution, f"{outcome.state}. {rules.shown(said.output)}".strip())
    if outcome.handle and not execution.handle:
        execution.handle = storable(dict(outcome.handle))
        _ask_to_stop(execution)


def _started(execution: Execution, said: Said) -> None:
    outcome = said.outcome
    if not isinstance(outcome, Outcome):
        _not_started(execution, said)
        return
    execution.handle = storable(dict(outcome.handle))
    add_progress(execution, outcome.progress, said.masks)
    wait = queries.version_of(execution.runbook_id, execution.version).document["wait_for"]
    if outcome.state == "failed":
        end(execution, Result("failed", said.output, said.reason))
    elif outcome.state == "succeeded" and wait != "callback":
        end(execution, Result("succeeded", said.output))
    elif wait == "follow":
        execution.phase = "follow"
        execution.next_at = clock.now() + timedelta(seconds=rules.follow_in(0))
    else:
        execution.phase = "callback"


def _not_started(execution: Execution, said: Said) -> None:
    """Again after a while where the same call may be made again, within the time and the number of calls."""
    now, deadline = clock.now(), execution.deadline_at
    document = queries.version_of(execution.runbook_id, execution.version).document
    again = rules.gap(len(execution.attempts), document["retries"]) if isinstance(said.outcome, Retry) else None
    if deadline is not None and isinstance(said.outcome, Retry) and now + NEARLY >= deadline:
        time_over(execution, said.reason)
    elif again is None:
        end(execution, Result("failed", error=said.reason))
    else:
        execution.next_at = now + timedelta(seconds=again)
        tell(events.ATTEMPT_FAILED, execution, attempt=len(execution.attempts), error=rules.shown(said.reason),
             again_in=again)


def _followed(execution: Execution, said: Said) -> None:
    outcome = said.outcome
    execution.looks += 1
    if isinstance(outcome, Rejected | NoAccess):
        end(execution, Result("failed", error=f"It can’t be followed any more: {said.reason}"))
    elif isinstance(outcome, Outcome) and outcome.state != "running":
        add_progress(execution, outcome.progress, said.masks)
        end(execution, Result(outcome.state, said.output, said.reason))
    else:
        if isinstance(outcome, Outcome):
            add_progress(execution, outcome.progress, said.masks)
            execution.handle = storable(dict(outcome.handle)) or execution.handle
            execution.output = rules.kept(said.output) or execution.output
        execution.next_at = clock.now() + timedelta(seconds=rules.follow_in(execution.looks))


def _cancelled(execution: Execution, said: Said) -> None:
    """What the target said about stopping. Asked again only while it can't be reached."""
    execution.looks += 1
    if isinstance(said.outcome, Retry) and execution.looks < len(rules.GAPS) + 1:
        execution.next_at = clock.now() + timedelta(seconds=rules.GAPS[execution.looks - 1])
        return
    execution.phase, execution.next_at = "over", None
    words = "the target was asked to stop it" if isinstance(said.outcome, Outcome) else (
        f"the target did not take the request to stop it: {said.reason}")
    tell(events.CANCEL_TOLD, execution, said=words)


def add_progress(execution: Execution, lines: Sequence[str], masks: tuple[str, ...]) -> None:
    """Further lines, masked."""
    if lines:
        execution.progress = rules.with_progress(execution.progress, [masked(line, masks) for line in lines], clock.now())


def time_over(execution: Execution, why: str = "") -> None:
    """The time is over: nothing that comes later counts, and the target is asked to stop where it can."""
    if end(execution, Result("timed_out", error=why), at=execution.deadline_at):
        _ask_to_stop(execution)


def _ask_to_stop(execution: Execution) -> None:
    target = queries.target_of(execution.runbook.target)
    if execution.handle and target is not None and "cancel" in target.can:
        execution.phase, execution.next_at, execution.looks = "cancel", clock.now(), 0


def lost(execution: Execution) -> None:
    """Whoever worked on it is gone. What left unanswered is never sent again; all else goes on where it was."""
    execution.lease_until = execution.lease_owner = None
    if execution.state == "running" and execution.phase == "start" and execution.calling_at is not None:
        if execution.heard_at is not None:
            execution.phase, execution.next_at, execution.calling_at = "callback", None, None
        else:
            end(execution, Result("failed", error=UNKNOWN))
    elif execution.phase in ("start", "follow", "cancel"):
        execution.next_at = clock.now()
