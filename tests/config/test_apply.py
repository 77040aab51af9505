"""The document is applied as a whole or not at all; what it names comes to be, and nothing else moves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask import Flask, current_app
from jsonschema import Draft202012Validator
from sqlalchemy import func, select

from app.config import service
from app.config.document import load
from app.config.insides import published
from app.core.access import OPERATOR
from app.core.db import session, transaction
from app.core.errors import Invalid
from app.core.events import Event
from app.escalation.documents import policy_document
from app.escalation.queries import policy_by_key
from app.identity.models import Team, User
from app.identity.queries import team_by_key, user_by_email
from app.identity.service import deactivate_user
from app.identity.teams import archive_team
from app.ingest.queries import integration_by_key
from app.notifications.queries import contact_documents, data_of, methods_of
from tests import build
from tests.config.documents import EXAMPLE, POLICY, WHOLE, apply, diff, events, faults, lines


@pytest.mark.both_databases
def test_the_example_is_applied_and_the_second_time_there_is_nothing_to_change(app: Flask) -> None:
    assert lines(apply(EXAMPLE)) == [
        "created user ana@example.com", "created user bob@example.com", "created team payments",
        "created schedule payments-primary", "created policy payments", "created service checkout",
        "created service ledger", "created integration prometheus"]
    recorded = events()
    assert lines(apply(EXAMPLE)) == []
    assert events() == recorded


@pytest.mark.both_databases
def test_a_diff_says_what_an_apply_would_do_and_does_nothing(app: Flask) -> None:
    would = lines(diff(EXAMPLE))
    assert session.scalar(select(func.count()).select_from(User)) == events() == 0
    assert would == lines(apply(EXAMPLE))


def test_an_export_applied_changes_nothing_also_when_everything_else_would_go(app: Flask) -> None:
    assert lines(diff(service.export(), prune=True)) == []
    apply(EXAMPLE)
    exported = service.export()
    assert lines(diff(exported, prune=True)) == []
    assert "password" not in str(exported) and "0123456789" not in str(exported)
    assert Draft202012Validator(published(current_app.extensions["plugins"])).is_valid(exported)


def test_an_export_fills_an_empty_system_to_the_same_export(app: Flask) -> None:
    apply(EXAMPLE)
    exported = service.export()
    from tests.application import empty

    empty()
    apply(exported)
    assert service.export() == exported


def test_what_was_made_by_hand_is_exported_like_the_rest(payments: Team, ana: User, bob: User) -> None:
    schedule = build.schedule("primary", team=payments, turns=[[ana], [bob]])
    policy = build.policy("paying", (300, [schedule]), (600, [bob, payments]), team=payments)
    build.service("checkout", team=payments, policy=policy)
    build.integration("prod", team=payments)
    assert lines(diff(service.export(), prune=True)) == []


def test_only_what_is_named_changes_and_the_change_tells_its_fields(app: Flask) -> None:
    apply(EXAMPLE)
    found = apply({"teams": [{"key": "payments", "name": "Paying", "tags": []}],
                   "services": [{"key": "ledger", "name": "Ledger", "team": "payments", "policy": "payments"}]})
    assert lines(found) == ["changed team payments: name, tags", "changed service ledger: policy"]
    assert {member.role for member in team_by_key("payments").memberships} == {"manager", "responder"}
    told = session.scalars(select(Event).where(Event.kind == "team.changed")).one()
    assert (told.actor, told.actor_name) == ("operator", "Operator with a.yaml")
    assert told.data["before"]["name"] == "Payments"


def test_a_secret_that_changed_is_told_without_its_value(app: Flask) -> None:
    apply(EXAMPLE)
    found = apply({"integrations": [{"key": "prometheus", "plugin": "alertmanager", "token": "another-token-987654"}]})
    assert lines(found) == ["changed integration prometheus: secrets"]
    assert "another-token" not in str([event.data for event in session.scalars(select(Event))])


def test_an_operator_may_set_passwords_and_vouch_for_addresses(app: Flask) -> None:
    apply(WHOLE)
    assert lines(apply(WHOLE)) == []
    ana = user_by_email("ana@example.com")
    assert ana.password_hash
    assert [method["verified"] for method in contact_documents([ana.id])[ana.id]] == [True, True]


def test_every_fault_is_listed_with_line_column_and_path(app: Flask) -> None:
    text = ("version: 1\nuser: []\nusers:\n  - {email: ana@example.com, name: Ana, rol: admin}\n  - email: bob\n")
    assert faults(text) == [
        "a.yaml:2:1 user unknown key 'user', did you mean 'users'?",
        "a.yaml:4:41 users[0].rol unknown key 'rol', did you mean 'role'?",
        "a.yaml:5:5 users[1].name name is needed",
        "a.yaml:5:12 users[1].email must be an e-mail address"]


def test_names_that_stand_for_nothing_are_faults_of_their_lines(app: Flask) -> None:
    apply(EXAMPLE)
    text = ("version: 1\nservices:\n  - {key: a, name: Aa, team: payments, depends_on: [LEDGER, x]}\n"
            "  - {key: b, name: Bb, team: nobody}\n")
    assert faults(text) == ["a.yaml:3:61 services[0].depends_on[1] there is no service x",
                            "a.yaml:4:30 services[1].team there is no team nobody"]


def test_a_circle_of_services_is_refused_with_its_line_and_nothing_is_stored(app: Flask) -> None:
    apply(EXAMPLE)
    before = events()
    text = ("version: 1\nservices:\n- {key: a, name: Aa, team: payments, depends_on: [b]}\n"
            "- {key: b, name: Bb, team: payments, depends_on: [a]}\n")
    assert faults(text) == ["a.yaml:4:51 services[1].depends_on[0] This would close a cycle: b → a → b"]
    assert events() == before


def test_a_fault_at_the_end_of_a_thousand_lines_changes_nothing(app: Flask) -> None:
    users = [{"email": f"person{n}@example.com", "name": f"Person {n}"} for n in range(300)]
    users[-1]["time_zone"] = "Mars/Olympus"
    assert "users[299].time_zone" in faults({"users": users})[0]
    assert session.scalar(select(func.count()).select_from(User)) == 0


def test_one_thing_defined_in_two_files_is_a_fault_naming_both(app: Flask) -> None:
    sources = [("a.yaml", b"version: 1\nteams: [{key: pay, name: Pay}]\n"),
               ("b.yaml", b"version: 1\nteams:\n  - {key: pay, name: Pay}\n")]
    with pytest.raises(Invalid, match="first in a.yaml, line 2") as refused:
        load(sources)
    assert refused.value.problems[0].field == "b.yaml:3:11 teams[0].key".replace("[0]", "[1]")


def test_files_may_name_each_others_things_in_any_order(app: Flask) -> None:
    sources = [("a.yaml", b"version: 1\nservices: [{key: s, name: Ss, team: pay, policy: no}]\n"),
               ("b.json", b'{"version": 1, "teams": [{"key": "pay", "name": "Pay", "policy": "pp"}]}'),
               ("c.yaml", POLICY)]
    with pytest.raises(Invalid, match="no escalation policy no"):
        service.apply(load(sources))
    sources[0] = ("a.yaml", sources[0][1].replace(b"policy: no}", b"policy: pp}"))
    assert len(service.apply(load(sources)).changes) == 3


def test_secrets_may_come_from_the_environment_and_from_files_but_nothing_else_may(
        app: Flask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TOKEN_OF_TESTS", "token-from-the-environment")
    monkeypatch.setenv("TOK", "token-with-short-name")
    tmp_path.joinpath("secret").write_text("kept-in-a-file\n")
    apply({"integrations": [{"key": "one", "plugin": "webhook", "token": "${env:TOKEN_OF_TESTS}",
                             "secret": f"${{file:{tmp_path}/secret}}"}]})
    assert integration_by_key("one").token_last4 == "ment"
    apply({"integrations": [{"key": "one", "plugin": "webhook", "token": "${env:TOK}"}]})
    assert integration_by_key("one").token_last4 == "name"
    assert "no MISSING" in faults({"users": [{"email": "a@b.c", "name": "A", "password": "${env:MISSING}"}]})[0]
    assert "secret fields only" in faults({"users": [{"email": "a@b.c", "name": "${env:TOKEN_OF_TESTS}"}]})[0]


def test_a_team_or_person_put_away_comes_back_when_the_document_names_them_again(app: Flask) -> None:
    named = "version: 1\nusers: [{email: kim@example.com, name: Kim}]\nteams: [{key: back, name: Back}]\n"
    apply(named)
    with transaction():
        deactivate_user(user_by_email("kim@example.com"), by=OPERATOR)
        archive_team(team_by_key("back"), by=OPERATOR)
    apply(named)
    assert user_by_email("kim@example.com").is_active
    assert team_by_key("back").archived_at is None
    assert lines(apply(named)) == []


def test_a_level_may_leave_its_time_out_and_a_contact_method_its_name(app: Flask) -> None:
    apply("version: 1\nusers:\n- email: kim@example.com\n  name: Kim\n  contact_methods:\n"
          "  - {channel: email, address: kim@example.com}\nescalation_policies:\n"
          "- {key: pp, name: P, levels: [{targets: [{user: kim@example.com}]}]}\n")
    kim = user_by_email("kim@example.com").id
    assert [method["name"] for method in contact_documents([kim])[kim]] == ["email"]
    assert policy_document(policy_by_key("pp"))["levels"][0]["timeout"] == "5m"


def test_a_webhook_has_the_secret_of_the_document_else_one_of_its_own_and_no_export_tells_it(app: Flask) -> None:
    method = "{channel: webhook, address: 'https://example.com/x'%s}"
    named = "version: 1\nusers: [{email: kim@example.com, name: Kim, contact_methods: [" + method + "]}]\n"
    apply(named % "")
    made = data_of(methods_of(user_by_email("kim@example.com"))[0])["secret"]
    assert len(made) >= 32 and lines(apply(named % "")) == []
    apply(named % ", secret: chosen-secret")
    assert data_of(methods_of(user_by_email("kim@example.com"))[0]) == {"secret": "chosen-secret"}
    assert lines(apply(named % ", secret: chosen-secret")) == [] and "chosen-secret" not in str(service.export())


def test_what_one_object_takes_from_another_is_let_go_first_in_whatever_order_they_stand(app: Flask) -> None:
    """MIG-01, MIG-06: a chain of hosts that move on; who really takes what another keeps is refused, once."""
    def pages(*hosts: str) -> dict[str, Any]:
        return {"status_pages": [{"slug": f"page-{at}", "name": f"Page {at}", "hosts": [host] if host else []}
                                 for at, host in enumerate(hosts)]}
    apply(pages("a.example.com", "b.example.com", "c.example.com", ""))
    moved = pages("b.example.com", "c.example.com", "d.example.com", "a.example.com")
    said = lines(diff(moved))
    assert lines(apply(moved)) == said and len(said) == 4 and lines(apply(moved)) == []
    [fault] = faults(pages("b.example.com", "b.example.com"))
    assert "belongs to another page" in fault and lines(diff(moved)) == []
