"""Components follow incidents, and people overrule them."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import update

from app.core import clock
from app.core.access import Actor
from app.core.db import session, transaction
from app.core.errors import Invalid
from app.core.events import Event
from app.incidents import room
from app.incidents import service as incidents
from app.incidents.models import Incident
from app.status_pages import service, states
from app.status_pages.models import StatusPage
from tests import build


def shown(client, name="Card payments"):
    """What the JSON says of one component."""
    found = client.get("/status/shop.json").get_json()
    return next(one["status"] for one in found["components"] if one["name"] == name)


def actor(person):
    return Actor(person.ref, person.name, user_id=person.id)


@pytest.mark.both_databases
def test_a_critical_incident_is_a_major_outage_everywhere_until_it_is_resolved(app, shop, client, run_jobs):
    """STAT-01: page, JSON and badge say so once the reaction ran; acknowledging changes nothing; resolving ends it."""
    with transaction():
        made = incidents.open_incident(incidents.Opening("SECRET-TITLE", service=session.merge(shop.checkout), severity="critical"),
                                       by=actor(shop.ana))
    run_jobs()
    assert shown(client) == "major_outage" and "Major outage" in client.get("/status/shop").text
    assert "Major outage" in client.get("/status/shop/badge.svg").text
    with transaction():
        incidents.acknowledge(session.get(Incident, made.id), by=actor(shop.bob))
    run_jobs()
    assert shown(client) == "major_outage"
    with transaction():
        incidents.resolve(session.get(Incident, made.id), by=actor(shop.bob))
    run_jobs()
    assert shown(client) == "operational"


def test_the_worst_of_several_decides(app, shop, client, breaks, follow):
    """STAT-02: high and medium are a partial outage; without the high one it is degraded."""
    worse = breaks(shop.checkout, "high")
    breaks(shop.checkout, "medium")
    follow()
    assert shown(client) == "partial_outage" and shown(client, "Finding things") == "operational"
    with transaction():
        incidents.resolve(session.get(Incident, worse.id), by=actor(shop.ana))
    follow()
    assert shown(client) == "degraded" and shown(client, "Post office") == "operational"


@pytest.mark.parametrize(("severity", "state"), [("critical", "major_outage"), ("high", "partial_outage"), ("medium", "degraded"),
                                                 ("low", "operational"), ("info", "operational")])
def test_each_severity_means_its_state(app, shop, client, breaks, follow, severity, state):
    """Numbers: state from the worst open incident."""
    breaks(shop.checkout, severity)
    follow()
    assert shown(client) == state


def test_a_change_of_severity_shows(app, shop, client, breaks, run_jobs):
    """STAT-01: each change of severity recomputes."""
    made = breaks(shop.checkout, "medium")
    with transaction():
        room.set_severity(session.get(Incident, made.id), "critical", by=actor(shop.ana))
    run_jobs()
    assert shown(client) == "major_outage"


def test_a_lost_recompute_is_made_up_for_by_the_clock(app, shop, client, breaks, follow):
    """STAT-03: nobody told us, the tick sees it all the same; a second tick changes nothing."""
    breaks(shop.checkout)
    assert shown(client) == "operational"
    assert follow() == 1 and shown(client) == "major_outage"
    assert follow() == 0


def test_an_override_beats_the_incidents_and_ends_by_itself(app, shop, client, breaks, follow, signed_in):
    """STAT-04: it says who, until when and what is computed; at its end the computation is back."""
    browser = signed_in(shop.bob)
    at = f"/status-pages/shop/components/{shop.component('Card payments').public_id}/override"
    assert browser.post(at, data={"state": "degraded", "for": "", "reason": "x"}).status_code == 422
    assert browser.post(at, data={"state": "degraded", "for": "31d", "reason": "x"}).status_code == 422
    browser.post(at, data={"state": "degraded", "for": "4h", "reason": "Provider says so"})
    assert shown(client) == "degraded"
    page = browser.get("/status-pages/shop").text
    assert "set by Bob until" in page and "computed: operational" in page
    with time_machine.travel(clock.now() + timedelta(hours=4, seconds=1), tick=False):
        follow()
        assert shown(client) == "operational"
    assert session.query(Event).filter_by(kind="status_page.override_ended").one().actor == "system"


def test_an_override_is_recorded_with_its_reason(app, shop):
    """STAT-04, STAT-29: who, what, until when and why stand in the log."""
    with transaction():
        service.override(shop.component("Post office"), "major_outage", until=clock.now() + timedelta(hours=1),
                         reason="Strike", by=actor(shop.bob))
    found = session.query(Event).filter_by(kind="status_page.component_overridden").one()
    assert (found.actor_name, found.data["reason"]) == ("Bob", "Strike")


def test_observers_and_others_change_nothing(app, shop, signed_in, charlie):
    """STAT-29: 403, and nothing is different."""
    part = shop.component("Post office").public_id
    browser = signed_in(charlie)
    answer = browser.post(f"/status-pages/shop/components/{part}/override", data={"state": "degraded", "for": "1h", "reason": "x"})
    assert answer.status_code == 403 and shop.component("Post office").state == "operational"
    assert browser.post("/status-pages/shop/edit", data={"name": "Mine"}).status_code == 403


def test_responders_overrule_but_do_not_edit(app, shop, signed_in):
    """STAT-29: editors are managers and admins."""
    assert signed_in(shop.bob).get("/status-pages/shop/edit").status_code == 403
    assert signed_in(shop.ana).get("/status-pages/shop/edit").status_code == 200


def test_a_past_span_is_corrected_with_a_reason_and_the_figures_follow(app, shop, client, follow, breaks):
    """STAT-25: the percentage changes, the record keeps what stood there."""
    with time_machine.travel(clock.now() + timedelta(days=10), tick=False):
        now = clock.now()
        before = client.get("/status/shop.json").get_json()["components"][0]["uptime_90d"]
        with transaction():
            service.correct(shop.component("Card payments"), (now - timedelta(days=2), now - timedelta(days=1)), "major_outage",
                            reason="Nobody had noticed", by=actor(shop.ana))
        assert before == 100.0 and client.get("/status/shop.json").get_json()["components"][0]["uptime_90d"] == pytest.approx(90, abs=0.02)
    assert session.query(Event).filter_by(kind="status_page.history_corrected").one().data["before"][0][2] == "operational"
    with pytest.raises(Invalid), transaction():
        service.correct(shop.component("Card payments"), (now, now + timedelta(days=90)), "degraded", reason="x", by=actor(shop.ana))


def test_a_merged_or_test_incident_does_not_count(app, shop, client, breaks, follow):
    """Numbers: counted incidents are real ones that were not merged into another."""
    target = breaks(shop.search, "low")
    breaks(shop.checkout, merged_into_id=target.id)
    breaks(shop.checkout, test=True)
    follow()
    assert shown(client) == "operational"


def test_a_deprecated_service_still_counts(app, shop, client, follow, breaks):
    """STAT-32."""
    with transaction():
        session.merge(shop.checkout).lifecycle = "deprecated"
    breaks(shop.checkout)
    follow()
    assert shown(client) == "major_outage"


def test_two_pages_follow_the_same_service(app, shop, client, breaks, follow):
    """One service may stand on several pages."""
    build.team("others")
    with transaction():
        service.save_page({"slug": "api", "name": "API", "team": "others", "components": [
            {"name": "All", "services": ["checkout", "search"]}]}, by=actor(build.user("olga", role="admin")))
    breaks(shop.search, "high")
    follow()
    assert client.get("/status/api.json").get_json()["status"] == "partial_outage"
    assert client.get("/status/shop.json").get_json()["status"] == "partial_outage"


def test_no_change_of_a_page_is_lost_beside_another(app, shop):
    """Copies follow its version: the database counts, whatever this process read before."""
    with transaction():
        page = shop.page
        before = page.version
        session.execute(update(StatusPage).values(version=StatusPage.version + 5).execution_options(synchronize_session=False))
        states.touch(page)
    assert shop.page.version == before + 6


def test_a_service_that_is_not_yours_to_see_is_like_one_that_is_not_there(app, shop):
    """As everywhere: a private team's key tells nothing."""
    build.service("hidden", team=build.team("secret", private=True))
    for key in ("hidden", "nothing"):
        with pytest.raises(Invalid, match=f"There is no service {key}"), transaction():
            service.save_page({"slug": "shop", "components": [{"name": "One", "services": [key]}]}, by=actor(shop.ana))
