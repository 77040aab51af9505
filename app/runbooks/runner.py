"""Threads that bring executions further, so that no slow target holds a worker: so many a process, and no more.

Follow-ups and stops have threads of their own. The threads end with the process; what they had leased is decided by
`ticks.decide_lost`. A keeper renews the leases while calls last.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog
from flask import Flask, current_app

from app.core.db import session
from app.runbooks import calls

log = structlog.get_logger()
RENEW_SECONDS = 15.0
LANES = {"start": (("start",), 1.0), "rest": (("follow", "cancel"), 0.2)}


class Runner:
    """What this process has in hand."""

    def __init__(self, app: Flask, most: int) -> None:
        self.app, self.most = app, most
        self.lock = threading.Lock()
        self.running: dict[str, set[int]] = {lane: set() for lane in LANES}
        self.idle = threading.Condition(self.lock)
        self.keeper: threading.Thread | None = None

    def fill(self) -> int:
        """Begin whatever is due, as far as threads are free; does not wait. Says how many were begun."""
        return sum(self._fill(lane) for lane in LANES)

    def settle(self, within: float = 30.0) -> bool:
        """Wait until nothing is in hand; False when that takes longer."""
        with self.idle:
            return self.idle.wait_for(lambda: not any(self.running.values()), within)

    def _fill(self, lane: str) -> int:
        phases, share = LANES[lane]
        with self.lock:
            free = max(1, int(self.most * share)) - len(self.running[lane])
            known = set(self.running[lane])
        if free <= 0:
            return 0
        try:
            found = [key for key in calls.due(phases, free + len(known)) if key not in known][:free]
        finally:
            session.rollback()
        with self.lock:
            fresh = [key for key in found if key not in self.running[lane]]
            self.running[lane].update(fresh)
        for key in fresh:
            threading.Thread(target=self._work, args=(lane, key), name=f"runbook-{key}", daemon=True).start()
        if fresh:
            self._keep()
        return len(fresh)

    def _work(self, lane: str, key: int) -> None:
        good = False
        try:
            good = self._inside(lambda: calls.advance(key))
        finally:
            with self.idle:
                self.running[lane].discard(key)
                self.idle.notify_all()
        if good:  # what failed is due again at once: it waits for the clock, so that it can't go round and round
            self._inside(lambda: self._fill(lane))

    def _inside(self, act: Callable[[], object]) -> bool:
        """Whether it went well."""
        with self.app.app_context():
            try:
                act()
                return True
            except Exception:
                log.exception("execution.step_failed")
                return False
            finally:
                session.remove()

    def _keep(self) -> None:
        with self.lock:
            if self.keeper is None or not self.keeper.is_alive():
                self.keeper = threading.Thread(target=self._renew, name="runbook-keeper", daemon=True)
                self.keeper.start()

    def _renew(self) -> None:
        while True:
            with self.idle:
                if self.idle.wait_for(lambda: not any(self.running.values()), RENEW_SECONDS):
                    return
                keys = [key for lane in self.running.values() for key in lane]
            self._inside(lambda keys=keys: calls.renew(keys))  # type: ignore[misc]


def runner() -> Runner:
    """This process's."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    found: Runner = app.extensions.setdefault("runbook_runner", Runner(app, int(app.config["RUNBOOK_THREADS"])))
    return found
