"""Calls of code that is not ours and may never come back: a thread apart does them, and is left behind when it hangs."""

from __future__ import annotations

import ctypes
import os
import threading
import time
from collections.abc import Callable
from contextvars import Context, copy_context
from queue import Empty, SimpleQueue
from typing import Any

import structlog

log = structlog.get_logger()
SECONDS = 3.0
HANGS, REST = 3, 60.0  # so often within so many seconds, and it is left alone for as long


class Hangs(Exception):
    """It did not come back in time."""


class LeftAlone(Hangs):
    """It hung several times just now, so it was not called."""


class _Hand(threading.Thread):
    """Does one call after the other for the thread that it belongs to."""

    def __init__(self) -> None:
        super().__init__(name="plugin", daemon=True)
        self.orders: SimpleQueue[tuple[Context, Callable[..., Any], tuple[Any, ...]]] = SimpleQueue()
        self.answers: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()
        self.left = False
        self.start()

    def run(self) -> None:
        """Until it is left behind."""
        while not self.left:
            context, work, given = self.orders.get()
            try:
                self.answers.put((context.run(work, *given), None))
            except BaseException as fault:  # noqa: BLE001 - also what would end the thread
                self.answers.put((None, fault))

    def leave(self) -> None:
        """Nobody waits for it any more. What computes for ever is ended; what waits for something waits on."""
        self.left = True
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.ident or 0), ctypes.py_object(SystemExit))


_own = threading.local()
_hangs: dict[str, list[float]] = {}
os.register_at_fork(after_in_child=lambda: setattr(_own, "hand", None))  # a copy of this process has no thread but its own


def is_left_alone(name: str) -> bool:
    """Whether this process does not call the plugin `name` for now, as it hung several times."""
    return len(_recent(name)) >= HANGS


def _recent(name: str) -> list[float]:
    return [at for at in _hangs.get(name, ()) if at > time.monotonic() - REST]


def limited(name: str, work: Callable[..., Any], *given: Any) -> Any:
    """What `work(*given)` of the plugin `name` gives. Raises what it raises, Hangs after some seconds, LeftAlone at once
    for a minute when that was so three times."""
    if is_left_alone(name):
        raise LeftAlone(f"The plugin {name} hung {HANGS} times and is left alone for a minute")
    hand: _Hand = getattr(_own, "hand", None) or _Hand()
    _own.hand = None  # whatever interrupts us here, an answer that comes later is not taken for another one's
    hand.orders.put((copy_context(), work, given))
    try:
        answer, fault = hand.answers.get(timeout=SECONDS)
    except Empty:
        _hangs[name] = [*_recent(name), time.monotonic()]
        hand.leave()
        log.error("plugin.hangs", plugin=name)
        raise Hangs(f"The plugin {name} did not come back within {SECONDS:g} s") from None
    _own.hand = hand
    if isinstance(fault, Exception):
        raise fault
    if fault is not None:
        raise RuntimeError(f"The plugin {name} wanted to end the process ({type(fault).__name__})")
    return answer
