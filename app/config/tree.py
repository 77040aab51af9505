"""Reads YAML or JSON into plain values that remember where each stood; what could harm the reader is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from app.core.shapes import Path

MOST_BYTES = 10 * 1024 * 1024
MOST_GROWTH = 10
DEEPEST = 40
LONGEST_SCALAR = 1024 * 1024
PLAIN_TAGS = {None, "!", "tag:yaml.org,2002:str", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map"}
PAIR = re.compile(r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
Events = Iterator[yaml.events.Event]


class Unreadable(Exception):
    """The text is no acceptable YAML or JSON; line and column count from 1."""

    def __init__(self, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.message, self.line, self.column = message, line, column


@dataclass(slots=True)
class Place:
    """Where a value stands, and the places of what it holds; `keys` are those of a mapping's keys."""

    line: int
    column: int
    items: dict[str | int, Place] = field(default_factory=dict)
    keys: dict[str | int, Place] = field(default_factory=dict)
    size: int = 1

    def at(self, path: Path, *, key: bool = False) -> Place:
        """The place of the value at `path`, or of its key; the nearest one above it when that does not exist."""
        here = self
        for depth, part in enumerate(path, 1):
            if key and depth == len(path) and part in here.keys:
                return here.keys[part]
            if part not in here.items:
                return here
            here = here.items[part]
        return here


def read(raw: bytes) -> tuple[Any, Place]:
    """The value of a document and where its parts stand. Raises Unreadable."""
    if len(raw) > MOST_BYTES:
        raise Unreadable(f"The document is larger than {MOST_BYTES // 1024 // 1024} MiB")
    try:
        text = _joined(raw.decode("utf-8-sig"))
        return _Reader(len(raw)).read(yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except UnicodeDecodeError as error:
        raise Unreadable(f"The document is not UTF-8: {error.reason}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Unreadable(str(error.problem or error.context), mark.line + 1 if mark else 1,
                         mark.column + 1 if mark else 1) from None
    except yaml.YAMLError as error:
        raise Unreadable(str(error).splitlines()[0]) from None


def _joined(text: str) -> str:
    """JSON writes what lies beyond 16 bits as two escapes, which YAML knows only as one."""
    if not text.lstrip().startswith("{"):
        return text
    return PAIR.sub(
        lambda pair: pair[1] + f"\\U{0x10000 + (int(pair[2], 16) - 0xD800) * 0x400 + int(pair[3], 16) - 0xDC00:08x}",
                    text)


@dataclass(slots=True)
class _Frame:
    """A list or mapping that is being read."""

    value: Any
    place: Place
    anchor: str | None
    key: str | None = None
    key_place: Place | None = None


class _Reader:
    """Builds the value from the parser's events without recursion, so that no depth can break it."""

    def __init__(self, size: int) -> None:
        self.most = MOST_GROWTH * max(size, 1000)
        self.grown = 0
        self.stack: list[_Frame] = []
        self.anchors: dict[str, tuple[Any, Place]] = {}
        self.root: tuple[Any, Place] | None = None
        self.documents = 0

    def read(self, events: Events) -> tuple[Any, Place]:
        """The one document of the stream."""
        for event in events:
            handle = _HANDLERS.get(type(event))
            if handle is not None:
                handle(self, event)
        return self.root or (None, Place(1, 1))

    def _open(self, event: Any) -> None:
        place = self._checked(event)
        if len(self.stack) >= DEEPEST:
            raise Unreadable(f"This is nested more than {DEEPEST} deep", place.line, place.column)
        value: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
        self.stack.append(_Frame(value, place, event.anchor))

    def _close(self, event: Any) -> None:
        done = self.stack.pop()
        self._place(done.value, done.place, done.anchor)

    def _scalar(self, event: Any) -> None:
        place = self._checked(event)
        if len(event.value) > LONGEST_SCALAR:
            raise Unreadable("This text is longer than 1 MiB", place.line, place.column)
        place.size += len(event.value)
        plain = event.style is None or event.style == ""
        is_key = bool(self.stack) and isinstance(self.stack[-1].value, dict) and self.stack[-1].key is None
        value = event.value if is_key or not plain or event.tag is not None else scalar(event.value)
        self._place(value, place, event.anchor)

    def _alias(self, event: Any) -> None:
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        if event.anchor not in self.anchors:
            raise Unreadable(f"The alias *{event.anchor} stands for nothing that is complete", line, column)
        value, place = self.anchors[event.anchor]
        self._place(value, Place(line, column, place.items, place.keys, place.size), None)

    def _document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            raise Unreadable("A file holds one document", event.start_mark.line + 1)

    def _checked(self, event: Any) -> Place:
        place = Place(event.start_mark.line + 1, event.start_mark.column + 1)
        if event.tag not in PLAIN_TAGS:
            raise Unreadable(f"The tag {event.tag} is not accepted", place.line, place.column)
        return place

    def _place(self, value: Any, place: Place, anchor: str | None) -> None:
        """Put a finished value where it belongs, and count what it has grown to."""
        self.grown += place.size if not isinstance(value, (dict, list)) or anchor is None else 1
        if place.size > self.most or self.grown > self.most:
            raise Unreadable("The aliases expand to more than ten times the document", place.line, place.column)
        if anchor is not None:
            self.anchors[anchor] = (value, place)
        if not self.stack:
            self.root = (value, place)
            return
        frame = self.stack[-1]
        frame.place.size += place.size
        if isinstance(frame.value, list):
            frame.place.items[len(frame.value)] = place
            frame.value.append(value)
        elif frame.key is None:
            self._key(frame, value, place)
        else:
            frame.value[frame.key], frame.place.items[frame.key] = value, place
            frame.key = None

    def _key(self, frame: _Frame, value: Any, place: Place) -> None:
        if isinstance(value, (dict, list)):
            raise Unreadable("A key must be text", place.line, place.column)
        if str(value) in frame.value:
            first = frame.place.keys[str(value)]
            raise Unreadable(f"{value} stands here twice; first on line {first.line}", place.line, place.column)
        frame.key = str(value)
        frame.place.keys[frame.key] = place


_HANDLERS: dict[type, Callable[[_Reader, Any], None]] = {
    yaml.DocumentStartEvent: _Reader._document, yaml.MappingStartEvent: _Reader._open,
    yaml.SequenceStartEvent: _Reader._open, yaml.MappingEndEvent: _Reader._close,
    yaml.SequenceEndEvent: _Reader._close, yaml.ScalarEvent: _Reader._scalar, yaml.AliasEvent: _Reader._alias,
}
WORDS = {"": None, "~": None, "null": None, "Null": None, "NULL": None, "true": True, "True": True, "TRUE": True,
         "false": False, "False": False, "FALSE": False}
WHOLE = re.compile(r"[-+]?[0-9]{1,18}")
NUMBER = re.compile(r"[-+]?(\.[0-9]{1,30}|[0-9]{1,30}(\.[0-9]{0,30})?)([eE][-+]?[0-9]{1,3})?")


def scalar(text: str) -> Any:
    """What an unquoted word means by YAML 1.2's core schema: `on`, `09:00` and dates stay text."""
    if text in WORDS:
        return WORDS[text]
    if WHOLE.fullmatch(text):
        return int(text)
    return float(text) if NUMBER.fullmatch(text) else text
