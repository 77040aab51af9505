"""Work that is done beside ours, in a copy of this process: two cores for two things that need nothing of one another."""

from __future__ import annotations

import multiprocessing
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import TypeVar

from app.core.db import db

T = TypeVar("T")


def beside(work: Callable[[], T]) -> Callable[[], T]:
    """Begin `work` in a copy of this process; the function that comes back waits for what it gave, which is pickled.

    What it waits for raises RuntimeError with the copy's traceback where `work` failed, or its process was killed.
    """
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_done, args=(work, theirs), daemon=True)
    process.start()
    theirs.close()

    def given() -> T:
        try:
            found, fault = ours.recv()
        except EOFError:
            found, fault = None, "its process was killed"
        process.join()
        if fault:
            raise RuntimeError(f"What was done beside failed: {fault}")
        return found  # type: ignore[no-any-return]

    return given


def _done(work: Callable[[], T], theirs: Connection) -> None:
    """In the copy: the connections that it came with are those of its parent, who goes on using them."""
    db.engine.dispose(close=False)
    try:
        theirs.send((work(), ""))
    except BaseException:
        theirs.send((None, traceback.format_exc()))
