"""Commands on notices: open, publish an update, schedule or edit one, link incidents, resolve by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.core import clock
from app.core.access import SYSTEM, Actor
from app.core.db import alone, locked, session
from app.core.errors import Conflict, Invalid, Problem
from app.core.events import record
from app.core.forms import Problems, check_text, one_of
from app.identity.queries import allow
from app.incidents.queries import incident_for
from app.status_pages import events, queries, rules, service, states
from app.status_pages.announcing import tell_of_update
from app.status_pages.models import Component, Notice, NoticeIncident, NoticeUpdate, StatusPage

COMPUTED = "computed"


@dataclass(frozen=True)
class Said:
    """One update as it was written. `at`: entered late, for a time in the past; `due_at`: published then, by itself.

    `changes` moves components with it: public id → state, or `computed` to end an override.
    """

    state: str
    text: str
    at: datetime | None = None
    due_at: datetime | None = None
    changes: Mapping[str, str] = field(default_factory=dict)


def open_notice(page: StatusPage, values: Mapping[str, Any], said: Said, *, by: Actor) -> Notice:
    """A new notice with its first update, published unless `draft`. A past one comes as resolved, with its times.

    `values`: title, impact, components (public ids), incident (number), draft, started_at, resolved_at.
    """
    allow(by, "status_page.write", team_id=page.team_id)
    alone("status pages")
    now, faults = clock.now(), Problems()
    title = faults.take("title", check_text, values.get("title"), least=1, most=200, label="A title") or ""
    components = [queries.component_of(page, str(one)) for one in values.get("components") or []]
    impact = values.get("impact") or rules.IMPACT_OF[rules.worst(
        [*(one.state for one in components), *(state for state in said.changes.values() if state in rules.STATES)])]
    faults.take("impact", one_of, impact, choices=rules.IMPACTS)
    started, resolved = values.get("started_at") or said.at or now, values.get("resolved_at")
    if started > now or (said.state == rules.RESOLVED and not (resolved and started <= resolved <= now)):
        faults.add("resolved_at", "A past disruption has a start and an end, both in the past")
    _check(page, said, faults)
    faults.raise_if_any()
    notice = Notice(page=page, page_id=page.id, title=title, impact=impact, components=[one.id for one in components],
                    started_at=started, draft=bool(values.get("draft")) or said.due_at is not None, state=said.state)
    session.add(notice)
    session.flush()
    if notice.draft:
        record(events.NOTICE_WRITTEN, notice.ref, by=by, also=_also(notice), title=title, page=page.slug)
    if values.get("incident"):
        link(notice, int(values["incident"]), by=by)
    _add(notice, said, by, resolved)
    return notice


def say(notice: Notice, said: Said, *, by: Actor) -> NoticeUpdate:
    """Add an update; the first one of a draft publishes it. Raises Invalid, Forbidden."""
    allow(by, "status_page.write", team_id=notice.page.team_id)
    alone("status pages")
    notice = locked(Notice, notice.id) or notice
    faults = Problems()
    if fault := rules.move_fault(notice.state, said.state, resolved_at=notice.resolved_at, now=clock.now()):
        faults.add("state", fault)
    _check(notice.page, said, faults)
    faults.raise_if_any()
    return _add(notice, said, by, None)


def _check(page: StatusPage, said: Said, faults: Problems) -> None:
    now = clock.now()
    faults.take("state", one_of, said.state, choices=rules.NOTICE_STATES)
    faults.take("text", check_text, said.text, least=1, most=5000, label="The text")
    if said.due_at is not None and said.due_at <= now:
        faults.add("due_at", "A scheduled update lies in the future")
    if said.at is not None and said.at > now:
        faults.add("at", "An update that is entered late lies in the past")
    for state in said.changes.values():
        faults.take("changes", one_of, state, choices=(*rules.STATES, COMPUTED))
    if set(said.changes) - {one.public_id for one in page.components}:
        faults.add("changes", "There is no such component on this page")


def _add(notice: Notice, said: Said, by: Actor, resolved: datetime | None) -> NoticeUpdate:
    now = clock.now()
    update = NoticeUpdate(notice=notice, state=said.state, text=said.text.strip(), author=by.ref, author_name=by.name[:200],
                          at=said.at or said.due_at or now, due_at=said.due_at, changes=dict(said.changes))
    session.add(update)
    session.flush()
    if said.due_at is not None:
        record(events.UPDATE_SCHEDULED, notice.ref, by=by, also=_also(notice), title=notice.title, state=said.state,
               text=update.text, due=clock.rfc3339(said.due_at), update=update.id, page=notice.page.slug)
    elif not notice.draft or len(notice.updates) > 1:
        _go_live(update, by, resolved)
    return update


def publish_draft(notice: Notice, *, by: Actor) -> None:
    """Show a draft as it stands."""
    allow(by, "status_page.write", team_id=notice.page.team_id)
    alone("status pages")
    notice = locked(Notice, notice.id) or notice
    if not notice.draft:
        raise Conflict("It is published already")
    ready = [one for one in notice.updates if one.due_at is None]
    if not ready:
        raise Conflict("Its update waits for its time")
    for update in ready:
        update.at = clock.now()
        _go_live(update, by, None)


def go_live_when_due(update: NoticeUpdate) -> None:
    """A scheduled update whose time has come. One that no longer fits is taken back: nobody would have published it now."""
    notice = locked(Notice, update.notice_id) or update.notice
    if not notice.draft and rules.move_fault(notice.state, update.state, resolved_at=notice.resolved_at, now=clock.now()):
        _take_back(update, SYSTEM)
        return
    update.due_at = None
    _go_live(update, Actor(update.author, update.author_name, via="schedule"), None)
    session.refresh(notice)


def _go_live(update: NoticeUpdate, by: Actor, resolved: datetime | None) -> None:
    """From now on readers see it, and components move with it. One that was entered late leaves what came after it."""
    notice, page = update.notice, update.notice.page
    if notice.draft:
        notice.draft = False
        record(events.NOTICE_PUBLISHED, notice.ref, by=by, also=_also(notice), title=notice.title, page=page.slug)
    if not any(one is not update and one.due_at is None and one.at > update.at for one in notice.updates):
        notice.state = update.state
        notice.resolved_at = (resolved or update.at) if update.state == rules.RESOLVED else None
    known = {one.public_id: one for one in page.components}
    for key, state in update.changes.items():
        if key in known:
            _move(known[key], state, by)
    session.flush()
    record(events.UPDATE_PUBLISHED, notice.ref, by=by, also=_also(notice), title=notice.title, state=update.state,
           text=update.text, update=update.id, page=page.slug)
    states.touch(page)
    tell_of_update(update)


def _move(component: Component, state: str, by: Actor) -> None:
    if state == COMPUTED:
        service.end_override(component, by=SYSTEM if by.via == "schedule" else by)
    else:
        service.override(component, state, until=clock.now() + rules.OVERRIDE_DEFAULT, reason="With a status update",
                         by=SYSTEM if by.via == "schedule" else by)


def edit_update(update: NoticeUpdate, text: str, *, by: Actor) -> None:
    """Other words; readers see that it was edited, the log keeps the former ones."""
    notice = update.notice
    allow(by, "status_page.write", team_id=notice.page.team_id)
    faults = Problems()
    said = faults.take("text", check_text, text, least=1, most=5000, label="The text") or ""
    faults.raise_if_any()
    if said == update.text:
        return
    before, update.text = update.text, said
    if update.due_at is None and not notice.draft:
        update.edited_at = clock.now()
    record(events.UPDATE_EDITED, notice.ref, by=by, also=_also(notice), title=notice.title, before=before, after=said,
           update=update.id, page=notice.page.slug)
    states.touch(notice.page)


def cancel_update(update: NoticeUpdate, *, by: Actor) -> None:
    """Take back an update that still waits."""
    allow(by, "status_page.write", team_id=update.notice.page.team_id)
    if update.due_at is None:
        raise Conflict("It is published already")
    _take_back(update, by)


def _take_back(update: NoticeUpdate, by: Actor) -> None:
    notice = update.notice
    record(events.UPDATE_CANCELLED, notice.ref, by=by, also=_also(notice), title=notice.title, text=update.text,
           update=update.id, page=notice.page.slug)
    session.delete(update)
    session.flush()


def discard(notice: Notice, *, by: Actor) -> None:
    """Throw a draft away; what was published stays for ever."""
    allow(by, "status_page.write", team_id=notice.page.team_id)
    if not notice.draft:
        raise Conflict("It is published: resolve it instead")
    record(events.NOTICE_REMOVED, notice.ref, by=by, also=_also(notice), title=notice.title, page=notice.page.slug)
    for row in session.scalars(select(NoticeIncident).where(NoticeIncident.notice_id == notice.id)):
        session.delete(row)
    session.flush()
    session.delete(notice)
    session.flush()


def link(notice: Notice, number: int, *, by: Actor) -> None:
    """The notice is about this incident, too. Nobody outside sees that."""
    allow(by, "status_page.write", team_id=notice.page.team_id)
    incident = incident_for(str(number), by)
    known = session.get(NoticeIncident, (notice.id, incident.id))
    if known is not None:
        return
    if session.scalar(select(NoticeIncident).where(NoticeIncident.page_id == notice.page_id,
                                                   NoticeIncident.incident_id == incident.id)) is not None:
        raise Invalid(problems=[Problem("incident", f"#{incident.id} has a notice on this page already")])
    session.add(NoticeIncident(notice_id=notice.id, incident_id=incident.id, page_id=notice.page_id))
    session.flush()
    record(events.NOTICE_LINKED, notice.ref, by=by, also=[*_also(notice), incident.ref], title=notice.title,
           incident=incident.id, page=notice.page.slug)


def _also(notice: Notice) -> list[str]:
    return [notice.page.ref, *states.also(notice.page)]
