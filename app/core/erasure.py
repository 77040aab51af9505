"""Erasing a person: what becomes of each row that is about them, as one table says (`app/personal.py`), in one transaction.

One table and not a reaction of each domain: a reaction runs later and by itself, so that one which fails would leave a
telephone number behind while the page says that it is gone; and only what stands as data can be held against all tables
there are (`tests/identity/test_erasing.py`), so that no new one is forgotten.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Delete, String, Update, and_, cast, delete, literal, or_, select, true, update

from app.core import clock
from app.core.db import session
from app.core.former import Known
from app.core.jobs import function

NOW, NUMBER = object(), object()
"""As values of a column: the present instant, and the row's own number where something has to stand that differs."""


@dataclass(frozen=True)
class Whose:
    """Who is erased, and how columns name them: by id, by reference, or by a name that nobody else bears."""

    id: int
    ref: str
    names: frozenset[str]
    now: str


@dataclass(frozen=True)
class Row:
    """The rows of a table that name a person in the column `by`. `through`: that column names rows of this other model,
    which name the person by `user_id`. `unless`: only rows in which this column is empty."""

    model: str
    by: str = "user_id"
    through: str = ""
    unless: str = ""

    def of(self, whose: Whose) -> tuple[Any, ColumnElement[bool]]:
        """The model, and which rows are theirs."""
        model: Any = function(self.model)
        column = getattr(model, self.by)
        if self.through:
            other: Any = function(self.through)
            theirs = column.in_(select(other.id).where(other.user_id == whose.id))
        else:
            theirs = column == (whose.ref if isinstance(column.type, String) else whose.id)
        return model, and_(theirs, getattr(model, self.unless).is_(None) if self.unless else true())


@dataclass(frozen=True)
class Goes(Row):
    """They are deleted."""

    def erase(self, whose: Whose, _known: Known) -> None:
        """Delete them."""
        model, theirs = self.of(whose)
        _do(delete(model).where(theirs))


@dataclass(frozen=True)
class Emptied(Row):
    """They stay, with these values. What stood in the columns `reached` is a word by which the person was reached."""

    values: Mapping[str, Any] = field(default_factory=dict)
    reached: tuple[str, ...] = ()

    def erase(self, whose: Whose, _known: Known) -> None:
        """Write the values."""
        model, theirs = self.of(whose)
        what = {id(NOW): clock.now(), id(NUMBER): literal("#") + cast(model.id, String)}
        _do(update(model).where(theirs).values({name: what.get(id(value), value) for name, value in self.values.items()}))

    def words(self, whose: Whose) -> Iterator[str]:
        """By what the person was reached and nobody else is."""
        model, theirs = self.of(whose)
        for name in self.reached:
            column = getattr(model, name)
            found = {word for word in session.scalars(select(column).where(theirs).distinct()) if word}
            yield from found - set(session.scalars(select(column).where(column.in_(found), ~theirs).distinct()))


@dataclass(frozen=True)
class Renamed(Row):
    """They stay; the copy of the name in the column `name` is the new one. Without `by` the name itself says whose it is."""

    name: str = ""

    def erase(self, whose: Whose, _known: Known) -> None:
        """Write the new name."""
        model: Any = function(self.model)
        column = getattr(model, self.name)
        theirs = self.of(whose)[1] if self.by else column.in_(whose.names)
        _do(update(model).where(theirs, column != "").values({self.name: whose.now}))


@dataclass(frozen=True)
class Told:
    """Sentences and objects that the house itself wrote, about many people: the words in them are translated."""

    model: str
    columns: tuple[str, ...]

    def erase(self, _whose: Whose, known: Known) -> None:
        """Look for each word, and write anew what holds one."""
        model: Any = function(self.model)
        place, = model.__table__.primary_key
        for column in (getattr(model, name) for name in self.columns):
            for key, value in session.execute(select(place, column).where(_holds(column, known.called))).all():
                told = known.told(value, 0)
                if told != value:
                    _do(update(model).where(place == key).values({column.key: _fitting(column, told)}))


@dataclass(frozen=True)
class Stays(Row):
    """They stay as they are, because."""

    because: str = ""

    def erase(self, _whose: Whose, _known: Known) -> None:
        """History."""


def _do(statement: Delete | Update) -> None:
    session.execute(statement, execution_options={"synchronize_session": False})


def _holds(column: Any, words: Iterable[str]) -> ColumnElement[bool]:
    """Whether one of the words stands in it, also as JSON writes it."""
    text = cast(column, String)
    spelt = {spelling for word in words for spelling in (word, json.dumps(word)[1:-1])}
    return or_(*(text.contains(one, autoescape=True) for one in sorted(spelt)))


def _fitting(column: Any, value: Any) -> Any:
    most = getattr(column.type, "length", None)
    return value[:most] if most and isinstance(value, str) else value


Rule = Goes | Emptied | Renamed | Told | Stays


def words(table: Iterable[Rule], whose: Whose) -> set[str]:
    """By what else than their names the person was reached."""
    return {word for rule in table if isinstance(rule, Emptied) for word in rule.words(whose)}


def erase(table: Iterable[Rule], whose: Whose, known: Known) -> None:
    """All that the table says, in its order, in the open transaction."""
    session.flush()
    for rule in table:
        rule.erase(whose, known)
    session.expire_all()
