"""What an upgrade would do is said before it is done; one that was cut off goes on where it was; two take turns."""

from __future__ import annotations

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context

import pytest
from click.testing import CliRunner
from sqlalchemy import event

from app import create_app
from app.cli import oncall
from app.core import schema, upgrade
from app.core.db import Base, db
from app.core.plugins import Broken
from tests import source

FOLDER = source.ROOT / "migrations"
BEFORE = "0053"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def installed(request, database_url, environment):
    """An application on a database of its own."""
    made = create_app(environment(DATABASE_URL=database_url(request.param, "upgrade")), doors=False)
    with made.app_context():
        schema.attach()
        yield made
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def fresh(installed):
    """The same, where some migrations are missing, whatever the test before did."""
    if schema.present() != BEFORE:
        schema.remove_all()
        schema.migrate_to(BEFORE)
    return installed


@pytest.fixture
def check(fresh, monkeypatch):
    """`check("--json")`: `oncall migrate --check` and its options."""
    monkeypatch.setattr("app.create_app", lambda **_: fresh)
    return lambda *words: Context().run(CliRunner().invoke, oncall, ["migrate", "--check", *words])


def test_what_is_pending_and_what_it_locks_is_listed_and_nothing_is_changed(check):
    """HRD-34: tables that the upgrade makes itself are nobody's yet; pending alone is no failure."""
    said = json.loads(check("--json").output)
    steps = {one["revision"]: {lock["table"]: lock["how"] for lock in one["locks"]} for one in said["pending"]}
    assert (said["ok"], said["faults"], next(iter(steps))) == (True, [], "0054") and schema.present() == BEFORE
    assert steps["0060"] == {"deliveries": upgrade.WRITES} and all(one["title"] for one in said["pending"])
    assert "deliveries is not written to while" in check().output
    assert (check().exit_code, check("--exit-code").exit_code) == (0, 1)


@pytest.mark.parametrize(("settings", "broken", "at", "said"), [
    ({"PORT": "http"}, [], BEFORE, "PORT has to be"),
    ({}, [Broken("theirs", "package", "it is written for plugin API 99")], BEFORE, "plugin theirs"),
    ({}, [], "9999", "newer one")])
def test_what_would_fail_ends_with_1(check, fresh, monkeypatch, settings, broken, at, said):
    """HRD-34: a setting, a plugin of another interface, a database of a newer version."""
    for name, value in settings.items():
        monkeypatch.setitem(fresh.config, name, value)
    monkeypatch.setattr(fresh.extensions["plugins"], "broken", broken)
    monkeypatch.setattr(schema, "present", lambda: at)
    answer = check()
    assert answer.exit_code == 1 and said in answer.output.partition("! ")[2]


def test_an_unknown_setting_is_listed_and_stops_nothing(check, monkeypatch):
    """HRD-34"""
    monkeypatch.setenv("SMPT_URL", "smtp://mail.example.com")
    answer = check()
    assert answer.exit_code == 0 and "note: SMPT_URL in the environment is no setting; did you mean SMTP_URL?" in answer.output


def test_every_migration_can_be_read():
    """HRD-34: what is done to which table is seen without running it."""
    said = [one for path in (FOLDER / "versions").glob("*.py") for one in upgrade._operations(path.read_text())]
    assert len(said) > 500 and {"create_index", "add_column", "batch_alter_table"} <= {name for name, _, _ in said}
    unnamed = [one for one in said if one[0] in upgrade.HOLDS and not one[1]]
    assert len(unnamed) < len(said) / 20, unnamed


@pytest.mark.soak
def test_a_migration_that_is_killed_anywhere_goes_on_at_the_next_try(fresh):
    """HRD-34: processes die in the middle of it, each a little later than the one before."""
    schema.remove_all()
    patience, deaths = 40, 0
    while (status := _attempt(patience)) != 0:
        assert status == -signal.SIGKILL
        patience, deaths = patience + 60, deaths + 1
    assert deaths > 3 and schema.present() == schema.head()
    assert set(db.inspect(db.engine).get_table_names()) - {"alembic_version"} == set(Base.metadata.tables)


def _attempt(statements):
    """Migrate in a process of its own that dies after so many statements; how it ended."""
    db.engine.dispose()
    child = os.fork()
    if child == 0:
        try:
            left = iter(range(statements))
            event.listen(db.engine, "before_cursor_execute",
                         lambda *_: None if next(left, None) is not None else os.kill(os.getpid(), signal.SIGKILL))
            schema.migrate()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_of_two_at_once_one_waits_and_then_nothing_is_pending(check, fresh):
    """HRD-34"""
    def migrate():
        with fresh.app_context():
            try:
                return schema.migrate()
            finally:
                db.session.remove()
    with ThreadPoolExecutor(2) as pool:
        done = [pool.submit(Context().run, migrate) for _ in range(2)]
        assert sorted(one.result(60) for one in done) == [False, True]
    assert check().output.splitlines()[0] == "the database is up to date" and check("--exit-code").exit_code == 0
