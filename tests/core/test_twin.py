"""What is done beside ours comes back whole, and what fails there fails here."""

from __future__ import annotations

import os
import signal

import pytest
from sqlalchemy import select

from app.core.db import db, session
from app.core.twin import beside
from app.identity.models import User
from tests import build


def test_work_beside_reads_the_database_and_gives_what_it_found(app):
    """Both sides go on using the database."""
    build.user("ana")
    session.commit()

    def names() -> list[str]:
        with db.engine.connect() as live:
            return list(live.scalars(select(User.name)))
    given = beside(lambda: (os.getpid(), names()))
    assert names() == ["Ana"]
    pid, found = given()
    assert pid != os.getpid() and found == ["Ana"] and names() == ["Ana"]


def test_what_fails_beside_is_raised_here_with_its_reason(app):
    """With the traceback of the copy, which nobody else sees."""
    def work() -> None:
        raise ValueError("no such thing")
    with pytest.raises(RuntimeError, match="no such thing"):
        beside(work)()


def test_a_killed_copy_is_no_result(app):
    """It does not wait for ever."""
    with pytest.raises(RuntimeError, match="was killed"):
        beside(lambda: os.kill(os.getpid(), signal.SIGKILL))()
