"""Live pages (being written)."""
from __future__ import annotations
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
@dataclass(frozen=True)
class Feed:
    """x"""
    path: str
    template: str
    build: Callable[..., Any]
    topics: tuple[str, ...]
    regions: Mapping[str, str]
def mount(app: Any, sock: Any, feeds: Iterable[Feed]) -> None:
    """x"""
