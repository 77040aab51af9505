"""The first files of a new plugin: they keep the contract from the start, so that an author changes working code."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Literal

from app.core.plugin_beginnings import CODE

SLUG = re.compile(r"[a-z][a-z0-9_-]{1,39}")

ICON = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="currentColor"
stroke-width="1.75"><path d="M9 3v5M15 3v5M6.5 8h11v3.5a5.5 5.5 0 0 1-11 0zM12 17v4"/></svg>
"""

GUIDES = {
    "action": """# {name}

1. In {name}, make a token that may create issues.
2. Under Connections add {name}, enter what follows, and press Test.

| Field | Meaning |
|---|---|
| `url` | Address of its API |
| `token` | The token |
""",
    "target": """# {name}

1. In {name}, make a token that may start the job, and keep it under Secrets.
2. Write a runbook with this target.

| Field | Meaning |
|---|---|
| `url` | Address of its API |
| `token` | `{{{{ secret.<name> }}}}` |
| `job` | Which job is started |
""",
    "integration": """# {name}

1. In {name}, add a webhook with the address `{{url}}`.
2. Send a test; it shows up under "deliveries".

| Field | Meaning |
|---|---|
| `environment` | Added to each alert as the label `environment` |
""",
    "channel": """# {name}

1. Set `{prefix}_TOKEN`.
2. Add your address under "contact methods" and type in the code that arrives.

| Setting | Meaning |
|---|---|
| `{prefix}_TOKEN` | Token for {name} |
""",
}

_FIRING = {"id": "disk-1", "title": "Disk is full", "severity": "high", "state": "alert", "link": "https://example.com/1"}
_EXPECTED = {"dedup_key": "disk-1", "title": "Disk is full", "severity": "high", "url": "https://example.com/1"}
SAMPLES: dict[str, object] = {
    "firing.json": _FIRING, "firing.expected.json": [_EXPECTED | {"status": "firing"}],
    "resolved.json": _FIRING | {"state": "ok"}, "resolved.expected.json": [_EXPECTED | {"status": "resolved"}],
    "refused.json": {"title": "No id"},
}


def scaffold(slug: str, kind: Literal["integration", "channel", "target", "action"], root: Path) -> list[Path]:
    """Write `root`/plugins/<slug> and return the files made.

    Raises ValueError with a sentence when the slug is not one or the folder exists.
    """
    folder = root / "plugins" / slug
    if not SLUG.fullmatch(slug):
        raise ValueError("A slug has 2 to 40 small letters, digits, - or _, and begins with a letter")
    if folder.exists():
        raise ValueError(f"{folder} is there already")
    words = re.split("[-_]", slug)
    values = {"slug": slug, "name": " ".join(words).capitalize(), "prefix": slug.upper().replace("-", "_"),
              "type": "".join(word.capitalize() for word in words)}
    texts = {"plugin.py": CODE[kind].format(**values), "README.md": GUIDES[kind].format(**values), "icon.svg": ICON}
    if kind == "integration":
        texts |= {f"samples/{name}": json.dumps(sample, indent=2) + "\n" for name, sample in SAMPLES.items()}
    return [_write(folder / name, text) for name, text in texts.items()]


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
