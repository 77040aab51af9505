"""Review and publication: who may, what an approval counts for, what readers keep seeing, and who may read at all."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import select

from app.core import clock
from app.core.db import session, transaction
from app.core.errors import Conflict
from app.core.events import Event
from app.identity.models import Membership, User
from app.incidents import service as incidents
from app.incidents.models import Incident
from app.notifications.models import Message
from app.postmortems import documents, patterns, queries, reviewing, rules
from app.postmortems.models import Postmortem
from tests import build
from tests.identity.test_erasing import gone
from tests.incidents.people import by
from tests.postmortems.stories import approved, published, written


@pytest.fixture
def draft(payments, bob) -> Postmortem:
    """Bob's draft about one incident."""
    service = build.service("checkout", team=payments)
    incident = build.incident(service=service, severity="high", status="resolved", resolved_at=clock.now())
    with transaction():
        incidents.add_note(session.get_one(Incident, incident.id), "The provider throttles us", by=by(bob))
    return build.postmortem(incident, author=bob)


def again(found: Postmortem) -> Postmortem:
    """Fresh from the database."""
    session.expire_all()
    return session.get_one(Postmortem, found.id)


def facts(found: Postmortem, kind: str) -> int:
    """How often this was recorded."""
    return len(list(session.scalars(select(Event.id).where(Event.subject == found.ref, Event.kind == kind))))


def test_from_draft_to_published_by_two_people_on_the_page(app, signed_in, ana, bob, draft):
    """PM-13: the reviewer sees it, approves it, the author publishes it."""
    his, hers = signed_in(bob), signed_in(ana)
    assert his.post(f"/postmortems/{draft.id}/submit", data={"reviewer": "ana@example.com"}).status_code == 303
    assert "Approve" in hers.get(f"/postmortems/{draft.id}").text and ">Publish<" not in his.get("/postmortems/1").text
    hers.post(f"/postmortems/{draft.id}/approve", data={"version": again(draft).version})
    assert his.post(f"/postmortems/{draft.id}/publish").status_code == 303
    assert (again(draft).state, again(draft).publication) == ("published", 1)
    assert "version 1, published on" in his.get(f"/postmortems/{draft.id}").text


@pytest.mark.parametrize(("state", "command", "allowed"), [
    (state, command, state in moves) for command, moves in rules.TRANSITIONS.items() for state in rules.STATES])
def test_each_command_starts_only_from_the_states_of_the_table(state, command, allowed):
    """QUAL-18: draft, in review, published: nothing goes back from published."""
    assert (rules.after(command, state) is not None) is allowed


def test_a_summary_and_somebody_else_are_needed_for_a_review(app, signed_in, bob, draft):
    """422 with the reason; it stays a draft."""
    browser = signed_in(bob)
    written(draft, bob, Summary="")
    answer = browser.post(f"/postmortems/{draft.id}/submit", data={"reviewer": "ana@example.com"})
    assert answer.status_code == 422 and "A summary is needed" in answer.text
    written(draft, bob, Summary="It failed")
    assert browser.post(f"/postmortems/{draft.id}/submit", data={"reviewer": "bob@example.com"}).status_code == 422
    assert again(draft).state == "draft"


def test_an_approval_is_void_once_the_text_changes(app, signed_in, ana, bob, draft):
    """PM-13: publishing needs an approval of this very version; who changed it last can't give it."""
    approved(draft, bob, ana)
    written(draft, ana, Impact="More than we thought")
    answer = signed_in(bob).post(f"/postmortems/{draft.id}/publish")
    assert answer.status_code == 409 and "Nobody approved this version yet" in answer.text
    assert signed_in(ana).post(f"/postmortems/{draft.id}/approve").status_code == 403
    stale = signed_in(bob).post(f"/postmortems/{draft.id}/approve", data={"version": again(draft).version - 1})
    assert stale.status_code == 409 and "Ana saved version" in stale.text


def test_a_reviewer_from_elsewhere_reads_it_and_sends_it_back(app, signed_in, run_jobs, tick, smtp, bob, charlie, draft):
    """A named reviewer of another team: told, reads, judges; the author is told why."""
    with transaction():
        reviewing.submit(again(draft), [charlie], by=by(bob))
    run_jobs()
    browser = signed_in(charlie)
    assert browser.get(f"/postmortems/{draft.id}").status_code == 200
    browser.post(f"/postmortems/{draft.id}/changes", data={"body": "What about the retries?"})
    run_jobs()
    tick("app.notifications.ticks.send")
    assert again(draft).state == "draft" and "What about the retries?" in signed_in(bob).get("/postmortems/1").text
    assert smtp.to("charlie@example.com") and any("retries" in mail.subject for mail in smtp.to("bob@example.com"))


def test_what_was_published_is_never_changed_by_what_happens_later(app, signed_in, ana, bob, draft):
    """PM-05: notes, other titles, people renamed and erased, services archived: not by a byte."""
    published(draft, bob, ana)
    before = documents.postmortem_document(again(draft))
    with transaction():
        incident = again(draft).incidents[0]
        incidents.add_note(incident, "One more thing", by=by(bob))
        incident.title, incident.severity = "Something else", "low"
        incident.service.lifecycle, incident.service.name = "archived", "Gone"
        session.get_one(User, bob.id).name = "Robert"
    gone(bob)
    now = documents.postmortem_document(again(draft))
    kept = ("title", "sections", "facts", "timeline", "impact", "version")
    assert {name: now[name] for name in kept} == {name: before[name] for name in kept}
    page = signed_in(ana).get(f"/postmortems/{draft.id}").text.split("<article")[1].split("</main>")[0]
    assert "One more thing" not in page and "Bob wrote a note" in page


def test_publishing_tells_team_responders_and_followers_once(app, run_jobs, tick, smtp, ana, bob, charlie, draft):
    """PM-18: by mail, never by telephone."""
    build.contact(ana, "sms", "+4915112345678")
    with transaction():
        incidents.involve(again(draft).incidents[0], [charlie.id])
    published(draft, bob, ana)
    for _ in range(2):
        run_jobs()
        tick("app.notifications.ticks.send")
    for person in ("ana", "charlie"):
        assert len([mail for mail in smtp.to(f"{person}@example.com") if "published" in mail.subject]) == 1
    assert not list(session.scalars(select(Message.id).where(Message.channel == "sms")))


def test_where_review_is_optional_a_manager_publishes_alone(app, ana, bob, payments, draft):
    """The team's habit; a responder still can't."""
    with transaction():
        patterns.save_habits(payments, {"review": "optional"}, by=by(ana))
        reviewing.publish_version(again(draft), by=by(ana))
    assert again(draft).state == "published"


@pytest.mark.race(rounds=10)
@pytest.mark.both_databases
@pytest.mark.parametrize("what", ["approve", "publish"])
def test_two_at_once_are_one_fact_and_one_polite_already(app, ana, bob, payments, what):
    """PM-13: 10 rounds at a barrier."""
    dora = build.user("dora")
    with transaction():
        patterns.save_habits(payments, {"review": "required"}, by=by(ana))
    actors, refused = (by(ana), by(dora)), []
    with transaction():
        session.add(Membership(team_id=payments.id, user_id=dora.id, role="responder"))
    for _ in range(10):
        key = ready(build.postmortem(build.incident(team=payments), author=bob), ana, bob, what)
        gate = threading.Barrier(2)
        races = [threading.Thread(target=_race, args=(app, key, actor, what, gate, refused)) for actor in actors]
        [one.start() for one in races]
        [one.join() for one in races]
    assert len(refused) == 10 and all(one.startswith("Already") for one in refused)


def ready(found: Postmortem, ana, bob, what: str) -> int:
    """In review; approved where it is about publishing."""
    key = found.id
    with transaction():
        reviewing.submit(session.get_one(Postmortem, key), [ana], by=by(bob))
        if what == "publish":
            reviewing.approve(session.get_one(Postmortem, key), by=by(ana))
    session.rollback()
    return key


def _race(app, key, actor, what, gate, refused):
    with app.app_context():
        gate.wait()
        try:
            with transaction():
                command = reviewing.approve if what == "approve" else reviewing.publish_version
                command(session.get_one(Postmortem, key), by=actor)
        except Conflict as conflict:
            refused.append(conflict.detail)
        finally:
            session.remove()


def test_drafts_are_nobody_elses(app, signed_in, ana, bob, charlie, olga, draft):
    """PM-15: 404, in no list, no search, on no incident's page; admins and the team read them; then it is published."""
    outside, number = signed_in(charlie), again(draft).incidents[0].id
    for path in ("", "/versions", "/versions/1"):
        assert outside.get(f"/postmortems/{draft.id}{path}").status_code == 404
    title = "Checkout is down"
    assert title not in outside.get("/postmortems?q=down").text.split('id="rows"')[1]
    assert "/postmortems/" not in outside.get(f"/incidents/{number}").text.split('id="postmortem"')[1][:300]
    assert title in signed_in(olga).get("/postmortems").text and title in signed_in(ana).get("/postmortems?q=down").text
    published(draft, bob, ana)
    assert outside.get(f"/postmortems/{draft.id}").status_code == 200
    assert title in outside.get("/postmortems").text.split('id="rows"')[1]
    assert outside.get(f"/postmortems/{draft.id}/versions/1").status_code == 404


def test_a_private_teams_published_ones_stay_in_the_team(app, signed_in, ana, bob, charlie):
    """PM-15."""
    secret = build.team("secret", manager=ana, responders=[bob], private=True)
    found = build.postmortem(build.incident("Vault open", team=secret), author=bob)
    published(found, bob, ana)
    browser = signed_in(charlie)
    assert browser.get(f"/postmortems/{found.id}").status_code == 404
    assert "Vault open" not in browser.get("/postmortems").text and "Vault open" in signed_in(bob).get("/postmortems").text


WRITES = ("edit", "unsaved", "submit", "withdraw", "approve", "publish", "changes", "timeline", "rows", "comments", "owner",
          "incidents", "links", "delete", "versions/1/restore")


def test_observers_and_others_write_nothing(app, signed_in, ana, bob, charlie, payments, draft):
    """PM-16: every write is 403 and changes nothing."""
    dora = build.user("dora")
    with transaction():
        session.add(Membership(team_id=payments.id, user_id=dora.id, role="observer"))
    before = documents.postmortem_document(again(draft))
    for browser in (signed_in(dora), signed_in(charlie)):
        answers = {path: browser.post(f"/postmortems/{draft.id}/{path}", data={"version": "1"}).status_code for path in WRITES}
        assert set(answers.values()) == {403}, answers
    assert signed_in(dora).get(f"/postmortems/{draft.id}").status_code == 200
    assert documents.postmortem_document(again(draft)) == before


def test_a_manager_deletes_a_draft_and_nobody_a_published_one(app, signed_in, ana, bob, draft):
    """PM-31."""
    assert signed_in(bob).post(f"/postmortems/{draft.id}/delete").status_code == 403
    published(draft, bob, ana)
    assert signed_in(ana).post(f"/postmortems/{draft.id}/delete").status_code == 409
    other = build.postmortem(build.incident("Other", team=again(draft).team), author=bob)
    assert signed_in(ana).post(f"/postmortems/{other.id}/delete").status_code == 303
    gone = session.scalars(select(Event).where(Event.kind == "postmortem.deleted")).one()
    assert gone.data["title"] == "Other" and queries.about(2, again(draft).team_id) is None


def test_a_begun_one_is_found_again_from_the_form(app, signed_in, bob, payments, draft):
    """PM-07: a second of the same incident and team is 409 with the way to the first; nothing chosen is 422."""
    browser = signed_in(bob)
    answer = browser.post("/postmortems/-/new", data={"incident": "1"})
    assert answer.status_code == 409 and f"/postmortems/{draft.id}" in answer.text
    assert browser.post("/postmortems/-/new", data={}).status_code == 422
    assert browser.post("/postmortems/-/new", data={"numbers": "#999"}).status_code == 422
    fresh = build.incident("Other", team=payments, status="resolved", resolved_at=clock.now())
    assert "Start one" in browser.get(f"/incidents/{fresh.id}").text and "Other" in browser.get("/postmortems/-/new").text
    answer = browser.post("/postmortems/-/new", data={"numbers": f"#{fresh.id}", "title": "Lessons"})
    assert answer.headers["Location"].endswith("/postmortems/2/edit") and again(draft).title != "Lessons"
    assert session.get_one(Postmortem, 2).title == "Lessons"
