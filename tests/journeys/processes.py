"""The processes of a started system: who descends from whom, found by their command lines, and how to end one."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

ROLES = {"web": "oncall web", "worker": "oncall worker", "clock": "oncall clock", "redis": "redis-server|valkey-server"}


@dataclass(frozen=True)
class Process:
    """A running process; `started` tells it from a later one with the same number."""

    pid: int
    parent: int
    started: int
    command: str

    def is_a(self, role: str) -> bool:
        """Whether it plays this part, `web`, `worker`, `clock` or `redis`."""
        return any(word in self.command for word in ROLES[role].split("|"))

    def kill(self) -> None:
        """End it as a crash would, without a word."""
        self.send(signal.SIGKILL)

    def send(self, number: int) -> None:
        """A signal, if it still runs."""
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            pass


def descendants(pid: int) -> list[Process]:
    """All processes below `pid`, as /proc knows them."""
    everybody = [found for entry in Path("/proc").iterdir() if entry.name.isdigit() and (found := _read(entry))]
    below, found = {pid}, []
    while new := [process for process in everybody if process.parent in below and process not in found]:
        found += new
        below |= {process.pid for process in new}
    return found


def _read(entry: Path) -> Process | None:
    try:
        fields = (entry / "stat").read_text().rpartition(")")[2].split()
        words = (entry / "cmdline").read_bytes().decode().split("\0")
    except (OSError, ProcessLookupError):
        return None
    if fields[0] == "Z":
        return None
    return Process(int(entry.name), int(fields[1]), int(fields[19]), " ".join(words))
