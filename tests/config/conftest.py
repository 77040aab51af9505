"""What becomes of an export."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.config import importing
from app.core.importing import Imported
from tests.config.exports import EXPORTS, NOW


@pytest.fixture
def read(app) -> Callable[..., Imported]:
    """`read("pagerduty")`: what becomes of that export, or of a changed one."""
    importers = app.extensions["plugins"].importers

    def read(source: str, data: dict[str, Any] | None = None) -> Imported:
        return importing.converted(importers[source], data or EXPORTS[source], NOW)
    return read
