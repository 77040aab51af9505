"""Signs of life: when each process and tick was last seen, for doctor and readiness."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Base, session


class Pulse(Base):
    """`name` was alive at `at`."""

    __tablename__ = "pulses"

    name: Mapped[str] = mapped_column(String(120), primary_key=True)
    at: Mapped[datetime]
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)


def beat(name: str, **detail: Any) -> None:
    """Note that `name` is alive now, in the open transaction."""
    session.merge(Pulse(name=name, at=clock.now(), detail=detail))


def age(name: str) -> float | None:
    """Seconds since `name` was last alive; None when it never was."""
    at = session.scalar(select(Pulse.at).where(Pulse.name == name))
    return None if at is None else (clock.now() - at).total_seconds()
