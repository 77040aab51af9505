"""A test goes the whole public road through a real server, and pages nobody unless ticked."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from sqlalchemy import select
from werkzeug.serving import make_server

from app.core.access import OPERATOR
from app.core.db import session, transaction
from app.incidents.models import Incident
from app.ingest import service
from app.ingest.models import Delivery
from tests import build
from tests.pager import Pager, incident, messages, pager
from tests.servers import free_port


@pytest.fixture
def served(app: Any) -> Iterator[Any]:
    """The application behind a real address, which is its BASE_URL."""
    server = make_server("127.0.0.1", free_port(), app, threaded=True)
    app.config["BASE_URL"] = f"http://127.0.0.1:{server.port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield app
    server.shutdown()
    thread.join()


def press(browser: Any, key: str = "prometheus", **form: str) -> Any:
    """Press "send test"."""
    return browser.post(f"/integrations/{key}/test", data=form)


def test_a_test_shows_signature_fields_route_and_people_and_pages_nobody(served, signed_in, run_jobs):
    """ING-33, SRC-12: the plugin's own sample by the public address, marked as a test."""
    house = pager()
    browser = signed_in(house.ana)
    answer = press(browser)
    before = browser.get(answer.headers["Location"]).text
    run_jobs()
    after = browser.get(answer.headers["Location"]).text
    assert "in a moment" in before
    for word in ("[Test]", "/incidents/1", "Routed ", "would page", "Bob", "pages nobody"):
        assert word in after, word
    assert incident().test and incident().quiet and messages() == []


def test_ticked_it_pages_the_person_on_duty_too(served, signed_in, smtp, run_jobs):
    """ING-33: the page is a real one and says that it is a test."""
    house = pager()
    press(signed_in(house.ana), page="1")
    run_jobs()
    assert incident().test and not incident().quiet
    assert ["[Test]" in mail.subject for mail in smtp.to("bob@example.com")] == [True]


@pytest.mark.parametrize("scheme", [{}, {"header": "X-Signed", "prefix": "", "algorithm": "sha512",
                                         "encoding": "base64", "signed": "timestamp:body"}])
def test_it_is_signed_as_its_sender_would_sign(served, signed_in, run_jobs, scheme):
    """ING-08, ING-33: with our own scheme and with another; the page says "valid"."""
    house = pager()
    with transaction():
        service.save_integration({"key": "prometheus", "secret": "a-very-secret-word", "signature": scheme},
                                 by=OPERATOR)
    answer = press(signed_in(house.ana))
    assert session.scalars(select(Delivery.signature)).one() == "valid"
    assert "valid" in signed_in(house.ana).get(answer.headers["Location"]).text


@pytest.mark.parametrize("plugin", ["webhook", "grafana", "pagerduty_events"])
def test_it_works_for_every_plugin_without_a_service(served, signed_in, run_jobs, plugin):
    """SRC-12: also for those that answer as their vendor does."""
    house = pager()
    build.integration("other", plugin=plugin, team=house.team)
    answer = press(signed_in(house.ana), "other")
    run_jobs()
    assert "/deliveries/" in answer.headers["Location"]
    assert session.scalars(select(Incident)).one().test


def test_it_resolves_by_itself_after_five_minutes(served, signed_in, run_jobs, tick):
    """ING-33: the clock ends it, whoever was restarted meanwhile."""
    house = pager()
    with time_machine.travel("2026-03-02T12:00:00Z", tick=False) as clock:
        press(signed_in(house.ana))
        run_jobs()
        clock.shift(290)
        tick("app.ingest.endings.end_tests")
        early = incident().status
        clock.shift(15)
        tick("app.ingest.endings.end_tests")
    assert (early, incident().status) == ("triggered", "resolved")


def test_two_tests_are_two_incidents(served, signed_in, run_jobs):
    """Each shows its own whole road, and meets no real problem's key."""
    house = pager()
    for _ in range(2):
        press(signed_in(house.ana))
    run_jobs()
    assert [(one.id, one.test) for one in session.query(Incident).order_by(Incident.id)] == [(1, True), (2, True)]


def test_a_test_of_a_paused_integration_is_held_and_says_so(served, signed_in, run_jobs):
    """ING-35: nothing goes round the pause."""
    house = pager()
    browser = signed_in(house.ana)
    browser.post("/integrations/prometheus/pause")
    answer = press(browser)
    run_jobs()
    assert "the integration is paused" in browser.get(answer.headers["Location"]).text
    assert session.query(Incident).count() == 0


def test_an_address_that_does_not_answer_is_said(app, signed_in):
    """Nothing is stored; the page names the fault."""
    house: Pager = pager()
    app.config["BASE_URL"] = f"http://127.0.0.1:{free_port()}"
    browser = signed_in(house.ana)
    answer = press(browser)
    assert "did not arrive" in browser.get(answer.headers["Location"]).text
    assert session.query(Delivery).count() == 0


def test_only_those_who_may_edit_may_send(served, signed_in):
    """Bob is a responder: 403, and nothing is sent."""
    house = pager()
    assert press(signed_in(house.bob)).status_code == 403
    assert session.query(Delivery).count() == 0


def test_nobody_else_can_make_a_delivery_a_test(app, client, run_jobs):
    """A mark that we did not write is no mark: the real problem pages."""
    house = pager()
    body = (app.config["ROOT"] / "plugins/alertmanager/samples/firing.json").read_bytes()
    client.post(house.path, data=body, headers={"X-OnCall-Test": "quiet.abc.0123"})
    run_jobs()
    assert not incident().test and len(messages()) > 0
