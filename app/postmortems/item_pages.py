"""What the pages of action items show: the reader's own, lists with filters, one with its form, a leaver's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import select

from app.connections import queries as connections
from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.identity.models import Team, User
from app.identity.queries import allow, user_by_email, visible_teams
from app.plugin_api import Field
from app.postmortems import forms, item_queries, rules, tickets
from app.postmortems.models import ActionItem

MOST = 300
NAMES = {"left": "Open or in progress", "overdue": "Overdue", "week": "Due within a week"}


@dataclass(frozen=True)
class ItemsPage:
    """The list that the address asks for; without filters the reader's own. `leaver` is whose items can be handed over."""

    items: list[ActionItem]
    changeable: frozenset[int]
    mine: bool
    arguments: dict[str, str]
    choices: dict[str, list[tuple[str, str]]]
    today: date
    leaver: User | None = None
    people: list[tuple[str, str]] = field(default_factory=list)
    refusal: str = ""

    @property
    def chips(self) -> list[tuple[str, str]]:
        """Each filter in words, and the address without it."""
        return [(f"{name.capitalize()}: {NAMES.get(value, value.replace('_', ' '))}", self.address(name))
                for name, value in self.arguments.items() if name != "of"]

    def address(self, without: str = "", form: str = "") -> str:
        """This list with one filter less, or as another form."""
        kept = {name: value for name, value in self.arguments.items() if name != without}
        return f"/action-items{form}" + (f"?{urlencode(kept)}" if kept else "")


def items_page(by: Actor, args: Mapping[str, str], *, refusal: str = "") -> ItemsPage:
    """The list; `of=all` is everybody's."""
    allow(by, "postmortem.read")
    arguments = {name: args[name].strip() for name in (*item_queries.FILTERS, "of") if args.get(name, "").strip()}
    mine = not arguments
    found = item_queries.mine(by) if mine else listed(by, arguments)
    changeable = frozenset(one.id for one in found if item_queries.may_change(one, by))
    leaver = user_by_email(arguments["owner"]) if "owner" in arguments else None
    left = [one for one in found if one.state in rules.LEFT and one.id in changeable]
    away = leaver is not None and not leaver.is_active and bool(left)
    return ItemsPage(found, changeable, mine, arguments, _choices(by), clock.now().date(), refusal=refusal,
                     leaver=leaver if away else None, people=_people(left) if away else [])


def listed(by: Actor, arguments: Mapping[str, str], *, most: int | None = MOST) -> list[ActionItem]:
    """What fits, overdue first; `most` is None for all of it."""
    query = item_queries.ordered(item_queries.filtered(item_queries.visible(by), arguments))
    return list(session.scalars(query.limit(most)))


def _people(left: list[ActionItem]) -> list[tuple[str, str]]:
    """Who could take them over: the people of the teams concerned."""
    found = {one.email: one.name for item in left for one in forms.candidates(item.postmortem)}
    return sorted(found.items(), key=lambda pair: pair[1])


def _choices(by: Actor) -> dict[str, list[tuple[str, str]]]:
    teams, some = visible_teams(by), select(Team).order_by(Team.name).limit(200)
    if teams is not None:
        some = some.where(Team.id.in_(teams))
    return {"team": [(one.key, one.name) for one in session.scalars(some)],
            "state": [("left", NAMES["left"]), *((one, one.replace("_", " ").capitalize()) for one in rules.ITEM_STATES)],
            "priority": [(one, one.capitalize()) for one in rules.PRIORITIES],
            "due": [(one, NAMES[one]) for one in ("overdue", "week")]}


@dataclass(frozen=True)
class Maker:
    """A connection with which an issue can be made, and what its product wants to know, with what stands there."""

    key: str
    name: str
    product: str
    fields: list[tuple[Field, Any]]


@dataclass(frozen=True)
class ItemPage:
    """One action item with its form."""

    item: ActionItem
    may_change: bool
    moves: tuple[str, ...]
    people: list[tuple[str, str]]
    today: date
    typed: Mapping[str, str] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)
    refusal: str = ""
    makers: list[Maker] = field(default_factory=list)

    @property
    def id(self) -> int:
        """Its number."""
        return self.item.id


def item_page(key: int | str, by: Actor, *, typed: Mapping[str, str] | None = None,
              faults: Mapping[str, str] | None = None, refusal: str = "",
              params: Mapping[str, str] | None = None) -> ItemPage:
    """One, if the reader may see it. Raises NotFound."""
    item = item_queries.item_for(key, by)
    people = {one.email: one.name for one in (item.owner, *forms.candidates(item.postmortem))}
    shown = typed or {"title": item.title, "description": item.description, "owner": item.owner.email,
                      "due_on": item.due_on.isoformat(), "priority": item.priority}
    may_change = item_queries.may_change(item, by)
    return ItemPage(item, may_change, rules.ITEM_MOVES[item.state], list(people.items()), clock.now().date(), shown,
                    faults or {}, refusal, _makers(item, params or {}) if may_change else [])


def _makers(item: ActionItem, typed: Mapping[str, str]) -> list[Maker]:
    """The ways to make an issue of it, while there is none; each with what was said the last time."""
    if item.ticket is not None and item.ticket.state != "failed":
        return []
    found = []
    for one in tickets.makers(item):
        action = connections.action_of(one)
        last = tickets.last_params(one.key) | {name.removeprefix("params."): value for name, value in typed.items()}
        found.append(Maker(one.key, one.name, action.product, [
            (field, last.get(field.name, field.default)) for field in action.params if field.name not in tickets.OURS]))
    return found
