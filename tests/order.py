"""In which order the tests run, and which of them stay together, when several processes share the work."""

from __future__ import annotations

from typing import Any

import pytest

SLOW = ("journeys/", "escalation/test_races", "test_docs", "browser/", "test_access_matrix", "workflows/", "partners/", "config/",
        "postmortems/")
TOGETHER = "tests/journeys/"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Files that take minutes begin first, so that no process waits for another at the end; the long runs are left out
    unless they are asked for by `-m`."""
    items.sort(key=lambda item: next((at for at, path in enumerate(SLOW) if path in item.nodeid), len(SLOW)))
    if config.getoption("-m"):
        return
    long = [item for item in items if item.get_closest_marker("soak")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


def scope(nodeid: str) -> str:
    """Tests of one scope run in one process, one after the other: those of a file, and the journeys, which share a system."""
    return TOGETHER if nodeid.startswith(TOGETHER) else nodeid.split("::", 1)[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Each process is given one scope after the other."""
    from xdist.scheduler import LoadFileScheduling

    class ByScope(LoadFileScheduling):
        """Hands out scopes."""

        def _split_scope(self, nodeid: str) -> str:
            return scope(nodeid)
    return ByScope(config, log)
