"""Fills an empty system with an example organisation and 14 days of its history, by the same commands as real life.

Time is told to the clock; all its people are reached by the log only, so that nothing leaves the machine.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click
from sqlalchemy import select

from app.catalog.queries import service_by_key
from app.catalog.window_service import add_silence
from app.config import demo_lessons, demo_readers, demo_runbooks, service
from app.config.demo_calendars import read_holidays
from app.config.demo_story import PROBLEMS, STORY, Act, Problem
from app.config.document import load
from app.core import clock
from app.core.access import Actor
from app.core.db import session, transaction
from app.core.errors import Conflict
from app.core.jobs import at_once
from app.core.pulse import age
from app.escalation import ticks as escalation
from app.heartbeats.pings import ping
from app.heartbeats.queries import address_of, heartbeat_by_key
from app.identity.models import User
from app.identity.queries import user_by_email
from app.incidents import merging, room
from app.incidents import service as incidents
from app.incidents.models import Incident, Task
from app.ingest import ticks as ingest
from app.ingest.door import receive
from app.ingest.queries import integration_by_key
from app.notifications import sending
from app.oncall import covers, request_forms, swaps
from app.oncall.queries import schedule_by_key, schedule_document
from app.oncall.service import save_schedule
from app.plugin_api import Inbound

DAYS = 14
STOPPED = 30.0
ADMIN = "ana@example.com"
LOOKS = [timedelta(minutes=minutes) for minutes in range(5, 50, 5)]


def fill() -> None:
    """Fill an empty system and say who may sign in; one that has people is left alone."""
    try:
        password = make(clock.now())
    except Conflict as refused:
        click.echo(refused.detail)
        return
    click.echo(f"demo admin: {ADMIN} / password {password}")


def make(now: datetime) -> str:
    """Make the organisation and its history up to `now`. Returns the admin's password."""
    _refuse_unless_alone()
    password = secrets.token_urlsafe(12)
    with at_once():
        with clock.at(now - timedelta(days=DAYS)):
            service.apply(load([("demo.yaml", document(now).encode())]))
            service.apply(load([("demo.yaml", _admin(password))]))
            read_holidays(now)
        for at, act in _in_order(now):
            with clock.at(at):
                _ACTS[act.what](act) if act else None
                _work()
    return password


def _refuse_unless_alone() -> None:
    """Other processes would take the past for the present and page people about it."""
    if session.scalar(select(User.id).limit(1)) is not None:
        raise Conflict("The system has people already: nothing was filled in")
    seen = age("clock")
    session.rollback()
    if seen is not None and seen < STOPPED:
        raise Conflict("The system is running. Stop it, and fill it in then")


def document(now: datetime) -> str:
    """The document of the organisation, its schedules placed around `now`."""
    monday = now - timedelta(days=now.weekday() + 70)
    days = {"START_": monday, "SOON_": now + timedelta(days=2), "LATER_": now + timedelta(days=5)}
    text = Path(__file__).with_name("demo.yaml").read_text(encoding="utf-8")
    for mark, day in days.items():
        text = text.replace(mark, day.strftime("%Y-%m-%d"))
    return text


def _admin(password: str) -> bytes:
    return json.dumps({"version": 1, "users": [{"email": ADMIN, "name": "Ana Alvarez",
                                                "password": password}]}).encode()


def _in_order(now: datetime) -> Iterator[tuple[datetime, Act | None]]:
    """Every act at its time, and a look at what is due every 5 minutes while a new problem is being escalated."""
    acts = (*STORY, *demo_lessons.LESSONS, *demo_readers.READERS)
    told: list[tuple[datetime, Act | None]] = [(now - timedelta(minutes=act.ago), act) for act in acts]
    for at, act in list(told):
        if act is not None and act.what == "fires":
            told += [(at + later, None) for later in LOOKS if at + later < now]
    yield from sorted(told, key=lambda one: one[0])


def _work() -> None:
    """What clock and worker do: drain the inbox, page what is due, hand messages over to the log."""
    ingest.drain()
    escalation.end_holds()
    escalation.advance()
    waiting = sending.due(100)
    session.rollback()
    for message_id in waiting:
        sending.hand_over(message_id)


def _fires(act: Act) -> None:
    _deliver(PROBLEMS[act.problem], _said(PROBLEMS[act.problem], "firing"))


def _reports(act: Act) -> None:
    """A heartbeat says that it is alive."""
    heartbeat = heartbeat_by_key(act.problem)
    if heartbeat is not None:
        token = address_of(heartbeat, whole=True).rpartition("/")[2]
        session.rollback()
        ping(token, output=act.text.encode())


def _recovers(act: Act) -> None:
    _deliver(PROBLEMS[act.problem], _said(PROBLEMS[act.problem], "resolved"))


def _unreadable(act: Act) -> None:
    _deliver(PROBLEMS[act.problem], "backend unavailable")


def _deliver(problem: Problem, body: Any) -> None:
    integration = integration_by_key(problem.sender)
    session.rollback()
    if integration is not None:
        receive(integration, Inbound("POST", {"content-type": "application/json", "user-agent": "demo"}, {},
                                     json.dumps(body).encode(), clock.now()), ip="192.0.2.10")


def _said(problem: Problem, status: str) -> dict[str, Any]:
    """The body as this sender writes it."""
    if problem.sender != "prometheus":
        return {"title": problem.title, "severity": problem.severity, "status": status, "service": problem.service,
                "dedup_key": problem.name, "happened_at": clock.rfc3339(clock.now())}
    labels = {"alertname": problem.name.capitalize(), "severity": problem.severity, "service": problem.service}
    alert = {"status": status, "labels": labels,
             "annotations": {"summary": problem.title}, "startsAt": clock.rfc3339(clock.now()),
             "endsAt": clock.rfc3339(clock.now()) if status == "resolved" else "0001-01-01T00:00:00Z",
             "generatorURL": "https://prometheus.example.com/graph", "fingerprint": problem.name}
    return {"version": "4", "groupKey": f"{{}}:{{alertname={problem.name!r}}}", "status": status, "receiver": "oncall",
            "groupLabels": {"alertname": labels["alertname"]}, "commonLabels": labels, "commonAnnotations": {},
            "externalURL": "https://alertmanager.example.com", "truncatedAlerts": 0, "alerts": [alert]}


def _incident(act: Act) -> Incident | None:
    """The newest incident of this problem that is not over."""
    return session.scalar(select(Incident).where(Incident.title == PROBLEMS[act.problem].title,
                                                 Incident.status != "resolved").order_by(Incident.id.desc()).limit(1))


def _by(command: Callable[[Incident, Actor, str], Any]) -> Callable[[Act], None]:
    """A person does something with the incident of the problem, if it is still open."""
    def act_on(act: Act) -> None:
        with transaction():
            incident, person = _incident(act), user_by_email(f"{act.who}@example.com")
            if incident is not None and person is not None:
                command(incident, Actor(person.ref, person.name, via="web", user_id=person.id), act.text)
    return act_on


def _joins(act: Act) -> None:
    """A manager gives somebody a turn in the lowest layer of a schedule, from its next hand-off on."""
    with transaction():
        schedule, person = schedule_by_key(act.problem), user_by_email(f"{act.who}@example.com")
        if schedule is not None and person is not None:
            layers = schedule_document(schedule)["layers"]
            layers[0]["participants"].append([f"{act.text}@example.com"])
            save_schedule({"key": schedule.key, "layers": layers}, when="next",
                          by=Actor(person.ref, person.name, via="web", user_id=person.id))


def _asks(act: Act) -> None:
    """Somebody wants to be rid of a coming shift: for one of the admin's, or for whoever has the time."""
    with transaction():
        schedule, person = schedule_by_key(act.problem), user_by_email(f"{act.who}@example.com")
        if schedule is None or person is None:
            return
        by = Actor(person.ref, person.name, via="web", user_id=person.id)
        form = request_forms.exchange_form(schedule, by, {})
        own, other = ([one for one, _ in some if one.startswith(whose)][2:3] for some, whose in (
            (form.own, person.email), (form.others, ADMIN)))  # not the one that runs or is about to begin
        chosen = {"gives": "".join(own), "takes": "".join(other), "reason": act.text}
        if act.what == "swap":
            swaps.propose(schedule, request_forms.read_swap(request_forms.typed_swap(chosen), schedule, by), by=by)
        else:
            asks, span = request_forms.read_cover(request_forms.typed_cover(chosen), schedule, by)
            covers.ask(schedule, asks, span, reason=act.text, by=by)


def _silences(act: Act) -> None:
    """Somebody holds the pages of a service's known problem for half a day."""
    with transaction():
        person, service = user_by_email(f"{act.who}@example.com"), service_by_key(PROBLEMS[act.problem].service)
        if person is not None and service is not None:
            add_silence({"reason": act.text, "team": service.team.key, "services": [service.key], "for": "12h"},
                        by=Actor(person.ref, person.name, via="web", user_id=person.id))


def _named(name: str) -> list[User]:
    found = user_by_email(f"{name}@example.com")
    return [found] if found else []


def _task(incident: Incident, title: str) -> int:
    return session.scalars(select(Task.id).where(Task.incident_id == incident.id, Task.title == title)).one()


_ACTS: dict[str, Callable[[Act], None]] = {
    "joins": _joins, "swap": _asks, "cover": _asks, "reports": _reports, "silences": _silences,
    "postmortem": demo_lessons.play, "readers": demo_readers.play, "runbook": demo_runbooks.play,
    "fires": _fires, "fires again": _fires, "recovers": _recovers, "unreadable": _unreadable,
    "acknowledge": _by(lambda incident, by, _: incidents.acknowledge(incident, by=by)),
    "note": _by(lambda incident, by, text: incidents.add_note(incident, text, by=by)),
    "resolve": _by(lambda incident, by, text: incidents.resolve(incident, by=by, note=text)),
    "assign": _by(lambda incident, by, text: incidents.assign(incident, _named(text), by=by)),
    "role": _by(lambda incident, by, text: room.take_role(incident, text, session.get(User, by.user_id), by=by)),
    "answer": _by(lambda incident, by, text: room.answer(incident, text, by=by)),
    "severity": _by(lambda incident, by, text: room.set_severity(incident, text, by=by)),
    "updates": _by(lambda incident, by, text: room.time_updates(incident, int(text), by=by)),
    "update": _by(lambda incident, by, text: room.post_update(incident, text, by=by)),
    "follow": _by(lambda incident, by, _: room.follow(incident, True, by=by)),
    "task": _by(lambda incident, by, text: room.add_task(incident, text, session.get(User, by.user_id), by=by)),
    "finish": _by(lambda incident, by, text: room.change_task(incident, _task(incident, text), by=by, done=True)),
    "merge": _by(lambda incident, by, text: merging.merge(incident, _incident(Act(0, "", text)) or incident, by=by)),
    "responders": _by(lambda incident, by, text: incidents.add_responders(incident, _named(text), by=by)),
}
