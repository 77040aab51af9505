"""What exports hold that has no equal here, or that no export should hold: named in the plan, or refused in a sentence."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import click
import pytest
import time_machine

from app.config import importing
from app.config.import_commands import _names
from app.core.errors import Invalid
from tests import build
from tests.config.documents import apply
from tests.config.exports import EXPORTS, NOW, of, oncall, opsgenie, pagerduty, verdicts

ODD = (1e400, 10**30, -1, "Mars/Base", [3], {"id": 3})


def rule(**said: Any) -> dict[str, Any]:
    """A ruleset whose one rule is this one."""
    kept = {"id": "r9", "label": "Ours", "conditions": {"operator": "and", "subconditions": [
        {"operator": "equals", "parameters": {"path": "payload.summary", "value": "cpu * 100"}}]}, **said}
    return {**pagerduty.EXPORT, "rulesets/R1/rules": {"rules": [kept]}}


def test_teams_that_page_one_schedule_have_a_policy_each_that_apply_takes(read):
    """MIG-13, MIG-14: by their default rules; a rule that chooses no policy makes none."""
    export = copy.deepcopy(opsgenie.EXPORT)
    export["teams"]["data"].append({"id": "T2", "name": "Shop", "members": []})
    notify = {"type": "schedule", "id": "S1", "name": "Payments_schedule"}
    for team in ("T1", "T2"):
        export[f"teams/{team}/routing-rules"] = {"data": [
            {"id": f"{team}-{name}", "name": name, "isDefault": name == "default", "notify": notify} for name in ("night", "default")]}
    imported = read("opsgenie", export)
    assert {of(imported, "teams", key)["policy"] for key in ("payments", "shop")} == {"payments-on-duty", "shop-on-duty"}
    with time_machine.travel(NOW, tick=False):
        apply(imported.document)


@pytest.mark.parametrize(("said", "verdict", "reason"), [
    ({"actions": {"suppress": {"value": True, "threshold_value": 10, "threshold_time_unit": "minutes"}}}, "skipped", "changes nothing"),
    ({"actions": {"severity": {"value": "info"}, "route": {"value": "PGONE"}}}, "changed",
     "the service PGONE of its action route is not here"),
    ({"actions": {"suppress": {"value": True}}, "time_frame": {"active_between": {"start_time": 1, "end_time": 2}}}, "skipped",
     "it holds at some times alone"),
    ({"actions": {"severity": {"value": "info"}, "suppress": {"value": False}}, "time_frame": None}, "carried", "")])
def test_a_rule_that_a_route_can_only_half_say_is_not_carried(read, said, verdict, reason):
    """MIG-14: nothing is suppressed that was not suppressed there, and at no other time."""
    found, why = verdicts(read("pagerduty", rule(**said)), "ruleset_rule")["Ours"]
    assert found == verdict and reason in why


def test_a_text_that_a_route_would_take_for_a_pattern_stays_that_text(read):
    """MIG-13."""
    made = of(read("pagerduty", rule(actions={"suppress": {"value": True}})), "routes", "Ours")
    assert made["when"] == {"title": r"re:^cpu\ \*\ 100$"}


def test_what_a_schedule_names_and_is_not_there_stands_in_its_line(read):
    """MIG-14, MIG-17: an override and a swap of strangers, a shift that is missing, one that pauses."""
    export = copy.deepcopy(oncall.EXPORT)
    next(one for one in export["on_call_shifts"]["results"] if one["id"] == "OOVR")["users"] = ["UGONE"]
    export["shift_swaps"]["results"][0]["benefactor"] = "UGONE"
    export["on_call_shifts"]["results"][1] |= {"frequency": "weekly", "interval": 2}
    export["schedules"]["results"][0]["shifts"].append("OLOST")
    verdict, reason = verdicts(read("grafana-oncall", export), "schedule")["Payments primary"]
    assert verdict == "changed"
    for said in ("its shift OLOST is not in the export", "the override Override is left out: nobody in it is in the account",
                 "a swap of somebody who is not in the account is left out", "Nights: the days on which it recurs can't all be said here"):
        assert said in reason


def test_what_is_for_other_occasions_or_switched_off_is_named(read):
    """MIG-14: rules of a person for closed alerts, a heartbeat that was off."""
    export = copy.deepcopy(opsgenie.EXPORT)
    export["users/U-ana/notification-rules"]["data"][1]["steps"] = [{"contact": {"method": "email", "to": "ana@example.com"}}]
    export["heartbeats"]["data"]["heartbeats"][0]["enabled"] = False
    imported = read("opsgenie", export)
    assert "the rule Closed is left out: it is for “closed-alert”" in verdicts(imported, "user")["Ana"][1]
    assert verdicts(imported, "heartbeat")["nightly-backup"] == (
        "changed", "it was switched off there; here it watches from its first ping on")


@pytest.mark.parametrize(("source", "users", "schedules", "zone"), [
    ("pagerduty", "users", "schedules/PSCH", "time_zone"), ("opsgenie", "users", "schedules", "timezone"),
    ("grafana-oncall", "users", "schedules", "time_zone")])
def test_a_time_zone_that_nobody_knows_is_named_and_apply_takes_the_rest(read, source, users, schedules, zone):
    """MIG-14, MIG-16: never UTC without a word."""
    export = copy.deepcopy(EXPORTS[source])
    for user in next(iter(value for value in export[users].values() if isinstance(value, list))):
        user |= dict.fromkeys(("time_zone", "timeZone", "timezone"), "Eastern Time (US & Canada)")
    listed = export[schedules].get("results") or export[schedules].get("data") or [export[schedules]["schedule"]]
    listed[0][zone] = "Europe"
    imported = read(source, export)
    lines = [line for line in imported.plan if "is unknown; here it is UTC" in line.reason]
    assert {"user", "schedule"} == {line.kind for line in lines} and {line.verdict for line in lines} == {"changed"}
    with time_machine.travel(NOW, tick=False):
        apply(imported.document)


def numbers(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The places of all numbers that an export holds."""
    if type(value) is int:
        yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inside:
        yield from numbers(one, (*path, name))


@pytest.mark.parametrize("source", sorted(EXPORTS))
def test_whatever_stands_for_a_number_it_is_read_or_refused_in_a_sentence(read, source):
    """MIG-20: never a fault of ours."""
    chance = random.Random(20)
    for place in chance.sample([*numbers(EXPORTS[source])], 8):
        export = copy.deepcopy(EXPORTS[source])
        inner: Any = export
        for step in place[:-1]:
            inner = inner[step]
        inner[place[-1]] = chance.choice(ODD)
        with suppress(Invalid):
            read(source, export)


@pytest.mark.parametrize("source", sorted(EXPORTS))
def test_several_of_theirs_may_be_one_of_ours(app, source):
    """MIG-17: whoever had three accounts there has one here, in turns and rotations, too."""
    build.user("me", email="me@example.com")
    names = {"people": {f"{name}@example.com": "me@example.com" for name in ("ana", "bob", "chen")}}
    found = importing.converted(app.extensions["plugins"].importers[source], EXPORTS[source], NOW, names=names)
    with time_machine.travel(NOW, tick=False):
        assert not any("user me@" in str(change) for change in apply(found.document).changes)


def test_what_a_service_does_by_itself_and_who_takes_turns_is_carried_or_named(read):
    """MIG-14: acknowledgements that lapse, urgency by the hour, resolving and grouping by itself; one person of a level each time."""
    export = copy.deepcopy(pagerduty.EXPORT)
    export["services"]["services"][0] |= {
        "acknowledgement_timeout": 1800, "auto_resolve_timeout": 14400, "alert_grouping_parameters": {"type": "time"},
        "incident_urgency_rule": {"type": "use_support_hours", "during_support_hours": {"type": "constant", "urgency": "high"}}}
    for at, ids in enumerate((("PANA", "PBOB"), ("PANA", "PANA"))):
        export["escalation_policies"]["escalation_policies"][0]["escalation_rules"][at] |= {
            "escalation_rule_assignment_strategy": {"type": "round_robin"}, "targets": [pagerduty.ref("user", one) for one in ids]}
    imported = read("pagerduty", export)
    verdict, reason = verdicts(imported, "service")["Checkout"]
    assert verdict == "changed" and all(said in reason for said in ("urgent by the hour", "after 4h", "time grouping"))
    assert of(imported, "services", "checkout")["noise"] == {"acknowledge_timeout": "30m"}
    first, _ = of(imported, "escalation_policies", "payments")["levels"]
    assert first["targets"] == [{"users": ["ana@example.com", "bob@example.com"], "pick": "round_robin"}]
    with time_machine.travel(NOW, tick=False):
        apply(imported.document)


def test_a_time_too_short_for_us_is_named_and_so_are_steps_that_were_not_important(read):
    """MIG-14, MIG-15: nothing is rounded, and no rule is changed for another, without a word."""
    export = copy.deepcopy(oncall.EXPORT)
    export["escalation_policies"]["results"][1]["duration"] = 30
    reason = verdicts(read("grafana-oncall", export), "escalation_chain")["Payments"][1]
    assert "30s until the next level are 1m here" in reason and "it has steps that go by default rules" in reason


@pytest.mark.parametrize("text", ["[ana]", "people: [ana]", "people: {a: b", "ana", ""])
def test_a_map_that_says_something_else_ends_in_a_sentence(tmp_path, text):
    """MIG-20."""
    path = tmp_path / "map.yaml"
    path.write_text(text)
    with pytest.raises(click.ClickException, match="map.yaml"):
        _names(path)

