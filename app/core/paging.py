"""Lists for machines: a page of rows after an opaque cursor, so that nothing is repeated or lost while others edit."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from app.core.db import db, session
from app.core.errors import Invalid, Problem
from app.core.forms import CONTROL

DEFAULT, MOST = 50, 200
WALKED = 10_000


def limit_of(args: Mapping[str, str]) -> int:
    """How many items the caller wants: `limit`, 1 to 200, 50 when left out. Raises Invalid."""
    text = args.get("limit", str(DEFAULT))
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= MOST):
        raise Invalid(problems=[Problem("limit", f"limit must be a whole number from 1 to {MOST}")])
    return int(text)


def paged(query: Select[Any], args: Mapping[str, str], *, by: Sequence[InstrumentedAttribute[Any]],
          show: Callable[[Any], Any] | None = None, show_all: Callable[[Sequence[Any]], list[Any]] | None = None,
          descending: bool = False, walk: Select[Any] | None = None) -> dict[str, Any]:
    """`{"items", "next"}` of the rows of `query` (one entity) in the order of the columns `by`, which end in a
    unique one. `args` are the request's: `limit` and `cursor`. Raises Invalid for either. `walk`: see `_searched`.
    An item is what `show` makes of a row; `show_all` makes all items at once, where one row would ask the database.
    """
    limit = limit_of(args)
    if args.get("cursor"):
        beyond = _beyond(by, _read(args["cursor"], by), descending)
        query, walk = query.where(beyond), walk.where(beyond) if walk is not None else None
    query = query.order_by(None).limit(limit + 1)
    if walk is not None and db.engine.dialect.name == "postgresql":
        rows = _searched(query, walk, by, descending, limit=limit)
    else:
        rows = list(session.scalars(query.order_by(*_order(by, descending))).unique())
    more = len(rows) > limit
    rows = rows[:limit]
    items = show_all(rows) if show_all else [show(row) if show else row for row in rows]
    return {"items": items, "next": _write(rows[-1], by) if more else None}


def _searched(query: Select[Any], walk: Select[Any], by: Sequence[InstrumentedAttribute[Any]], descending: bool, *,
              limit: int) -> list[Any]:
    """The rows of a large table that narrow filters let through. `walk` selects the columns `by` of all that the table
    has in this order, which an index has. The database can't know whether filters together let many rows through or
    none, and guesses wrong by seconds. So the next WALKED rows are looked through in order, which suffices where many
    match; where few do, the indexes on what is asked for find them, and these few are sorted."""
    bound = session.execute(walk.order_by(*_order(by, descending)).offset(WALKED).limit(1)).first()
    near = query if bound is None else query.where(_beyond(by, list(bound), not descending))
    rows = list(session.scalars(near.order_by(*_order(by, descending))).unique())
    if bound is None or len(rows) > limit:
        return rows
    first = func.coalesce(by[0], by[0])  # the same value, but in no index, so that none is walked in this order
    sort = (first.desc() if descending else first.asc(), *_order(by[1:], descending))
    return list(session.scalars(query.order_by(*sort)).unique())


def _order(by: Sequence[InstrumentedAttribute[Any]], descending: bool) -> list[ColumnElement[Any]]:
    return [column.desc() if descending else column.asc() for column in by]


def _beyond(by: Sequence[InstrumentedAttribute[Any]], values: list[Any], descending: bool) -> ColumnElement[bool]:
    here, there = tuple_(*by), tuple_(*(literal(value, column.type) for value, column in zip(values, by, strict=True)))
    return here < there if descending else here > there


def _write(row: Any, by: Sequence[InstrumentedAttribute[Any]]) -> str:
    values = [getattr(row, column.key) for column in by]
    plain = [value.isoformat() if isinstance(value, date) else value for value in values]
    return urlsafe_b64encode(json.dumps(plain).encode()).rstrip(b"=").decode()


def _read(cursor: str, by: Sequence[InstrumentedAttribute[Any]]) -> list[Any]:
    try:
        plain = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return [_typed(value, column.type.python_type) for value, column in zip(list(plain), by, strict=True)]
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise Invalid(problems=[Problem("cursor", "this cursor is not one that a list gave out")]) from None


def _typed(value: Any, kind: Any) -> Any:
    if kind is datetime:
        at = datetime.fromisoformat(value)
        if at.tzinfo is None:
            raise ValueError("no time zone")
        return at.astimezone(UTC)
    if kind is date:
        return date.fromisoformat(value)
    if type(value) is not kind or (kind is int and abs(value) >= 2**63) or (kind is str and CONTROL.search(value)):
        raise ValueError("another kind of value")
    return value
