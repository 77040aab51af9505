"""The vendors' own client libraries, over real HTTP, with nothing changed but the address and the key."""

from __future__ import annotations

import datetime as dt
import ssl
import threading
import zlib
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

import opsgenie_sdk
import pagerduty
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from werkzeug.serving import make_server

from app.core.db import session
from app.core.events import Event
from app.incidents.models import Alert, Note
from tests import build
from tests.pager import firing, incident, messages, pager

KEY = "token-of-vendor-0123456789abcdef0"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A certificate for 127.0.0.1: one vendor's library speaks nothing but https."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = dt.datetime.now(dt.UTC)
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(1).not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=True)
            .sign(key, hashes.SHA256()))
    folder = tmp_path_factory.mktemp("tls")
    (folder / "key").write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                                   serialization.NoEncryption()))
    (folder / "cert").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return folder


@pytest.fixture
def base(app: Any, certificate: Any) -> Iterator[str]:
    """The application behind https."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate / "cert", certificate / "key")
    server = make_server("127.0.0.1", 0, app, threaded=True, ssl_context=context)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"https://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()


@pytest.fixture
def house(app: Any) -> Any:
    """The pager, and an integration for each vendor's senders."""
    found = pager()
    build.integration("vendor", plugin="webhook", team=found.team, token=KEY)
    return found


@pytest.fixture
def events(base: str, certificate: Any, house: Any) -> Any:
    """The library of the Events API; its key is the token of an integration of another kind."""
    trust = ssl.create_default_context(cafile=str(certificate / "cert"))
    return lambda key=KEY: pagerduty.EventsApiV2Client(key, base_url=base, verify=trust)


@pytest.fixture
def alerts(base: str, certificate: Any, house: Any) -> Any:
    """The library of the Alert API."""
    settings = opsgenie_sdk.Configuration()
    settings.host, settings.ssl_ca_cert = base, str(certificate / "cert")
    settings.api_key["Authorization"], settings.api_key_prefix["Authorization"] = KEY, "GenieKey"
    settings.retry_count = 1
    return opsgenie_sdk.AlertApi(opsgenie_sdk.ApiClient(settings))


def test_a_trigger_without_key_gets_one_that_acknowledges_and_resolves(events, run_jobs, smtp):
    """ING-40: the whole life of an event; a token of any integration is a routing key."""
    client = events()
    key = client.trigger("Disk is full", source="db-1", severity="critical", custom_details={"service": "checkout"})
    run_jobs()
    assert incident().title == "Disk is full" and smtp.to("bob@example.com")
    client.acknowledge(key)
    run_jobs()
    assert incident().status == "acknowledged"
    client.resolve(key)
    run_jobs()
    assert (incident().status, incident().resolved_name) == ("resolved", "integration Vendor")


def test_a_service_key_is_a_routing_key_too(events, run_jobs):
    """ING-40: whoever knows only the service reaches it."""
    events("checkout").trigger("Disk is full", source="db-1", severity="error")
    run_jobs()
    assert (incident().service.key, incident().severity) == ("checkout", "high")


def test_a_change_is_written_down_at_the_service_and_pages_nobody(events, run_jobs, signed_in, house):
    """A change event: 202, a line on the page of the service, no alert."""
    events("checkout").send_change_event({"summary": "Version 7 is out", "source": "deploy"})
    run_jobs()
    change, = session.query(Event).filter_by(kind="service.change_noted")
    assert change.data["summary"] == "Version 7 is out" and change.data["source"] == "deploy"
    assert session.query(Alert).count() == 0 and not messages()
    assert "Version 7 is out" in signed_in(house.bob).get("/services/checkout").text


def test_an_unknown_key_and_a_broken_event_are_answered_as_the_vendor_does(events, client, house):
    """ING-41: every fault at once, and 400 for a key that is not known."""
    with pytest.raises(pagerduty.HttpError):
        events("not-a-key-of-anybody-0123456789").trigger("Disk is full", source="db-1")
    answer = client.post("/v2/enqueue", json={"routing_key": KEY, "event_action": "trigger", "payload": {}})
    assert (answer.status_code, answer.json["status"]) == (400, "invalid event")
    assert [error.split()[0] for error in answer.json["errors"]] == [
        "'payload.summary'", "'payload.source'", "'payload.severity'"]


def create(alerts: Any, **words: Any) -> Any:
    """An alert; the answer of the request."""
    return alerts.create_alert(opsgenie_sdk.CreateAlertPayload(message="Disk is full", **words))


def test_the_same_alias_counts_up_and_closes(alerts, run_jobs):
    """ING-42: create twice, close by alias; a missing priority means P3."""
    for _ in range(2):
        create(alerts, alias="db-1/disk", entity="checkout")
    run_jobs()
    assert (session.query(Alert).one().count, incident().severity, incident().service.key) == (2, "medium", "checkout")
    alerts.close_alert("db-1/disk", identifier_type="alias", close_alert_payload=opsgenie_sdk.CloseAlertPayload(note="done"))
    run_jobs()
    assert incident().status == "resolved" and session.query(Note).one().body == "done"


def test_the_status_of_a_request_names_the_alert_that_can_then_be_acted_on(alerts, run_jobs):
    """ING-42: request status, get, acknowledge by id, note by tiny id, unacknowledge, close by id."""
    request = create(alerts, alias="db-1/disk", priority="P1").request_id
    with pytest.raises(opsgenie_sdk.ApiException):
        alerts.get_request_status(request)
    run_jobs()
    found = alerts.get_request_status(request).data
    shown = alerts.get_alert(found.alert_id).data
    assert (found.is_success, found.alias, shown.status, shown.priority) == (True, "db-1/disk", "open", "P1")
    alerts.acknowledge_alert(found.alert_id)
    alerts.add_note(shown.tiny_id, opsgenie_sdk.AddNoteToAlertPayload(note="on it"), identifier_type="tiny")
    run_jobs()
    assert incident().status == "acknowledged" and session.query(Note).one().body == "on it"
    alerts.un_acknowledge_alert(found.alert_id)
    alerts.close_alert(found.alert_id)
    run_jobs()
    assert alerts.get_alert("db-1/disk", identifier_type="alias").data.status == "closed"


def test_responders_who_are_known_are_asked_and_others_noted(alerts, run_jobs, signed_in, house):
    """ING-42: a person and a team of ours; a name that is nobody's is a sentence in the log, not a refusal."""
    create(alerts, responders=[{"type": "user", "username": "ana@example.com"}, {"type": "team", "name": "Nobody"}])
    run_jobs()
    assert [one.user.name for one in incident().responders if one.kind == "responder"] == ["Ana"]
    page = signed_in(house.ana).get("/integrations/vendor").text
    assert "the team nobody is not known here" in page.lower()


def test_an_alert_can_be_snoozed_assigned_and_escalated(alerts, run_jobs):
    """ING-42: what the library offers beside the state does the same here."""
    create(alerts, alias="disk")
    later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=2)
    alerts.snooze_alert("disk", opsgenie_sdk.SnoozeAlertPayload(end_time=later), identifier_type="alias")
    run_jobs()
    assert incident().snoozed_until is not None
    owner = opsgenie_sdk.UserRecipient(username="ana@example.com")
    alerts.assign_alert("disk", opsgenie_sdk.AssignAlertPayload(owner=owner), identifier_type="alias")
    run_jobs()
    assert [one.name for one in incident().assignees] == ["Ana"]


def test_a_wrong_key_and_an_empty_message_are_refused_as_the_vendor_does(client, house):
    """ING-42: 401, and 422 with the fault by field."""
    assert client.post("/v2/alerts", json={"message": "x"}, headers={"Authorization": "GenieKey wrong"}).status_code == 401
    answer = client.post("/v2/alerts", json={"alias": "x"}, headers={"Authorization": f"GenieKey {KEY}"})
    assert (answer.status_code, answer.json["errors"]) == (422, {"message": "Message can not be empty."})


@pytest.mark.parametrize("kind", ["formatted_webhook", "webhook", "something_new"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_senders_of_the_third_vendor_move_by_the_host_alone(client, house, run_jobs, kind, slash):
    """ING-43: with and without slash; `ok` in any letter case resolves; an unknown kind is read as a webhook."""
    body = {"alert_uid": "1", "id": "1", "title": "Disk is full", "state": "alerting", "message": "97 %"}
    answer = client.post(f"/integrations/v1/{kind}/{KEY}{slash}", json=body)
    assert (answer.status_code, answer.text) == (200, "Ok.")
    run_jobs()
    assert incident().title == "Disk is full"
    client.post(f"/integrations/v1/{kind}/{KEY}{slash}", json=body | {"state": "Ok"})
    run_jobs()
    assert incident().status == "resolved"


def test_an_alertmanager_at_its_address_is_read_as_at_the_native_door(client, house, run_jobs):
    """ING-43: the same alert as by /in/."""
    for path in (f"/integrations/v1/alertmanager/{house.path[4:]}/", house.path):
        assert client.post(path, json=firing()).status_code in (200, 202)
    run_jobs()
    assert session.query(Alert).one().count == 2


def test_a_raw_deflate_body_is_taken(client, house, run_jobs):
    """Many senders write deflate without its frame."""
    machine = zlib.compressobj(wbits=-15)
    raw = machine.compress(b'{"title": "Disk is full"}') + machine.flush()
    assert client.post(f"/in/{KEY}", data=raw, headers={"Content-Encoding": "deflate"}).status_code == 202
