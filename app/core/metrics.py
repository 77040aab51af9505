"""What is counted and timed, in whatever process it happens; those that share an instance add up."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from app.core import figures
from app.core.tally import FOLDER

figures.take_room()
HEARD = 600.0  # seconds
PART = re.compile(r"\boncall (up|web|live|worker|clock|mail)\b")
WAITS = (0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300)

REQUESTS = Histogram("oncall_request_seconds", "Time to answer, by route", ["route", "method", "status"],
                     buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10))
DELIVERIES = Counter("oncall_deliveries", "Requests of senders, by what they were answered", ["outcome"])
WORKED = Counter("oncall_deliveries_worked", "Deliveries that were worked on, by what became of them", ["outcome"])
HANDED = Histogram("oncall_hand_off_seconds", "From when a message was due until a provider had it", ["channel"],
                   buckets=WAITS)
LATE = Histogram("oncall_timer_late_seconds", "From when a timer was due until it was acted on", ["timer"], buckets=WAITS)
TICKED = Gauge("oncall_tick_timestamp_seconds", "When each tick last ended, in Unix time", ["tick"], multiprocess_mode="max")
LIMITS = Counter("oncall_limits_hit", "Requests that were refused since there were too many, by tier", ["tier"])
BEGAN = Gauge("oncall_start_timestamp_seconds", "When the youngest process of each part began, in Unix time", ["part"],
              multiprocess_mode="livemax")
FAULTS = Counter("oncall_plugin_errors", "Faults of plugins", ["plugin"])


@cache
def sockets() -> Gauge:
    """Open sockets of live pages. Made by the process that has them: what has no labels opens a file at once, and a copy of
    the process would close whatever has got that file's number meanwhile."""
    return Gauge("oncall_sockets", "Open sockets of live pages", multiprocess_mode="livesum")


def worked_on(outcomes: Iterable[str]) -> None:
    """Count deliveries by what became of each."""
    for outcome in outcomes:
        WORKED.labels(outcome).inc()


@dataclass(frozen=True)
class Figure:
    """A number that is looked up when it is asked for."""

    name: str
    help: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


class _Looked(Collector):
    """Figures as the library wants them."""

    def __init__(self, figures: Iterable[Figure]) -> None:
        self._figures = list(figures)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One family for each name, in the order in which the names come."""
        families: dict[str, GaugeMetricFamily] = {}
        for one in self._figures:
            if one.name not in families:
                families[one.name] = GaugeMetricFamily(one.name, one.help, labels=list(one.labels))
            families[one.name].add_metric(list(one.labels.values()), one.value)
        yield from families.values()


def text(figures: Iterable[Figure]) -> bytes:
    """All in Prometheus' text format: what was counted by all processes of this machine, memory, and the given figures."""
    looked = CollectorRegistry()
    looked.register(_Looked([*figures, *_memory()]))
    return generate_latest(_counted()) + generate_latest(looked)


def _counted() -> CollectorRegistry:
    folder = os.environ.get(FOLDER)
    if not folder:
        return REGISTRY
    for number in _numbers(folder):
        if not os.path.exists(f"/proc/{number}") and os.path.isdir("/proc/self"):
            # Its sockets are closed; what it counted still counts.
            mark_process_dead(number, folder)  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    registry.register(_Together(Path(folder)))
    return registry


class _Together(Collector):
    """What the processes of all machines that share the folder have counted, as if it were one."""

    def __init__(self, own: Path) -> None:
        self._own = own

    def collect(self) -> Iterator[Metric]:
        """One family for each name."""
        files = [str(path) for folder in self._own.parent.iterdir() for path in self._of(folder)]
        yield from MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]

    def _of(self, folder: Path) -> list[Path]:
        """What a machine left counts for ever, but for what is open there: of that only if it was heard of just now."""
        files = list(folder.glob("*.db"))
        heard = folder == self._own or max((path.stat().st_mtime for path in files), default=0) > time.time() - HEARD
        return [path for path in files if heard or not path.name.startswith("gauge_live")]


def _numbers(folder: str) -> set[int]:
    return {int(number) for path in Path(folder).glob("*.db") if (number := path.stem.rpartition("_")[2]).isdigit()}


def _memory() -> Iterator[Figure]:
    """Resident memory of this machine's processes, by what they are."""
    folder = os.environ.get(FOLDER)
    for number in sorted(_numbers(folder) | {os.getpid()} if folder else {os.getpid()}):
        try:
            command = Path(f"/proc/{number}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        named = PART.search(command)
        yield Figure("oncall_memory_bytes", "Resident memory of a process", resident(number),
                     {"process": named.group(1) if named else "other", "pid": str(number)})


def resident(number: int) -> int:
    """Resident memory of a process in bytes; 0 where the system does not tell."""
    try:
        return int(Path(f"/proc/{number}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0
