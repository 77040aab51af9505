"""What is done for copies of pages as time passes."""

from __future__ import annotations

from app.status_pages import exporting


def export() -> int:
    """Write the copies that are due: within seconds of a change, and each minute."""
    return sum(exporting.write(key) for key in exporting.due())
