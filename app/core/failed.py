"""Jobs that failed for good: they stand in Redis for a day with their error, to be run again or dropped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rq import Queue
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.job import Job
from rq.registry import FailedJobRegistry, StartedJobRegistry

from app.core import clock
from app.core.errors import NotFound
from app.core.jobs import QUEUES
from app.core.redis import client

SHOWN = 50


@dataclass(frozen=True)
class Failed:
    """One job: what it does, for which events, why it failed (the last line) and where (all of it), and since when."""

    id: str
    queue: str
    what: str
    events: list[int]
    failed_at: datetime | None
    error: str
    trace: str


@dataclass(frozen=True)
class Waiting:
    """One queue: how many jobs wait, run and failed, and since when the first one waits."""

    name: str
    jobs: int
    running: int
    failed: int
    oldest_at: datetime | None


def queues() -> list[Waiting]:
    """Each queue, in the order in which workers look at them. Raises RedisError."""
    return [_queue(Queue(name, connection=client())) for name in QUEUES]


def _queue(queue: Queue) -> Waiting:
    first = queue.fetch_job(ids[0]) if (ids := queue.get_job_ids(0, 1)) else None
    return Waiting(queue.name, queue.count, StartedJobRegistry(queue=queue).get_job_count(cleanup=False),
                   FailedJobRegistry(queue=queue).count, _aware(first.enqueued_at) if first else None)


def failed() -> list[Failed]:
    """The newest of them, at most 50 of each queue. Raises RedisError."""
    found = [_shown(job) for registry in _registries() for job in _jobs(registry)]
    return sorted(found, key=lambda one: one.failed_at or clock.now(), reverse=True)


def _jobs(registry: FailedJobRegistry) -> Iterator[Job]:
    ids = registry.get_job_ids(-SHOWN, -1)
    return (job for job in Job.fetch_many(ids, connection=client()) if job is not None)


def run_again(key: str) -> Failed:
    """Put it back into its queue. Raises NotFound when it is not among those that failed (any more)."""
    registry, shown = _found(key)
    try:
        registry.requeue(key)
    except (InvalidJobOperation, NoSuchJobError):
        raise NotFound("This job is no longer among those that failed.") from None
    return shown


def drop(key: str) -> Failed:
    """Forget it. Raises NotFound likewise."""
    registry, shown = _found(key)
    registry.remove(key, delete_job=True)
    return shown


def _found(key: str) -> tuple[FailedJobRegistry, Failed]:
    for registry in _registries():
        if key in registry:
            try:
                return registry, _shown(Job.fetch(key, connection=client()))
            except NoSuchJobError:
                break
    raise NotFound("This job is no longer among those that failed.")


def _registries() -> list[FailedJobRegistry]:
    return [FailedJobRegistry(name, connection=client()) for name in QUEUES]


def _shown(job: Job) -> Failed:
    said = job.args or ()
    what, events = str(said[0] if said else job.func_name), said[1] if len(said) > 1 else []
    result = job.latest_result()
    trace = (result.exc_string if result else "") or ""
    error = next((line for line in reversed(trace.strip().splitlines()) if line.strip()), "It says nothing.")
    return Failed(job.id, str(job.origin), what, _numbers(events), _aware(job.ended_at), error.strip()[:500], trace[-8000:])


def _numbers(events: Any) -> list[int]:
    return [one for one in events if isinstance(one, int)] if isinstance(events, list) else []


def _aware(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at
