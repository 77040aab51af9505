"""What the example organisation did with its runbooks: approved by Ana, run by those who were paged."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from app.config.demo_story import PROBLEMS, Act
from app.core import clock
from app.core.access import Actor
from app.core.db import session, transaction
from app.identity.queries import user_by_email
from app.incidents.models import Incident
from app.plugin_api import Outcome
from app.runbooks import calls, executions, queries, service, vault

# Runbook → its parameters, what its target said, how many seconds it took.
RUNS = {
    "fail-over-payments": ({"region": "eu", "to": "second-pay"}, "PLAY RECAP\nedge-eu-1 : ok=6 changed=2 failed=0", 38),
    "drain-queue": ({"queue": "booking", "keep": 500}, "4,112 messages moved to booking-parked", 71),
    "restart-replica": ({"replica": "db-2"}, "db-2 restarted, lag 0.4 s", 24),
}
SECRETS = (("awx", "payments"), ("rundeck", "payments"), ("platform_ops", "platform"))


def play(act: Act) -> None:
    """`set up` keeps the secrets and approves; the name of a runbook runs it for the newest incident of the problem."""
    with transaction():
        person = user_by_email(f"{act.who}@example.com")
        if person is None:
            return
        by = Actor(person.ref, person.name, via="web", user_id=person.id)
        if act.text == "set up":
            return _set_up(by)
        parameters, output, seconds = RUNS[act.text]
        incident = session.scalar(select(Incident).where(Incident.title == PROBLEMS[act.problem].title).order_by(
            Incident.id.desc()).limit(1))
        runbook = queries.runbook_by_key(act.text)
        if incident is None or runbook is None:
            return
        number = executions.start(runbook, parameters=parameters, by=by, incident=incident).id
    calls.advance(number, call=lambda _: Outcome("running", handle={"job": str(number)}, progress=[f"Job {number}"]))
    with clock.at(clock.now() + timedelta(seconds=seconds)):
        calls.advance(number, call=lambda _: Outcome("succeeded", output))


def _set_up(by: Actor) -> None:
    for name, team in SECRETS:
        vault.add(name, f"an-example-of-{name}-for-{team}", team=team, by=by)
    for key in RUNS:
        runbook = queries.runbook_by_key(key)
        if runbook is not None:
            service.approve(runbook, by=by)
