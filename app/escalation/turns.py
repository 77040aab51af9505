"""Whose turn it is where one of several is paged: fair over all incidents, and one at a time by the row's lock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from app.core.db import db, session
from app.escalation import rules
from app.escalation.models import Turn

Target = Mapping[str, Any]


def rotation(target: Target) -> str:
    """What the people of the target take turns in; empty when it pages all of them."""
    if target.get("pick") != "round_robin":
        return ""
    kind = rules.kind_of(target)
    return f"{kind}:{','.join(map(str, target[kind])) if kind == 'users' else target[kind]}"


def lock(levels: Iterable[Mapping[str, Any]]) -> None:
    """Take the rows of every rotation of these levels, in one order for all, before anybody is chosen."""
    names = sorted({name for level in levels for target in level.get("targets", ()) if (name := rotation(target))})
    if not names:
        return
    insert = postgresql_insert if db.engine.dialect.name == "postgresql" else sqlite_insert
    session.execute(insert(Turn).values([{"rotation": name, "line": []} for name in names]).on_conflict_do_nothing())
    session.execute(select(Turn).where(Turn.rotation.in_(names)).order_by(Turn.rotation).with_for_update()
                    .execution_options(populate_existing=True)).all()


def waiting(target: Target, members: Sequence[int]) -> list[int]:
    """The members in the order in which they are next."""
    kept = session.get(Turn, rotation(target))
    return rules.line(members, kept.line if kept else [])


def pass_on(taken: Mapping[str, tuple[list[int], int]]) -> None:
    """Whoever is paged goes to the end of the line: (line, person) by rotation. The rows are locked."""
    for name, (line, person) in taken.items():
        session.get_one(Turn, name).line = rules.passed_on(line, person)
