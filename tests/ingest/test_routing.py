"""The table of routes: what fits a signal, what becomes of it, and what is said about the others."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.ingest import routing, rules
from app.plugin_api import Signal

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def judged(signal=None, *routes, at=NOON):
    """What these routes make of a signal, and the trace."""
    signal = signal or Signal("k", "firing", title="Disk full", severity="high", labels={"env": "prod", "job": "backup"})
    read = rules.reading(signal, integration="Prometheus", default_severity="medium")
    said = routing.fields(read, integration="prometheus", plugin="webhook", raw=signal.raw)
    table = routing.table(routing.rule(one) for one in routes)
    ruling = routing.judge(table, read, said, at)
    return ruling, routing.considered(table, said, at, ruling.matched)


@pytest.mark.parametrize("when", [
    {}, {"severity": ["high", "critical"]}, {"labels.env": "prod*"}, {"title": "re:^Disk"}, {"integration": "PROMETHEUS"},
    {"labels.other": None}, {"labels.env": ["staging", "re:^pr"]}, {"days": ["mon"], "from": "10:00", "to": "13:00"}])
def test_a_route_fits_by_any_field(when):
    ruling, trace = judged(None, {"name": "one", "when": when, "then": {"service": "Batch"}})
    assert ruling.then.service == "batch" and trace[0]["matched"]


@pytest.mark.parametrize("when", [
    {"severity": "low"}, {"labels.env": "dev*"}, {"title": "re:^disk"}, {"labels.env": None}, {"days": ["tue"]},
    {"severity": "high", "labels.job": "other"}, {"from": "13:00", "to": "09:00"}])
def test_a_route_with_one_condition_that_does_not_hold_does_not_fit(when):
    ruling, trace = judged(None, {"name": "one", "when": when, "then": {"service": "batch"}})
    assert ruling.then == routing.Then() and not trace[0]["matched"]


def test_the_first_that_fits_ends_it_and_one_that_goes_on_changes_what_later_ones_see():
    ruling, trace = judged(
        None, {"name": "no", "when": {"labels.env": "dev"}, "then": {"service": "x"}},
        {"name": "marks", "then": {"severity": "low", "labels": {"night": "{labels.job}"}}, "continue": True},
        {"name": "sends", "when": {"severity": "low", "labels.night": "backup"}, "then": {"service": "batch"}},
        {"name": "never asked", "then": {"service": "y"}})
    assert (ruling.reading.severity, ruling.reading.labels["night"]) == ("low", "backup")
    assert (ruling.then.service, ruling.by, ruling.matched) == ("batch", "sends", (1, 2))
    assert [(one["rule"], one["matched"]) for one in trace] == [("no", False), ("marks", True), ("sends", True)]


def test_the_trace_says_why_a_route_does_not_fit():
    _, trace = judged(None, {"name": "staging", "when": {"labels.env": "staging"}, "then": {"suppress": True}},
                      {"name": "team", "when": {"labels.team": ["a", "b"]}, "then": {"suppress": True}})
    assert [one["reason"] for one in trace] == ["label env is “prod”, not “staging”", "label team is absent, not “a” or “b”"]


def test_a_key_of_a_template_is_the_problem_and_an_empty_one_leaves_it():
    by_job, _ = judged(None, {"name": "one", "then": {"dedup_key": "{labels.job}"}})
    empty, _ = judged(None, {"name": "one", "then": {"dedup_key": "{labels.none}"}})
    assert (by_job.reading.key, empty.reading.key) == ("backup", "k")


def test_what_a_sender_says_without_a_place_can_be_asked_too():
    signal = Signal("k", "firing", raw={"host": {"rack": 7, "tags": ["a", "b"]}})
    ruling, _ = judged(signal, {"name": "one", "when": {"raw.host.rack": 7, "raw.host.tags": "b"}, "then": {"delay": "5m"}})
    assert ruling.then.delay == 300


@pytest.mark.parametrize(("when", "path"), [({"colour": "red"}, "when.colour"), ({"title": "re:("}, "when.title")])
def test_what_can_not_be_asked_names_its_place(when, path):
    with pytest.raises(ValueError, match=r"\w") as fault:
        routing.rule({"name": "one", "when": when})
    assert fault.value.args[1] == path


def test_a_thousand_routes_end_with_the_trace_of_fifty():
    routes = [{"name": f"r{at}", "when": {"labels.env": f"e{at}"}, "then": {"suppress": True}} for at in range(999)]
    ruling, trace = judged(None, *routes, {"name": "last", "when": {"labels.env": "prod"}, "then": {"service": "s"}})
    assert ruling.by == "last" and len(trace) == 51
    assert trace[-1]["reason"] == "950 more do not match"


PLACES = rules.Places({"checkout": 1, "batch": 2}, {"shop": [5]})
READ = rules.reading(Signal("k", "firing", labels={"area": "shop"}), integration="P", default_severity="low")


@pytest.mark.parametrize(("keys", "default", "override", "step"), [
    (("checkout",), 1, False, "service key"), ((), 1, False, "default"), ((), None, False, "rule"),
    (("checkout",), 1, True, "rule"), (("unknown",), None, False, "rule")])
def test_the_order_is_service_key_default_route_tag_team_catch_all(keys, default, override, step):
    """A route comes after what the signal and its integration name, unless it overrides."""
    read = replace(READ, service_keys=keys)
    assert rules.route(read, rules.Origin("P", default), PLACES, rules.Ruled("r", "batch", override)).step == step


def test_a_route_to_what_is_archived_falls_to_the_next_step_and_says_so():
    decision = rules.route(READ, rules.Origin("P"), PLACES, rules.Ruled("r", "gone"))
    assert decision.step == "tag" and "the route r names gone, which is no active service" in decision.considered
