"""Where nothing of ours goes, whoever sends it: workflows, runbooks and webhooks have the one table of addresses."""

from __future__ import annotations

import socket

import pytest

from app.core import http
from app.core.db import session, transaction
from app.runbooks import executions
from app.runbooks.models import Execution
from app.runbooks.runner import runner
from app.webhooks.models import WebhookDelivery
from app.webhooks.service import save_webhook
from app.workflows.models import WorkflowStep
from tests import build
from tests.fakes import Reply
from tests.workflows.stories import hook, workflow

# each way to write an inside address, and what people are told that it is
INSIDE = {"https://127.0.0.1/": "loopback", "https://2130706433/": "loopback", "https://0x7f.1/": "loopback",
          "https://0177.0.0.1/": "not a web address", "https://[::1]/": "loopback", "https://localhost/": "loopback",
          "https://169.254.169.254/latest/meta-data": "link-local", "https://[fe80::1]/": "link-local",
          "https://10.1.2.3/": "private", "https://192.168.1.1/": "private", "https://[fc00::1]/": "private",
          "https://[::ffff:10.0.0.1]/": "private", "https://[64:ff9b::a00:1]/": "private", "https://[2002:a00:1::1]/": "private",
          "https://100.64.0.1/": "carrier NAT", "https://0.0.0.0/": "unspecified", "https://224.0.0.1/": "multicast",
          "http://8.8.8.8/": "only be called with https", "https://inside.example/": "private"}


@pytest.fixture
def names(monkeypatch):
    """`names(**{"a.example": [...]})`: what a name means, look-up by look-up; gives the names that were asked for."""
    asked, real = [], socket.getaddrinfo

    def means(**known):
        def find(host, port, *rest, **more):
            if host not in known:
                return real(host, port, *rest, **more)
            asked.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (known[host][min(asked.count(host), len(known[host])) - 1], port))]
        monkeypatch.setattr(socket, "getaddrinfo", find)
        return asked
    return means


@pytest.fixture
def by_workflow(opens, go):
    """`send(urls)`: why each was not sent, by a step of a workflow."""
    def send(urls):
        for at, url in enumerate(urls):
            workflow(f"flow-{at}", hook("call", url, retries=0))
        opens()
        go()
        return [step.error for step in session.query(WorkflowStep).filter_by(node="call").order_by(WorkflowStep.id)]
    return send


@pytest.fixture
def by_runbook(house, olga, tick):
    """The same by a runbook."""
    def send(urls):
        for at, url in enumerate(urls):
            made = build.runbook(f"run-{at}", team=house, url=url, approver=olga, retries=0)
            with transaction():
                executions.start(made, parameters={}, by=build.actor(olga))
        for _ in urls:
            tick("app.runbooks.ticks.run")
            assert runner().settle()
        session.rollback()
        return [one.error for one in session.query(Execution).order_by(Execution.id)]
    return send


@pytest.fixture
def by_webhook(opens, run_jobs, house, olga):
    """The same by an outgoing webhook."""
    def send(urls):
        with transaction():
            for at, url in enumerate(urls):
                save_webhook({"key": f"hook-{at}", "name": "Hook", "url": url, "events": ["incident.opened"], "team": "payments"},
                             by=build.actor(olga))
        opens()
        run_jobs()
        session.rollback()
        return [one.error for one in session.query(WebhookDelivery).order_by(WebhookDelivery.id)]
    return send


@pytest.fixture(params=["workflow", "runbook", "webhook"])
def send(request):
    """Each sender in its turn."""
    return request.getfixturevalue(f"by_{request.param}")


def test_no_sender_reaches_inside_however_it_is_written(send, names, http_sink):
    """WF-20, RB-16, HRD-13: refused with the class of the address, tried once."""
    http.configure("")
    names(**{"inside.example": ["10.0.0.9"]})
    said = dict(zip(INSIDE, send(list(INSIDE)), strict=True))
    assert {url: reason for url, reason in said.items() if INSIDE[url] not in reason} == {} and http_sink.calls == []


def test_a_name_that_changes_its_answer_is_refused_by_the_first(send, names, http_sink):
    """HRD-13: it is looked up once, and what was checked is what is connected to."""
    http.configure("127.0.0.1/32")
    asked = names(**{"rebinding.example": ["10.0.0.9", "127.0.0.1"]})
    reason, = send([http_sink.url.replace("127.0.0.1", "rebinding.example")])
    assert "private" in reason and asked == ["rebinding.example"] and http_sink.calls == []


def test_a_redirect_is_followed_by_nobody(send, http_sink):
    """HRD-13: its status is the reason, and the one call stays the only one."""
    http_sink.answer = Reply(302, headers={"Location": f"{http_sink.url}/elsewhere"})
    reason, = send([f"{http_sink.url}/first"])
    assert "302" in reason and [call.path for call in http_sink.calls] == ["/first"]
