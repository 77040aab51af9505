"""What is shown of people who were erased, wherever the log speaks of them.

The log is a chain of digests: no row of it is ever rewritten. So what it said stays, and what is *read* from it is
translated: an actor by their reference, which is certain; whatever else they were called or reached by (names they had,
addresses, numbers) by the words themselves, since a fact's data holds words. The words are kept sealed, for without them
nothing could be translated; they count up to the last fact before the erasure, as whoever bears the name later is
somebody else, and one that another person bore then, too, is not among them. A name of one plain word ("Bob") is
translated only where it is all there is, everything else also within a text.

Each process keeps them in memory and asks once a second at most, with no other statement than the greatest number. Where
nobody was ever erased that is all that is done.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

import structlog
from flask import Flask, current_app, has_app_context
from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock, secrets
from app.core.db import Base, BigId
from app.core.remembered import Remembered

log = structlog.get_logger()
NEWEST = "SELECT max(id) FROM former_people"
EVERY = "SELECT id, ref, said_until, sealed FROM former_people ORDER BY id"
Called = Mapping[str, tuple[int, str]]


class FormerPerson(Base):
    """Somebody who was erased: `id` is the n of "Former person n", `sealed` a JSON object with what each word that they
    were called or reached by is shown as, in facts up to `said_until`."""

    __tablename__ = "former_people"

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    ref: Mapped[str] = mapped_column(String(80), unique=True)
    said_until: Mapped[int] = mapped_column(BigId)
    sealed: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(default=clock.now)


def name_of(number: int) -> str:
    """What a former person is called."""
    return f"Former person {number}"


def place(ref: str) -> str:
    """What their words are sealed for."""
    return f"former_person:{ref}"


@dataclass(frozen=True)
class Known:
    """Former people by reference, and all that they were called: up to which fact, and what is said instead."""

    newest: int = 0
    names: Mapping[str, str] = field(default_factory=dict)
    called: Called = field(default_factory=dict)

    @cached_property
    def within(self) -> re.Pattern[str] | None:
        """Finds in a text what may be translated there, whole words only."""
        words = sorted((word for word in self.called if not word.isalpha()), key=len, reverse=True)
        return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, words))})(?!\w)") if words else None

    def told(self, value: Any, at: int) -> Any:
        """The value as the fact `at` shows it; lists and objects with all that is in them."""
        if isinstance(value, str):
            return self._text(value, at)
        if isinstance(value, list):
            return [self.told(one, at) for one in value]
        return {name: self.told(one, at) for name, one in value.items()} if isinstance(value, dict) else value

    def _text(self, text: str, at: int) -> str:
        until, said = self.called.get(text, (-1, ""))
        if until >= at:
            return said
        return self.within.sub(lambda found: self._word(found[0], at), text) if self.within else text

    def _word(self, word: str, at: int) -> str:
        until, said = self.called[word]
        return said if until >= at else word


def ask(cursor: Any, former: Known) -> Known:
    """Everybody who was erased; where nobody was since, that is all that is asked."""
    cursor.execute(NEWEST)
    newest = cursor.fetchone()[0] or 0
    if newest == former.newest:
        return former
    cursor.execute(EVERY)
    return _read(cursor.fetchall())


def _read(rows: Iterable[tuple[int, str, int, str]]) -> Known:
    """Words that can't be opened are left out: who acted is translated all the same."""
    newest, names, called = 0, {}, {}
    for newest, ref, until, sealed in rows:
        names[ref] = name_of(newest)
        try:
            words = json.loads(secrets.open_(sealed, bound_to=place(ref)))
        except (secrets.Unreadable, ValueError):
            log.error("secret.unreadable", place=place(ref))
            continue
        called.update({word: (until, said) for word, said in words.items()})
    return Known(newest, names, called)


def remembered(app: Flask) -> Remembered[Known]:
    """What a process knows of former people; at first nobody."""
    return Remembered(app, Known(), ask)


def known() -> Known:
    """Former people, as this process knows them."""
    found: Remembered[Known] | None = current_app.extensions.get("former") if has_app_context() else None
    return found() if found is not None else Known()


def name(ref: str, said: str) -> str:
    """The name of whoever `ref` is, which was `said` then."""
    return known().names.get(ref, said)


def gone(ref: str) -> bool:
    """Whether this is somebody who was erased."""
    return ref in known().names


def told(said: Any, *, at: int | None, subject: str = "") -> Any:
    """What the fact `at` holds, as it is shown. What was before and after is left out where a former person is the
    `subject`: it was all about them. A fact without a number is being recorded, and nobody's past."""
    found = known()
    if not found.names or at is None:
        return said
    if subject in found.names and isinstance(said, dict):
        said = {name: value for name, value in said.items() if name not in ("before", "after")}
    return found.told(said, at)
