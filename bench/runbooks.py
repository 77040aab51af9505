"""How many executions a second a worker brings to their end, and how soon the dialog and a long library are there."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from itertools import repeat
from typing import Any

from sqlalchemy import text

from bench.load import Answer, Client, flat_out, percentile
from bench.program import Bench, run
from bench.report import Figure
from bench.sink import Sink
from bench.system import ADMIN, System, alert, started

PROVIDER, RUNBOOKS, HANDS = 0.05, 1000, 4
PATIENCE = 300


async def measure(bench: Bench) -> list[Figure]:
    """Executions that wait while the worker stands still, and then all at once; pages while nothing else goes on."""
    number, asked = int(bench.of(50, 1000, 5000)), int(bench.of(20, 300, 2000))
    async with Sink(PROVIDER) as sink, started(bench.address, sink.url, WORKER_PROCESSES="1") as system:
        await asyncio.to_thread(_fill, system, sink)
        await _incident(system, sink)
        dialog = await _read(system, "/runbooks/bench-0/run?incident=1", asked)
        library = await _read(system, "/runbooks", asked)
        before = sink.count
        rate, failed = await _executed(system, number)
        wrong = failed + abs(sink.count - before - number)
    return [
        Figure("executions brought to their end by one worker", rate, "/s"),
        Figure("executions that did not succeed, calls too many or too few", wrong, "", 0),
        Figure("dialog of a run, p95", percentile((one.took for one in dialog), 0.95), "ms", 200),
        Figure("dialog of a run, p99", percentile((one.took for one in dialog), 0.99), "ms"),
        Figure(f"library of {RUNBOOKS:,} runbooks, p95", percentile((one.took for one in library), 0.95), "ms", 100)]


def _fill(system: System, sink: Sink) -> None:
    """A thousand runbooks of the shop; what a document makes is a draft, so they are approved in the database."""
    system.oncall("apply", "-", given=json.dumps({"version": 1, "runbooks": [_runbook(at, sink) for at in range(RUNBOOKS)]}))
    with system.engine() as engine, engine.begin() as connection:
        connection.execute(text("UPDATE runbooks SET state = 'approved', approved_version = version, approved_name = 'Ana'"))


def _runbook(at: int, sink: Sink) -> dict[str, Any]:
    """One with a parameter of each kind."""
    fields = {"pod": {"type": "string", "pattern": "^[a-z0-9-]+$"}, "grace": {"type": "integer", "default": 30},
              "zone": {"enum": ["a", "b", "c"], "default": "a"}, "drain": {"type": "boolean"},
              "hosts": {"type": "array", "items": {"type": "string"}}}
    return {"key": f"bench-{at}", "name": f"Restart part {at}", "team": "shop", "services": [f"shop-{at % 100}"],
            "description": "Restarts one pod and waits until it is healthy.", "concurrency": "unlimited",
            "target": {"plugin": "webhook", "config": {"method": "POST", "url": sink.url}}, "wait_for": "response",
            "payload": {"pod": "{{ params.pod }}", "title": "{{ incident.title }}"},
            "parameters": {"type": "object", "required": ["pod"], "properties": fields}}


async def _incident(system: System, sink: Sink) -> None:
    sender = Client(system.port)
    await sender.send(alert(sender, "problem-run"), time.time())
    await sink.wait(["problem-run"], 20)
    sender.close()


async def _read(system: System, path: str, number: int) -> list[Answer]:
    cookie = await asyncio.to_thread(system.cookie, ADMIN)
    client = Client(system.port, most=HANDS, headers={"Cookie": cookie})
    asked = client.request("GET", path)
    await flat_out(client, repeat(lambda: asked, 5), hands=1)
    answers = await flat_out(client, repeat(lambda: asked, number), hands=1)
    client.close()
    if wrong := [one.status for one in answers if one.status != 200]:
        raise SystemExit(f"{path}: {len(wrong)} answers were {wrong[0]}")
    return answers


async def _executed(system: System, number: int) -> tuple[float, int]:
    """Executions a second from when the worker goes on until the last has ended, and how many went wrong."""
    workers = [part.pid for part in system.parts() if part.is_a("worker")]
    _tell(workers, signal.SIGSTOP)
    try:
        api = system.client(most=HANDS)
        body = json.dumps({"parameters": {"pod": "web-1"}}).encode()
        asked = api.request("POST", "/api/v1/incidents/1/runbooks/bench-0/executions", body)
        answers = await flat_out(api, repeat(lambda: asked, number), hands=HANDS)
        api.close()
        if wrong := [one for one in answers if one.status != 202]:
            raise SystemExit(f"{len(wrong)} starts were {wrong[0].status}: {wrong[0].body.decode()[:300]}")
    finally:
        _tell(workers, signal.SIGCONT)
    began = time.time()
    while _count(system, "state IN ('pending', 'running')") and time.time() < began + PATIENCE:
        await asyncio.sleep(0.2)
    took = time.time() - began
    return number / took, number - _count(system, "state = 'succeeded'")


def _tell(pids: list[int], word: signal.Signals) -> None:
    for pid in pids:
        os.kill(pid, word)


def _count(system: System, where: str) -> int:
    return int(system.value(f"SELECT count(*) FROM executions WHERE {where}"))


if __name__ == "__main__":
    run("runbooks", measure)
