"""Where the processes that share an instance folder add up what they count: a folder for each machine."""

from __future__ import annotations

import os
import socket
from pathlib import Path

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # the library's own name for it


def share(config: dict[str, str], *, fresh: bool = False) -> dict[str, str]:
    """Let all processes of this instance count together, before anything loads the library that counts. `fresh`: none of
    them runs, so what former ones left is removed. Gives the settings back."""
    folder = Path(config["ONCALL_INSTANCE"]) / "run" / "figures" / socket.gethostname()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in folder.parent.glob("*/*.db") if fresh else ():
        left.unlink(missing_ok=True)
    os.environ.setdefault(FOLDER, str(folder))
    return config
