"""Nobody changes the log unseen: a changed or removed row is named, a purge of our own stays verifiable."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import text

from app.core import chain, clock
from app.core.access import SYSTEM
from app.core.db import session, transaction
from app.core.events import Event, Kind, record

HAPPENED = Kind("story.happened", "{actor} did {what}", ("what",))
pytestmark = pytest.mark.both_databases


@pytest.fixture
def story(app, tick):
    """Five sealed events, two of them of an incident."""
    with transaction():
        for number, subject in enumerate(("team:1", "incident:1", "team:2", "incident:1", "team:3")):
            record(HAPPENED, subject, by=SYSTEM, what=f"ü {number}")
    tick("app.core.chain.seal")


def test_an_untouched_log_is_whole(story):
    """IDN-40: every row is checked."""
    verdict = chain.verify()
    assert (verdict.checked, verdict.unsealed, verdict.breaks) == (5, 0, [])


@pytest.mark.parametrize(("tamper", "said"), [
    ("UPDATE events SET actor_name = 'Somebody else' WHERE id = 3", "Event 3 (story.happened"),
    ("UPDATE events SET data = '{\"what\": \"nothing\"}' WHERE id = 2", "Event 2 (story.happened"),
    ("DELETE FROM events WHERE id = 4", "Event 4 was removed"),
    ("DELETE FROM event_seals WHERE seq = 4", "Link 4 is missing before event 5"),
])
def test_the_first_altered_or_missing_row_is_named(story, tamper, said):
    """IDN-40: changed behind our back, in the database itself."""
    with transaction():
        session.execute(text(tamper))
    assert chain.verify().breaks[0].startswith(said)


def test_forging_a_row_with_its_digest_breaks_the_links_after_it(story):
    """The digests rest on each other: one recomputed row is not enough."""
    with transaction():
        event, former = session.get_one(Event, 3), session.get_one(chain.Seal, 2)
        event.actor_name = "Mallory"
        session.get_one(chain.Seal, 3).digest = chain.link(former.digest, event)
    assert chain.verify().breaks == [f"Event 4 (story.happened, {clock.rfc3339(session.get_one(Event, 4).at)}) was changed"]


def test_a_purge_leaves_incidents_alone_and_the_chain_verifiable(story, tick):
    """IDN-41: aged by 400 days and purged: incident rows unchanged, one event with the count."""
    with time_machine.travel(clock.now() + timedelta(days=400)):
        tick("app.core.retention.purge")
        tick("app.core.chain.seal")
        assert [event.kind for event in session.query(Event).order_by(Event.id)] == [
            "story.happened", "story.happened", "log.purged"]
        assert session.query(Event).order_by(Event.id.desc()).first().data["number"] == 3
    assert chain.verify().breaks == []


def test_a_purge_mark_can_not_be_forged(story):
    """A removed row whose mark is made up counts as removed."""
    with transaction():
        session.execute(text("DELETE FROM events WHERE id = 4"))
        session.execute(text("UPDATE event_seals SET purged = 'sure' WHERE event_id = 4"))
    assert chain.verify().breaks == ["Event 4 was removed"]


def test_a_row_committed_late_is_sealed_after_newer_ones(app, tick):
    """PostgreSQL gives ids before commits: a smaller id that appears later is linked all the same."""
    with transaction():
        for _ in range(3):
            record(HAPPENED, "team:1", by=SYSTEM, what="x")
    with transaction():
        late = session.get_one(Event, 2)
        session.expunge(late)
        session.execute(text("DELETE FROM events WHERE id = 2"))
    tick("app.core.chain.seal")
    with transaction():
        session.merge(late)
    with transaction():
        record(HAPPENED, "team:1", by=SYSTEM, what="y")
    tick("app.core.chain.seal")
    assert [seal.event_id for seal in session.query(chain.Seal).order_by(chain.Seal.seq)] == [1, 3, 2, 4]
    assert chain.verify().breaks == []
