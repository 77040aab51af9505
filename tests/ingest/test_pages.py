"""What people see of integrations and deliveries, and what they can press."""

from __future__ import annotations

import html

import pytest
from sqlalchemy import select

from app.core.db import session, transaction
from app.core.events import Event
from app.ingest.models import Delivery, Integration, RefusedRequest
from tests import build
from tests.pager import firing, incident, pager, post


def test_the_list_says_how_each_integration_is(app, client, signed_in, run_jobs):
    """SRC-13: healthy, failing after five bad deliveries, waiting, and one whose plugin is gone."""
    house = pager()
    build.integration("gone", plugin="nothing-like-this", team=house.team)
    build.integration("bad", team=house.team)
    build.integration("new", team=house.team)
    post(client, house, firing())
    for _ in range(5):
        client.post("/in/token-of-bad-0123456789", data="{broken")
    run_jobs()
    page = signed_in(house.bob).get("/integrations").text
    words = [word for word in ("Failing", "Plugin missing", "Waiting", "Healthy") if word in page]
    assert words == ["Failing", "Plugin missing", "Waiting", "Healthy"]


def test_what_is_private_to_another_team_is_in_no_list_and_on_no_page(app, signed_in, charlie):
    """Charlie is outside: neither name nor page."""
    ana = build.user("ana")
    team = build.team("secret", manager=ana, private=True)
    build.integration("vault", team=team)
    browser = signed_in(charlie)
    assert "vault" not in browser.get("/integrations").text.lower()
    assert browser.get("/integrations/vault").status_code == 404


def test_a_manager_adds_an_integration_and_gets_its_address(app, signed_in, ana, payments):
    """SRC-10: from the gallery over the form to the page with address and guide."""
    build.service("checkout", team=payments)
    browser = signed_in(ana)
    assert "/integrations/-/new/alertmanager" in browser.get("/integrations/-/new?q=prometheus").text
    answer = browser.post("/integrations/-/new/alertmanager", data={
        "name": "Prod", "key": "prod", "team": "payments", "service": "checkout", "default_severity": "high",
        "config.per": "group"})
    made = session.scalars(select(Integration)).one()
    page = browser.get(answer.headers["Location"]).text
    assert (made.key, made.service.key, made.default_severity, made.config) == ("prod", "checkout", "high", {"per": "group"})
    assert page.count(f"http://localhost/in/{'…'}") == 0 and "http://localhost/in/" in page
    assert "webhook_configs" in page and "<script>" not in page


@pytest.mark.parametrize(("plugin", "command"), [
    ("opsgenie", 'http://localhost/v2/alerts -H "Authorization: GenieKey {}"'),
    ("grafana_oncall", "http://localhost/integrations/v1/formatted_webhook/{}/")])
def test_the_commands_of_a_guide_can_be_copied_as_they_stand(app, signed_in, ana, payments, plugin, command):
    """SRC-10: with this installation's address and the integration's own token, also where the path is a vendor's."""
    build.integration("theirs", plugin=plugin, team=payments)
    page = html.unescape(signed_in(ana).get("/integrations/theirs").text)
    assert command.format("token-of-theirs-0123456789") in page and "example.com" not in page and "{base}" not in page


def test_each_wrong_value_is_said_beside_its_field(app, signed_in, ana, payments):
    """SRC-10: 422, nothing is made, what was typed stays."""
    build.integration("prod", team=payments)
    answer = signed_in(ana).post("/integrations/-/new/webhook", data={
        "name": "My checks", "key": "prod", "team": "payments", "default_severity": "medium"})
    assert answer.status_code == 422 and "Another integration has this key" in answer.text
    answer = signed_in(ana).post("/integrations/-/new/webhook", data={
        "name": "My checks", "key": "checks", "team": "payments", "default_severity": "loud", "config.mapping": "{"})
    assert answer.status_code == 422 and 'value="My checks"' in answer.text
    assert "A severity is one of" in answer.text and "Mapping is not JSON" in answer.text
    assert session.scalars(select(Integration.key)).all() == ["prod"]


def test_only_services_of_ones_own_teams_can_be_the_default(app, signed_in, ana, payments):
    """ESC-15: a service of a team that the setter does not manage is refused, and nothing changes."""
    other = build.team("search")
    build.service("catalogue", team=other)
    build.integration("prod", team=payments)
    browser = signed_in(ana)
    assert "catalogue" not in browser.get("/integrations/prod/edit").text
    answer = browser.post("/integrations/prod/edit", data={
        "name": "Prod", "team": "payments", "service": "catalogue", "default_severity": "medium"})
    assert answer.status_code == 403
    assert session.scalars(select(Integration.service_id)).one() is None


def test_a_secret_left_empty_stays_and_is_never_shown(app, signed_in, ana, payments):
    """ING-12: saving the form without it keeps it; no page holds it; the box takes it off."""
    build.integration("prod", team=payments)
    browser = signed_in(ana)
    form = {"name": "Prod", "team": "payments", "default_severity": "medium"}
    browser.post("/integrations/prod/edit", data=form | {"secret": "a-very-secret-word"})
    sealed = session.scalars(select(Integration.secret_sealed)).one()
    browser.post("/integrations/prod/edit", data=form | {"name": "Production"})
    assert sealed and session.scalars(select(Integration.secret_sealed)).one() == sealed
    assert "a-very-secret-word" not in browser.get("/integrations/prod/edit").text + browser.get("/integrations/prod").text
    browser.post("/integrations/prod/edit", data=form | {"remove_secret": "1"})
    assert session.scalars(select(Integration.secret_sealed)).one() is None


def test_an_observer_sees_no_address_no_body_and_no_button(app, client, signed_in, charlie):
    """SRC-16, ING-29: cards and health, and the last 4 characters; responders see bodies, managers headers too."""
    house = pager()
    number = post(client, house, firing("DiskFull")).json["delivery"]
    address = f"/integrations/prometheus/deliveries/{number}"
    pages = {person.name: signed_in(person).get("/integrations/prometheus").text + signed_in(person).get(address).text
             for person in (charlie, house.bob, house.ana)}
    seen = {name: ("token-of-prometheus" in text, "DiskFull" in text, "user-agent" in text, "Send test" in text)
            for name, text in pages.items()}
    assert seen == {"Charlie": (False, False, False, False), "Bob": (True, True, False, False),
                    "Ana": (True, True, True, True)}
    assert "…6789" in pages["Charlie"]


def test_a_delivery_shows_what_was_read_and_where_it_went(app, client, signed_in, run_jobs):
    """ING-29: raw body beside the fields, the route, and whom each level pages."""
    house = pager()
    number = post(client, house, firing("DiskFull", region="eu")).json["delivery"]
    run_jobs()
    page = signed_in(house.ana).get(f"/integrations/prometheus/deliveries/{number}").text
    for word in ("opened #1", "/incidents/1", "DiskFull is too high", "region=eu", "Routed to the default service",
                 "Copy as curl", "Bob", "Critical"):
        assert word in page, word


def test_a_rejected_delivery_shows_its_reason_and_can_be_replayed(app, client, signed_in, run_jobs):
    """ING-30: the row names who replayed; the time of arrival stays."""
    house = pager()
    client.post(house.path, data="{broken")
    row = session.scalars(select(Delivery)).one()
    came, address = row.received_at, f"/integrations/prometheus/deliveries/{row.id}"
    browser = signed_in(house.ana)
    assert "not JSON" in browser.get(address).text
    assert browser.post(f"{address}/replay").status_code == 303
    run_jobs()
    session.expire_all()
    row = session.scalars(select(Delivery)).one()
    assert (row.state, row.received_at) == ("rejected", came)
    assert "Replayed by</dt><dd>Ana" in browser.get(address).text


def test_replaying_what_was_processed_asks_first_and_joins_the_same_alert(app, client, signed_in, run_jobs):
    """ING-30: the first press asks, the second counts on the open alert."""
    house = pager()
    number = post(client, house, firing()).json["delivery"]
    run_jobs()
    browser, address = signed_in(house.ana), f"/integrations/prometheus/deliveries/{number}/replay"
    assert "processed already" in browser.post(address).text
    assert session.get_one(Delivery, int(number)).state == "processed"
    browser.post(address, data={"confirmed": "1"})
    run_jobs()
    session.expire_all()
    assert incident().alert_count == 1
    assert session.get_one(Delivery, int(number)).note == "counted on #1"


def test_two_presses_of_replay_process_once(app, client, signed_in):
    """ING-30: the second is told that it waits already; a bad twin of a good delivery is not brought back."""
    house = pager()
    for body in ("{broken", "{broken"):
        client.post(house.path, data=body, headers={"Idempotency-Key": "a-1"})
    browser, first = signed_in(house.ana), "/integrations/prometheus/deliveries/1/replay"
    answers = [browser.post(first), browser.post(first), browser.post(first.replace("1/replay", "2/replay"))]
    assert [answer.status_code for answer in answers] == [303, 409, 409]
    assert "waiting already" in answers[1].text and "as delivery 1" in answers[2].text


def test_a_pause_holds_and_resuming_processes_or_discards(app, client, signed_in, run_jobs):
    """ING-35: 202 all the while, the banner counts, the choice is asked."""
    house = pager()
    browser = signed_in(house.ana)
    browser.post("/integrations/prometheus/pause")
    assert post(client, house, firing("One")).status_code == 202
    assert "1 delivery is" in browser.get("/integrations/prometheus").text
    browser.post("/integrations/prometheus/resume", data={"held": "discard"})
    browser.post("/integrations/prometheus/pause")
    post(client, house, firing("Two"))
    browser.post("/integrations/prometheus/resume", data={"held": "process"})
    run_jobs()
    assert incident().title == "Two is too high"
    assert [row.note for row in session.query(Delivery).order_by(Delivery.id)] == [
        "discarded by Ana at the end of the pause", "opened #1"]


def test_a_renewed_address_ends_the_old_one(app, client, signed_in):
    """ING-07: the old token answers as if it never was; responders may not renew."""
    house = pager()
    assert signed_in(house.bob).post("/integrations/prometheus/token").status_code == 403
    signed_in(house.ana).post("/integrations/prometheus/token", data={"overlap": "0m"})
    never, gone = client.post("/in/never-was-there-0123456789", data="{}"), post(client, house, firing())
    assert (gone.status_code, gone.json["detail"]) == (404, never.json["detail"])


def test_deleting_needs_the_name_and_keeps_the_history(app, client, signed_in, run_jobs):
    """ING-36: deliveries, alerts and incidents stay readable, the token answers 404, the key is free."""
    house = pager()
    post(client, house, firing())
    run_jobs()
    browser = signed_in(house.ana)
    assert browser.post("/integrations/prometheus/delete", data={"name": "prom"}).status_code == 422
    browser.post("/integrations/prometheus/delete", data={"name": "Prometheus"})
    assert post(client, house, firing()).status_code == 404
    assert "No integration yet" in browser.get("/integrations").text
    kept = session.scalars(select(Integration)).one()
    page = browser.get(f"/integrations/{kept.key}/deliveries/1")
    assert page.status_code == 200 and "/incidents/1" in page.text and "Replay" not in page.text
    with transaction():
        build.integration("prometheus", team=house.team, token="another-token-0123456789")


def test_refused_requests_are_shown_without_their_body(app, client, signed_in):
    """ING-07: which of missing, wrong and stale; nothing of it is stored but that."""
    house = pager()
    signed_in(house.ana).post("/integrations/prometheus/edit", data={
        "name": "Prometheus", "team": "payments", "service": "checkout", "default_severity": "medium",
        "secret": "a-very-secret-word"})
    assert post(client, house, firing("Forged")).status_code == 401
    page = signed_in(house.ana).get("/integrations/prometheus").text
    assert "The signature is missing" in page and "Forged" not in page
    assert session.query(RefusedRequest).count() == 1 and session.query(Delivery).count() == 0


def test_a_wicked_payload_is_inert_on_its_page(app, client, signed_in, run_jobs):
    """ING-28: stored as given, shown as text."""
    house = pager()
    wicked = firing("<script>alert(1)</script>", note="</pre><img src=x onerror=alert(2)>")
    number = post(client, house, wicked).json["delivery"]
    run_jobs()
    page = signed_in(house.ana).get(f"/integrations/prometheus/deliveries/{number}").text
    assert "<script>alert" not in page and "<img src=x" not in page and "&lt;script&gt;" in page


def test_what_was_done_is_in_the_log_with_who_did_it(app, signed_in):
    """Every press that changes something is one event."""
    house = pager()
    browser = signed_in(house.ana)
    for verb in ("pause", "resume", "token"):
        browser.post(f"/integrations/prometheus/{verb}")
    done = [(event.kind, event.actor_name) for event in session.scalars(
        select(Event).where(Event.kind.like("integration.%")).order_by(Event.id))]
    assert done == [("integration.paused", "Ana"), ("integration.resumed", "Ana"), ("integration.token_renewed", "Ana")]
