"""What the stories of runbooks share: an approved runbook at a server of ours, and workers that do what is due."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from app.core import clock
from app.core.db import session, transaction
from app.core.errors import Failure
from app.core.events import Event
from app.identity.models import Team, User
from app.runbooks import executions
from app.runbooks.models import Execution, Runbook
from app.runbooks.runner import runner
from tests import build
from tests.fakes import WebServer
from tests.runbooks.vendors import AMAZON, SIX, reply

PODS = {"type": "object", "required": ["pod"], "properties": {
    "pod": {"type": "string", "pattern": "^[a-z0-9-]+$"}, "grace": {"type": "integer", "default": 30, "minimum": 0}}}


NASTY = 'He said "no"\\ {{ secret.ops }}\n🦊'


def run(runbook, by, incident=None, *, parameters=None, **how):
    """Start it, or the failure."""
    with transaction():
        try:
            return executions.start(runbook, parameters={"pod": "web-1"} if parameters is None else parameters, incident=incident,
                                    by=build.actor(by), how=executions.Start(**how))
        except Failure as failure:
            return failure


def facts(subject):
    return [event.kind.removeprefix("runbook.") for event in session.query(Event).filter_by(subject=subject).order_by(Event.id)
            if event.kind.startswith("runbook.")]


@pytest.fixture
def outage(app, payments):
    """An incident of Payments."""
    return build.incident(NASTY, service=build.service("checkout", team=payments), severity="critical")


@pytest.fixture
def restart(app: Flask, payments: Team, olga: User, http_sink: WebServer) -> Callable[..., Runbook]:
    """`restart(wait_for="callback")`: the runbook of Payments, written by an operator and approved by Olga."""
    def make(key: str = "restart", **values: Any) -> Runbook:
        said = {"team": payments, "url": f"{http_sink.url}/run", "approver": olga, "parameters": PODS,
                "payload": {"pod": "{{ params.pod }}", "grace": "{{ params.grace }}", "incident": "{{ incident.number }}"}}
        return build.runbook(key, **{**said, **values})
    return make


@pytest.fixture
def work(app: Flask, tick: Callable[[str], Any]) -> Callable[[], None]:
    """`work()`: a worker begins what is due, and it is done when this returns."""
    def act() -> None:
        tick("app.runbooks.ticks.run")
        assert runner().settle()
        session.rollback()
        session.expire_all()
    return act


@pytest.fixture
def last(app: Flask) -> Callable[[], Execution]:
    """`last()`: the newest execution as it is now."""
    def find() -> Execution:
        session.rollback()
        session.expire_all()
        return session.query(Execution).order_by(Execution.id.desc()).first()
    return find


@pytest.fixture
def begin(app, restart, bob, payments, http_sink, work, monkeypatch, time_machine):
    """`begin("awx", answers)`: a run at that target, begun."""
    build.secret("token", "t0ken-of-the-vendor", team=payments)
    for name, value in {"GITHUB_API_URL": http_sink.url, "AWS_ENDPOINT_URL": http_sink.url, **AMAZON}.items():
        monkeypatch.setitem(app.config, name, value)
    time_machine.move_to(clock.now(), tick=False)

    def act(slug, answers, **values):
        config = {name: text.replace("{url}", http_sink.url) if isinstance(text, str) else text
                  for name, text in SIX[slug][0].items()}
        said = {"payload": {"commands": ["uptime"]} if slug == "aws-ssm" else None, "wait_for": "follow", "url": "", **values}
        runbook = restart(said.pop("key", slug), target={"plugin": slug, "config": config}, **said)
        http_sink.next_answers.extend(map(reply, answers))
        with transaction():
            executions.start(runbook, parameters={"pod": "web-1"}, by=build.actor(bob))
        work()
    return act


@pytest.fixture
def look(work, time_machine):
    """`look()`: half a minute later the target is asked again."""
    def act(times=1):
        for _ in range(times):
            time_machine.shift(timedelta(seconds=31))
            work()
    return act
