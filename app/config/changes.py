"""What an apply did, or would do, as it is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Change:
    """One thing that was done: created, changed (with the fields, as they were and as they are) or removed."""

    action: str
    kind: str
    key: str
    fields: tuple[str, ...] = ()
    was: dict[str, Any] = field(default_factory=dict, compare=False)
    now: dict[str, Any] = field(default_factory=dict, compare=False)

    def __str__(self) -> str:
        return f"{self.action} {self.kind} {self.key}" + (f": {', '.join(self.fields)}" if self.fields else "")


@dataclass
class Result:
    """What an apply did, or would do. `large` says which removals need a yes of their own."""

    changes: list[Change] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    large: list[str] = field(default_factory=list)
