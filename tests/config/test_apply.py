"""The document is applied as a whole or not at all; what it names comes to be, and nothing else moves."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask import Flask, current_app
from jsonschema import Draft202012Validator
from sqlalchemy import func, select

from app.config import service, shape
from app.config.document import load
from app.config.service import Result
from app.core.access import OPERATOR
from app.core.db import session, transaction
from app.core.errors import Conflict, Invalid
from app.core.events import Event
from app.identity.models import Team, User
from app.identity.queries import team_by_key, user_by_email
from app.ingest.queries import integration_by_key
from app.notifications.queries import contact_documents
from tests import build

WHOLE = Path(__file__).parent.joinpath("example.yaml").read_text()
EXAMPLE = "".join(line for line in WHOLE.splitlines(keepends=True) if "password:" not in line)  # hashing takes long

POLICY = b"version: 1\nescalation_policies:\n- {key: pp, name: P, levels: [{timeout: 5m, targets: [{team: pay}]}]}\n"


def apply(text: str | dict[str, Any], **options: Any) -> Result:
    return service.apply(load([("a.yaml", _raw(text))]), **options)


def diff(text: str | dict[str, Any], **options: Any) -> Result:
    return service.diff(load([("a.yaml", _raw(text))]), **options)


def _raw(text: str | dict[str, Any]) -> bytes:
    return (text if isinstance(text, str) else yaml.safe_dump({"version": 1, **text})).encode()


def faults(text: str | dict[str, Any]) -> list[str]:
    with pytest.raises(Invalid) as refused:
        apply(text)
    return [f"{problem.field} {problem.message}" for problem in refused.value.problems]


def events() -> int:
    return session.scalar(select(func.count()).select_from(Event)) or 0


def lines(found: Result) -> list[str]:
    return [str(change) for change in found.changes]


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
    assert Draft202012Validator(shape.document(current_app.extensions["plugins"])).is_valid(exported)


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
    assert [method["verified"] for method in contact_documents(ana)] == [True, True]


def test_every_fault_is_listed_with_line_column_and_path(app: Flask) -> None:
    text = ("version: 1\nuser: []\nusers:\n  - {email: ana@example.com, name: Ana, rol: admin}\n  - email: bob\n"
            "runbooks: [{key: x}]\n")
    assert faults(text) == [
        "a.yaml:2:1 user unknown key 'user', did you mean 'users'?",
        "a.yaml:4:41 users[0].rol unknown key 'rol', did you mean 'role'?",
        "a.yaml:5:5 users[1].name name is needed",
        "a.yaml:5:12 users[1].email must be an e-mail address",
        "a.yaml:6:11 runbooks is not supported by this version"]


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
               ("c.yaml", b"version: 1\nescalation_policies:\n- {key: pp, name: P,\n   levels: "
                          b"[{timeout: 5m, targets: [{team: pay}]}]}\n")]
    with pytest.raises(Invalid, match="no escalation policy no"):
        service.apply(load(sources))
    sources[0] = ("a.yaml", sources[0][1].replace(b"policy: no}", b"policy: pp}"))
    assert len(service.apply(load(sources)).changes) == 3


def test_secrets_may_come_from_the_environment_and_from_files_but_nothing_else_may(
        app: Flask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TOKEN_OF_TESTS", "token-from-the-environment")
    tmp_path.joinpath("secret").write_text("kept-in-a-file\n")
    apply({"integrations": [{"key": "one", "plugin": "webhook", "token": "${env:TOKEN_OF_TESTS}",
                             "secret": f"${{file:{tmp_path}/secret}}"}]})
    assert integration_by_key("one").token_last4 == "ment"
    assert "no MISSING" in faults({"users": [{"email": "a@b.c", "name": "A", "password": "${env:MISSING}"}]})[0]
    assert "secret fields only" in faults({"users": [{"email": "a@b.c", "name": "${env:TOKEN_OF_TESTS}"}]})[0]


def test_without_prune_nothing_goes_and_with_it_only_in_the_kinds_that_are_there(app: Flask) -> None:
    apply(EXAMPLE)
    apply({"users": [{"email": f"p{n}@example.com", "name": "P"} for n in range(20)]})
    assert lines(apply({"integrations": []})) == []
    keep = [user for user in service.export()["users"] if user["email"] not in ("p1@example.com", "p2@example.com")]
    gone = ["removed user p1@example.com", "removed user p2@example.com"]
    assert lines(diff({"users": keep}, prune=True)) == lines(apply({"users": keep}, prune=True)) == gone
    assert lines(apply({"users": keep}, prune=True)) == []
    assert user_by_email("p1@example.com").state == "deactivated"
    assert integration_by_key("prometheus") is not None


def test_a_list_that_lost_most_of_its_things_is_not_believed_without_yes(app: Flask) -> None:
    apply(EXAMPLE)
    with pytest.raises(Conflict, match="would remove 2 of 2 services: checkout, ledger"):
        apply({"services": []}, prune=True)
    assert lines(apply({"services": []}, prune=True, yes=True)) == ["removed service checkout",
                                                                     "removed service ledger"]


def test_the_last_admin_cannot_be_applied_away(app: Flask) -> None:
    apply(EXAMPLE)
    assert "last platform admin" in faults({"users": [{"email": "ana@example.com", "name": "Ana", "role": "member"}]})[0]


def test_a_service_whose_policy_reaches_nobody_is_warned_about(app: Flask) -> None:
    text = {"teams": [{"key": "pay", "name": "Pay", "policy": "pay"}],
            "escalation_policies": [{"key": "pay", "name": "P", "levels": [
                {"timeout": "5m", "targets": [{"team": "pay"}]}]}],
            "services": [{"key": "shop", "name": "Shop", "team": "pay"}]}
    assert apply(text).warnings == ["service shop: its policy reaches nobody right now"]


@pytest.mark.both_databases
def test_two_applies_at_once_run_one_after_the_other(app: Flask) -> None:
    found: list[list[str]] = []

    def run() -> None:
        with app.app_context():
            found.append(lines(apply(EXAMPLE)))
            session.remove()
    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(len, found)) == [0, 0, 8]


def test_a_schedule_layer_may_go_without_a_name(app: Flask) -> None:
    apply(EXAMPLE.replace("- name: base\n        starts", "- starts"))
    assert service.export()["schedules"][0]["layers"][0]["name"] == "layer 1"


def test_the_schema_refuses_what_apply_refuses_for_its_form(app: Flask) -> None:
    check = Draft202012Validator(shape.document(current_app.extensions["plugins"]))
    check.check_schema(check.schema)
    assert check.is_valid(yaml.safe_load(EXAMPLE))
    for bad in ({}, {"version": 2}, {"version": 1, "teams": [{}]}, {"version": 1, "x": 1},
                {"version": 1, "integrations": [{"key": "aa", "plugin": "nothing"}]},
                {"version": 1, "integrations": [{"key": "aa", "plugin": "alertmanager", "config": {"x": 1}}]}):
        assert not check.is_valid(bad), bad
        with pytest.raises(Invalid):
            load([("a", yaml.safe_dump(bad).encode())])


def test_a_person_who_is_in_no_document_stays_untouched_by_an_apply_of_others(ana: User) -> None:
    with transaction():
        service_of = service.export(OPERATOR)
    assert [user["email"] for user in service_of["users"]] == ["ana@example.com"]
    apply(EXAMPLE.replace("ana@example.com", "eve@example.com"))
    assert user_by_email("ana@example.com").name == "Ana"
