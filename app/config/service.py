"""Applying the document: all of it in one transaction or nothing, the same for a rehearsal that is taken back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from flask import current_app
from sqlalchemy import func, select

from app.catalog.dependencies import set_dependencies
from app.config import managed, references
from app.config.changes import Change, Result
from app.config.document import Document, Item, given, identity, parsed, secret_paths
from app.config.kinds import BY_NAME, KINDS, Kind, early, everything, is_theirs
from app.config.reach import forsaken, unattended, unreachable
from app.core.access import OPERATOR, Actor
from app.core.db import alone, pending, session, transaction
from app.core.errors import Conflict, Failure, Invalid, Problem
from app.core.isolation import attempt
from app.core.shapes import Path
from app.identity.queries import may
from app.ingest.route_store import order_routes
from app.notifications.queries import rooms_in_use

MOST_REMOVED, MOST_SHARE = 20, 0.2


class _TakenBack(Exception):
    """Ends a rehearsal, so that its transaction is rolled back and nothing is handed over."""


def apply(document: Document, *, by: Actor = OPERATOR, prune: bool = False, yes: bool = False,
          expected: Sequence[str] | None = None) -> Result:
    """Make the system match the document. Raises Invalid with every fault, Conflict for too large a prune, or when that
    would do something else than `expected`, the changes in words that somebody looked at before."""
    with transaction():
        work = _Work(document, by, prune=prune, yes=yes)
        found = work.done()
        if expected is not None and [str(change) for change in found.changes] != list(expected):
            raise Conflict("What would change is not what you looked at: somebody changed something meanwhile. "
                           "Look at the new plan.")
        managed.remember(document, work.things, work.after, by, changes=len(found.changes),
                         removed=work.before.keys() - work.things.keys())
        return found


def diff(document: Document, *, by: Actor = OPERATOR, prune: bool = False) -> Result:
    """What `apply` would do: the very same, taken back."""
    found = Result()
    with suppress(_TakenBack), transaction():
        found = _Work(document, by, prune=prune, yes=True).done()
        raise _TakenBack
    return found


def work_on(document: Document) -> Result:
    """Make the system match the document inside a transaction of the caller's, who takes it back."""
    return _Work(document, OPERATOR, prune=False, yes=True).done()


def export(by: Actor = OPERATOR) -> dict[str, Any]:
    """The whole configuration without secrets, as `apply` takes it; for a manager what is the own teams' alone."""
    found = {kind.name: kind.documents([thing for thing in everything(kind, by) if is_theirs(kind, thing, by)])
             for kind in KINDS}
    return {"version": 1, **{name: items for name, items in found.items() if items or may(by, "admin")}}


class _Work:
    """One application of one document, inside the open transaction."""

    def __init__(self, document: Document, by: Actor, *, prune: bool, yes: bool) -> None:
        self.document, self.prune, self.yes = document, prune, yes
        self.by = replace(by, name=f"{by.name} with {', '.join(document.files)}"[:200]) if document.files else by
        self.before: dict[tuple[str, str], dict[str, Any]] = {}
        self.things: dict[tuple[str, str], Any] = {}
        self.after: dict[tuple[str, str], dict[str, Any]] = {}
        self.failed: set[tuple[str, str]] = set()
        self.large: list[str] = []

    def done(self) -> Result:
        """Do it, and say what was done."""
        alone("apply configuration")
        references.check(self.document, _present())
        self.document.raise_if_any()
        before = forsaken()
        for kind in KINDS:
            self._remember(kind)
        for kind in KINDS:
            self._save(kind)
        self._depend()
        for kind in KINDS:
            self._finish(kind)
        moved = self._order()
        self.document.raise_if_any()
        removed = self._prune() if self.prune else []
        session.flush()
        self._refuse({key: said for key, said in forsaken().items() if key not in before})
        return Result([*self._changes(), *moved, *removed], [*unattended(self.by), *unreachable(self.by)], self.large)

    def _items(self, kind: Kind) -> Iterator[tuple[int, str, Item]]:
        for position, item in enumerate(self.document.items.get(kind.name, [])):
            yield position, identity(kind.name, item), item

    def _remember(self, kind: Kind) -> None:
        """How the objects of this kind are now, to tell afterwards what changed."""
        if kind.name not in self.document.items:
            return
        for thing, written in zip(found := everything(kind, self.by), kind.documents(found), strict=True):
            self.things[kind.name, kind.key(thing).lower()] = thing
            self.before[kind.name, kind.key(thing).lower()] = written

    def _save(self, kind: Kind) -> None:
        """What one object takes another may have to let go first: those that fail are tried again, while others don't."""
        left = [one for one in self._items(kind) if not self._as_it_is(kind, *one[1:])]
        while left:
            tried, known = len(left), len(self.document.problems)
            left = [one for one in left if not self._is_saved(kind, *one)]
            if len(left) == tried:
                return
            if left:
                del self.document.problems[known:]
                self.failed -= {(kind.name, key) for _, key, _ in left}

    def _is_saved(self, kind: Kind, position: int, key: str, item: Item) -> bool:
        if references.names(kind.name, early(kind, item)) & self.failed:
            self.failed.add((kind.name, key))
            return False
        with self._blaming(kind, position, key):
            self.things[kind.name, key] = thing = kind.save(early(kind, item), by=self.by)
            if kind.restore and (kind.name, key) not in self.before:
                kind.restore(thing, by=self.by)
        return (kind.name, key) not in self.failed

    def _depend(self) -> None:
        """All dependencies at once: the graph as a whole must be free of cycles, whatever the order of the lines."""
        wanted = {item["key"]: item["depends_on"] for item in self.document.items.get("services", [])
                  if item.get("depends_on") is not None and not self._hopeless("services", item)
                  and not self._as_it_is(BY_NAME["services"], identity("services", item), item)}
        try:
            set_dependencies(wanted, by=self.by)
        except Invalid as error:
            for problem in error.problems:
                key, _, path = problem.field.partition(".")
                self.document.blame("services", self.document.find("services", key) or 0, parsed(path), problem.message)

    def _order(self) -> list[Change]:
        """Routes stand as the document lists them."""
        names = [item["name"] for item in self.document.items.get("routes", [])
                 if ("routes", identity("routes", item)) in self.things]
        fresh = any(("routes", name.lower()) not in self.before for name in names)
        moved = bool(names) and order_routes(names, by=self.by)
        return [Change("changed", "routes", "all", ("order",))] if moved and not fresh else []

    def _finish(self, kind: Kind) -> None:
        for position, key, item in self._items(kind):
            if self._hopeless(kind.name, item) or self._as_it_is(kind, key, item):
                continue
            with self._blaming(kind, position, key):
                kind.finish(self.things[kind.name, key], item, by=self.by)

    def _as_it_is(self, kind: Kind, key: str, item: Item) -> bool:
        """Whether the object is word for word as it was: then there is nothing to do. Secrets never are, unseen."""
        before = self.before.get((kind.name, key))
        return before is not None and all(name in before and before[name] == value for name, value in item.items())

    def _hopeless(self, kind: str, item: Item) -> bool:
        """Whether the object, or one that it names, is blamed already: what follows from that needs no second line."""
        return bool({(kind, identity(kind, item)), *references.names(kind, item)} & self.failed)

    @contextmanager
    def _blaming(self, kind: Kind, position: int, key: str) -> Iterator[None]:
        """A failure becomes a fault of the object's lines, and the next object is looked at all the same."""
        try:
            with attempt():
                yield
        except Failure as error:
            self.failed.add((kind.name, key))
            for problem in getattr(error, "problems", None) or [Problem("", error.detail)]:
                path = parsed(problem.field)
                self.document.blame(kind.name, position, path, problem.message + self._left_out(kind, position, path))

    def _left_out(self, kind: Kind, position: int, path: Path) -> str:
        """What to do about a secret that a new object needs and that an export of another system has not got."""
        item = self.document.items[kind.name][position]
        wanted = path in secret_paths(kind.name, item, current_app.extensions["plugins"]) and not given(item, path)
        return ". An export leaves secrets out: write it here, or as ${env:NAME}" if wanted else ""

    def _prune(self) -> list[Change]:
        """Remove what the document's kinds do not name, last kind first. Raises Conflict beyond the threshold."""
        removed = []
        for kind in reversed(KINDS):
            if kind.name not in self.document.items:
                continue
            named = {key for _, key, _ in self._items(kind)}
            superfluous = [key for name, key in self.before if name == kind.name and key not in named]
            superfluous = [key for key in superfluous if not _gone(self.things[kind.name, key])
                           and is_theirs(kind, self.things[kind.name, key], self.by)]
            self._weigh(kind, superfluous)
            for key in superfluous:
                kind.remove(self.things.pop((kind.name, key)), by=self.by)
                removed.append(Change("removed", kind.noun, key))
        return removed

    def _weigh(self, kind: Kind, superfluous: Sequence[str]) -> None:
        everyone = sum(name == kind.name and is_theirs(kind, self.things[name, key], self.by) for name, key in self.before)
        if len(superfluous) > MOST_REMOVED or len(superfluous) > MOST_SHARE * everyone:
            self.large.append(f"This would remove {len(superfluous)} of {everyone} {kind.name.replace('_', ' ')}: "
                              f"{', '.join(superfluous[:5])}{' …' if len(superfluous) > 5 else ''}")
            if not self.yes:
                raise Conflict(f"{self.large[-1]}. Say --yes if that is meant")

    def _refuse(self, forsaken: Mapping[tuple[str, str], str]) -> None:
        """Blame whoever would be forsaken by this, at their line where the document names them."""
        for (kind, key), said in forsaken.items():
            position = self.document.find(kind, key)
            if position is None:
                self.document.problems.append(Problem("", said))
            else:
                self.document.blame(kind, position, (), said)
        self.document.raise_if_any()

    def _changes(self) -> Iterator[Change]:
        told = {event.subject for event in pending().events}
        for kind in KINDS:
            for _, key, _ in self._items(kind):
                thing, before = self.things[kind.name, key], self.before.get((kind.name, key))
                after = self.after[kind.name, key] = kind.document(thing)
                if before is None:
                    yield Change("created", kind.noun, kind.key(thing), now=after)
                elif fields := tuple(name for name in {**before, **after} if before.get(name) != after.get(name)):
                    yield Change("changed", kind.noun, kind.key(thing), fields, *(
                        {name: side.get(name) for name in fields} for side in (before, after)))
                elif thing.ref in told:
                    yield Change("changed", kind.noun, kind.key(thing), ("secrets",))


def _gone(thing: Any) -> bool:
    """What is archived or paused already needs no removal."""
    return getattr(thing, "lifecycle", "") == "archived" or getattr(thing, "paused_at", None) is not None


def _present() -> dict[str, set[str]]:
    """The keys of everything that exists, archived and deactivated things included."""
    columns = {kind.name: getattr(kind.query(OPERATOR).column_descriptions[0]["entity"], kind.id) for kind in KINDS}
    rooms = {said.lower() for room in rooms_in_use() for said in (room.name, room.key)}
    return {**{name: set(session.scalars(select(func.lower(column)))) for name, column in columns.items()}, "rooms": rooms}
