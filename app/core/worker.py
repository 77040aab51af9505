"""The worker process: one RQ SimpleWorker with an application context around each job."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterable
from typing import Any

import structlog
from flask import Flask
from redis import RedisError
from rq import Queue
from rq.exceptions import StopRequested
from rq.job import Job
from rq.job_lifecycle import record_job_failure
from rq.worker import SimpleWorker, Worker

from app.core import skew
from app.core.db import AWAY, session, transaction
from app.core.jobs import QUEUES, RETRIES, function
from app.core.log import because_of
from app.core.pulse import beat
from app.core.redis import blocking, client

log = structlog.get_logger()
WAIT = 1.0  # seconds between two looks at a Redis or a database that is away


class HouseWorker(SimpleWorker):
    """Runs each job inside the application, leaves no database session behind, and waits for a database that is away."""

    app: Flask
    max_connection_wait_time = 2 * WAIT  # RQ's own minute would let jobs wait for so long after Redis is back
    told_to_stop = in_vain = False

    def procline(self, message: str) -> None:
        """Stays `oncall worker` in the list of processes, by which it is found."""

    def handle_warm_shutdown_request(self) -> None:
        """SIGTERM came."""
        self.told_to_stop = True

    def dequeue_job_and_maintain_ttl(self, timeout: int | None, max_idle_time: int | None = None) -> Any:
        """RQ's own, once the database is back: whatever was taken before would only fail."""
        while self.in_vain:
            time.sleep(WAIT)
            self.heartbeat()
            with self.app.app_context():
                self.in_vain = not _takes()
        return super().dequeue_job_and_maintain_ttl(timeout, max_idle_time)

    def handle_exception(self, job: Job, *fault: Any) -> None:
        """What failed since the database is away keeps the tries that it has, and goes back into its queue."""
        super().handle_exception(job, *fault)
        if isinstance(fault[1], AWAY) and not _takes():
            self.in_vain = True
            job.retries_left = (job.retries_left or 0) + 1

    def perform_job(self, job: Job, queue: Queue, execution: Any) -> bool:
        """RQ's own, inside an application context, because of the request that queued it."""
        with self.app.app_context(), because_of(str(job.meta.get("request_id") or "")):
            try:
                return bool(super().perform_job(job, queue, execution))
            finally:
                session.remove()


def _takes() -> bool:
    """Whether the database takes anything at the moment: one that is full, or may only be read, does not."""
    try:
        with transaction():
            beat("worker", owner=owner())
        return True
    except AWAY:
        return False
    finally:
        session.remove()


def owner() -> str:
    """Who leases work: machine, process id, and start of the process, so that a reused id is another owner."""
    return f"{socket.gethostname()}:{os.getpid()}:{_started(os.getpid())}"


def alive(leaser: str) -> bool:
    """Whether that owner may still be working: another machine's always may, ours only while the process lives."""
    host, _, rest = leaser.partition(":")
    pid, _, started = rest.partition(":")
    return host != socket.gethostname() or (pid.isdigit() and _started(int(pid)) == started)


def _started(pid: int) -> str:
    """The process's start, as the kernel counts it; "" when there is none. Elsewhere than Linux only its existence."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[19]
    except FileNotFoundError:
        if os.path.isdir("/proc/self"):
            return ""
    except OSError:
        return ""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "running"


def begin(app: Flask, startup: Iterable[str], *, pause: Callable[[float], bool | None] = time.sleep,
          tell: Callable[[str], None] | None = None) -> None:
    """Do what a process does once at its start, as soon as the database is there, unless `pause` says that it is to stop.

    `tell` hears, instead of the log, why it has to wait, and once more when that changes.
    """
    told = ""
    with app.app_context():
        while reason := _hindered(startup):
            if reason != told:
                (tell or _warn)(reason)
                told = reason
            if pause(WAIT):
                return


def _warn(reason: str) -> None:
    log.warning("start.waits_for_the_database", reason=reason)


def _hindered(startup: Iterable[str]) -> str:
    """Why the database keeps us from it; empty once all is done."""
    try:
        for path in startup:
            function(path)()
        return ""
    except AWAY as fault:
        session.remove()
        said = getattr(fault, "orig", None) or fault  # as the database says it, without names of classes
        return str(said).splitlines()[0][:200]


def run_worker(app: Flask, startup: tuple[str, ...]) -> None:
    """Work until told to stop; a lost Redis is waited for, the clock does the due work meanwhile."""
    skew.follow(app)
    begin(app, startup)
    try:
        while not _worked(app):
            time.sleep(WAIT)
    except StopRequested:
        log.info("worker.stopped_waiting_for_redis")


def _worked(app: Flask) -> bool:
    """Work until told to stop, which is true, or until Redis is lost, also in the middle of a job."""
    worker: HouseWorker | None = None
    try:
        with app.app_context():
            _requeue_orphans()
            worker = HouseWorker([Queue(name, connection=blocking()) for name in QUEUES], connection=blocking(),
                                 maintenance_interval=60, log_job_description=False)
            worker.app = app
        worker.work(logging_level="WARNING")
    except RedisError as error:
        log.warning("worker.waits_for_redis", reason=str(error)[:200])
    return worker is not None and worker.told_to_stop


def _requeue_orphans() -> None:
    """Jobs that a killed worker of this machine held go back to their queue, its registration ends."""
    for other in Worker.all(connection=client()):
        if other.hostname != socket.gethostname() or other.pid is None or _started(other.pid):
            continue
        job = other.get_current_job()
        if job is not None and job.origin in QUEUES:
            _return(job)
        other.register_death()  # type: ignore[no-untyped-call]


def _return(job: Job) -> None:
    """Back into its queue; one under which four workers died is not tried again, but listed as failed."""
    deaths = int(job.meta.get("deaths", 0)) + 1
    job.meta["deaths"] = deaths
    job.save_meta()  # type: ignore[no-untyped-call]
    if deaths <= RETRIES:
        log.warning("job.returned", job=job.func_name)
        Queue(job.origin, connection=client()).enqueue_job(job)
        return
    log.error("job.given_up", job=job.func_name, deaths=deaths)
    with client().pipeline() as pipe:
        record_job_failure(job, f"The worker process died of it, {deaths} times.", pipe)
        pipe.execute()
