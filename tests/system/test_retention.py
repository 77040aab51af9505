"""What goes after a time, and what never does."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy.exc import OperationalError

from app.core import clock, retention, settings
from app.core.access import OPERATOR
from app.core.db import session, transaction
from app.core.errors import Failure
from app.core.events import Event
from app.core.jobs import function
from app.notifications.channel_models import HeardReply
from app.notifications.models import ContactMethod, Message
from app.workflows.manual import run_by_hand
from app.workflows.models import WorkflowStep
from tests import build
from tests.workflows.stories import note, workflow

OLD, YOUNG = timedelta(days=400, hours=1), timedelta(days=399)


def said(person, *, age=OLD, **columns):
    """A message to this person that was queued so long ago, and is over."""
    method = session.query(ContactMethod).filter_by(user_id=person.id).first()
    values = {"kind": "told", "state": "sent", "queued_at": clock.now() - age, **columns}
    with transaction():
        made = Message(user_id=person.id, method_id=method.id, channel="email", address="x", **values)
        session.add(made)
        session.flush()
    return made.id


def kept():
    """The ids of the messages that are there."""
    session.expire_all()
    return {row.id for row in session.query(Message.id)}


@pytest.mark.both_databases
def test_messages_of_nothing_go_after_400_days_and_none_of_an_incident_or_postmortem(app, ana, payments, tick):
    """HRD-37: exactly what the table allows; what names one of them goes on without; the count is a fact."""
    incident = build.incident(team=payments)
    goes, also_goes = said(ana), said(ana, state="failed", scope="team:1")
    stays = {said(ana, age=YOUNG), said(ana, incident_id=incident.id), said(ana, scope=incident.ref), said(ana, state="queued"),
             said(ana, kind="postmortem"), said(ana, kind="action_item"), said(ana, age=YOUNG, again_of=goes)}
    with transaction():
        session.add(HeardReply(once="1", channel="email", user_id=ana.id, message_id=goes))
    assert retention.standing(function("app.notifications.ticks.MESSAGES")).due == 2
    assert tick("app.core.retention.purge") == {"messages": 2}
    assert kept() == stays and {goes, also_goes}.isdisjoint(kept())
    assert [(row.data["name"], row.data["number"], row.data["days"]) for row in
            session.query(Event).filter_by(kind="retention.removed")] == [("Messages of no incident", 2, 400)]
    assert tick("app.core.retention.purge") == {}


def test_it_goes_in_batches_and_the_page_knows_the_last_run(app, ana, tick, monkeypatch):
    """HRD-37: never more at a time than a batch; the last run's count and time stand on the page."""
    monkeypatch.setattr(retention, "BATCH", 2)
    for _ in range(5):
        said(ana)
    opened = []
    monkeypatch.setattr(retention, "alone", opened.append)
    assert tick("app.core.retention.purge") == {"messages": 5}
    standing = retention.standing(function("app.notifications.ticks.MESSAGES"))
    assert opened.count("retention messages") == 3
    assert (standing.rows, standing.due, standing.removed) == (0, 0, 5) and standing.next_at > clock.now()


def test_a_kind_that_fails_keeps_no_other_from_its_turn(app, ana, tick, monkeypatch):
    said(ana)

    def fail(kept, before):
        if kept.slug == "delivery_bodies":
            raise OperationalError("UPDATE deliveries", {}, Exception("locked"))
        return sweep(kept, before)
    sweep = retention.sweep
    monkeypatch.setattr(retention, "sweep", fail)
    assert tick("app.core.retention.purge") == {"messages": 1}


def test_outputs_of_workflows_go_after_90_days_and_the_runs_stay(app, payments, run_jobs, tick):
    """HRD-37: request, answer and output are emptied; state and error of each step stay."""
    flow = workflow("nightly", note("note"), trigger="manual", team="payments")
    with transaction():
        run_by_hand(flow, build.incident(team=payments), by=OPERATOR)
    run_jobs()
    tick("app.workflows.ticks.work")
    with transaction():
        session.query(WorkflowStep).update({"output": {"key": "value"}})
    with time_machine.travel(clock.now() + timedelta(days=89), tick=False):
        assert tick("app.core.retention.purge") == {}
    with time_machine.travel(clock.now() + timedelta(days=91), tick=False):
        gone = tick("app.core.retention.purge")
        assert gone.pop("run_outputs") == session.query(WorkflowStep).count() >= 1
    session.expire_all()
    assert {(one.state, str(one.output), str(one.request)) for one in session.query(WorkflowStep)} == {("succeeded", "{}", "{}")}


def test_every_kind_says_what_stays_and_is_kept_for_so_many_days(app):
    """HRD-37: the page, the tick and the manual read one list, with the numbers of the specification."""
    days = {one.slug: one.for_days for one in retention.table()}
    assert days == {"delivery_bodies": 30, "deliveries": 90, "messages": 400, "run_outputs": 90, "execution_outputs": 90,
                    "partner_log": 90, "log": 365, "webhook_calls": 30, "subscriber_messages": 30,
                    "unconfirmed_subscribers": 7, "callbacks_heard": 1, "errands": 7}
    assert all(one.name and one.stays.endswith(".") for one in retention.table())


@pytest.mark.parametrize(("name", "least", "most"), [("DELIVERY_BODY_DAYS", 7, 730), ("AUDIT_DAYS", 90, 3650)])
def test_days_out_of_range_stop_the_start_with_a_line_that_says_so(tmp_path, name, least, most):
    given = {"ONCALL_INSTANCE": str(tmp_path)}
    for value in (least, most):
        assert settings.load({**given, name: str(value)})[name] == str(value)
    for value in (least - 1, most + 1, "soon", "-30"):
        with pytest.raises(Failure, match=f"{name} is '{value}', and has to be a whole number from {least} to {most}"):
            settings.load({**given, name: str(value)})


def test_admins_see_what_would_go_and_machines_too(app, ana, olga, bob, signed_in, token, client):
    said(ana)
    shown = signed_in(olga).get("/system/retention").text
    assert "Messages of no incident" in shown and "MESSAGE_DAYS, default" in shown and "<b>1</b>" in shown
    rows = client.get("/api/v1/system/retention", headers=token(olga)).json["items"]
    assert next(row for row in rows if row["slug"] == "messages").items() >= {
        "days": 400, "rows": 1, "due": 1, "ran_at": None, "removed": 0, "set_by": "MESSAGE_DAYS, default"}.items()
    assert signed_in(bob).get("/system/retention").status_code == 403
    assert client.get("/api/v1/system/retention", headers=token(bob)).status_code == 403
