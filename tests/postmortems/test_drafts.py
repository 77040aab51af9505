"""What a draft holds before anybody wrote a word: facts and a timeline from the log."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.core import chain, clock
from app.core.db import session, transaction
from app.core.events import KINDS, Event
from app.incidents import service as incidents
from app.incidents.models import Incident
from app.postmortems import documents, editing, queries, reactions, reviewing, service, timeline
from app.postmortems.models import Postmortem
from tests import build
from tests.incidents.people import by
from tests.postmortems.stories import written


def only() -> Postmortem:
    """The only document."""
    session.expire_all()
    return session.scalars(select(Postmortem)).one()


def log_of(*found: Incident) -> set[str]:
    """The ids of all entries of these incidents' timelines."""
    return {str(key) for key in session.scalars(select(Event.id).where(
        Event.subject.in_([one.ref for one in found]), Event.kind.in_([one.name for one in KINDS.values() if one.timeline])))}


def test_a_critical_incident_that_ends_is_a_draft_already(story, smtp):
    """PM-01, PM-03: title, service, severity, people, times and durations; its owner is told."""
    story.ends(story.happens())
    made = documents.postmortem_document(only())
    facts = made["facts"]
    assert made["title"] == "HighErrorRate is too high" and made["owner"]["name"] == "Bob"
    assert facts["services"] == [{"key": "checkout", "name": "Checkout"}] and facts["severity"] == "critical"
    assert (facts["durations"]["acknowledge"], facts["durations"]["resolve"]) == (120, 1320)
    assert {"name": "Bob", "role": "had it, acknowledged, resolved"} in facts["people"]
    story.tick("app.notifications.ticks.send")
    assert any("postmortem of #1" in mail.subject for mail in smtp.to("bob@example.com"))


def test_the_timeline_is_the_log_oldest_first_and_a_page_is_one_row(story):
    """PM-01, PM-02: the signal, the page with person, channel and outcome, acknowledgement with its road, resolution."""
    incident = story.ends(story.happens())
    rows = documents.postmortem_document(only())["timeline"]
    assert {one for row in rows for one in row["entries"]} == log_of(incident)
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)
    told = [row["text"] for row in rows]
    assert "Page to Bob by email, sent" in told and "Bob acknowledged by web" in told
    assert told[0].startswith("Triggered by integration Prometheus")
    assert "Switched to the second provider" in [row["body"] for row in rows if row["kind"] == "incident.resolved"]


def test_signals_that_follow_each_other_stand_in_one_row(story):
    """PM-02."""
    incident = build.incident(team=story.team)
    with transaction():
        for number in range(5):
            incidents.moves.said(incidents.events.ALERT_JOINED, session.get_one(Incident, incident.id), by(story.bob),
                                 title=f"Disk {number}", alert=number, severity="high")
        made = service.create([session.get_one(Incident, incident.id)], by=by(story.bob))
    rows = timeline.rows_of(made, queries.content_of(made))
    assert [(row.text, len(row.ids)) for row in rows] == [("5 more signals: Disk 0", 5)]


def test_several_incidents_are_told_in_one_story(story):
    """PM-01: interleaved by time."""
    first, second = story.happens(), story.happens("Other", severity="high")
    for one in (first, second):
        story.ends(one)
    with transaction():
        editing.add_incident(only(), session.get_one(Incident, second.id), by=by(story.ana))
    rows = documents.postmortem_document(only())["timeline"]
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)
    assert {row["incident"] for row in rows} == {first.id, second.id}
    assert {one for row in rows for one in row["entries"]} == log_of(first, second)


@pytest.mark.both_databases
def test_it_is_made_once_whatever_is_told_twice(story):
    """PM-03: the event again, reopened and resolved again: one draft, what people wrote stays, the log goes on."""
    incident = story.ends(story.happens())
    written(only(), story.bob, Impact="1,140 payments failed")
    with transaction():
        reactions.draft(session.scalars(select(Event).where(Event.kind == "incident.resolved")).one())
        incidents.reopen(session.get_one(Incident, incident.id), by=by(story.bob))
    before = len(documents.postmortem_document(only())["timeline"])
    story.ends(incident, note="Really over")
    made = documents.postmortem_document(only())
    assert len(made["timeline"]) > before and "Really over" in [row["body"] for row in made["timeline"]]
    assert {"heading": "Impact", "body": "1,140 payments failed"} in made["sections"]


def test_a_draft_that_was_deleted_does_not_come_back(story):
    """PM-03: once per incident."""
    incident = story.ends(story.happens())
    with transaction():
        service.delete_draft(only(), by=by(story.ana))
        incidents.reopen(session.get_one(Incident, incident.id), by=by(story.bob))
    story.ends(incident)
    assert session.scalar(select(Postmortem.id)) is None


@pytest.mark.parametrize(("severity", "test"), [("medium", False), ("high", False), ("critical", True)])
def test_lesser_incidents_and_tests_make_none(story, severity, test):
    """PM-03: the team's habit is critical unless set otherwise."""
    story.ends(build.incident(team=story.team, severity=severity, test=test))
    assert session.scalar(select(Postmortem.id)) is None


def test_time_takes_nothing_away(story):
    """PM-06: 1,000 days later, after the log was cleaned, drafts and published ones read as before."""
    story.ends(story.happens())
    written(only(), story.bob, Summary="It failed")
    with transaction():
        reviewing.submit(only(), [story.ana], by=by(story.bob))
    before = documents.postmortem_document(only())
    kept = set(session.scalars(select(Event.id).where(Event.subject.like("incident:%") | Event.subject.like("postmortem:%"))))
    chain.seal()
    assert chain.purge(clock.now() + timedelta(days=1000)) > 0
    assert documents.postmortem_document(only()) == before
    assert kept <= set(session.scalars(select(Event.id)))


@pytest.mark.both_databases
def test_an_incident_with_a_postmortem_can_not_be_deleted(story):
    """PM-08: the database sees to it."""
    incident = story.ends(story.happens())
    with pytest.raises(IntegrityError), transaction():
        session.delete(session.get_one(Incident, incident.id))
        session.flush()
