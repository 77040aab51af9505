"""New keys for stored secrets: nothing is lost, nothing stands still, and a missing key is named."""

from __future__ import annotations

import json
from contextvars import Context

import pytest
from click.testing import CliRunner

from app.core import rotation, secrets
from app.core.db import Base, session, transaction
from app.core.errors import Failure
from app.core.events import Event
from app.core.fields import Field
from app.identity.models import CodeGenerator
from app.ingest.credentials import config_of, secret_of, token_of
from app.ingest.models import Integration
from app.notifications.models import ContactMethod
from app.notifications.queries import data_of
from tests import build
from tests.conftest import KEYS

OLD = KEYS["ENCRYPTION_KEYS"]


@pytest.fixture(autouse=True)
def _afresh():
    """No process has finished a pass yet."""
    rotation._finished.clear()
    yield
    rotation._finished.clear()


class Plugin:
    """A plugin with one secret of its own."""

    slug = "webhook"
    fields = (Field("password", "Password", secret=True), Field("room", "Room"))


@pytest.fixture
def stored(app, ana):
    """One secret of each kind."""
    made = build.integration("prometheus")
    with transaction():
        row = session.get_one(Integration, made.id)
        row.secret_sealed = secrets.seal("signs", bound_to="integration:prometheus/secret")
        row.config = {"room": "ops", "password": secrets.seal("hunter2", bound_to="integration:prometheus/password")}
        method = session.query(ContactMethod).one()
        method.data_sealed = secrets.seal('{"keys": 1}', bound_to=f"contact_method:{method.id}/data")
        session.add(CodeGenerator(user_id=ana.id, sealed=secrets.seal("BASE32", bound_to=f"user:{ana.id}/codes")))
    return row


def everything():
    """Every stored secret, opened."""
    session.rollback()
    row, codes = session.query(Integration).one(), session.query(CodeGenerator).one()
    return (token_of(row), secret_of(row), config_of(row, Plugin), data_of(session.query(ContactMethod).one()),
            secrets.open_(codes.sealed, bound_to=f"user:{codes.user_id}/codes"))


@pytest.mark.both_databases
def test_a_new_first_key_takes_over_and_the_old_one_can_go(stored, tick):
    """HRD-24, IDN-43: A, then B and A, then B alone; readable at each step, counted by key."""
    before, new = everything(), secrets.new_key()
    first = secrets.key_ids()[0]
    assert rotation.counts() == {first: 5}
    secrets.configure(f"{new},{OLD}")
    assert everything() == before and tick("app.core.rotation.reseal") == 5
    assert rotation.counts() == {secrets.key_ids()[0]: 5} and tick("app.core.rotation.reseal") == 0
    secrets.configure(new)
    assert everything() == before
    event = session.query(Event).one()
    assert (event.kind, event.data) == ("secrets.rotated", {"number": 5, "key": secrets.key_ids()[0]})
    secrets.configure(OLD)
    with pytest.raises(secrets.Unreadable):
        everything()


def test_a_start_without_a_needed_key_stops_with_its_name(stored):
    """HRD-24"""
    needed = secrets.key_ids()[0]
    rotation.require_keys()
    secrets.configure(secrets.new_key())
    with pytest.raises(Failure, match=rf"lacks the key {needed} \(5 secrets\)"):
        rotation.require_keys()


def test_a_secret_that_can_not_be_opened_is_named_and_left_alone(stored):
    with transaction():
        session.query(CodeGenerator).one().sealed = secrets.seal("x", bound_to="user:99/codes")
    secrets.configure(f"{secrets.new_key()},{OLD}")
    report = rotation.rotate()
    assert (report.done, report.unreadable) == (4, [f"user:{session.query(CodeGenerator).one().user_id}/codes"])


def test_no_column_of_sealed_texts_is_forgotten(app):
    """Every column that is named so stands in the registry."""
    listed = {(rotation._column(one)[0].__tablename__, one.column) for one in app.extensions["sealed"]}
    named = {(table.name, column.name) for table in Base.metadata.tables.values() for column in table.columns
             if column.name == "sealed" or column.name.endswith("_sealed")}
    assert named <= listed


@pytest.fixture
def run(app, monkeypatch):
    """`run("secrets", "list")`: the command in a process of its own."""
    from app.cli import oncall

    monkeypatch.setattr("app.create_app", lambda **_: app)
    return lambda *words: Context().run(CliRunner().invoke, oncall, list(words))


@pytest.fixture
def own_file(app, tmp_path, monkeypatch):
    """An installation whose keys it made for itself."""
    folder = tmp_path / "keys"
    folder.mkdir()
    (folder / "encryption_keys").write_text(OLD)
    monkeypatch.setenv("ONCALL_INSTANCE", str(tmp_path))
    monkeypatch.delenv("ENCRYPTION_KEYS", raising=False)
    app.config["ONCALL_INSTANCE"] = str(tmp_path)
    return folder / "encryption_keys"


def test_the_command_makes_a_key_and_running_processes_take_it_up(run, own_file, stored):
    """IDN-43: what was started before reads what was encrypted since, without a restart."""
    before = everything()
    said = json.loads(run("secrets", "rotate", "--json").output)
    assert said["encrypted"] == 5 and said["unreadable"] == []
    assert own_file.read_text().endswith(f",{OLD}") and own_file.stat().st_mode & 0o077 == 0
    secrets.configure(OLD, again=own_file.read_text)
    assert everything() == before and secrets.key_ids()[0] == said["key"]
    assert "encrypts" in run("secrets", "list").output


def test_given_keys_are_left_to_the_operator(run, own_file, stored, monkeypatch):
    monkeypatch.setenv("ENCRYPTION_KEYS", OLD)
    said = json.loads(run("secrets", "rotate", "--json").output)
    assert said["encrypted"] == 0 and own_file.read_text() == OLD
    with pytest.raises(Failure, match="put a new key in front"):
        rotation.add_key()
    assert len(run("secrets", "key").output.strip()) >= 43


def test_the_doctor_counts_by_key_and_names_the_missing_one(run, stored):
    """HRD-24"""
    first = secrets.key_ids()[0]
    assert json.loads(run("doctor", "--json").output)["secrets_by_key"] == {first: 5}
    secrets.configure(secrets.new_key())
    assert f"5 stored secrets need the key {first}" in run("doctor").output
