"""A document that somebody brought: looked at first, then applied as it was looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from app.config import errands, service
from app.config.changes import Change, Result
from app.config.document import Document, load
from app.config.models import Errand
from app.core.access import Actor
from app.core.db import transaction
from app.core.errors import Conflict, Forbidden
from app.identity.queries import may_anywhere

Source = tuple[str, bytes]
ACTION = "configuration.apply"


def looked_at(sources: Sequence[Source], *, prune: bool, by: Actor) -> Errand:
    """The plan of these files, kept for whoever asked. Raises Invalid with every fault."""
    found = looked_at_only(sources, prune=prune, by=by)
    texts = [[name, raw.decode("utf-8", "replace")] for name, raw in sources]
    with transaction():
        return errands.keep("plan", ", ".join(name for name, _ in sources), by=by, said={"prune": prune},
                            secret={"sources": texts}, found=written(found))


def looked_at_only(sources: Sequence[Source], *, prune: bool, by: Actor) -> Result:
    """What an apply of these files by `by` would do. Raises Invalid with every fault."""
    _allowed(by)
    return service.diff(load(sources, fetching=False), by=by, prune=prune)


def applied(sources: Sequence[Source], *, prune: bool, yes: bool, by: Actor) -> Result:
    """Apply these files as `by`. Raises Invalid with every fault, Conflict for too large a prune."""
    _allowed(by)
    return service.apply(load(sources, fetching=False), by=by, prune=prune, yes=yes)


def carried_out(plan: Errand, *, yes: bool, by: Actor) -> Result:
    """Apply what was looked at. When that would do something else by now the plan is made anew, and Conflict says so."""
    _allowed(by)
    if plan.state == "applied":
        raise Conflict("This plan is applied already.")
    if plan.found["large"] and not yes:
        raise Conflict("Much would be removed. Tick the box if that is meant.")
    prune = bool(plan.said.get("prune"))
    try:
        done = service.apply(document_of(plan), by=by, prune=prune, yes=yes, expected=words(plan))
    except Conflict:
        again = service.diff(document_of(plan), by=by, prune=prune)
        with transaction():
            plan.found = written(again)
        raise
    with transaction():
        errands.end(plan, by, state="applied")
    return done


def document_of(plan: Errand) -> Document:
    """The document that was brought."""
    return load([(name, text.encode()) for name, text in errands.secret_of(plan)["sources"]], fetching=False)


def words(plan: Errand) -> list[str]:
    """Each change of the plan in words, as they were looked at."""
    return [str(Change(one["action"], one["kind"], one["key"], tuple(one["fields"])))
            for one in plan.found["changes"]]


def written(found: Result) -> dict[str, Any]:
    """A result for keeping."""
    return {"changes": [asdict(change) for change in found.changes], "warnings": found.warnings, "large": found.large}


def _allowed(by: Actor) -> None:
    if not may_anywhere(by, ACTION):
        raise Forbidden("Your role does not include this.")
