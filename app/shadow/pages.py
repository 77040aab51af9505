"""The page of what is in shadow: the switch, what would have left, and what is silent still."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select

from app.core.access import Actor
from app.core.db import session
from app.core.errors import Invalid
from app.core.shadow import Shadow
from app.identity.queries import may
from app.incidents.models import Incident
from app.shadow import queries
from app.shadow.models import Unsent

SHOWN = 100


@dataclass(frozen=True)
class ShadowPage:
    """What is in shadow with its open incidents, the last of what did not leave, and what became of former shadows."""

    now: list[tuple[Shadow, int]]
    silent: list[Incident]
    unsent: list[Unsent]
    number: int
    former: list[Shadow]
    may_edit: bool
    choices: list[tuple[str, str]]
    filters: Mapping[str, str]
    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)


def shadow_page(by: Actor, args: Mapping[str, str], *, typed: Mapping[str, str] | None = None,
                invalid: Invalid | None = None) -> ShadowPage:
    """As this person may see it."""
    edits = may(by, "shadow.edit")
    query = queries.unsent(by, args)
    rows = list(session.scalars(query.order_by(Unsent.at.desc(), Unsent.id.desc()).limit(SHOWN)))
    number = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    former = session.scalars(select(Shadow).where(Shadow.ended_at.is_not(None)).order_by(Shadow.ended_at.desc()).limit(10))
    errors: dict[str, str] = {}
    for problem in invalid.problems if invalid else ():
        errors.setdefault("what" if problem.field in ("scope", "key") else problem.field, problem.message)
    return ShadowPage(
        now=[(one, len(queries.open_in(one))) for one in queries.visible(by)],
        silent=queries.silent() if edits else [], unsent=rows, number=number, former=list(former) if edits else [],
        may_edit=edits, choices=queries.choices() if edits else [], values=typed or {}, errors=errors,
        filters={name: args[name] for name in ("from", "to", "kind", "shadow") if args.get(name)})


@dataclass(frozen=True)
class EndPage:
    """What is open in a shadow that is about to end."""

    shadow: Shadow
    open: list[Incident]


def end_page(shadow: Shadow) -> EndPage:
    """Everything that stays silent unless ticked."""
    return EndPage(shadow, queries.open_in(shadow))


def row_of(one: Unsent) -> list[Any]:
    """A line of the CSV, as `HEADINGS` names it."""
    said = queries.unsent_document(one)
    return [said[name] for name in HEADINGS]


HEADINGS = ("at", "kind", "whom", "user", "channel", "reason", "incident", "title", "shadow")
