"""Every race that was named is run two hundred times, on both databases; for `make soak`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_architecture import nothing

ROOT = Path(__file__).parents[1]
ROUNDS = 200
# The checks that speak of things that happen at once.
RACES = {"IDN-18", "IDN-26", "IDN-34", "ING-15", "ING-30", "SCH-12", "SCH-16", "SCH-18", "SCH-24", "ESC-01", "ESC-07", "ESC-21", "ESC-23",
         "ESC-28", "ESC-32", "NTF-06", "NTF-12", "IDN-29", "IPG-08", "IPG-09", "IPG-22", "WF-26", "STAT-30", "PM-13", "CAT-01", "CAT-15",
         "RB-01", "RB-12", "RB-20", "RB-21", "PTN-09", "MIG-08", "INS-19"}
MARKED = re.compile(r'@pytest\.mark\.race.*?"""(.*?)"""', re.DOTALL)


def test_every_race_has_a_test_at_a_barrier() -> None:
    """QUAL-17: marked `race`, by which it is repeated."""
    files = [path for path in (ROOT / "tests").rglob("test_*.py") if path != Path(__file__)]
    said = " ".join(text for path in files for text in MARKED.findall(path.read_text()))
    nothing(f"{check} has no test marked race" for check in RACES if check not in said)


@pytest.mark.soak
@pytest.mark.skipif("RACES" in os.environ, reason="this is it")
def test_every_race_is_run_two_hundred_times() -> None:
    """QUAL-17: on SQLite and on PostgreSQL."""
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-x", "-m", "race", "-p", "no:cacheprovider", "tests"], cwd=ROOT,
                          env={**os.environ, "RACES": str(ROUNDS)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:]
