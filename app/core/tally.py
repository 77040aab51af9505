"""Where the processes that share an instance folder add up what they count: a folder for each machine."""

from __future__ import annotations

import os
import socket
from pathlib import Path

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # the library's own name for it


def share(config: dict[str, str]) -> dict[str, str]:
    """Let all processes of this instance count together, before anything loads the library that counts; gives the settings
    back."""
    folder = Path(config["ONCALL_INSTANCE"]) / "run" / "figures" / socket.gethostname()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.environ.setdefault(FOLDER, str(folder))
    return config


def begin_anew() -> None:
    """None of them runs: what former ones left is removed."""
    for left in Path(os.environ[FOLDER]).parent.glob("*/*.db"):
        left.unlink(missing_ok=True)
