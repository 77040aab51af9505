"""The configuration document: files merged into one, checked as a whole, every fault with its place."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import current_app

from app.config import shape
from app.config.tree import Place, Unreadable, read
from app.core import shapes
from app.core.errors import Invalid, Problem
from app.core.plugins import Registry
from app.core.shapes import Path

SECRET = re.compile(r"\$\{(env|file):([^}]+)\}")
KINDS = ("users", "teams", "schedules", "escalation_policies", "services", "integrations", "heartbeats", "runbooks",
         "connections", "routes", "status_pages", "partners",
         "maintenance", "webhooks", "workflows", "postmortem_templates",
         "rooms")
NAMED_BY = {"users": "email", "routes": "name", "status_pages": "slug", "partners": "email"}
WRITE_ONLY: dict[str, tuple[Path, ...]] = {
    "users": (("password",),), "integrations": (("token",), ("secret",)), "heartbeats": (("token",),),
    "webhooks": (("secret",),), "rooms": (("address",),), "status_pages": (("export", "header"),)}
PART = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
Item = dict[str, Any]
MOST_OBJECTS = 50_000


def identity(kind: str, item: Mapping[str, Any]) -> str:
    """By what an object of this kind is known; letter case does not matter."""
    return str(item.get(NAMED_BY.get(kind, "key"), "")).lower()


@dataclass
class Document:
    """What one or several files say together. `items` hold only the kinds that are present, be it empty."""

    items: dict[str, list[Item]] = field(default_factory=dict)
    places: dict[tuple[str, int], tuple[str, Place]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

    def find(self, kind: str, key: str) -> int | None:
        """The position of an object in its list."""
        return next((at for at, item in enumerate(self.items.get(kind, [])) if identity(kind, item) == key.lower()),
                    None)

    def blame(self, kind: str, position: int, path: Path, message: str, *, at_key: bool = False) -> None:
        """Note a fault of one object at `path` below it."""
        name, place = self.places[kind, position]
        spot = place.at(path, key=at_key)
        where = shapes.field((kind, position, *path))
        self.problems.append(Problem(f"{name}:{spot.line}:{spot.column} {where}", message))

    def raise_if_any(self) -> None:
        """Raise Invalid with everything that is wrong."""
        if self.problems:
            raise Invalid(problems=list(dict.fromkeys(self.problems)))


def given(value: Any, path: Path) -> bool:
    """Whether anything stands at this path."""
    for part in path:
        if isinstance(value, dict):
            value = value.get(part)
        else:
            value = value[part] if isinstance(value, list) and isinstance(part, int) and part < len(value) else None
    return value not in (None, "")


def parsed(path: str) -> Path:
    """The parts of a path as people write it, `members[1].user`."""
    return tuple(int(number) if number else name for name, number in PART.findall(path))


def load(sources: Iterable[tuple[str, bytes]], *, fetching: bool = True) -> Document:
    """Read, check and merge files (name, content). Raises Invalid with every fault as `file:line:column path`.

    `fetching`: `${env:NAME}` and `${file:path}` are filled in. Otherwise they are faults: only an operator of the machine
    may read its environment and files.
    """
    document = Document()
    for name, raw in sources:
        document.files.append(name)
        try:
            value, place = read(raw)
        except Unreadable as fault:
            document.problems.append(Problem(f"{name}:{fault.line}:{fault.column}", fault.message))
            continue
        _add(document, name, value, place)
    for kind, items in document.items.items():
        _refuse_twice(document, kind, items)
    if sum(len(items) for items in document.items.values()) > MOST_OBJECTS:
        document.problems.append(Problem("", f"The document has more than {MOST_OBJECTS} objects"))
    document.raise_if_any()
    for kind, items in document.items.items():
        for position, item in enumerate(items):
            document.items[kind][position] = _with_secrets(document, (kind, position), item, fetching)
    document.raise_if_any()
    return document


def _add(document: Document, name: str, value: Any, place: Place) -> None:
    found = shapes.faults(shapes.validator(shape.document(current_app.extensions["plugins"])), value)
    for fault in found:
        spot = place.at(fault.path, key=fault.at_key)
        where = shapes.field(fault.path) or "document"
        document.problems.append(Problem(f"{name}:{spot.line}:{spot.column} {where}", fault.message))
    if not isinstance(value, dict):
        return
    for kind in KINDS:
        if not isinstance(value.get(kind), list):
            continue
        merged = document.items.setdefault(kind, [])
        for position, item in enumerate(value[kind]):
            if isinstance(item, dict):
                document.places[kind, len(merged)] = (name, place.at((kind, position)))
                merged.append(item)


def _refuse_twice(document: Document, kind: str, items: list[Item]) -> None:
    """An object that two places define is a fault naming both."""
    seen: dict[str, int] = {}
    for position, item in enumerate(items):
        key = identity(kind, item)
        if key in seen:
            name, place = document.places[kind, seen[key]]
            path = (NAMED_BY.get(kind, "key"),)
            document.blame(kind, position, path, f"{key} is defined twice: first in {name}, line {place.line}")
        elif key:
            seen[key] = position


def _with_secrets(document: Document, at: tuple[str, int], item: Item, fetching: bool) -> Item:
    """The object with `${env:NAME}` and `${file:path}` of its secret fields filled in."""
    kind, position = at
    secret = set(secret_paths(kind, item, current_app.extensions["plugins"]))

    def filled(value: Any, path: Path) -> Any:
        if isinstance(value, dict):
            return {name: filled(inner, (*path, name)) for name, inner in value.items()}
        if isinstance(value, list):
            return [filled(inner, (*path, at)) for at, inner in enumerate(value)]
        match = SECRET.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            return value
        if path not in secret:
            document.blame(kind, position, path, "references like ${env:NAME} are for secret fields only")
            return value
        if not fetching:
            document.blame(kind, position, path, "references are read by `oncall apply` alone, on the machine itself")
            return value
        try:
            return _fetched(match[1], match[2])
        except LookupError as fault:
            document.blame(kind, position, path, str(fault.args[0]))
            return value
    return dict(filled(item, ()))


def _fetched(source: str, name: str) -> str:
    if source == "env":
        if name not in os.environ:
            raise LookupError(f"the environment has no {name}")
        return os.environ[name]
    try:
        with open(name, encoding="utf-8") as opened:
            return opened.read(shape.MOST_SECRET).rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise LookupError(f"the file {name} can't be read: {getattr(error, 'strerror', 'not UTF-8')}") from None


def secret_paths(kind: str, item: Item, registry: Registry) -> Iterator[Path]:
    """Where an object of this kind holds secrets: they may be references, and are never written out."""
    if kind == "users":
        yield from (("contact_methods", at, "secret") for at in range(len(item.get("contact_methods") or ())))
    yield from WRITE_ONLY.get(kind, ())
    if kind == "schedules":
        yield from (("calendars", at, "url") for at in range(len(item.get("calendars") or ())))
    if kind == "integrations":
        plugin = registry.integrations.get(str(item.get("plugin")))
        yield from (("config", one.name) for one in (plugin.fields if plugin else ()) if one.secret)
    if kind == "connections":
        action = registry.actions.get(str(item.get("action")))
        yield from (("config", one.name) for one in (action.fields if action else ()) if one.secret)
