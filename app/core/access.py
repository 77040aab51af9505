"""Who is acting: the actor that every command takes, and how a route says who may call it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Actor:
    """Somebody or something that acts. `ref` is `user:7`, `integration:3`, `system`; `via` the road it came by."""

    ref: str
    name: str
    via: str = ""
    user_id: int | None = None
    scopes: frozenset[str] | None = None
    ip: str = ""
    agent: str = ""

    @property
    def kind(self) -> str:
        """`user`, `integration`, `heartbeat`, `operator` or `system`."""
        return self.ref.partition(":")[0]


SYSTEM = Actor("system", "OnCall")
OPERATOR = Actor("operator", "Operator", via="command line")


def access(action: str) -> Callable[[View], View]:
    """Name the action of a view (a row of identity's table), or "public"; routes without one fail a test."""
    def mark(view: View) -> View:
        view.access = action  # type: ignore[attr-defined]
        return view
    return mark


def own_transaction(view: View) -> View:
    """The view opens its own short transactions; the request wraps none around it."""
    view.own_transaction = True  # type: ignore[attr-defined]
    return view
