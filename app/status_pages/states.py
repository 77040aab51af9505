"""Components follow what happens: what each should show now, and making it so. Reactions hurry it, a tick repairs it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select

from app.core import clock
from app.core.access import SYSTEM, Actor
from app.core.db import alone, session
from app.core.events import record
from app.incidents.models import Incident
from app.incidents.rules import OPEN
from app.shadow import queries as shadows
from app.status_pages import events, rules
from app.status_pages.announcing import tell_of_component
from app.status_pages.maintenance_models import PageWindow
from app.status_pages.models import Component, ComponentService, Span, StatusPage


@dataclass(frozen=True)
class Should:
    """What one component ought to be."""

    id: int
    computed: str
    state: str
    override_over: bool


def differing(now: datetime, *, only: Iterable[int] | None = None) -> list[Should]:
    """The components that do not show what they should; of these pages only, where some are named."""
    query = select(Component.id, Component.computed, Component.state, Component.override_state, Component.override_until)
    if only is not None:
        query = query.where(Component.page_id.in_(list(only)))
    severities, maintained, found = _severities(), covered(), []
    for key, computed, state, override, until in session.execute(query.order_by(Component.id)):
        over = override is not None and until is not None and until <= now
        should = rules.computed(severities.get(key, ()))
        shows = rules.shown(should, maintained=key in maintained, override=None if over else override)
        if (should, shows) != (computed, state) or over:
            found.append(Should(key, should, shows, over))
    return found


def _severities() -> dict[int, list[str]]:
    """The severities of open incidents by component; what opened in shadow and is there still is not shown outside."""
    found: dict[int, list[str]] = {}
    for key, severity, incident, doubtful in session.execute(
            select(ComponentService.component_id, Incident.severity, Incident.id, Incident.in_shadow)
            .join(Incident, Incident.service_id == ComponentService.service_id)
            .where(Incident.status.in_(OPEN), Incident.merged_into_id.is_(None), ~Incident.test)):
        if not doubtful or shadows.of(f"incident:{incident}") is None:
            found.setdefault(key, []).append(severity)
    return found


def covered() -> set[int]:
    """The components that a window in progress covers."""
    return {key for some in session.scalars(select(PageWindow.components).where(PageWindow.state == "in_progress"))
            for key in some}


def settle(*, only: Iterable[int] | None = None, by: Actor = SYSTEM) -> int:
    """Make every component show what it should, in the open transaction. Says how many changed.

    Whoever locks or changes rows before it is alone at "status pages" first: else two may wait for each other.
    """
    alone("status pages")
    now = clock.now()
    found = differing(now, only=only)
    for should in found:
        component = session.get(Component, should.id, populate_existing=True, with_for_update={"of": Component})
        if component is not None:
            _bring(component, should, now, by)
    session.flush()
    return len(found)


def _bring(component: Component, should: Should, now: datetime, by: Actor) -> None:
    if should.override_over:
        record(events.OVERRIDE_ENDED, component.page.ref, by=SYSTEM, also=also(component.page), name=component.name,
               component=component.public_id)
        component.override_state = component.override_until = None
        component.override_reason = component.override_name = ""
    component.computed = should.computed
    if component.state != should.state:
        _turn(component, should.state, now, by)
    touch(component.page)


def _turn(component: Component, state: str, now: datetime, by: Actor) -> None:
    """From one shown state to the next: the span, the fact, and the word to subscribers."""
    before, component.state, component.since = component.state, state, now
    span = session.scalar(select(Span).where(Span.component_id == component.id, Span.ends.is_(None)))
    if span is not None:
        span.ends = now
        session.flush()
    session.add(Span(component_id=component.id, state=state, starts=now))
    record(events.STATE_CHANGED, component.page.ref, by=by, also=also(component.page), name=component.name, before=before,
           after=state, computed=component.computed, component=component.public_id)
    session.flush()
    tell_of_component(component)


def let_go(service_id: int) -> None:
    """No component follows this service any more."""
    alone("status pages")
    pages = set(session.scalars(select(Component.page_id).join(ComponentService).where(
        ComponentService.service_id == service_id)))
    session.execute(delete(ComponentService).where(ComponentService.service_id == service_id))
    session.expire_all()
    for page in session.scalars(select(StatusPage).where(StatusPage.id.in_(pages))):
        touch(page)
    settle(only=pages)


def begin(component: Component) -> None:
    """The history of a new component begins now."""
    session.add(Span(component_id=component.id, state=component.state, starts=clock.now()))


def touch(page: StatusPage) -> None:
    """The page looks different from now on: whoever keeps a copy must look again. The database counts: none is lost."""
    page.version = StatusPage.version + 1
    page.changed_at = clock.now()


def also(page: StatusPage) -> list[str]:
    """Whom else an event about the page concerns."""
    return ["status_pages", f"status_page/{page.slug}", *([f"team:{page.team_id}"] if page.team_id else [])]
