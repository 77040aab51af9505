"""A wrong comparison in what decides is noticed by a test; for `make soak`."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from tests.mutating import ROOT, comparisons, mutant

# What decides, by what it is about, and the tests that are asked.
WATCHED = {
    "escalation": (["app/escalation/rules.py", "app/escalation/targets.py"], ["tests/escalation"]),
    "on duty": (["app/oncall/rules.py", "app/oncall/turns.py", "app/oncall/wallclock.py"],
                ["tests/oncall/test_rules.py", "tests/oncall/test_turns.py", "tests/oncall/test_wallclock.py", "tests/oncall/test_zones.py",
                 "tests/oncall/test_rules_properties.py"]),
    "dedup": (["app/ingest/rules.py"], ["tests/ingest/test_signals.py", "tests/ingest/test_road.py", "tests/ingest/test_replaying.py"]),
    "access": (["app/identity/rules.py"], ["tests/identity/test_rules.py", "tests/identity/test_queries.py",
                                           "tests/identity/test_signin.py", "tests/test_access_matrix.py"]),
}
SHARE = 0.9
PATIENCE, TIMES = 1800.0, 5  # seconds for the tests as they stand; a mutant may make a loop without an end, and gets so many times that


def is_content(tests: list[str], mutant: str = "", within: float = PATIENCE) -> bool:
    """Whether these tests pass with this comparison as another, or, without a mutant, as they stand."""
    words = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "tests.mutating", "-p", "no:cacheprovider", *tests]
    asked = subprocess.Popen(words, cwd=ROOT, env={**os.environ, "MUTANT": mutant}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        return asked.wait(within) == 0
    except subprocess.TimeoutExpired:
        asked.send_signal(signal.SIGINT)  # its servers end with it
        with suppress(subprocess.TimeoutExpired):  # it does not listen where all of this runs in the background
            asked.wait(60)
        asked.kill()
        asked.wait()
        return False


@pytest.mark.soak
@pytest.mark.parametrize("about", WATCHED)
def test_a_wrong_comparison_is_noticed(about: str) -> None:
    """QUAL-40: each operator of these files in turn; nine of ten are caught, and the others are named. As they stand all pass."""
    files, tests = WATCHED[about]
    began = time.perf_counter()
    assert is_content(tests), "without a mutant"
    took = time.perf_counter() - began
    asked = [(path, number) for path in files for number in range(len(comparisons(ast.parse((ROOT / path).read_text()))))]
    with ThreadPoolExecutor(int(os.environ.get("TEST_PROCESSES", "2"))) as pool:
        found = list(pool.map(lambda one: not is_content(tests, f"{one[0]}:{one[1]}", TIMES * took + 60), asked))
    alive = [mutant(*one)[1] for one, noticed in zip(asked, found, strict=True) if not noticed]
    print(f"\n{about}: {sum(found)} of {len(found)} caught", *alive, sep="\n")
    assert sum(found) >= SHARE * len(found), "\n".join(alive)


def test_without_a_mutant_and_without_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """QUAL-40: what passes is content, what fails is not, and what takes too long is stopped and counts as noticed."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # which takes longer than all of this
    for name, body in (("passes", "pass"), ("fails", "assert False"), ("hangs", "import threading; threading.Event().wait()")):
        (tmp_path / f"test_{name}.py").write_text(f"def test_it():\n    {body}\n")
    alone = ["-c", os.devnull, "--rootdir", str(tmp_path), "--confcutdir", str(tmp_path)]
    assert [is_content([*alone, str(tmp_path / f"test_{name}.py")], within=within)
            for name, within in (("passes", 60.0), ("fails", 60.0), ("hangs", 3.0))] == [True, False, False]


def test_a_mutant_differs_in_one_comparison(tmp_path: Path) -> None:
    """QUAL-40: and is loaded in place of the file; each operator has another."""
    source, said = mutant("app/incidents/rules.py", 0)
    assert "SEVERITIES.index(present) <= SEVERITIES.index(former)" in source and said.endswith("<= SEVERITIES.index(former)")
    code = "import tests.mutating; from app.incidents.rules import is_raise; print(is_raise('low', 'low'))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "MUTANT": "app/incidents/rules.py:0"},
                          capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "True"
