"""The files in which processes count: their room on the disk is taken beforehand. Into a file with holes nobody can write
while the disk is full, and whoever tries is ended by the kernel (SIGBUS)."""

from __future__ import annotations

import os

from prometheus_client import values
from prometheus_client.mmap_dict import MmapedDict

SIZE, VALUE, REST = 1 << 18, 16, 32  # bytes: of a file, of a value with its time, and of what else stands beside a name


class Solid(MmapedDict):
    """A file without holes. Where there is no room for one it is in memory, and where one is full and can't grow, further
    figures share a place that nobody reads until it has grown for another one."""

    def __init__(self, filename: str, read_mode: bool = False) -> None:
        if not read_mode and not _allocated(filename, SIZE):
            os.unlink(filename)
            filename = f"/proc/self/fd/{os.memfd_create('figures')}"
        super().__init__(filename, read_mode)  # type: ignore[no-untyped-call]
        self._reserve()

    def read_value(self, key: str) -> tuple[float, float]:
        """A figure and its time; of one that has no place nothing is known."""
        found: tuple[float, float] = super().read_value(key)  # type: ignore[no-untyped-call]
        return (0.0, 0.0) if self._positions[key] == self._nowhere else found

    def _reserve(self) -> None:
        self._capacity -= VALUE
        self._nowhere = self._capacity

    def _init_value(self, key: str) -> None:
        before = self._capacity
        if self._used + len(key.encode()) + REST > before and not _allocated(self._fname, 2 * before):
            self._positions[key] = self._nowhere
            return
        super()._init_value(key)  # type: ignore[no-untyped-call]
        if self._capacity != before:
            self._positions = {name: at for name, at in self._positions.items() if at != self._nowhere}
            self._reserve()


def _allocated(path: str, size: int) -> bool:
    """Whether the file has so much room now; a system that can't say so is believed to have it."""
    if not hasattr(os, "posix_fallocate"):
        return True
    try:
        with open(path, "ab") as file:
            os.posix_fallocate(file.fileno(), 0, size)
    except OSError:
        return False
    return True


def take_room() -> None:
    """From now on every file of figures of this process is such a one."""
    values.MmapedDict = Solid  # type: ignore[attr-defined]
