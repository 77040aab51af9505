"""A clock that is killed again and again while it works on runs: `python -m tests.workflows.dying SETTINGS KILLS`.

One warmed process forks a clock for each life. A life frees what the one before it held, as every start does, begins one
more run, and does what is due; at a random instant of that it is killed with signal 9. The last one is left in peace.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import sys
import time

from flask import Flask

from app import create_app
from app.core import http
from app.core.access import OPERATOR
from app.core.db import db, session, transaction
from app.core.redis import client
from app.incidents.models import Incident
from app.workflows import manual, ticks
from app.workflows.queries import workflow_by_key

BEGUN, ENDED = b"b", b"e"


def live(said: int) -> None:
    """A clock's life; it says when its run has begun and when nothing is due any more."""
    ticks.release_dead()
    with transaction():
        flow = workflow_by_key("flow")
        assert flow is not None
        manual.run_by_hand(flow, session.get_one(Incident, 1), by=OPERATOR)
    os.write(said, BEGUN)
    ticks.work()
    os.write(said, ENDED)


def life(app: Flask, longest: float | None) -> tuple[bool, float]:
    """One life, killed within so many seconds after its run began. Whether it was killed at work, and how long it worked."""
    heard, said = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            with app.app_context():
                live(said)
        finally:
            os._exit(0)
    os.close(said)
    assert os.read(heard, 1) == BEGUN, "it died by itself"
    began = time.monotonic()
    if longest is not None:
        select.select([heard], [], [], random.uniform(0, longest))
        os.kill(pid, signal.SIGKILL)
    ended = os.read(heard, 1) == ENDED
    took = time.monotonic() - began
    os.waitpid(pid, 0)
    os.close(heard)
    assert ended or longest is not None, "it died by itself"
    return not ended, took


def warm(app: Flask) -> None:
    """Everything is imported and prepared once; nothing stays open that children would share."""
    with app.app_context():
        live(os.open(os.devnull, os.O_WRONLY))
        session.remove()
        db.engine.dispose()
        client().connection_pool.disconnect()
        http.configure(app.config["OUTBOUND_ALLOW"])


def main() -> None:
    """Prints how many lives were taken at work, and how many there were."""
    app, wanted, killed, lives = create_app(json.loads(sys.argv[1])), int(sys.argv[2]), 0, 0
    warm(app)
    longest = sorted(life(app, None)[1] for _ in range(3))[1]
    while killed < wanted and lives < 5 * wanted:
        killed, lives = killed + life(app, longest)[0], lives + 1
    life(app, None)
    print(killed, lives)


if __name__ == "__main__":
    main()
