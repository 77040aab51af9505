"""What a live page is made of: its feed, a view of it that several people share, and the line to one socket."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

QUEUE = 8  # frames a slow socket may be behind before it is sent everything instead


@dataclass(frozen=True)
class Feed:
    """The live side of a page: which of its blocks refresh on which kinds of event.

    `path` is the page's own rule (`/incidents/<int:id>`). `build(**arguments)` is the page's own query and returns its
    context; it runs as the viewer and must not write. `topics` are filled from the arguments (`"incident:{id}"`), `"*"` is
    everything. `regions` maps a block to the kinds that change it, patterns separated by spaces. `rows` names list
    regions: block of one row, field of the context with the items, name of one item; only rows that changed are sent.
    `personal` pages are rendered for each person alone. `apart(**arguments)` runs as the viewer and says what else, besides
    the rights, two viewers must have in common to share a render. `wider` names further topics of single regions.
    """

    path: str
    template: str
    build: Callable[..., Any]
    topics: tuple[str, ...]
    regions: Mapping[str, str]
    rows: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    personal: bool = False
    apart: Callable[..., str] | None = None
    wider: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass
class View:
    """What several sockets see alike: one page, one query string, one set of rights."""

    feed: Feed
    arguments: dict[str, Any]
    lines: set[Line] = field(default_factory=set)
    sent: dict[str, str] = field(default_factory=dict)
    version: int = 0
    whole: tuple[int, float, str] = (-1, 0.0, "")
    lock: threading.RLock = field(default_factory=threading.RLock)

    def due(self, events: Sequence[Mapping[str, Any]]) -> list[str]:
        """The regions that one of `events` changes."""
        mine = {topic.format(**self.arguments) for topic in self.feed.topics}
        kinds = _kinds(events, mine)
        return [name for name, patterns in self.feed.regions.items()
                if _fits(kinds | _kinds(events, self.feed.wider.get(name, ())), patterns)]


def _kinds(events: Sequence[Mapping[str, Any]], topics: Collection[str]) -> set[str]:
    """The kinds of what happened to one of `topics`."""
    return {kind for event in events if "*" in topics or not set(topics).isdisjoint(event["topics"])
            for kind in event["kinds"]}


def _fits(kinds: Collection[str], patterns: str) -> bool:
    return any(fnmatchcase(kind, pattern) for kind in kinds for pattern in patterns.split())


@dataclass(eq=False)
class Line:
    """One socket as the hub sees it: a short queue of frames and a bell. Only the socket's own thread writes to it."""

    environ: dict[str, Any]
    ring: Callable[[], None]
    key: tuple[str, ...] = ()
    frames: deque[str] = field(default_factory=deque)
    everything: bool = True
    recheck: bool = False

    def put(self, frame: str) -> None:
        """Queue a frame; a socket too far behind is sent everything instead."""
        if len(self.frames) >= QUEUE:
            self.frames.clear()
            self.everything = True
        elif not self.everything:
            self.frames.append(frame)
        self.ring()


def frames(blocks: Mapping[str, str]) -> str:
    """The message hx-ws understands: each region replaced by its new self, morphed so that focus and text stay."""
    return "".join(f'<hx-partial hx-target="#{name}" hx-swap="outerMorph">{html}</hx-partial>'
                   for name, html in blocks.items())


def emptied(names: Sequence[str]) -> str:
    """The message that takes away what the viewer may no longer see."""
    return "".join(f'<hx-partial hx-target="#{name}" hx-swap="innerHTML"></hx-partial>' for name in names)
