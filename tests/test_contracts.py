"""Every plugin in the box keeps the contract; each failure names hook, sample and field."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from app.core import contract
from app.core.plugins import load
from app.core.plugins_new import scaffold

ROOT = Path(__file__).parents[1]
REGISTRY = load(ROOT)


def test_no_bundled_plugin_is_broken() -> None:
    assert REGISTRY.broken == []


@pytest.mark.parametrize("slug", [entry.slug for entry in REGISTRY.installed])
def test_a_plugin_keeps_the_contract(slug: str) -> None:
    assert contract.faults(REGISTRY, slug) == []


def imported_of_the_application(code: str) -> set[str]:
    """The modules of app that this code imports, wherever it does."""
    nodes = list(ast.walk(ast.parse(code)))
    names = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.level == 0}
    names |= {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return {name for name in names if name and name.split(".")[0] == "app"}


@pytest.mark.parametrize("path", sorted((ROOT / "plugins").glob("*/**/*.py")), ids=lambda path: path.parent.name)
def test_a_plugin_imports_nothing_of_the_application_but_the_plugin_api(path: Path) -> None:
    """QUAL-38."""
    assert imported_of_the_application(path.read_text()) <= {"app.plugin_api"}


@pytest.mark.parametrize("line", ["from app.core.db import session", "import app.core.db as db", "from app import wiring",
                                  "def normalize(inbound, config):\n    from app.incidents.models import Incident"])
def test_a_plugin_that_imports_more_is_found_out(line: str) -> None:
    """QUAL-38: on the first line or within a function."""
    assert not imported_of_the_application(f"from app.plugin_api import hookimpl\n{line}") <= {"app.plugin_api"}


@pytest.mark.parametrize("kind", ["integration", "channel", "target", "action"])
def test_a_new_plugin_keeps_the_contract_at_once(kind: Any, tmp_path: Path) -> None:
    """QUAL-35: of each kind; and the code of an integration is short."""
    written = scaffold("my-tool", kind, tmp_path)
    registry = load(tmp_path)
    assert all(path.is_file() for path in written)
    assert registry.broken == [] and contract.faults(registry, "my-tool") == []
    assert registry.is_on(kind, "my-tool")
    assert kind != "integration" or len(written[0].read_text().splitlines()) <= 60


def test_a_new_plugin_never_overwrites_one(tmp_path: Path) -> None:
    scaffold("my-tool", "channel", tmp_path)
    for slug in ("my-tool", "../escape", "Big", "x", ""):
        with pytest.raises(ValueError):
            scaffold(slug, "channel", tmp_path)


@pytest.mark.parametrize(("spoil", "finding"), [
    (lambda folder: (folder / "icon.svg").unlink(), "icon.svg is missing"),
    (lambda folder: (folder / "README.md").write_text("{url}"), "README.md says nothing of the field 'environment'"),
    (lambda folder: (folder / "samples/firing.json").write_text('{"id": "disk-1", "title": "Other"}'),
     "samples/firing.json, signal 0, field title: 'Other', expected 'Disk is full'"),
    (lambda folder: (folder / "samples/resolved.json").write_text('{"id": "other", "state": "ok"}'), "dedup_key"),
    (lambda folder: (folder / "samples/refused.json").write_text('{"id": "fine"}'), "took samples/refused.json"),
])
def test_a_breach_is_named(spoil: Any, finding: str, tmp_path: Path) -> None:
    """QUAL-36: with hook, sample and field."""
    scaffold("my-tool", "integration", tmp_path)
    spoil(tmp_path / "plugins" / "my-tool")
    assert any(finding in fault for fault in contract.faults(load(tmp_path), "my-tool"))
