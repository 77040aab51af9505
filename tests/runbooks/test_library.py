"""The library: who writes, who approves, what an edit costs."""

from __future__ import annotations

from functools import partial

import pytest

from app.core.db import session, transaction
from app.core.errors import Conflict, Failure, Forbidden
from app.core.events import Event
from app.runbooks import queries, service
from app.runbooks.models import Runbook, RunbookVersion
from tests import build
from tests.racing import at_once


def attempt(command, *arguments, **named):
    """The failure of a command, or its answer."""
    with transaction():
        try:
            return command(*arguments, **named)
        except Failure as failure:
            return failure


def saved(by, **values):
    return attempt(service.save_runbook, {"key": "restart", **values}, by=build.actor(by))


def kinds():
    return [event.kind for event in session.query(Event).order_by(Event.id) if event.kind.startswith("runbook.")]


@pytest.fixture
def draft(app, payments, ana):
    """Ana's draft."""
    saved(ana, name="Restart", team="payments", target="webhook", config={"url": "https://ops.example.com/run"})
    return queries.runbook_by_key("restart")


def test_only_an_admin_who_wrote_nothing_of_it_approves(draft, ana, olga):
    """RB-01: the author trying gets the reason; a manager may not at all."""
    root = build.user("root", role="admin")
    saved(olga, description="And waits until it is healthy")
    refused = attempt(service.approve, draft, by=build.actor(olga))
    assert isinstance(refused, Forbidden) and "You changed it" in refused.detail
    assert isinstance(attempt(service.approve, draft, by=build.actor(ana)), Forbidden)
    assert attempt(service.approve, draft, by=build.actor(root)).state == "approved"


def test_a_second_approval_changes_nothing(draft, olga):
    """RB-01: two at once give one event."""
    attempt(service.approve, draft, by=build.actor(olga))
    assert isinstance(attempt(service.approve, draft, by=build.actor(olga)), Conflict)
    assert kinds().count("runbook.approved") == 1


@pytest.mark.race
@pytest.mark.both_databases
def test_of_two_who_approve_at_once_one_did(app, draft, olga):
    """RB-01: one event, and the other is told."""
    key, people = draft.id, [build.actor(olga), build.actor(build.user("root", role="admin"))]

    def approve(by):
        with transaction():
            service.approve(session.get_one(Runbook, key), by=by)
    faults = at_once(app, *[partial(approve, who) for who in people])
    assert [type(fault) for fault in faults] == [Conflict] and kinds().count("runbook.approved") == 1


def test_an_approval_is_for_the_version_that_was_looked_at(draft, ana, olga):
    saved(ana, timeout="1m")
    refused = attempt(service.approve, draft, by=build.actor(olga), version=1)
    assert isinstance(refused, Conflict) and "version 2" in refused.detail


@pytest.mark.parametrize("edit", [
    {"target": {"plugin": "webhook", "config": {"url": "https://else.example.com"}}}, {"payload": {"a": 1}}, {"timeout": "1m"},
    {"retries": 0}, {"team": None}, {"parameters": {"type": "object", "properties": {"x": {"type": "string"}}}}])
def test_an_edit_of_what_was_approved_makes_it_a_draft_at_once(draft, olga, edit):
    """RB-02."""
    attempt(service.approve, draft, by=build.actor(olga))
    saved(olga, **edit)
    assert session.query(Runbook).one().state == "draft"


def test_saving_without_a_change_or_another_description_keeps_the_approval(draft, ana, olga):
    """RB-02: and the first is no version."""
    attempt(service.approve, draft, by=build.actor(olga))
    saved(ana, name="Restart", timeout="5m")
    assert (session.query(Runbook).one().state, session.query(RunbookVersion).count()) == ("approved", 1)
    saved(ana, description="In words")
    assert (session.query(Runbook).one().state, session.query(RunbookVersion).count()) == ("approved", 2)


def test_every_save_is_a_version_and_rolling_back_is_a_new_one(draft, ana, olga):
    """RB-04: versions are immutable, states are no versions."""
    saved(ana, timeout="1m")
    attempt(service.approve, draft, by=build.actor(olga))
    attempt(service.roll_back, draft, 1, by=build.actor(ana))
    found = [(one.number, one.document["timeout"], one.author_name) for one in queries.versions(draft)]
    assert found == [(3, "5m", "Ana"), (2, "1m", "Ana"), (1, "5m", "Ana")]
    assert session.query(Runbook).one().state == "draft"


def test_global_ones_are_an_admins_and_the_others_their_managers(app, ana, bob, charlie, olga, payments):
    """RB-05, rights of 13."""
    values = {"name": "Restart", "target": "webhook", "config": {"url": "https://ops.example.com"}}
    assert isinstance(saved(ana, **values), Forbidden)
    assert isinstance(saved(bob, **values, team="payments"), Forbidden)
    assert isinstance(saved(charlie, **values, team="payments"), Forbidden)
    assert saved(olga, **values).team_id is None


def test_sent_back_it_leaves_the_queue_until_it_is_changed(draft, ana, olga):
    assert [one.key for one in queries.waiting_for_approval(build.actor(olga))] == ["restart"]
    attempt(service.send_back, draft, "Name the pod", by=build.actor(olga))
    assert queries.waiting_for_approval(build.actor(olga)) == []
    saved(ana, timeout="1m")
    assert [one.key for one in queries.waiting_for_approval(build.actor(olga))] == ["restart"]


def test_deprecated_comes_back_as_a_draft_by_an_admin_only(draft, ana, olga):
    """State table of 13: never straight to approved."""
    attempt(service.approve, draft, by=build.actor(olga))
    attempt(service.deprecate, draft, by=build.actor(ana))
    assert isinstance(saved(ana, timeout="1m"), Conflict)
    assert isinstance(attempt(service.approve, draft, by=build.actor(olga)), Conflict)
    assert isinstance(attempt(service.revive, draft, by=build.actor(ana)), Forbidden)
    assert attempt(service.revive, draft, by=build.actor(olga)).state == "draft"


def test_an_approval_needs_the_secrets_that_are_named(draft, ana, olga, payments):
    saved(ana, config={"url": "https://ops.example.com", "headers": {"Authorization": "Bearer {{ secret.ops }}"}})
    refused = attempt(service.approve, draft, by=build.actor(olga))
    assert isinstance(refused, Conflict) and refused.state == {"missing": ["ops"]}
    build.secret("ops", team=payments)
    assert attempt(service.approve, draft, by=build.actor(olga)).state == "approved"


def test_without_four_eyes_the_author_approves_and_switching_it_off_is_a_fact(app, olga):
    """RB-01: on by default."""
    saved(olga, name="Restart", target="webhook", config={"url": "https://ops.example.com"})
    found = queries.runbook_by_key("restart")
    assert isinstance(attempt(service.approve, found, by=build.actor(olga)), Forbidden)
    attempt(service.set_four_eyes, False, by=build.actor(olga))
    assert attempt(service.approve, found, by=build.actor(olga)).state == "approved"
    assert "runbook.review_changed" in kinds()


@pytest.mark.parametrize(("values", "field"), [
    ({"name": ""}, "name"), ({"description": "x" * 2001}, "description"), ({"timeout": "4s"}, "timeout"),
    ({"timeout": "7h"}, "timeout"), ({"retries": 4}, "retries"), ({"concurrency": "many"}, "concurrency"),
    ({"target": "nothing"}, "target"), ({"wait_for": "follow me"}, "wait_for"), ({"services": ["nope"]}, "services[0]"),
    ({"config": {}}, "config.url"), ({"config": {"url": "ftp://x"}}, "config.url"),
    ({"config": {"url": "https://x", "colour": "red"}}, "config.colour"),
    ({"config": {"url": "https://x", "method": "TRACE"}}, "config.method"),
    ({"config": {"url": "https://x", "signing_secret": "plain"}}, "config.signing_secret"),
    ({"config": {"url": "https://x", "headers": {"Authorization": "Bearer plain"}}}, "config.headers.Authorization"),
    ({"config": {"url": "https://{{ env.x }}"}}, "config.url"), ({"payload": "{no json"}, "payload"),
    ({"payload": {"a": {"b": "{{ params.none }}"}}}, "payload"), ({"payload": {"a": {"b": "{% x %}"}}}, "payload.a.b"),
    ({"wait_for": "callback"}, "config.signing_secret"),
    ({"wait_for": "callback", "config": {"url": "https://x", "signing_secret": "{{ secret.a }}{{ params.b }}"}},
     "config.signing_secret"), ({"team": "nobody"}, "team")])
def test_each_fault_is_named_at_its_place(draft, ana, values, field):
    """RB-06 and the numbers of 13; nothing is stored."""
    refused = saved(ana, **values)
    assert field in [problem.field for problem in refused.problems]
    assert session.query(RunbookVersion).count() == 1
