"""Secrets of automations: written once, named in requests, never shown."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.core.db import session, transaction
from app.core.events import Event
from app.runbooks import vault
from app.runbooks.models import Secret
from tests import build
from tests.workflows.stories import hook, workflow


def everywhere(browser, *addresses):
    """All that these pages say, and all that the database and the log hold."""
    rows = session.execute(text("SELECT name, value_sealed FROM secrets")).all()
    facts = [str(event.data) for event in session.query(Event)]
    return "".join([*(browser.get(address).text for address in addresses), str(rows), *facts])


def test_a_manager_stores_one_and_nobody_reads_it_back(app, signed_in, ana, olga, payments):
    """RB-18, WF-21: no page, no event and no row says it, to admins neither."""
    browser = signed_in(ana)
    answer = browser.post("/secrets/-/new", data={"name": "ops", "team": "payments", "value": "hunter2-hunter2"})
    assert answer.status_code == 303 and session.query(Secret).one().team_id == payments.id
    for reader in (browser, signed_in(olga)):
        said = everywhere(reader, "/secrets", "/secrets/1", "/audit")
        assert "ops" in said and "hunter2" not in said


def test_what_was_typed_stays_but_the_value(app, signed_in, ana, payments):
    answer = signed_in(ana).post("/secrets/-/new", data={"name": "No Way", "team": "payments", "value": "hunter2-hunter2"})
    assert answer.status_code == 422 and 'value="No Way"' in answer.text and "hunter2" not in answer.text


@pytest.mark.parametrize(("name", "value"), [("Ops", "x"), ("1a", "x"), ("", "x"), ("a" * 64, "x"), ("ops", ""),
                                             ("ops", "x" * 8193)])
def test_names_and_values_have_their_limits(app, client, ana, payments, token, name, value):
    """Spec 08: `[a-z][a-z0-9_]{0,62}`, at most 8 KiB."""
    answer = client.post("/api/v1/secrets", headers=token(ana), json={"name": name, "value": value, "team": "payments"})
    assert answer.status_code == 422 and session.query(Secret).count() == 0


def test_only_managers_of_the_team_and_for_everybodys_admins(app, client, ana, bob, charlie, olga, payments, token):
    """Rights of 08: secrets are a manager's, global ones an admin's."""
    def status(person, **more):
        return client.post("/api/v1/secrets", headers=token(person), json={"name": "ops", "value": "abc", **more}).status_code
    assert [status(person, team="payments") for person in (bob, charlie, ana)] == [403, 403, 201]
    assert [status(person) for person in (ana, olga)] == [403, 201]
    listed = client.get("/api/v1/secrets", headers=token(ana)).json["items"]
    assert [(one["name"], one["team"]) for one in listed] == [("ops", "payments"), ("ops", None)] and "abc" not in str(listed)


def test_a_name_is_given_once_in_each_scope(app, client, ana, payments, token):
    build.secret("ops", team=payments)
    build.secret("ops")
    answer = client.post("/api/v1/secrets", headers=token(ana), json={"name": "ops", "value": "abc", "team": "payments"})
    assert answer.status_code == 422 and "replace that one" in answer.text


def test_a_teams_own_secret_is_meant_before_everybodys(app, payments, charlie):
    """And another team's is never meant."""
    others = build.team("others", manager=charlie)
    build.secret("ops", "theirs", team=others)
    build.secret("ops", "ours", team=payments)
    build.secret("ops", "everybody's")
    build.secret("mine", team=others)
    with transaction():
        assert [vault.values(["ops", "mine"], team) for team in (payments.id, None)] == [
            {"ops": "ours"}, {"ops": "everybody's"}]
    assert vault.missing(["ops", "mine"], payments.id) == ["mine"]
    assert session.query(Secret).filter_by(team_id=payments.id).one().last_used_at is not None


def test_the_list_says_of_each_where_it_is_meant(app, client, signed_in, olga, payments, token):
    """Spec 13: one name is the team's own there, and everybody's elsewhere; runbooks, then workflows."""
    for name, team in (("ops", payments), ("ops", None), ("idle", None)):
        build.secret(name, "hunter2-hunter2", team=team)
    for key, team in (("restart", payments), ("drain", build.team("others"))):
        build.runbook(key, team=team, payload={"key": "{{ secret.ops }}"})
    workflow("flow", hook("call", "https://ops.example.com", with_={"headers": {"X": "{{ secret.ops }}"}}), team="payments")
    listed = client.get("/api/v1/secrets", headers=token(olga)).json["items"]
    assert {(one["name"], one["team"]): one["used_by"] for one in listed} == {
        ("idle", None): [], ("ops", "payments"): ["Runbook Restart", "Workflow Flow"], ("ops", None): ["Runbook Drain"]}
    page = signed_in(olga).get("/secrets").text
    assert page.count("Runbook Restart") == page.count("Runbook Drain") == page.count("Workflow Flow") == 1


def test_a_secret_in_use_is_replaced_but_not_deleted(app, client, ana, payments, token, monkeypatch):
    """WF-22: 409 with the list of uses."""
    build.secret("ops", "old", team=payments)
    monkeypatch.setattr(vault, "uses", lambda *_: [vault.Use("Runbook Restart", "/runbooks/restart")])
    refused = client.delete("/api/v1/secrets/1", headers=token(ana))
    assert refused.status_code == 409 and refused.json["state"] == {"used_by": ["Runbook Restart"]}
    assert client.put("/api/v1/secrets/1", headers=token(ana), json={"value": "new"}).status_code == 200
    with transaction():
        assert vault.values(["ops"], payments.id) == {"ops": "new"}


def test_a_secret_that_nothing_uses_is_deleted(app, signed_in, ana, payments):
    build.secret("ops", team=payments)
    assert signed_in(ana).post("/secrets/1/delete").status_code == 303
    assert session.query(Secret).count() == 0
