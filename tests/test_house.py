"""The test house itself: what conftest offers works, and its guards do fail what they should."""

from __future__ import annotations

import socket
import urllib.request

import pytest
from sqlalchemy import select

from app.core.db import session
from app.identity.models import User
from tests import build
from tests.fakes import PushService, Reply, WebServer
from tests.home import guard


@pytest.mark.both_databases
@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_begins_with_empty_tables_and_number_one(app, turn):
    assert session.scalars(select(User)).all() == []
    assert build.user("ana").id == 1


@pytest.mark.both_databases
def test_people_and_things_of_a_story_can_be_built(app, ana, bob, payments):
    duty = build.schedule("duty", team=payments, turns=[[ana], [bob]])
    policy = build.policy("pages", (300, [duty]), (600, [bob, payments]), team=payments)
    checkout = build.service("checkout", team=payments, policy=policy)
    sender = build.integration("monitoring", team=payments, service=checkout)
    first, second = build.incident(service=checkout), build.incident("Other", service=checkout)
    build.alert(first, integration=sender)
    assert (first.id, second.id, first.alert_count) == (1, 2, 1)
    assert policy.levels[1] == {"timeout": 600, "targets": [{"user": bob.id}, {"team": payments.id}]}


def test_a_connection_beyond_this_machine_is_refused_and_noted():
    with pytest.MonkeyPatch.context() as patch:
        strayed = guard(patch)
        with pytest.raises(ConnectionRefusedError), socket.socket() as outgoing:
            outgoing.connect(("192.0.2.1", 80))
        with pytest.raises(socket.gaierror):
            socket.getaddrinfo("example.com", 443)
    assert strayed == ["connection to ('192.0.2.1', 80)", "name lookup of example.com"]


def test_the_web_server_records_calls_and_answers_as_told(http_sink: WebServer):
    http_sink.next_answers.append(Reply(200, b"first"))
    http_sink.answer = Reply(202, b"then")
    said = [urllib.request.urlopen(f"{http_sink.url}/x?y=1", data=b"{}").read() for _ in range(3)]
    assert said == [b"first", b"then", b"then"]
    assert http_sink.wait(3)[0].path == "/x?y=1" and http_sink.calls[0].json() == {}


def test_the_push_service_reads_what_a_sender_encrypted(push_sink: PushService):
    from pywebpush import WebPusher

    WebPusher(push_sink.subscription()).send('{"title": "Checkout is down"}')
    assert push_sink.messages == [{"title": "Checkout is down"}]


@pytest.mark.both_databases
def test_people_sign_in_as_on_the_page_and_machines_by_token(client, signed_in, token, ana):
    assert client.get("/me").status_code in (302, 303, 401)
    assert "Ana" in signed_in(ana).get("/me").text
    assert client.get("/api/v1/incidents").status_code == 401
    assert client.get("/api/v1/incidents", headers=token(ana)).json["items"] == []


def test_the_worker_does_what_waits_and_the_mail_server_has_it(client, run_jobs, tick, smtp, ana, payments):
    duty = build.schedule("duty", team=payments, turns=[[ana]])
    policy = build.policy("pages", (300, [duty]), team=payments)
    checkout = build.service("checkout", team=payments, policy=policy)
    build.integration("monitoring", service=checkout, team=payments, token="a-token-of-monitoring-1")
    answer = client.post("/in/a-token-of-monitoring-1", json={"title": "Checkout is down", "id": "1"})
    assert answer.status_code == 202
    run_jobs()
    tick("app.notifications.ticks.send")
    assert ["Checkout is down" in mail.subject for mail in smtp.to("ana@example.com")] == [True]
