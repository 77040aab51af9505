"""Texts are found by SQLite's index of their parts exactly as without it."""

from __future__ import annotations

import random
from importlib import import_module
from types import ModuleType

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import delete, select

from app.core.db import db, session, transaction
from app.incidents import searching
from app.incidents.models import Alert, Incident, Note
from tests import source

SIGNS = ["disk", "Disk", "büro", "BÜRO", "Straße", "İstanbul", "日本語", "🔥🚒🧯", "100%", "a_b", 'say "hi"', "o'clock", "\\d+", "x*y",
         "NEAR", "OR", "(", "-", ":", "\n", " ", "ﬁre", "ŉ"]


def migration() -> ModuleType:
    """The migration that makes the index, whatever its number."""
    (path,) = (source.ROOT / "migrations" / "versions").glob("*_texts_found_by_their_parts.py")
    return import_module(f"migrations.versions.{path.stem}")


def migrate(step: str) -> None:
    """Take the step of the migration in this database."""
    session.remove()
    with db.engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        getattr(migration(), step)()


@pytest.fixture
def indexed(app):
    """The database with its index, which is gone afterwards."""
    migrate("upgrade")
    yield
    migrate("downgrade")


def text(chance: random.Random) -> str:
    """Anything that somebody may write."""
    return "".join(chance.choice([*SIGNS, *"abIö%_\"'🔥"]) for _ in range(chance.randrange(1, 9)))


def fill(chance: random.Random) -> None:
    """Two hundred incidents, each with an alert and a note; some are changed, some are removed."""
    for at in range(1, 201):
        session.add(Incident(id=at, title=text(chance), labels={text(chance): text(chance)}))
        session.flush()
        session.add(Alert(incident_id=at, dedup_key=str(at), title=text(chance), body=text(chance)))
        session.add(Note(incident_id=at, author="user:1", author_name="Ana", body=text(chance)))
    session.flush()
    for one in session.scalars(select(Alert).where(Alert.id % 5 == 0)):
        one.title, one.body = text(chance), text(chance)
    for one in session.scalars(select(Incident).where(Incident.id % 7 == 0)):
        one.labels = {"now": text(chance)}
    session.execute(delete(Note).where(Note.id % 3 == 0))
    session.execute(delete(Alert).where(Alert.id % 11 == 0))


def found(wanted: str) -> tuple[list[int], list[int]]:
    """The incidents and alerts that hold the text."""
    says = searching.incident_says(wanted, 0, searching.spread(wanted))
    return (list(session.scalars(select(Incident.id).where(says).order_by(Incident.id))),
            list(session.scalars(select(Alert.id).where(searching.alert_says(wanted)).order_by(Alert.id))))


def test_the_index_finds_what_is_found_without_it_whatever_is_looked_for(indexed, monkeypatch):
    """QUAL-05: umlauts, emoji, signs that mean something to LIKE or to the index, one and two letters."""
    chance = random.Random(7)
    with transaction():
        fill(chance)
    stored = [*session.scalars(select(Incident.title)), *session.scalars(select(Alert.body)), *session.scalars(select(Note.body))]
    asked = [*SIGNS, *(text(chance).strip() for _ in range(100))]
    for said in chance.sample(stored, 150):
        at = chance.randrange(len(said))
        asked.append(said[at:at + chance.randrange(1, 12)].strip())
    asked = [one for one in dict.fromkeys(asked) if one]
    with_it = {one: found(one) for one in asked}
    monkeypatch.setattr(searching, "_indexed", lambda: False)
    assert with_it == {one: found(one) for one in asked}
    assert sum(bool(one) for both in with_it.values() for one in both) > 200
