"""A backup is one file for both databases; a damaged one is refused; after a restore nothing is sent until released."""

from __future__ import annotations

import gzip

import pytest
from click.testing import CliRunner

from app import create_app
from app.cli import oncall
from app.config.service import export
from app.core import backup, hold, schema
from app.core.access import OPERATOR
from app.core.db import db, session, transaction
from app.core.errors import Conflict, Invalid
from app.core.pulse import Pulse
from app.incidents.merging import merge
from app.incidents.models import Incident
from app.incidents.notes import add_note
from app.incidents.queries import timeline
from app.ingest.models import Delivery
from tests import build
from tests.config.documents import EXAMPLE, apply
from tests.incidents.people import by


@pytest.fixture
def kept(ana, payments, tmp_path, monkeypatch):
    """A backup of an organisation with history, and what it has to say afterwards."""
    apply(EXAMPLE)
    first, second = (build.incident(f"Problem {at}", team=payments) for at in (1, 2))
    sender = build.integration("sender", team=payments)
    with transaction():
        add_note(first, "Größe “quoted” 🦉", by=by(ana))
        merge(first, second, by=by(ana))
        session.add(Delivery(integration_id=sender.id, body=b"\x00\xff{}", body_hash="0" * 64, state="rejected"))
    with monkeypatch.context() as patched:
        patched.setattr(schema, "present", schema.head)  # tests make their tables without migrations
        found = backup.make(tmp_path / "kept.oncall")
    return tmp_path / "kept.oncall", found, told()


def told():
    lines = {one.id: [(event.kind, event.at, event.data) for event in timeline(one)] for one in session.query(Incident)}
    bodies = [delivery.body for delivery in session.query(Delivery)]
    return export(), lines, bodies


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
    """The same export and the same timelines; numbers go on where they were."""
    path, found, before = kept
    assert backup.restore(path).rows == found.rows > 40
    assert told() == before
    assert "was restored" in hold.held() and not hold.may_run("app.notifications.ticks.send")
    fresh = build.incident("Problem 3")
    assert fresh.id == 3
    with transaction():
        hold.release(by=OPERATOR)
    assert hold.held() == "" and hold.may_run("app.notifications.ticks.send")


@pytest.mark.parametrize("elsewhere", ["sqlite"], indirect=True)
def test_a_database_that_holds_something_is_refused_and_stays_as_it_is(kept, elsewhere):
    """Nothing is mixed."""
    path, _, before = kept
    backup.restore(path)
    with pytest.raises(Conflict, match="not empty"):
        backup.restore(path)
    assert told() == before


@pytest.mark.parametrize("harm", [
    lambda raw: raw[:len(raw) // 2], lambda raw: b"no backup",
    lambda raw: raw.replace(b"Problem 1", b"Problem 7")])
def test_a_damaged_file_is_refused_before_anything_is_written(kept, tmp_path, harm):
    """Cut off, something else, or changed inside: one sentence."""
    path, _, _ = kept
    whole = gzip.decompress(path.read_bytes())
    (tmp_path / "harmed").write_bytes(gzip.compress(harm(whole)))
    with pytest.raises(Invalid, match="damaged|no backup"):
        backup.verify(tmp_path / "harmed")


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
