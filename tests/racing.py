"""Several that begin at one moment."""

from __future__ import annotations

import threading
from collections.abc import Callable

from flask import Flask

from app.core.db import session


def at_once(app: Flask, *acts: Callable[[], object]) -> list[Exception]:
    """Run the acts in threads of their own, which all wait at a barrier; returns what they raised."""
    barrier, faults = threading.Barrier(len(acts)), []

    def one(act: Callable[[], object]) -> None:
        with app.app_context():
            barrier.wait()
            try:
                act()
            except Exception as fault:
                faults.append(fault)
            finally:
                session.remove()

    session.remove()
    threads = [threading.Thread(target=one, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return faults
