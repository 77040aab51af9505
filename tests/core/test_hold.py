"""The brake on what goes out."""

from __future__ import annotations

from typing import Any

from app.core import hold
from app.timetable import PERIODIC


def test_ticks_that_begin_together_ask_once_whether_everything_is_held(app: Any, monkeypatch: Any) -> None:
    """RUN-05: while it is, none that pages or calls others runs; an idle clock asks the database little."""
    asked: list[bool] = []
    monkeypatch.setattr(hold, "held", lambda: asked.append(True) or "a backup was restored")
    look = hold.Look()
    assert [row for row in PERIODIC if look.may_run(row.path)] == [row for row in PERIODIC if not row.outgoing]
    assert len(asked) == 1
