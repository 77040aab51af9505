"""What leaves the house: share links, Markdown, JSON, and paper."""

from __future__ import annotations

import json
import re
import time

import pytest
import time_machine
from markupsafe import Markup
from sqlalchemy import select

from app.core import clock
from app.core.db import session, transaction
from app.incidents import markdown
from app.incidents import service as incidents
from app.incidents.models import Incident
from app.postmortems import editing, exports, pages, service, sharing
from app.postmortems.models import Postmortem, PostmortemHtml, ShareLink
from tests import build
from tests.incidents.people import by
from tests.postmortems.stories import published, written
from tests.postmortems.test_editing import HOSTILE

INSIDE = ("Ask carol@example.com, erin\\@example.com or frank&#64;example.com, see http://localhost/incidents/1 and "
          "[the page](/services/checkout). **Bold** end.")


@pytest.fixture
def lessons(payments, ana, bob) -> Postmortem:
    """Published, with a note in its timeline, a row of Bob's own, and an action item."""
    incident = build.incident(service=build.service("checkout", team=payments), status="resolved", severity="critical",
                              resolved_at=clock.now())
    with transaction():
        incidents.add_note(session.get_one(Incident, incident.id), "Look at <b>it</b>, dave@example.com", by=by(bob))
    found = build.postmortem(incident, author=bob)
    with transaction():
        editing.add_row(session.get_one(Postmortem, found.id), clock.now(), "Impact begins", by=by(bob))
    written(found, bob, Summary="Payments failed", Impact=INSIDE)
    build.action_item(found, ana, title="Slow down retries", priority="high")
    return published(found, bob, ana)


def link(found: Postmortem, who, days: int = 14) -> str:
    """The path of a new share link."""
    with transaction():
        _, token = sharing.make_link(session.get_one(Postmortem, found.id), days, by=by(who))
    return f"/shared/postmortems/{token}"


def test_a_link_opens_what_is_published_without_a_login(app, client, bob, lessons):
    """PM-17: noindex, no-referrer, no-store; no mail address, no way into the house."""
    answer = client.get(link(lessons, bob))
    assert answer.status_code == 200 and "Payments failed" in answer.text and "<strong>Bold</strong>" in answer.text
    assert "@example.com" not in answer.text and "localhost" not in answer.text
    assert not re.search(r'(href|src)="', answer.text)
    assert (answer.headers["Referrer-Policy"], answer.headers["Cache-Control"]) == ("no-referrer", "no-store")
    assert "noindex" in answer.headers["X-Robots-Tag"] and "Set-Cookie" not in answer.headers


def test_it_shows_the_version_that_is_current_when_it_is_opened(app, client, signed_in, ana, bob, lessons):
    """PM-17: a newer publication shows under the same link, a draft of one does not."""
    path = link(lessons, bob)
    written(lessons, ana, Summary="Corrected")
    assert "Corrected" not in client.get(path).text
    signed_in(ana).post(f"/postmortems/{lessons.id}/publish", data={"reason": "A number was wrong"})
    assert "Corrected" in client.get(path).text


def test_revoked_expired_and_unknown_links_are_alike(app, client, signed_in, bob, lessons):
    """PM-17: the same 404, in about the same time."""
    revoked, expired = link(lessons, bob), link(lessons, bob, 1)
    first = session.query(ShareLink).order_by(ShareLink.id).first()
    signed_in(bob).post(f"/postmortems/{lessons.id}/links/{first.id}/revoke")
    with time_machine.travel(clock.now().replace(year=clock.now().year + 1), tick=True):
        answers, took = [], []
        for path in (revoked, expired, "/shared/postmortems/unknown") * 5:
            began = time.perf_counter()
            answer = client.get(path)
            took.append(time.perf_counter() - began)
            answers.append((answer.status_code, re.sub(r"[0-9a-f]{32}|\S*/shared/\S*|csrf\S* content=\S*|server-time\S* \S*", "",
                                                       answer.text)))
    assert answers[0][0] == 404 and len(set(answers)) == 1
    middle = [sorted(took[at::3])[2] for at in range(3)]
    assert max(middle) - min(middle) < 0.05


def test_only_published_ones_are_shared_and_for_90_days_at_most(app, signed_in, bob, payments):
    """409 for a draft, 422 for too long; the address is shown once."""
    draft, browser = build.postmortem(build.incident(team=payments), author=bob), signed_in(bob)
    assert browser.post(f"/postmortems/{draft.id}/links", data={"days": "14"}).status_code == 409
    assert browser.post(f"/postmortems/{draft.id}/links", data={"days": "91"}).status_code == 422


def test_the_page_shows_a_new_link_once(app, signed_in, bob, lessons):
    """Then only its end."""
    browser = signed_in(bob)
    page = browser.post(f"/postmortems/{lessons.id}/links", data={"days": "30"}).text
    assert "http://localhost/shared/postmortems/" in page
    later = browser.get(f"/postmortems/{lessons.id}").text
    assert "/shared/postmortems/" not in later and "Revoke" in later


def test_markdown_holds_the_same_sections_timeline_and_items(app, signed_in, bob, lessons):
    """PM-19."""
    text = signed_in(bob).get(f"/postmortems/{lessons.id}/export/md").text
    assert text.startswith("# Checkout is down\n") and "## Summary\n\nPayments failed\n" in text and INSIDE in text
    assert "Impact begins *(added by Bob)*" in text and "  > Look at <b>it</b>" in text
    assert "- [ ] Slow down retries (Ana, 2026-03-31, high, open)" in text and "- **Severity:** critical" in text


def test_json_is_what_the_api_tells(app, client, signed_in, token, bob, lessons):
    """PM-19."""
    taken = json.loads(signed_in(bob).get(f"/postmortems/{lessons.id}/export/json").text)
    assert taken == client.get(f"/api/v1/postmortems/{lessons.id}", headers=token(bob)).json


def test_paper_needs_no_network_and_cuts_no_row(app, signed_in, bob, lessons):
    """PM-19: one file; its sheet keeps rows whole and is the only thing that its policy lets in."""
    answer = signed_in(bob).get(f"/postmortems/{lessons.id}/export/html?save=1")
    assert not re.search(r'<(link|script|img|iframe)|url\(|@import', answer.text)
    assert "break-inside:avoid" in answer.text and "Slow down retries" in answer.text
    assert "style-src 'sha256-" in answer.headers["Content-Security-Policy"]
    assert "attachment" in answer.headers["Content-Disposition"]


def test_nobody_takes_a_draft_of_others_away(app, signed_in, charlie, bob, payments):
    """PM-15."""
    draft = build.postmortem(build.incident(team=payments), author=bob)
    browser = signed_in(charlie)
    assert {browser.get(f"/postmortems/{draft.id}/export/{form}").status_code for form in exports.FORMS} == {404}


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_comes_alive_on_paper_or_outside(app, client, ana, bob, payments, text):
    """PM-20: export and share link."""
    found = build.postmortem(build.incident(team=payments, status="resolved", resolved_at=clock.now()), author=bob)
    written(found, bob, Summary=f"{text} end")
    with transaction():
        editing.add_row(session.get_one(Postmortem, found.id), clock.now(), text, by=by(bob))
    published(found, bob, ana)
    html = client.get(link(found, bob)).text.split("</style>")[1]
    assert not any(bad in html for bad in ("<script", "<img", "<iframe", "<style", 'href="javascript', 'href="data'))


def kept():
    """What is kept as HTML, in order."""
    session.expire_all()
    return [one.html for one in session.scalars(select(PostmortemHtml).order_by(PostmortemHtml.html))]


def test_a_long_section_is_rendered_once_after_it_is_written_and_by_no_reader(app, signed_in, tick, ana, bob, lessons, monkeypatch):
    """PM-28, in part, and PM-20: safe, of the versions that are read alone; another text or renderer finds nothing of it."""
    browser, long = signed_in(bob), "**Slow**, <script>alert(1)</script> [x](javascript:alert(1)). " * 100
    page = f"/postmortems/{lessons.id}/versions/{written(lessons, ana, Impact=long).version}"
    tick("app.postmortems.ticks.keep_html")
    [html] = kept()
    assert html.count("<strong>") == 100 and "<script" not in html and "href" not in html
    pages.forget()
    with monkeypatch.context() as asleep:
        asleep.setattr(pages, "shown", lambda text: Markup("") if len(text) > 2000 else markdown.html(text))
        assert browser.get(page).text.count("<strong>Slow</strong>") == 100
        asleep.setattr(markdown, "RENDERER", "another")
        assert "<strong>Slow</strong>" not in browser.get(page).text
        tick("app.postmortems.ticks.keep_html")
        assert "<strong>Slow</strong>" in browser.get(page).text


def test_a_text_that_can_not_be_rendered_keeps_no_other_waiting(app, tick, ana, bob, lessons, monkeypatch):
    """PM-28: the tick says so once the others are done."""
    newer = build.postmortem(build.incident(team=session.get_one(Postmortem, lessons.id).team), author=bob)
    written(lessons, ana, Impact="Older. " * 400)
    written(newer, bob, Impact="Newer. " * 400)
    usual = markdown.html
    monkeypatch.setattr(markdown, "html", lambda text: 1 / 0 if "Newer" in text else usual(text))
    with pytest.raises(ZeroDivisionError):
        tick("app.postmortems.ticks.keep_html")
    assert ["Older" in one for one in kept()] == [True]


def test_what_was_kept_goes_with_its_text(app, tick, ana, bob, lessons):
    """PM-31: with another version, and with a draft that is deleted."""
    draft = build.postmortem(build.incident(team=session.get_one(Postmortem, lessons.id).team), author=bob)
    for text in ("First. " * 400, "Second. " * 400):
        written(draft, bob, Impact=text)
        for _ in range(2):
            tick("app.postmortems.ticks.keep_html")
        assert [text.split(". ")[0] in one for one in kept()] == [True]
    with transaction():
        service.delete_draft(session.get_one(Postmortem, draft.id), by=by(ana))
    assert kept() == []
