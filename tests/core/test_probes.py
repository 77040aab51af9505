"""What machines ask: does it live, is it ready, how is it doing."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.exc import OperationalError

from app.core import health, life
from app.core.db import session, transaction
from app.core.pulse import beat
from app.core.redis import client as redis
from app.notifications.channel_models import ProviderState
from tests.pager import firing, pager, post

TOGETHER = """
import sys
from app.core import tally
tally.share({"ONCALL_INSTANCE": sys.argv[1]})
from app.core import metrics
metrics.DELIVERIES.labels("accepted").inc(int(sys.argv[2]))
metrics.sockets().inc()
print(metrics.text([]).decode())
"""
NAMED = ("oncall_request_seconds", "oncall_deliveries", "oncall_deliveries_worked", "oncall_inbox_age_s", "oncall_messages",
         "oncall_hand_off_seconds", "oncall_timer_late_seconds", "oncall_tick_timestamp_seconds", "oncall_clock_age_s",
         "oncall_undispatched", "oncall_queue_depth", "oncall_sockets", "oncall_limits_hit", "oncall_breaker_open",
         "oncall_plugin_errors", "oncall_memory_bytes")


@pytest.fixture
def ready(monkeypatch):
    """A clock has ticked, a worker lives, and the tables are as the migrations make them."""
    monkeypatch.setattr("app.core.revision.is_newest", lambda: True)
    life.say(redis(), "worker here:1:1")
    with transaction():
        beat("clock")


def away(*_args, **_more):
    """A database that is away."""
    raise OperationalError("SELECT 1", {}, Exception("connection refused"))


def test_the_process_lives_also_while_the_database_is_down(app, client, signed_in, olga, monkeypatch):
    """HRD-29: 200 in less than 10 ms, for whoever asks, by whatever name."""
    browser = signed_in(olga)
    took, asked = [], []
    with monkeypatch.context() as broken:
        for way in ("connect", "raw_connection"):
            broken.setattr(f"sqlalchemy.engine.base.Engine.{way}", lambda *_: asked.append(1) or away())
        for web, headers in ((client, {}), (browser, {}), (client, {"Host": "10.0.0.7:8000"})) * 5:
            began = time.process_time()
            assert web.get("/healthz", headers=headers).status_code == 200
            took.append(time.process_time() - began)
    assert asked == [] and sorted(took)[7] < 0.01


def test_each_part_that_fails_is_named_and_it_recovers_by_itself(app, client, ready, monkeypatch):
    """HRD-29: 503 with a sentence for each."""
    assert client.get("/readyz").status_code == 200
    with monkeypatch.context() as broken:
        broken.setattr("app.core.health.session.execute", away)
        broken.setattr("app.core.health.probe", lambda: redis_away())
        found = client.get("/readyz")
        assert found.status_code == 503 and [one.split(" can't")[0] for one in found.json["problems"]] == ["The database", "Redis"]
    assert client.get("/readyz").status_code == 200


def redis_away():
    """A Redis that is away."""
    import redis as library

    raise library.ConnectionError("connection refused")


def test_what_hangs_is_named_within_two_seconds(app, client, ready, monkeypatch):
    """HRD-29: a database that takes the question and never answers; afterwards it recovers by itself."""
    hangs = threading.Event()
    monkeypatch.setattr("app.core.health._undispatched", lambda: (hangs.wait(30) and 0, 0.0))
    began = time.perf_counter()
    answer = client.get("/readyz")
    assert health.PATIENCE < 2 and health.PATIENCE <= time.perf_counter() - began < 10  # on a machine that is busy
    assert answer.status_code == 503 and "The database does not answer" in answer.json["problems"][0]
    hangs.set()
    assert client.get("/readyz").status_code == 200


def families(text: str) -> dict:
    """The metrics of an answer, by name."""
    return {family.name: family for family in text_string_to_metric_families(text)}


def test_the_figures_are_valid_complete_and_name_nobody(app, client, ready, olga, tick, run_jobs):
    """HRD-28"""
    house = pager()
    post(client, house, firing())
    run_jobs()
    with transaction():
        session.add(ProviderState(account="twilio", channel="sms", failures=3, off=False, position=0, last_error=""))
    answer = client.get("/metrics")
    found = families(answer.text)
    assert [name for name in NAMED if name not in found] == []
    routes = {sample.labels["route"] for sample in found["oncall_request_seconds"].samples}
    assert "/in/<token>" in routes and not [route for route in routes if "0123456789" in route]
    outcomes = {sample.labels["outcome"]: sample.value for sample in found["oncall_deliveries"].samples if "total" in sample.name}
    assert outcomes["accepted"] >= 1
    sent = {(one.labels["channel"], one.labels["state"]): one.value for one in found["oncall_messages"].samples}
    assert sent == {("email", "sent"): 1} or ("email", "delivered") in sent
    said = answer.text.lower()
    assert not [word for word in ("olga", "bob", "higherrorrate", "example.com", "#1") if word in said]


def test_several_processes_add_up_what_they_count(tmp_path):
    """HRD-28: whichever of them is asked; sockets of a process that is gone are closed."""
    said = [subprocess.run([sys.executable, "-c", TOGETHER, str(tmp_path), number], capture_output=True, text=True, check=True,
                           env={**os.environ, "PYTHONPATH": "."}).stdout for number in ("3", "4")]
    found = families(said[1])
    assert [sample.value for sample in found["oncall_deliveries"].samples if "total" in sample.name] == [7]
    assert [sample.value for sample in found["oncall_sockets"].samples] == [1]


@pytest.mark.parametrize(("headers", "status"), [
    ({}, 200), ({"X-Forwarded-For": "192.0.2.1"}, 401), ({"Forwarded": "for=192.0.2.1"}, 401), ({"X-Real-IP": "192.0.2.1"}, 401),
    ({"Via": "1.1 proxy"}, 401), ({"X-Forwarded-For": "192.0.2.1", "Authorization": "Bearer of-the-monitoring"}, 200),
    ({"X-Forwarded-For": "192.0.2.1", "Authorization": "Bearer wrong"}, 401)])
def test_whoever_does_not_come_directly_from_this_machine_needs_the_token(app, client, headers, status):
    """HRD-28"""
    app.config["METRICS_TOKEN"] = "of-the-monitoring"
    assert client.get("/metrics", headers=headers).status_code == status


def test_from_another_machine_the_token_is_needed(app, client):
    """HRD-28: and without one nobody there may read them."""
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": "192.0.2.1"}).status_code == 401
