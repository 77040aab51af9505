"""The pages of runbooks: library, form, approval, run, execution, and the incident's own."""

from __future__ import annotations

import json
import re

import pytest

from app.core import secrets
from app.core.db import session
from app.runbooks.library_pages import library, runbook_page
from app.runbooks.models import Execution, Runbook
from app.runbooks.review_pages import review
from app.runbooks.run_pages import preview_of
from tests import build
from tests.runbooks.conftest import PODS, run
from tests.workflows.stories import workflow

FORM = {"name": "Restart", "key": "restart", "team": "payments", "target": "webhook", "c.url": "https://ops.example.com/run",
        "c.method": "POST", "timeout": "1m", "retries": "3", "wait_for": "response", "concurrency": "per_incident",
        "payload": '{"pod": "{{ params.pod }}"}', "parameters": json.dumps(PODS)}


@pytest.fixture
def outage(app, payments):
    return build.incident("Checkout is down", service=build.service("checkout", team=payments), labels={"pod": "web-7"})


def hidden(page, name):
    return re.search(f'name="{name}" value="([^"]*)"', page)[1]


def test_a_manager_writes_one_an_admin_approves_it_and_it_stands_in_the_library(app, signed_in, ana, olga, payments):
    """RB-01: through the pages, with the request that would be sent."""
    browser, admin = signed_in(ana), signed_in(olga)
    assert browser.post("/runbooks/-/new", data=FORM).status_code == 303
    assert "wait for approval" in browser.get("/runbooks/restart").text.replace("waits", "wait")
    review = admin.get("/runbooks/restart/review").text
    assert "POST https://ops.example.com/run" in review and "&#34;pod&#34;: &#34;example&#34;" in review
    assert admin.post("/runbooks/restart/review?version=1", data={"do": "approve"}).status_code == 303
    assert "Approved" in browser.get("/runbooks").text and session.query(Runbook).one().state == "approved"


def test_each_wrong_value_is_said_and_what_was_typed_stays(app, signed_in, ana, payments):
    answer = signed_in(ana).post("/runbooks/-/new", data={**FORM, "c.url": "ftp://x", "timeout": "9h", "payload": "{"})
    assert answer.status_code == 422 and session.query(Runbook).count() == 0
    for text in ('value="ftp://x"', "must be an address", "The time is 5s to 6h", "This is not JSON"):
        assert text in answer.text


def test_the_form_warns_that_the_approval_will_be_lost_and_versions_show_what_changed(restart, signed_in, ana):
    """RB-02, RB-04."""
    restart()
    browser = signed_in(ana)
    form = browser.get("/runbooks/restart/edit").text
    assert "The approval will be lost" in form
    values = {**FORM, "c.url": re.search(r'name="c.url" type="text" value="([^"]+)"', form)[1], "name": "Restart pods"}
    browser.post("/runbooks/restart/edit", data=values)
    page = browser.get("/runbooks/restart?version=2").text
    assert "added: </span>+" in page and "1m" in page and session.query(Runbook).one().state == "draft"


def test_a_responder_runs_it_from_the_incident_after_seeing_the_request(restart, outage, signed_in, bob, payments, work, last):
    """RB-20, RB-08: prefilled from the labels, secrets masked, a double click is one execution."""
    build.secret("ops", "hunter2-hunter2", team=payments)
    restart(config={"headers": {"Authorization": "Bearer {{ secret.ops }}"}}, services=["checkout"])
    browser = signed_in(bob)
    assert "/runbooks/restart/run?incident=1" in browser.get("/incidents/1").text
    form = browser.get("/runbooks/restart/run?incident=1").text
    assert 'value="web-7"' in form and "From the label pod=web-7" in form
    data = {"p.pod": "web-7", "p.grace": "45", "incident": "1", "form_key": hidden(form, "form_key"), "reason": "it hangs"}
    shown = browser.post("/runbooks/restart/run", data={**data, "do": "show"}).text
    assert "authorization: Bearer •••" in shown and "&#34;grace&#34;: 45" in shown and "hunter2" not in shown
    go = {**data, "do": "run", "seen": hidden(shown, "seen")}
    assert {browser.post("/runbooks/restart/run", data=go).headers["Location"] for _ in range(2)} == {"/executions/1"}
    work()
    page = browser.get("/executions/1").text
    assert last().state == "succeeded" and "it hangs" in page and "web-7" in page and "Succeeded" in page
    assert "Bob runs Restart" in browser.get("/incidents/1?show=automation").text


def test_another_request_than_the_one_that_was_shown_is_shown_again(restart, outage, signed_in, bob):
    restart()
    browser = signed_in(bob)
    shown = browser.post("/runbooks/restart/run", data={"p.pod": "web-7", "p.grace": "1", "do": "show"}).text
    answer = browser.post("/runbooks/restart/run", data={"p.pod": "web-8", "p.grace": "1", "do": "run", "seen": hidden(shown, "seen")})
    assert "The request is another one now" in answer.text and session.query(Execution).count() == 0


def test_errors_stand_at_their_fields_and_what_was_typed_stays(restart, signed_in, bob):
    """RB-07, RB-08."""
    restart()
    answer = signed_in(bob).post("/runbooks/restart/run", data={"p.pod": "WEB 7", "p.grace": "-4", "do": "run"})
    assert answer.status_code == 422 and session.query(Execution).count() == 0
    for text in ('id="f-p.pod-error"', "must fit the pattern", "-4 is less than 0", 'value="WEB 7"', 'aria-invalid="true"'):
        assert text in answer.text


def test_one_that_runs_is_shown_to_whoever_starts_the_second(restart, outage, signed_in, bob):
    """RB-21: 409 with a link to it."""
    restart()
    browser = signed_in(bob)
    data = {"p.pod": "web-7", "p.grace": "1", "incident": "1", "do": "show"}
    seen = hidden(browser.post("/runbooks/restart/run", data=data).text, "seen")
    for status in (303, 409):
        answer = browser.post("/runbooks/restart/run", data={**data, "do": "run", "seen": seen})
        assert answer.status_code == status
    assert 'href="/executions/1"' in answer.text


def test_observers_and_others_see_no_button_and_get_403(restart, outage, signed_in, charlie):
    """RB-05, RB-20."""
    restart()
    browser = signed_in(charlie)
    assert "/runbooks/restart/run" not in browser.get("/incidents/1").text
    assert browser.get("/runbooks/restart/run?incident=1").status_code == 403
    assert browser.post("/runbooks/restart/run", data={"incident": "1", "do": "run"}).status_code == 403


def test_a_private_teams_runbooks_are_nobody_elses(app, signed_in, charlie, ana):
    build.runbook("vault", team=build.team("secret", manager=ana, private=True))
    browser = signed_in(charlie)
    assert "Vault" not in browser.get("/runbooks").text and browser.get("/runbooks/vault").status_code == 404


def test_the_library_is_narrowed(restart, signed_in, ana):
    restart("restart-web")
    restart("drain-queue", approver=None)
    browser = signed_in(ana)
    for address, there in (("?q=drain", "Drain queue"), ("?state=draft", "Drain queue"), ("?state=approved", "Restart web"),
                           ("?team=payments&target=webhook&q=web", "Restart web")):
        page = browser.get(f"/runbooks{address}").text
        assert (there in page) and ({"Drain queue", "Restart web"} - {there}).pop() not in page


def test_export_and_import_round_trip_without_secrets_as_a_draft(restart, signed_in, ana, payments):
    """RB-29."""
    build.secret("ops", "hunter2-hunter2", team=payments)
    restart(config={"headers": {"Authorization": "Bearer {{ secret.ops }}"}})
    browser = signed_in(ana)
    text = browser.get("/runbooks/restart/export").text
    assert "hunter2" not in text and "{{ secret.ops }}" in text
    browser.post("/runbooks/-/import", data={"text": text.replace("key: restart", "key: again")})
    first, second = session.query(Runbook).order_by(Runbook.id)
    assert (first.state, second.state) == ("approved", "draft")
    assert (first.config, first.payload, first.parameters) == (second.config, second.payload, second.parameters)
    assert browser.post("/runbooks/-/import", data={"text": "key: [x"}).status_code == 422


def test_cancelling_from_the_page(restart, signed_in, bob, last):
    """RB-25."""
    restart()
    browser = signed_in(bob)
    data = {"p.pod": "web-7", "p.grace": "1"}
    seen = hidden(browser.post("/runbooks/restart/run", data={**data, "do": "show"}).text, "seen")
    browser.post("/runbooks/restart/run", data={**data, "do": "run", "seen": seen})
    assert browser.post("/executions/1/cancel").status_code == 303 and last().state == "cancelled"
    assert browser.post("/executions/1/cancel").status_code == 409


def test_the_rule_of_approvals_is_an_admins(app, signed_in, ana, olga):
    assert signed_in(ana).get("/runbooks/-/approvals").status_code == 403
    admin = signed_in(olga)
    admin.post("/runbooks/-/approvals", data={"four_eyes": "0"})
    assert "may approve it" in admin.get("/runbooks/-/approvals").text


def test_of_a_draft_there_is_no_dry_run(restart, signed_in, bob, payments, http_sink):
    """RB-02: its secrets go nowhere before somebody approved where to."""
    config = {"url": http_sink.url, "token": "{{ secret.token }}", "template": "7"}
    build.secret("token", team=payments)
    restart(target={"plugin": "awx", "config": config}, payload=None, wait_for="follow", url="", approver=None)
    browser = signed_in(bob)
    assert "Dry run" not in browser.get("/runbooks/restart/run").text
    page = browser.post("/runbooks/restart/check", data={"p.pod": "web-1", "p.grace": "1"}).text
    assert "is not approved, so nothing is sent" in page and http_sink.calls == []


def test_a_dry_run_whose_secret_cannot_be_opened_says_so(restart, signed_in, bob, payments, http_sink):
    """RB-13: as a run would."""
    build.secret("token", team=payments)
    config = {"url": http_sink.url, "token": "{{ secret.token }}", "template": "7"}
    restart(target={"plugin": "awx", "config": config}, payload=None, wait_for="follow", url="")
    browser = signed_in(bob)
    secrets.configure(secrets.new_key())
    page = browser.post("/runbooks/restart/check", data={"p.pod": "web-1", "p.grace": "1"}).text
    assert "is not in ENCRYPTION_KEYS" in page and http_sink.calls == []


def test_a_private_teams_execution_is_nobody_elses_last_one(restart, signed_in, ana, olga, charlie, work):
    """Of a runbook that is everybody's."""
    own = build.team("vault", manager=ana, private=True)
    run(restart("global", team=None), ana, build.incident("Hidden", team=own))
    work()
    rows = [library(build.actor(person), {}).rows[0] for person in (olga, charlie)]
    assert rows[0].last is not None and rows[1].last is None


def test_the_request_that_is_shown_is_read_as_the_one_that_goes_out(restart, olga):
    """13, Run: lists are lists in it too, and what can't be read is said before anything begins."""
    runbook = restart(target={"plugin": "aws-ssm", "config": {"instances": "{{ params.pod }}"}}, url="", wait_for="follow",
                      payload={"commands": ["uptime"]})
    shown = preview_of(runbook, None, {"pod": "i-1"}, build.actor(olga))
    assert json.loads(shown.text.partition("\n\n")[2])["InstanceIds"] == ["i-1"]
    other = restart("other", url="{{ params.pod }}")
    assert "must be an address" in preview_of(other, None, {"pod": "web"}, build.actor(olga)).fault
    assert review("other", build.actor(olga)).preview.text.startswith("POST example")


def test_where_it_is_used_a_private_teams_things_have_no_name(restart, ana, charlie):
    """Of a runbook that is everybody's: whoever may not know of them sees how many there are."""
    own = build.team("vault", manager=ana, private=True)
    runbook = restart(team=None, services=[build.service("safe", team=own).key])
    workflow("hidden", {"id": "a", "kind": "runbook", "runbook": runbook.key, "parameters": {"pod": "web-1"}}, team="vault")
    known, other = (runbook_page(runbook.key, build.actor(person), {}) for person in (ana, charlie))
    assert known.used_by == ["Workflow Hidden"] and other.used_by == ["1 of teams that you can’t see"]
    assert [one.key for one in known.services] == ["safe"] and other.services == []
