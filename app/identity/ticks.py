"""What identity does because time passes."""

from __future__ import annotations

from app.identity import audit_refusals


def note_refusals() -> int:
    """Write down who was refused by permission in the past minutes."""
    return audit_refusals.write_down()
