"""Applying documents in tests: the example, and what an apply of some text did."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import func, select

from app.config import service
from app.config.changes import Result
from app.config.document import load
from app.core.db import session
from app.core.errors import Invalid
from app.core.events import Event

WHOLE = Path(__file__).parent.joinpath("example.yaml").read_text()
EXAMPLE = "".join(line for line in WHOLE.splitlines(keepends=True) if "password:" not in line)  # hashing takes long

POLICY = b"version: 1\nescalation_policies:\n- {key: pp, name: P, levels: [{timeout: 5m, targets: [{team: pay}]}]}\n"


def apply(text: str | dict[str, Any], **options: Any) -> Result:
    return service.apply(load([("a.yaml", _raw(text))]), **options)


def diff(text: str | dict[str, Any], **options: Any) -> Result:
    return service.diff(load([("a.yaml", _raw(text))]), **options)


def _raw(text: str | dict[str, Any]) -> bytes:
    return (text if isinstance(text, str) else yaml.safe_dump({"version": 1, **text})).encode()


def faults(text: str | dict[str, Any]) -> list[str]:
    with pytest.raises(Invalid) as refused:
        apply(text)
    return [f"{problem.field} {problem.message}" for problem in refused.value.problems]


def events() -> int:
    return session.scalar(select(func.count()).select_from(Event)) or 0


def lines(found: Result) -> list[str]:
    return [str(change) for change in found.changes]
