"""Stored secrets under new keys: which key sealed how many, and sealing again what the first one did not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog
from flask import current_app
from sqlalchemy import Select, func, select, update
from sqlalchemy.exc import SQLAlchemyError

from app.core import secrets
from app.core.access import SYSTEM
from app.core.db import session, transaction
from app.core.errors import Failure
from app.core.events import Kind, record
from app.core.jobs import function
from app.core.settings import keys_again, origin, replace_key

log = structlog.get_logger()
BATCH = 100
ROTATED = Kind("secrets.rotated", "{number} stored secrets were encrypted with the key {key}", ("number", "key"))
_finished: set[str] = set()


@dataclass(frozen=True)
class Sealed:
    """A column of sealed texts: where each is bound to, with columns of its row in braces. `within`: the column is an
    object, of which those values are sealed that look like it, each bound to its {field}."""

    model: str
    column: str
    place: str
    within: bool = False


@dataclass
class Report:
    """What a pass did: how many were sealed again, and which can't be opened."""

    done: int = 0
    unreadable: list[str] = field(default_factory=list)


def counts() -> dict[str, int]:
    """How many stored secrets each key sealed, by the key's short name."""
    found: Counter[str] = Counter()
    for one in _registry():
        model, column = _column(one)
        if one.within:
            rows = session.scalars(select(column))
            found.update(secrets.sealed_by(text) for row in rows for text in _texts(row).values())
        else:
            key = func.substr(column, 1, 8)
            for name, number in session.execute(select(key, func.count()).where(
                    column.is_not(None), column != "").group_by(key)):
                found[name] += number
    return dict(found)


def lacking(sealed: Mapping[str, int]) -> dict[str, int]:
    """Of what each key sealed, that of keys that are not at hand."""
    return {name: number for name, number in sorted(sealed.items()) if name not in secrets.key_ids()}


def missing() -> dict[str, int]:
    """How many secrets each key sealed that is not at hand."""
    try:
        return lacking(counts())
    except SQLAlchemyError:  # no database or no tables yet: other checks say so
        return {}
    finally:
        session.rollback()


def require_keys() -> None:
    """Raise Failure naming each key that sealed something and is not at hand: better no start than lost secrets."""
    if found := missing():
        said = ", ".join(f"{name} ({number} secrets)" for name, number in found.items())
        raise Failure(f"ENCRYPTION_KEYS lacks the key {said}. Add it behind the first one, then start again.")


def reseal() -> int:
    """Tick: whatever another key than the first sealed is sealed again; once all is, nothing more is looked for."""
    first = secrets.key_ids()[0]
    if first in _finished:
        return 0
    done = rotate()
    _finished.add(first)
    for place in done.unreadable:
        log.error("secret.unreadable", place=place)
    return done.done


def rotate() -> Report:
    """Seal everything again that the first key did not seal, in small transactions beside whoever works."""
    report = Report()
    for one, keys in _batches():
        with transaction():
            for key in keys:
                _again(one, key, report)
    if report.done:
        with transaction():
            record(ROTATED, "secrets", by=SYSTEM, number=report.done, key=secrets.key_ids()[0])
    return report


def _batches() -> Iterator[tuple[Sealed, list[int]]]:
    for one in _registry():
        keys = _waiting(one, 0)
        while keys:
            yield one, keys
            keys = _waiting(one, keys[-1])


def _waiting(one: Sealed, after: int) -> list[int]:
    model, column = _column(one)
    query: Select[Any] = select(model.id).where(model.id > after).order_by(model.id).limit(BATCH)
    if not one.within:
        query = query.where(column.is_not(None), column != "", ~column.startswith(f"{secrets.key_ids()[0]}."))
    try:
        return list(session.scalars(query))
    finally:
        session.rollback()


def _again(one: Sealed, key: int, report: Report) -> None:
    """One row, if nobody changes it at the same moment: they seal with the first key anyway."""
    model, column = _column(one)
    row = session.get(model, key, populate_existing=True, with_for_update=True)
    former = getattr(row, one.column, None)
    if row is None or not former:
        return
    old = _texts(former) if one.within else {"": former}
    new: dict[str, str] = {}
    for name, text in old.items():
        place = one.place.format(field=name, **{part.key: getattr(row, part.key) for part in model.__table__.columns})
        try:
            if not secrets.is_current(text):
                new[name] = secrets.seal(secrets.open_(text, bound_to=place), bound_to=place)
        except secrets.Unreadable:
            report.unreadable.append(place)
    if new:
        session.execute(update(model).where(model.id == key).values(
            {one.column: {**former, **new} if one.within else new[""]}))
        report.done += len(new)


def _texts(value: Any) -> dict[str, str]:
    return {name: text for name, text in (value or {}).items() if secrets.is_sealed(text)}


def _registry() -> Iterator[Sealed]:
    yield from current_app.extensions["sealed"]


def _column(one: Sealed) -> tuple[Any, Any]:
    model: Any = function(one.model)
    return model, getattr(model, one.column)


def add_key() -> str:
    """Make a new first key in the instance folder; the former ones go on opening. Its short name.

    Raises Failure where the keys come from elsewhere: there the operator puts one in front.
    """
    if origin("ENCRYPTION_KEYS") != "default":
        raise Failure("ENCRYPTION_KEYS is set by you: put a new key in front of it (`oncall secrets key` makes one), "
                      "restart, and `oncall secrets rotate` encrypts everything with it.")
    path = Path(current_app.config["ONCALL_INSTANCE"]) / "keys" / "encryption_keys"
    keys = ",".join((secrets.new_key(), path.read_text().strip()))
    replace_key(path, keys)
    current_app.config["ENCRYPTION_KEYS"] = keys
    secrets.configure(keys, again=keys_again(current_app.config))
    return secrets.key_ids()[0]
