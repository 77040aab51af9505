"""Asking what may hang: in a thread of its own, and waited for no longer than is useful."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from typing import Any, TypeVar

from flask import Flask, current_app

Found = TypeVar("Found")


class Late(Exception):
    """It did not answer in time."""


class Question:
    """One question that is asked again and again; while it hangs nobody asks it a second time."""

    def __init__(self, ask: Callable[[], Any]) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._open: Future[Any] | None = None

    def begin(self) -> Future[Any]:
        """The answer to come: of a question that is under way, or of a new one in a context of its own."""
        app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
        with self._lock:
            if self._open is None or self._open.done():
                self._open = Future()
                work = (copy_context().run, self._inside, app, self._open)
                threading.Thread(target=work[0], args=work[1:], name="question", daemon=True).start()
            return self._open

    def _inside(self, app: Flask, future: Future[Any]) -> None:
        try:
            with app.app_context():
                future.set_result(self._ask())
        except BaseException as fault:
            future.set_exception(fault)


def answer(future: Future[Found], seconds: float) -> Found:
    """What came of it. Raises Late, or whatever it raised."""
    try:
        return future.result(seconds)
    except TimeoutError:
        raise Late from None
