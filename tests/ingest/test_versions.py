"""Which version of each plugin is at work: by its content where it lies in the box."""

from __future__ import annotations

from pathlib import Path

from app.core.plugins import load
from app.ingest.versions import versions

PLUGIN = "from app.plugin_api import hookimpl\n\n\n@hookimpl\ndef settings():\n    return []\n"


def test_another_content_is_another_version(tmp_path: Path) -> None:
    """MIG-27: its own files and templates count, what is written about it does not."""
    folder = tmp_path / "plugins" / "gauge"
    (folder / "templates").mkdir(parents=True)
    found = []
    for name, text in (("plugin.py", PLUGIN), ("README.md", "# Gauge"), ("reading.py", "LIMIT = 1\n"), ("templates/a.html", "a"),
                       ("templates/deep/b.html", "b")):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
        found.append(versions(load(tmp_path))["gauge"])
    assert found[0] == found[1] and len(set(found)) == 4
