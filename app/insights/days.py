"""Facts of incidents by days of UTC, in columns: packed once a day is over, and again when one of its incidents changes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import LargeBinary, func, insert, select, update

from app.core import clock
from app.core.db import IN_BINARY, locked, session, transaction
from app.insights.columns import KINDS, PLACES, SIZES, Chosen, Columns, of_facts, packed, unpacked
from app.insights.models import FactDay, FactSpan, IncidentFact, PageFact
from app.insights.rules import DAY, LENGTHS


def stale(days: Collection[int]) -> None:
    """Facts of these days (since 1970) change in the open transaction: what was packed of them no longer counts."""
    if not days:
        return
    known = set(session.scalars(select(FactDay.day).where(FactDay.day.in_(days))))
    session.execute(update(FactDay).where(FactDay.day.in_(known)).values(stale=True))
    if fresh := sorted(set(days) - known):
        session.execute(insert(FactDay), [{"day": day} for day in fresh])
    for length in LENGTHS:
        _stale_spans(length, {day // length * length for day in days})


def _stale_spans(length: int, firsts: set[int]) -> None:
    among = FactSpan.length == length, FactSpan.first.in_(firsts)
    known = set(session.scalars(select(FactSpan.first).where(*among)))
    session.execute(update(FactSpan).where(*among).values(stale=True))
    if fresh := sorted(firsts - known):
        session.execute(insert(FactSpan), [{"length": length, "first": first} for first in fresh])


def days_of(ids: Collection[int]) -> set[int]:
    """The days on which incidents were opened that there are facts of, and those on which somebody was paged for them."""
    return {at // DAY for model, column in ((IncidentFact, IncidentFact.opened), (PageFact, PageFact.at))
            for at in session.scalars(select(column).where(model.incident_id.in_(ids)))}


def pack(limit: int = 20) -> int:
    """Pack days that are over, each in a transaction of its own: who changes a fact waits for that one only."""
    today = int(clock.now().timestamp()) // DAY
    found = session.scalars(select(FactDay.day).where(FactDay.stale, FactDay.day < today).order_by(
        FactDay.day.desc()).limit(limit)).all()
    session.rollback()
    for day in found:
        with transaction():
            _pack(day)
    return len(found)


def _pack(day: int) -> None:
    """Locked first, read then: who changes a fact afterwards waits, and says so after this."""
    row = locked(FactDay, day)
    if row is not None:
        columns = _read(day, KINDS)
        row.number, row.pairs, row.keys = len(columns), [list(pair) for pair in columns.pairs], list(columns.keys)
        row.data, row.stale = packed(columns), False


def _read(day: int, names: Iterable[str]) -> Columns:
    return of_facts(session.execute(select(IncidentFact.__table__).where(
        IncidentFact.opened >= day * DAY, IncidentFact.opened < (day + 1) * DAY).order_by(
        IncidentFact.opened, IncidentFact.incident_id)), names)


def _part(name: str) -> Any:
    """The bytes of a column: the database reads no others."""
    return func.substr(FactDay.data, FactDay.number * PLACES[name] + 1, FactDay.number * SIZES[name],
                       type_=LargeBinary).label(name)


def read(chosen: Chosen, *names: str, only: Collection[int] | None = None) -> list[Columns]:
    """The incidents that count, day by day, in these columns and that of the opening; of some days `only`."""
    among = FactDay.day.between(chosen.since // DAY, (chosen.until - 1) // DAY)
    wanted = [name for name in KINDS if name in {*names, "opened", *chosen.columns}]
    columns = [FactDay.day, FactDay.stale, *(_part(name) for name in wanted),
               *([FactDay.pairs] if "pair" in wanted else []), *([FactDay.keys] if "key" in wanted else [])]
    found, changed = dict[int, Columns](), []
    query = select(*columns).where(among if only is None else FactDay.day.in_(only))
    for row in session.execute(query, execution_options=IN_BINARY):  # one question: a day may be packed in between
        if row.stale:
            changed.append(row.day)
        else:
            found[row.day] = Columns([tuple(pair) for pair in row.pairs] if "pair" in wanted else (),
                                     row.keys if "key" in wanted else (),
                                     {name: unpacked(name, row._mapping[name]) for name in wanted})
    found |= {day: _read(day, wanted) for day in changed}
    return [one for day in sorted(found) if len(one := found[day].narrowed(chosen, {"opened", *names}))]
