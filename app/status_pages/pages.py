"""What the pages of status pages show to the people of the system."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, or_, select

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.identity.queries import may, may_anywhere
from app.status_pages import queries, rules
from app.status_pages.models import Component, Notice, Span, StatusPage
from app.status_pages.subscriber_models import Subscriber

DURATIONS = [("30m", "half an hour"), ("1h", "an hour"), ("4h", "4 hours"), ("1d", "a day"), ("7d", "a week"),
             ("30d", "30 days")]
CHOICES = [(state, state.replace("_", " ").capitalize()) for state in rules.STATES]


@dataclass(frozen=True)
class Row:
    """A page in the list."""

    page: StatusPage
    state: str
    overrides: int
    subscribers: int

    @property
    def id(self) -> int:
        """The page's."""
        return self.page.id


@dataclass(frozen=True)
class IndexPage:
    """All status pages that the person may know of."""

    rows: list[Row]
    may_add: bool


@dataclass(frozen=True)
class NowPage:
    """One page: what it computes, what it shows, and what people do about it."""

    status: StatusPage
    state: str
    address: str
    groups: list[tuple[str, list[Component]]]
    notices: list[Notice]
    resolvable: set[int]
    subscribers: int
    may_write: bool
    may_edit: bool
    link: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)
    typed: Mapping[str, Any] = field(default_factory=dict)
    at_component: str = ""
    durations: list[tuple[str, str]] = field(default_factory=lambda: DURATIONS)
    choices: list[tuple[str, str]] = field(default_factory=lambda: CHOICES)


def index_page(by: Actor) -> IndexPage:
    """The list."""
    counts = _subscribers()
    return IndexPage([Row(one, queries.overall(one), sum(part.override_state is not None for part in one.components),
                          counts.get(one.id, 0)) for one in session.scalars(queries.visible(by))],
                     may_anywhere(by, "status_page.edit"))


def _subscribers() -> dict[int, int]:
    return {key: number for key, number in session.execute(select(Subscriber.page_id, func.count()).where(
        Subscriber.state == "active").group_by(Subscriber.page_id))}


def now_page(slug: str, by: Actor, **more: Any) -> NowPage:
    """The screen of one page. Raises NotFound."""
    found = queries.page_for(slug, by)
    session.refresh(found)
    notices = list(session.scalars(select(Notice).where(Notice.page_id == found.id, or_(
        Notice.resolved_at.is_(None), Notice.resolved_at > clock.now() - rules.RECENT)).order_by(
        Notice.resolved_at.is_not(None), Notice.started_at.desc())))
    return NowPage(found, queries.overall(found), queries.address_of(found), queries.groups(found.components), notices,
                   {one.id for one in notices if queries.resolvable(one)}, _subscribers().get(found.id, 0),
                   may(by, "status_page.write", team_id=found.team_id),
                   may(by, "status_page.edit", team_id=found.team_id), **more)


@dataclass(frozen=True)
class HistoryPage:
    """What one component was, for whoever corrects it."""

    status: StatusPage
    component: Component
    spans: list[Any]
    errors: Mapping[str, str] = field(default_factory=dict)
    typed: Mapping[str, Any] = field(default_factory=dict)
    choices: list[tuple[str, str]] = field(default_factory=lambda: CHOICES)


def history_page(slug: str, part: str, by: Actor, **more: Any) -> HistoryPage:
    """The history of a component, newest first. Raises NotFound, Forbidden."""
    found = queries.page_for(slug, by, "status_page.edit")
    component = queries.component_of(found, part)
    spans = session.scalars(select(Span).where(Span.component_id == component.id)
                            .order_by(Span.starts.desc()).limit(200))
    return HistoryPage(found, component, list(spans), **more)
