"""What people write for readers, and what pages write by themselves."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from app.core import clock, db
from app.core.db import session, transaction
from app.core.errors import Forbidden, Invalid
from app.core.events import Event
from app.incidents import service as incidents
from app.incidents.models import Incident
from app.status_pages import notices
from app.status_pages.models import Notice
from app.status_pages.notices import Said
from tests import build
from tests.status_pages.writing import automatic, by, notice, opened, say


def test_a_notice_stands_on_the_page_with_its_latest_update_first(app, shop, client):
    """State table: every move is an update with text; the front shows open ones, then what was resolved."""
    opened(shop, "We **look**.")
    say(shop, "identified", "A cable.")
    page = client.get("/status/shop").text
    assert "<strong>look</strong>" in page and page.index("A cable.") < page.index("<strong>look")
    say(shop, "resolved", "Mended.")
    found = client.get("/status/shop.json").get_json()["notices"][0]
    assert (found["state"], found["impact"], len(found["updates"])) == ("resolved", "none", 3) and found["resolved_at"]


def test_what_is_resolved_can_come_back_for_seven_days(app, shop):
    """State table: resolved → investigating within 7 days; afterwards a new notice."""
    opened(shop)
    say(shop, "resolved")
    with pytest.raises(Invalid, match="opened again"):
        say(shop, "monitoring")
    say(shop, "investigating", "It came back.")
    say(shop, "resolved")
    with time_machine.travel(clock.now() + timedelta(days=8), tick=False), pytest.raises(Invalid, match="new notice"):
        say(shop, "investigating")


def test_a_past_disruption_is_entered_with_its_times(app, shop, client):
    """It comes as resolved; without both times it is refused."""
    with pytest.raises(Invalid, match="start and an end"):
        opened(shop, state="resolved")
    now = clock.now()
    opened(shop, state="resolved", started_at=now - timedelta(hours=3), resolved_at=now - timedelta(hours=1))
    assert notice().resolved_at == now - timedelta(hours=1) and "Cards fail" in client.get("/status/shop").text


def test_a_draft_is_seen_inside_only_until_it_is_published(app, shop, client, signed_in):
    """Readers see nothing of it, not by its address either."""
    key = opened(shop, draft=True)
    assert "Cards fail" not in client.get("/status/shop").text and client.get(f"/status/shop/notices/{key}").status_code == 404
    browser = signed_in(shop.bob)
    assert "Readers do not see it yet" in browser.get(f"/status-pages/shop/notices/{key}").text
    browser.post(f"/status-pages/shop/notices/{key}/publish")
    assert "Cards fail" in client.get(f"/status/shop/notices/{key}").text


def test_an_update_that_is_edited_says_so_and_the_log_keeps_the_former_words(app, shop, client, signed_in):
    """STAT-30."""
    key = opened(shop, "Frist *words*")
    assert "Frist <em>words</em>" in signed_in(shop.bob).get(f"/status-pages/shop/notices/{key}").text
    with transaction():
        notices.edit_update(notice().updates[0], "First words", by=by(shop.ana))
    assert "edited" in client.get("/status/shop").text
    assert session.query(Event).filter_by(kind="status_notice.update_edited").one().data["before"] == "Frist *words*"


@pytest.mark.both_databases
def test_two_editors_posting_at_once_both_appear(app, shop):
    """STAT-30: in order of commit, none overwritten."""
    opened(shop)
    for who, text in ((shop.ana, "one"), (shop.bob, "two")):
        with transaction():
            notices.say(session.query(Notice).one(), Said("identified", text), by=by(who))
    assert [one.text for one in notice().updates] == ["We look.", "one", "two"]


def test_a_scheduled_update_goes_out_at_its_time(app, shop, client, tick):
    """It waits inside, moves components with it, and is told then."""
    opened(shop)
    part = shop.component("Post office").public_id
    say(shop, "monitoring", "Tomorrow it is better.", due_at=clock.now() + timedelta(hours=2), changes={part: "degraded"})
    assert "Tomorrow" not in client.get("/status/shop").text
    with time_machine.travel(clock.now() + timedelta(hours=2, seconds=1), tick=False):
        tick("app.status_pages.ticks.publish_due")
        assert "Tomorrow" in client.get("/status/shop").text and shop.component("Post office").state == "degraded"


def test_the_composer_previews_without_keeping_anything(app, shop, signed_in, monkeypatch):
    """STAT-31: what readers will see and how many are told; then one form publishes, moves and links."""
    made = build.incident("SECRET-TITLE", service=shop.checkout)
    browser, part, handed = signed_in(shop.bob), shop.component("Card payments").public_id, []
    form = {"title": "Cards fail", "state": "identified", "text": "A *cable*.", "components": part, "incident": made.id,
            f"change-{part}": "partial_outage"}
    monkeypatch.setattr(db, "_after_commit", [lambda left: handed.extend(left.events)])
    page = browser.post("/status-pages/shop/notices/-/new", data={**form, "preview": "1"}).text
    assert handed == []
    monkeypatch.undo()
    assert "<em>cable</em>" in page and "partial outage" in page and "<b>0</b> subscribers are told" in page
    assert session.query(Notice).count() == 0 and shop.component("Card payments").state == "operational"
    browser.post("/status-pages/shop/notices/-/new", data=form)
    assert notice().state == "identified" and shop.component("Card payments").state == "partial_outage"
    assert f"#{made.id}" in browser.get(f"/status-pages/shop/notices/{notice().public_id}").text


def test_a_template_begins_an_update_with_what_is_known(app, shop, signed_in):
    """Templates: {{ component }} stands for the components that were chosen."""
    browser = signed_in(shop.ana)
    assert browser.post("/status-pages/shop/templates", data={"name": "x", "text": "{{ secret }}"}).status_code == 422
    browser.post("/status-pages/shop/templates", data={"name": "Fails", "title": "{{ component }} fails", "state": "identified",
                                                       "text": "{{ component }} has trouble."})
    part = shop.component("Card payments").public_id
    page = browser.post("/status-pages/shop/notices/-/new", data={"components": part, "template": "1", "use": "1"}).text
    assert "Card payments fails" in page and "Card payments has trouble." in page


@pytest.mark.parametrize(("setting", "drafts"), [("off", []), ("draft", [True]), ("publish", [False])])
def test_a_page_writes_its_first_notice_itself_if_it_says_so(app, shop, breaks, follow, run_jobs, setting, drafts):
    """STAT-31: off, as a draft, or at once; the incident is linked and a second one writes no second notice."""
    automatic(shop, auto_notice=setting)
    for severity in ("medium", "critical"):
        breaks(shop.checkout, severity)
        follow()
        run_jobs()
    assert [one.draft for one in session.query(Notice)] == drafts


@pytest.mark.parametrize("itself", [False, True])
def test_resolving_the_linked_incident_offers_or_makes_the_resolving_update(app, shop, client, signed_in, run_jobs, itself):
    """STAT-31."""
    automatic(shop, auto_resolve=itself)
    made = build.incident("SECRET-TITLE", service=shop.checkout)
    key = opened(shop, incident=made.id)
    with transaction():
        incidents.resolve(session.get(Incident, made.id), by=by(shop.bob))
    run_jobs()
    assert notice().state == ("resolved" if itself else "investigating")
    offered = "All linked incidents are resolved" in signed_in(shop.bob).get(f"/status-pages/shop/notices/{key}").text
    assert offered is not itself


def test_only_responders_write(app, shop, charlie):
    """STAT-29."""
    with pytest.raises(Forbidden), transaction():
        notices.open_notice(shop.page, {"title": "Mine"}, Said("investigating", "x"), by=by(charlie))
    assert session.query(Notice).count() == 0


def test_markup_is_inert(app, shop, client):
    """STAT-28: HTML, scripts and javascript: links in names, titles and texts."""
    automatic(shop, name="<script>alert(1)</script>")
    opened(shop, "<img src=x onerror=alert(1)> [x](javascript:alert(1)) <script>alert(2)</script>", title="<b onclick=x>T</b>")
    page = client.get("/status/shop").text
    assert "<script>alert" not in page and "<img" not in page and 'href="javascript' not in page and "<b onclick" not in page


def test_past_months_are_read_by_their_address(app, shop, client):
    """History: notices are kept for ever, by month of the page's calendar; a month to come is none."""
    with time_machine.travel("2026-01-15T12:00:00+00:00", tick=False):
        opened(shop)
        say(shop, "resolved")
    assert "Cards fail" in client.get("/status/shop/history?month=2026-01").text
    assert "Cards fail" not in client.get("/status/shop/history?month=2026-02").text
    assert client.get("/status/shop/history?month=2099-01").status_code == client.get("/status/shop/history?month=x").status_code == 404
