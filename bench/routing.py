"""Times the table of routes against its limits: `python -m bench.routing`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from time import process_time
from typing import Any

from app.ingest import routing, rules
from app.plugin_api import Signal

NOON = datetime(2026, 7, 20, 12, tzinfo=UTC)
MANY = 1000
Route = dict[str, Any]


def usual(at: int) -> Route:
    """As people write them: a label, a glob, a pattern, hours."""
    kinds: tuple[Route, ...] = (
        {"labels.service": f"service-{at}"}, {"labels.env": f"region-{at}*"}, {"title": f"re:^Batch {at} .* late"},
        {"integration": "prometheus", "labels.job": [f"job-{at}", f"job-{at + 1}"]},
        {"severity": ["low", "info"], "days": ["sat", "sun"], "from": "22:00", "to": "06:00"})
    return {"name": f"route {at}", "when": kinds[at % len(kinds)], "then": {"service": "batch"}}


def patterns(at: int) -> Route:
    """Nothing but patterns on the title."""
    return {"name": f"route {at}", "when": {"title": f"re:(?i)disk {at} .*(full|slow)+$"}, "then": {"suppress": True}}


def alike(at: int) -> Route:
    """Each fits but for its last condition, so that no index helps."""
    return {"name": f"route {at}", "when": {"integration": "prometheus", "severity": ["high"], "status": "firing",
                                            "labels.none": [None, f"{at}"], "labels.instance": None},
            "then": {"suppress": True}}


def signal(at: int, body: str = "") -> Signal:
    """No two alike, so that nothing is remembered."""
    return Signal(f"key {at}", "firing", title=f"Something is late on host {at}", severity="high", body=body, labels={
        "service": f"other-{at}", "env": f"prod-{at}", "job": f"backup-{at}", "instance": f"10.0.0.{at}"})


def measured(make: Callable[[int], Route], count: int, body: str = "") -> float:
    """Milliseconds of the processor that one signal takes, the median of 500."""
    table = routing.table(routing.rule(make(at)) for at in range(count))
    took = []
    for at in range(500):
        read = rules.reading(signal(at, body), integration="Prometheus", default_severity="medium")
        began = process_time()
        said = routing.fields(read, integration="prometheus", plugin="webhook", raw={})
        routing.judge(table, read, said, NOON)
        took.append((process_time() - began) * 1000)
    return sorted(took)[len(took) // 2]


def main() -> None:
    """Print one line a measurement; exit 1 when a limit was missed."""
    long = "a" * 65_000 + "b"
    found = [(f"{MANY} routes as people write them", 1.0, measured(usual, MANY)),
             (f"{MANY} patterns on the title", 1.0, measured(patterns, MANY)),
             (f"{MANY} routes that differ in nothing but their end", 1.0, measured(alike, MANY)),
             ("200 hostile patterns on a text of 65,000", 50.0, measured(
                 lambda at: {"name": f"{at}", "when": {"body": f"re:(a+)+{at}$"}, "then": {"suppress": True}}, 200, long))]
    for what, limit, took in found:
        print(f"{what:48} median {took:8.3f} ms   limit {limit:5.1f} ms   {'ok' if took <= limit else 'TOO SLOW'}")
    sys.exit(any(took > limit for _, limit, took in found))


if __name__ == "__main__":
    main()
