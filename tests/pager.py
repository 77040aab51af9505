"""The standing example of a pager: team Payments, Bob on duty, then Ana, and a Prometheus that sends."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from app.core.db import session
from app.escalation.models import Policy, Run
from app.identity.models import Team, User
from app.incidents.models import Incident
from app.notifications.models import Message
from tests import build


@dataclass
class Pager:
    """Whoever a test needs by name."""

    ana: User
    bob: User
    team: Team
    policy: Policy
    path: str = "/in/token-of-prometheus-0123456789"


def pager(channel: str = "email", **policy: Any) -> Pager:
    """Bob is on duty for a minute, then Ana for two; once more after that. Both are reached by `channel`."""
    ana, bob = (build.user(name, reachable=channel == "email") for name in ("ana", "bob"))
    if channel != "email":
        for person in (ana, bob):
            build.contact(person, channel)
    team = build.team("payments", manager=ana, responders=[bob])
    schedule = build.schedule("primary", team=team, turns=[[bob]])
    made = build.policy("payments", (60, [schedule]), (120, [ana]), team=team, **{"repeat": 1, **policy})
    service = build.service("checkout", team=team)
    build.integration("prometheus", plugin="alertmanager", team=team, service=service)
    return Pager(ana, bob, team, made)


def firing(name: str = "HighErrorRate", *, status: str = "firing", severity: str = "critical",
           **labels: str) -> dict[str, Any]:
    """An Alertmanager body with one alert."""
    alert = {"status": status, "labels": {"alertname": name, "severity": severity, **labels},
             "annotations": {"summary": f"{name} is too high"}, "startsAt": "2026-03-02T10:00:00Z",
             "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "http://prometheus/graph"}
    return {"version": "4", "groupKey": "{}", "status": status, "receiver": "oncall", "groupLabels": {},
            "commonLabels": {}, "commonAnnotations": {}, "externalURL": "http://alertmanager", "alerts": [alert]}


def post(client: Any, pager: Pager, body: Any, **headers: str) -> Any:
    """Deliver it."""
    return client.post(pager.path, data=json.dumps(body), headers=headers)


def messages() -> list[Message]:
    """Every message, in the order they were queued."""
    session.expire_all()
    return list(session.query(Message).order_by(Message.id))


def incident() -> Incident:
    """The only incident."""
    session.expire_all()
    return session.query(Incident).one()


def run() -> Run:
    """The newest escalation."""
    session.expire_all()
    return session.query(Run).order_by(Run.id.desc()).first()
