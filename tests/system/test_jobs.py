"""Jobs that crash or hang: cut, tried again, listed, run again or dropped, and in nobody's way."""

from __future__ import annotations

import socket
from itertools import cycle
from threading import Event as Bell
from types import SimpleNamespace

import pytest
from rq import Queue
from rq.job import Job
from rq.registry import FailedJobRegistry
from sqlalchemy.exc import OperationalError

from app.core import failed, jobs, schema, worker
from app.core.access import SYSTEM
from app.core.db import AWAY, db, session, transaction
from app.core.events import Event, record
from app.core.redis import client as redis_client
from app.system.events import JOB_DROPPED
from tests.application import Once, as_a_process

CRASHES, HANGS, WORKS, WAITS = (f"tests.system.test_jobs.{name}" for name in ("crashes", "hangs", "works", "waits"))
tried: list[str] = []


def crashes(event):
    """A reaction with a fault of ours."""
    tried.append("crashes")
    raise KeyError("where is it")


def hangs(event):
    """A reaction that never ends."""
    tried.append("hangs")
    Bell().wait(60)


def waits(event):
    """A reaction that meets a database that is away, eight times."""
    tried.append("waits")
    if tried.count("waits") <= 8:
        raise OperationalError("SELECT", {}, Exception("away"))


def works(event):
    """A reaction without a fault."""
    tried.append("works")


@pytest.fixture
def work(app):
    """A worker does what waits and ends; jobs may fail."""
    tried.clear()

    def drain():
        found = Once([Queue(name, connection=redis_client()) for name in jobs.QUEUES], connection=redis_client(), log_job_description=False)
        found.app = app
        found.work(burst=True, logging_level="CRITICAL")
    return lambda: as_a_process(app, drain)


@pytest.fixture
def happened(app):
    """The id of a fact."""
    with transaction():
        event = record(JOB_DROPPED, "system", by=SYSTEM, what="the milk", error="")
    return event.id


def enqueue(reaction, event, **more):
    """As the door does, with its limits unless said otherwise."""
    given = {"result_ttl": 0, "failure_ttl": 86400, "job_timeout": 120, "retry": jobs.Retry(max=jobs.RETRIES), **more}
    return Queue("default", connection=redis_client()).enqueue("app.core.jobs.deliver", reaction, [event], **given)


def test_a_job_that_crashes_is_tried_four_times_and_listed_with_its_error(app, work, happened, olga, signed_in, token, client):
    """HRD-40: others go on; "run again" puts it back, and it is recorded who did."""
    made = enqueue(CRASHES, happened)
    enqueue(WORKS, happened)
    work()
    assert (tried.count("crashes"), tried.count("works")) == (1 + jobs.RETRIES, 1)
    browser = signed_in(olga)
    text, item = browser.get("/system").text, client.get("/api/v1/system/jobs", headers=token(olga)).json["items"][0]
    assert "KeyError" in text and "where is it" in text and "the milk" in text and "Run again" in text
    assert (item["id"], item["what"], item["queue"]) == (made.id, CRASHES, "default") and item["error"].startswith("KeyError")
    assert browser.post(f"/system/jobs/{made.id}/run-again").status_code == 303
    assert client.get("/api/v1/system/jobs", headers=token(olga)).json["items"] == []
    work()
    assert tried.count("crashes") == 2 + jobs.RETRIES
    assert [event.actor for event in session.query(Event).filter_by(kind="job.run_again")] == [olga.ref]


def test_a_job_that_hangs_is_cut_at_its_limit_and_dropped_by_machines_too(app, work, happened, olga, bob, token, client):
    """HRD-40: whoever waits behind it has its turn."""
    made = enqueue(HANGS, happened, job_timeout=1, retry=None)
    enqueue(WORKS, happened)
    work()
    assert tried == ["hangs", "works"] and "timeout" in failed.failed()[0].error.lower()
    assert client.delete(f"/api/v1/system/jobs/{made.id}", headers=token(bob)).status_code == 403
    assert client.delete(f"/api/v1/system/jobs/{made.id}", headers=token(olga)).status_code == 204
    for answer in (client.delete(f"/api/v1/system/jobs/{made.id}", headers=token(olga)),
                   client.post(f"/api/v1/system/jobs/{made.id}/run-again", headers=token(olga))):
        assert answer.status_code == 404 and "no longer" in answer.json["detail"]
    assert session.query(Event).filter_by(kind="job.dropped", actor=olga.ref).count() == 1


def test_while_the_database_is_away_no_job_uses_up_its_tries(app, work, happened, monkeypatch):
    """QUAL-11, HRD-40: it goes back into its queue, and nothing is taken from there until the database is back."""
    looks = cycle([False, False, True])
    monkeypatch.setattr(worker, "WAIT", 0)
    monkeypatch.setattr(worker, "_takes", lambda: tried.append("looks") or next(looks))
    enqueue(WAITS, happened)
    work()
    assert tried == ["waits", "looks", "looks", "looks"] * 8 + ["waits"] and not failed.failed()


@pytest.mark.parametrize(("told_to_stop", "done"), [(False, ["waits", "waits", "works"]), (True, ["waits"])])
def test_a_process_that_begins_while_the_database_is_away_waits_for_it(app, monkeypatch, told_to_stop, done):
    """QUAL-11: or ends when it is told to."""
    tried.clear()
    faults = [OperationalError("SELECT", {}, Exception("away")) for _ in range(2)]

    def first():
        tried.append("waits" if faults else "works")
        if faults:
            raise faults.pop()
    monkeypatch.setattr(worker, "function", lambda _path: first)
    said = []
    as_a_process(app, lambda: worker.begin(app, ["first"], pause=lambda _: told_to_stop, tell=said.append))
    assert tried == done and said == ["away"]  # once, for as long as it is the same


@pytest.mark.both_databases
@pytest.mark.parametrize("is_standby", [False, True])
def test_a_system_is_prepared_once_the_database_can_be_written_to(app, monkeypatch, is_standby):
    """QUAL-12: what can only be read, since nobody has promoted it yet, is waited for as what is away."""
    monkeypatch.setattr(schema, "IS_STANDBY", f"SELECT {is_standby}")
    if is_standby and db.engine.dialect.name == "postgresql":
        with pytest.raises(AWAY, match="can only be read"):
            schema.require_reach()
    else:
        schema.require_reach()


def test_a_fault_of_a_database_that_is_there_counts(app, work, happened):
    """HRD-40: such as a lock that is never got; the job does not go round for ever."""
    enqueue(WAITS, happened)
    work()
    assert tried.count("waits") == 1 + jobs.RETRIES and failed.failed()[0].what == WAITS


def test_a_job_that_kills_its_worker_is_given_up_after_three_more_tries(app, happened, monkeypatch):
    """HRD-40: it is listed, and is in nobody's way any more."""
    made = enqueue(CRASHES, happened)
    queue = Queue("default", connection=redis_client())
    dead = SimpleNamespace(hostname=socket.gethostname(), pid=1, register_death=lambda: None,
                           get_current_job=lambda: Job.fetch(made.id, connection=redis_client()))
    monkeypatch.setattr(worker, "_started", lambda _pid: "")
    monkeypatch.setattr(worker.Worker, "all", lambda **_: [dead])
    for deaths in range(1, 2 + jobs.RETRIES):
        queue.remove(made)
        worker._requeue_orphans()
        assert (made.id in queue.job_ids) == (deaths <= jobs.RETRIES)
    assert made.id in FailedJobRegistry(queue=queue) and "died of it, 4 times" in failed.failed()[0].error
