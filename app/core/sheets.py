"""What stands in the cells of CSV files, so that a spreadsheet opens them as they are."""

from __future__ import annotations

from typing import Any

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def inert(cell: Any) -> Any:
    """The cell; a text that a spreadsheet would compute has an apostrophe before it, and is shown without."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
