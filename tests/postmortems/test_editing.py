"""Writing: versions that nothing changes, two people at once, what is not saved, rows, former versions."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from sqlalchemy import select

from app.core import clock
from app.core.db import session, transaction
from app.core.errors import Conflict
from app.core.events import Event
from app.postmortems import editing, queries, reviewing, service, timeline
from app.postmortems.models import Postmortem, PostmortemVersion, Unsaved
from tests import build
from tests.incidents.people import by
from tests.postmortems.stories import form_of, published, written


@pytest.fixture
def draft(payments, bob) -> Postmortem:
    """Bob's draft about one incident."""
    return build.postmortem(build.incident(team=payments, severity="high", status="resolved", resolved_at=clock.now()),
                            author=bob)


def numbers(found: Postmortem) -> list[int]:
    """The numbers of all versions."""
    return list(session.scalars(select(PostmortemVersion.number).where(
        PostmortemVersion.postmortem_id == found.id).order_by(PostmortemVersion.number)))


def body(found: Postmortem, heading: str) -> str:
    """What a section says now."""
    session.expire_all()
    return next(one.body for one in queries.content_of(session.get_one(Postmortem, found.id)).sections
                if one.heading == heading)


def typed(browser, found: Postmortem, **sections: str) -> dict[str, str]:
    """The editor's form with other texts in some sections."""
    form = form_of(browser.get(f"/postmortems/{found.id}/edit").text)
    named = {form[name]: name.replace("heading", "body") for name in form if name.startswith("heading")}
    return form | {named[name.replace("_", " ")]: text for name, text in sections.items()}


def test_the_form_saves_a_version_and_repeated_it_saves_none(app, signed_in, bob, draft):
    """PM-29: the same form twice is one version."""
    browser = signed_in(bob)
    form = typed(browser, draft, Impact="1,140 payments failed")
    for _ in range(2):
        assert browser.post(f"/postmortems/{draft.id}/edit", data=form).status_code == 303
    assert body(draft, "Impact") == "1,140 payments failed" and numbers(draft) == [1, 2]


def test_two_people_in_different_sections_merge_without_a_word(app, signed_in, ana, bob, draft):
    """PM-10."""
    hers, his = signed_in(ana), signed_in(bob)
    first, second = typed(hers, draft, Lessons="Ana's"), typed(his, draft, Impact="Bob's")
    hers.post(f"/postmortems/{draft.id}/edit", data=first)
    assert his.post(f"/postmortems/{draft.id}/edit", data=second).status_code == 303
    assert (body(draft, "Lessons"), body(draft, "Impact")) == ("Ana's", "Bob's")


def test_two_people_in_the_same_section_see_both_texts_and_lose_none(app, signed_in, ana, bob, draft):
    """PM-09: 409 with base, own and other; one's own is kept although the window is closed; then it is merged."""
    hers, his = signed_in(ana), signed_in(bob)
    first, second = typed(hers, draft, Impact="Ana's text"), typed(his, draft, Impact="Bob's text", Lessons="None")
    hers.post(f"/postmortems/{draft.id}/edit", data=first)
    answer = his.post(f"/postmortems/{draft.id}/edit", data=second)
    assert answer.status_code == 409
    assert "Ana saved version 2" in answer.text and "Ana&#39;s text" in answer.text and "Bob&#39;s text" in answer.text
    assert body(draft, "Impact") == "Ana's text" and "Bob&#39;s text" in his.get(f"/postmortems/{draft.id}/edit").text
    decided = form_of(answer.text)
    decided[next(name for name, text in decided.items() if "Bob" in text)] = "Both"
    assert his.post(f"/postmortems/{draft.id}/edit", data=decided).status_code == 303
    assert (body(draft, "Impact"), body(draft, "Lessons")) == ("Both", "None")
    assert session.scalar(select(Unsaved.id)) is None


def test_what_is_typed_is_kept_for_its_author_and_in_nobodys_way(app, signed_in, ana, bob, draft):
    """PM-11: keeping is no version, and later saving is no conflict with oneself; others see that somebody writes."""
    browser = signed_in(bob)
    form = typed(browser, draft, Impact="Half a sen")
    for _ in range(3):
        assert browser.post(f"/postmortems/{draft.id}/unsaved", data=form).status_code == 204
    assert numbers(draft) == [1] and "Half a sen" in browser.get(f"/postmortems/{draft.id}/edit").text
    assert "Bob is writing" in signed_in(ana).get(f"/postmortems/{draft.id}").text
    assert browser.post(f"/postmortems/{draft.id}/edit", data=form).status_code == 303
    assert body(draft, "Impact") == "Half a sen" and session.scalar(select(Unsaved.id)) is None


def test_unsaved_text_can_be_thrown_away(app, signed_in, ana, bob, draft):
    """The editor begins with what is saved again; until then it says when somebody saved meanwhile."""
    browser = signed_in(bob)
    browser.post(f"/postmortems/{draft.id}/unsaved", data=typed(browser, draft, Impact="Nonsense"))
    assert "a newer version" not in browser.get(f"/postmortems/{draft.id}/edit").text
    written(draft, ana, Lessons="More")
    assert "a newer version" in browser.get(f"/postmortems/{draft.id}/edit").text
    browser.post(f"/postmortems/{draft.id}/unsaved/drop")
    assert "Nonsense" not in browser.get(f"/postmortems/{draft.id}/edit").text


def test_sections_are_added_renamed_and_removed_without_script(app, signed_in, bob, draft):
    """The plain form: a press shows one section more, and nothing typed is lost."""
    browser = signed_in(bob)
    more = browser.post(f"/postmortems/{draft.id}/edit", data=typed(browser, draft, Impact="Kept") | {"add": "1"})
    assert more.status_code == 200 and "Section 12" in more.text and "Kept" in more.text
    less = browser.post(f"/postmortems/{draft.id}/edit", data=form_of(more.text) | {"remove": "2"})
    browser.post(f"/postmortems/{draft.id}/edit", data=form_of(less.text) | {"heading-0": "In short"})
    session.expire_all()
    said = [one.heading for one in queries.content_of(session.get_one(Postmortem, draft.id)).sections]
    assert said[:3] == ["In short", "Impact", "Root cause"] and said[-1] == "Section 12"


def test_each_fault_is_said_and_what_was_typed_stays(app, signed_in, bob, draft):
    """422: an empty title, a moment that is none, two headings alike."""
    browser = signed_in(bob)
    form = typed(browser, draft, Impact="Stays") | {"title": ""}
    answer = browser.post(f"/postmortems/{draft.id}/edit", data=form)
    assert answer.status_code == 422 and "A title has 1 to 200" in answer.text and "Stays" in answer.text
    answer = browser.post(f"/postmortems/{draft.id}/edit", data=form | {"impact_from": "yesterday"})
    assert answer.status_code == 422 and "This is not a time" in answer.text and "Stays" in answer.text
    answer = browser.post(f"/postmortems/{draft.id}/edit", data=form | {"title": "x", "heading-1": "Summary"})
    assert answer.status_code == 422 and "Headings differ" in answer.text
    assert numbers(draft) == [1]


HOSTILE = ("<script>alert(1)</script>", '<img src=x onerror="alert(1)">', "[x](javascript:alert(1))", "<iframe src=//evil>",
           "[x](data:text/html,x)", "![x](https://evil.example/x.png)", "<style>*{}</style>")


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_the_text_comes_alive(app, signed_in, bob, draft, text):
    """PM-20: in the preview and on the page."""
    browser = signed_in(bob)
    written(draft, bob, Impact=f"{text} end")
    for html in (browser.post(f"/postmortems/{draft.id}/preview", data={"body": text}).text,
                 browser.get(f"/postmortems/{draft.id}").text.split("<article")[1].split("</article>")[0]):
        assert not any(bad in html for bad in ("<script", "<img", "<iframe", "<style", 'href="javascript', 'href="data'))


def test_rows_are_added_with_author_and_hidden_and_shown_again(app, signed_in, bob, draft):
    """PM-04: marked as added; hiding is a version, listed in the difference, and can be taken back."""
    browser = signed_in(bob)
    build_row(draft, bob)
    browser.post(f"/postmortems/{draft.id}/rows", data={"at": "2026-03-02T09:58", "text": "Impact begins"})
    assert "Impact begins <span class=\"dim\">added by Bob" in browser.get(f"/postmortems/{draft.id}").text
    found = session.get_one(Postmortem, draft.id)
    keys = [row.key for row in timeline.rows_of(found, queries.content_of(found)) if not row.added_by]
    browser.post(f"/postmortems/{draft.id}/timeline", data={"seen": " ".join(map(str, keys))})
    session.expire_all()
    page = browser.get(f"/postmortems/{draft.id}").text
    assert "1 of 2 entries shown" in page and "Bob wrote a note" not in page
    assert "Rows that are hidden" in browser.get(f"/postmortems/{draft.id}/versions").text
    browser.post(f"/postmortems/{draft.id}/timeline", data={"row": keys, "seen": " ".join(map(str, keys))})
    assert "Bob wrote a note" in browser.get(f"/postmortems/{draft.id}").text


def build_row(found: Postmortem, who) -> None:
    """Somebody writes a note on its incident."""
    from app.incidents.service import add_note

    with transaction():
        add_note(session.get_one(Postmortem, found.id).incidents[0], "Looking at it", by=by(who))


def test_any_version_is_compared_and_restored_as_a_new_one(app, signed_in, bob, draft):
    """PM-12."""
    browser = signed_in(bob)
    for text in ("first try", "second try"):
        written(draft, bob, Impact=text)
    page = browser.get(f"/postmortems/{draft.id}/versions?from=2&to=3").text
    assert "<del>" in page and "first try" in page and "second try" in page
    assert browser.post(f"/postmortems/{draft.id}/versions/2/restore").status_code == 303
    found = session.get_one(Postmortem, draft.id)
    session.refresh(found)
    assert queries.content_of(found) == queries.content_of(found, 2) and numbers(draft) == [1, 2, 3, 4]
    assert browser.get(f"/postmortems/{draft.id}/versions/99").status_code == 404


def test_an_incident_that_goes_takes_its_rows_along(app, signed_in, bob, draft, payments):
    """PM-08: and the last one stays."""
    other = build.incident("Other", team=payments)
    browser = signed_in(bob)
    browser.post(f"/postmortems/{draft.id}/incidents", data={"number": f"#{other.id}"})
    assert "Postmortem" in browser.get(f"/incidents/{other.id}").text.split('id="postmortem"')[1][:400]
    build_row(draft, bob)
    browser.post(f"/postmortems/{draft.id}/incidents/1/remove")
    assert "Bob wrote a note" not in browser.get(f"/postmortems/{draft.id}").text
    answer = browser.post(f"/postmortems/{draft.id}/incidents/{other.id}/remove")
    assert answer.status_code == 409 and "at least one incident" in answer.text


@pytest.mark.both_databases
def test_savers_at_a_barrier_never_lose_a_text(app, ana, bob, draft):
    """PM-09: of two who save the same section at once, one is told; 15 rounds."""
    refused: list[str] = []
    key, actors = draft.id, (by(ana), by(bob))
    for turn in range(15):
        base, gate = session.get_one(Postmortem, key, populate_existing=True).version, threading.Barrier(2)
        session.rollback()
        races = [threading.Thread(target=_race, args=(app, key, base, who, f"{who.name} {turn}", gate, refused))
                 for who in actors]
        [one.start() for one in races]
        [one.join() for one in races]
    assert len(refused) == 15 and numbers(draft) == list(range(1, 17))


def _race(app, key, base, who, text, gate, refused):
    with app.app_context():
        gate.wait()
        try:
            with transaction():
                found = session.get_one(Postmortem, key)
                service.save(found, base, replace(queries.content_of(found, base), title=text), by=who)
        except Conflict as conflict:
            refused.append(conflict.detail)
        finally:
            session.remove()


def test_published_text_is_changed_by_managers_only_and_seen_when_published_again(app, signed_in, ana, bob, draft):
    """PM-14: with a reason; readers see the difference; the old one stays readable."""
    published(draft, bob, ana)
    assert signed_in(bob).post(f"/postmortems/{draft.id}/edit", data={}).status_code == 403
    hers = signed_in(ana)
    hers.post(f"/postmortems/{draft.id}/edit", data=typed(hers, draft, Impact="Corrected"))
    assert "Corrected" not in signed_in(bob).get(f"/postmortems/{draft.id}").text
    assert hers.post(f"/postmortems/{draft.id}/publish", data={"reason": ""}).status_code == 422
    hers.post(f"/postmortems/{draft.id}/publish", data={"reason": "The number was wrong"})
    page = signed_in(bob).get(f"/postmortems/{draft.id}").text
    assert "Corrected" in page and "Version 2" in page and "The number was wrong" in page
    first = session.scalars(select(PostmortemVersion.number).where(PostmortemVersion.publication == 1)).one()
    assert "Corrected" not in signed_in(bob).get(f"/postmortems/{draft.id}/versions/{first}").text


def test_who_edits_beside_the_text_leaves_a_fact(app, ana, bob, draft):
    """Owner, comments: each one fact; a stranger to the team can't own it."""
    with transaction():
        found = session.get_one(Postmortem, draft.id)
        editing.name_owner(found, ana, by=by(bob))
        editing.add_comment(found, "Why so late?", by=by(ana))
        reviewing.submit(found, [ana], by=by(bob))
        reviewing.withdraw(found, by=by(bob))
    kinds = list(session.scalars(select(Event.kind).where(Event.subject == draft.ref).order_by(Event.id)))
    assert kinds == ["postmortem.created", "postmortem.owner_changed", "postmortem.commented", "postmortem.submitted",
                     "postmortem.withdrawn"]
