"""Counting goes on while the disk is full: by the room that was taken beforehand, and where there was none in memory."""

from __future__ import annotations

import os

import pytest

from app.core.figures import SIZE, Solid


@pytest.fixture
def full(monkeypatch):
    """A disk without room, until it is called."""
    def refuse(*_):
        raise OSError(28, "No space left on device")
    monkeypatch.setattr(os, "posix_fallocate", refuse)
    return monkeypatch.undo


def test_a_file_has_no_holes(tmp_path):
    """HRD-39: writing into one would end the process."""
    found = Solid(str(tmp_path / "counter_1.db"))
    for number in range(2 * SIZE // 1000):
        found.write_value(f"{number:01000}", 1.0, 0.0)
    at = (tmp_path / "counter_1.db").stat()
    assert at.st_size > 2 * SIZE - 100 and at.st_blocks * 512 >= at.st_size


def test_a_process_that_begins_while_the_disk_is_full_counts_in_memory(tmp_path, full):
    """HRD-39: and leaves nothing that the others could not read."""
    found = Solid(str(tmp_path / "counter_1.db"))
    found.write_value("a", 7.0, 0.0)
    assert found.read_value("a") == (7.0, 0.0) and list(tmp_path.iterdir()) == []


def test_what_finds_no_room_is_counted_once_there_is_some(tmp_path, request):
    """HRD-39: what was counted before is as it was."""
    found, names = Solid(str(tmp_path / "counter_1.db")), [f"{number:01000}" for number in range(2 * SIZE // 1000)]
    room = request.getfixturevalue("full")
    for name in names:
        found.write_value(name, 1.0, 0.0)
    kept = {name for name, _, _ in found.read_all_values()}
    assert 0 < len(kept) < len(names)
    assert found.read_value(names[-1]) == (0.0, 0.0) and found.read_value(names[0]) == (1.0, 0.0)
    room()
    for name in (names := [f"{'another':>1000}", *names]):
        found.write_value(name, 2.0, 0.0)
    assert {name: value for name, value, _ in found.read_all_values()} == dict.fromkeys(names, 2.0)
