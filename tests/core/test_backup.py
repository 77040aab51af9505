"""A backup is one file for both databases; a damaged one is refused; after a restore nothing is sent until released."""

from __future__ import annotations

import gzip
import json
import tarfile
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from datetime import timedelta

import pytest
import time_machine
from click.testing import CliRunner
from flask import current_app
from sqlalchemy import text

from app import create_app
from app.catalog.models import Service
from app.cli import oncall
from app.config.service import export
from app.core import backup, clock, hold, restoring, schema
from app.core.access import OPERATOR
from app.core.db import db, session, transaction
from app.core.errors import Conflict, Invalid
from app.core.pulse import Pulse
from app.identity.models import Team
from app.incidents.merging import merge
from app.incidents.models import Incident
from app.incidents.notes import add_note
from app.incidents.queries import timeline
from app.ingest.models import Delivery
from tests import build
from tests.config.documents import EXAMPLE, apply
from tests.identity.test_erasing import gone
from tests.incidents.people import by
from tests.servers import eventually


@pytest.fixture
def kept(ana, bob, payments, tmp_path, monkeypatch):
    """A backup of an organisation with history, and what it has to say afterwards."""
    apply(EXAMPLE)
    first, second = (build.incident(f"Problem {at}", team=payments) for at in (1, 2))
    sender = build.integration("sender", team=payments)
    with transaction():
        add_note(first, "Größe “quoted” 🦉", by=by(ana))
        add_note(first, "Looking", by=by(bob))
        merge(first, second, by=by(ana))
        session.add(Delivery(integration_id=sender.id, body=b"\x00\xff{}", body_hash="0" * 64, state="rejected"))
    gone(bob)
    with monkeypatch.context() as patched:
        patched.setattr(schema, "present", schema.head)  # tests make their tables without migrations
        found = backup.make(tmp_path / "kept.oncall")
    return tmp_path / "kept.oncall", found, told()


def told():
    lines = {one.id: [(event.kind, event.at, event.actor_name, event.data) for event in timeline(one)] for one in session.query(Incident)}
    bodies = [delivery.body for delivery in session.query(Delivery)]
    return export(), lines, bodies


def signs_in(email):
    """Whether this person's password still opens the door."""
    client = current_app.test_client()
    client.get("/login")
    return client.post("/login", data={"email": email, "password": build.PASSWORD}).status_code == 303


@pytest.fixture
def elsewhere(request, database_url, environment):
    """The context of an application on a new database of either kind."""
    with create_app(environment(DATABASE_URL=database_url(request.param, "restored"))).app_context():
        yield
        db.session.remove()
        db.engine.dispose()


@pytest.mark.both_databases
@pytest.mark.parametrize("elsewhere", ["sqlite", "postgresql"], indirect=True)
def test_a_restore_on_either_database_tells_the_same_and_holds_what_goes_out(kept, elsewhere):
    """HRD-31: the same export, timelines and login, without the names of who was erased; numbers go on where they were. HRD-32:
    nothing goes out before a person says so."""
    path, found, before = kept
    assert restoring.restore(path).rows == found.rows > 40
    assert told() == before and "Former person 1" in str(before) and signs_in("ana@example.com")
    assert "was restored" in hold.held() and not hold.may_run("app.notifications.ticks.send")
    fresh = build.incident("Problem 3")
    assert fresh.id == 3
    with transaction():
        hold.release(by=OPERATOR)
    assert hold.held() == "" and hold.may_run("app.notifications.ticks.send")


@pytest.mark.parametrize("elsewhere", ["sqlite"], indirect=True)
def test_a_database_that_holds_something_is_refused_and_stays_as_it_is(kept, elsewhere):
    """HRD-31: nothing is mixed."""
    path, _, before = kept
    restoring.restore(path)
    with pytest.raises(Conflict, match="not empty"):
        restoring.restore(path)
    assert told() == before


@pytest.mark.parametrize("elsewhere", ["sqlite", "postgresql"], indirect=True)
def test_force_empties_it_first_but_not_under_a_running_system_nor_for_a_damaged_file(kept, elsewhere, tmp_path):
    """HRD-31: also a database of another version, and one of this with all that its migrations made."""
    path, _, before = kept
    schema.migrate_to("0031")
    with db.engine.begin() as connection:
        connection.execute(text("INSERT INTO pulses (name, at, detail) VALUES ('clock', :now, '{}')"), {"now": clock.now()})
        connection.execute(text("INSERT INTO plugin_switches (slug, off_at, by) VALUES ('left', :now, '')"), {"now": clock.now()})
    with pytest.raises(Conflict, match="Stop it first"):
        restoring.restore(path, force=True)
    with time_machine.travel(clock.now() + timedelta(minutes=1), tick=True):
        (tmp_path / "harmed").write_bytes(path.read_bytes()[:-100])
        with pytest.raises(Invalid):
            restoring.restore(tmp_path / "harmed", force=True)
        assert schema.present() == "0031"
        restoring.restore(path, force=True)
        assert told() == before and session.scalar(text("SELECT count(*) FROM plugin_switches")) == 0
        session.remove()
        restoring.restore(path, force=True)
    assert told() == before


def test_a_damaged_file_is_refused_before_anything_is_written(kept, tmp_path):
    """HRD-31: cut off, something else, changed inside, or one byte turned round anywhere: one sentence."""
    path, found, _ = kept
    whole, raw = gzip.decompress(path.read_bytes()), path.read_bytes()
    harmed = [gzip.compress(one) for one in (whole[:len(whole) // 2], b"no backup", whole.replace(b"Problem 1", b"Problem 7"))]
    harmed += [raw[:at] + bytes([raw[at] ^ 255]) + raw[at + 1:] for at in range(0, len(raw), len(raw) // 40)]
    refused = [_is_refused(tmp_path / "harmed", one, found) for one in harmed]
    assert all(refused[:3]) and refused.count(True) > 33


def _is_refused(path, content, found):
    """Whether the file is; else it says what it said before: a byte that means nothing, such as the time in the header."""
    path.write_bytes(content)
    try:
        assert backup.verify(path) == found
    except Invalid as refusal:
        assert "damaged" in refusal.detail or "no backup" in refusal.detail or "newer version" in refusal.detail
        return True
    return False


@pytest.mark.both_databases
def test_a_backup_made_while_others_write_is_one_moment_of_the_database(app, tmp_path, monkeypatch):
    """HRD-31: each writer makes two rows at once: both are in it, or none; and nobody waited for it."""
    monkeypatch.setattr(schema, "present", schema.head)
    made, stop = [], threading.Event()
    with ThreadPoolExecutor(3) as pool:
        writing = [pool.submit(Context().run, _write_pairs, app, number, made, stop) for number in range(3)]
        backup.make(tmp_path / "busy.oncall", progress=lambda text: _more(made) if text.startswith("teams:") else None)
        stop.set()
        assert [one.result(30) for one in writing] == [None] * 3
    with tarfile.open(tmp_path / "busy.oncall") as archive:
        teams, services = ({json.loads(line)["key"] for line in archive.extractfile(f"tables/{name}.jsonl")}
                           for name in ("teams", "services"))
    assert teams == services and 0 < len(teams) < len(made)


def _write_pairs(app, number, made, stop):
    with app.app_context():
        while not stop.is_set():
            key = f"pair-{number}-{len(made)}"
            with transaction():
                session.add(team := Team(key=key, name=key))
                session.flush()
                session.add(Service(key=key, name=key, team_id=team.id))
            made.append(key)


def _more(made):
    """The backup is between two tables: more is written meanwhile."""
    before = len(made)
    eventually(lambda: len(made) > before + 3, what="more rows written during the backup")


def test_the_file_is_read_again_and_only_its_owner_may_read_it(kept):
    """It names the keys that its secrets need, and holds none of them."""
    path, found, _ = kept
    assert backup.verify(path) == found and path.stat().st_mode & 0o077 == 0
    assert found.keys and not list(path.parent.glob("*.part"))


def test_the_commands_say_what_to_do(kept, monkeypatch):
    """One clear line for what can't be done."""
    path, _, _ = kept
    monkeypatch.setattr("app.cli.with_app", lambda command: command)
    assert CliRunner().invoke(oncall, ["restore"]).exit_code == 2
    assert "Name a FILE" in CliRunner().invoke(oncall, ["restore", str(path), "--release"]).output


def test_every_page_says_that_nothing_is_sent_and_an_administrator_lets_go(app, signed_in, ana, olga):
    """Ana reads it; Olga presses the button."""
    with transaction():
        session.add(Pulse(**hold.row("a backup of yesterday was restored")))
    assert "Nobody is paged and nothing is sent" in signed_in(ana).get("/incidents").text
    assert signed_in(ana).post("/settings/release").status_code == 403
    assert "is held" not in signed_in(olga).post("/settings/release").text and hold.held() == ""
    assert "nothing is sent" not in signed_in(ana).get("/incidents").text
