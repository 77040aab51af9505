"""Commands on shadow: begin, end, let an incident page; and noting what did not leave."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import IntegrityError

from app.catalog.queries import service_named
from app.core import clock
from app.core.access import Actor
from app.core.db import db, session
from app.core.errors import Conflict, Invalid, Problem
from app.core.events import record
from app.core.forms import Problems, check_text
from app.core.jobs import stir
from app.core.shadow import WHOLE, Shadow
from app.identity.models import Team
from app.identity.queries import allow, team_named
from app.incidents import service as incidents
from app.incidents.models import Incident
from app.shadow import events, queries
from app.shadow.models import Unsent

SCOPES = ("system", "team", "service", "integration")


def begin(scope: str, key: str, *, reason: str, by: Actor) -> Shadow:
    """From this instant nothing of the scope leaves; what waits to leave is held. Raises Conflict where it is so already."""
    allow(by, "shadow.edit")
    problems = Problems()
    ref, name, team_id = _scope(scope, key, by, problems)
    why = problems.take("reason", check_text, reason, least=1, most=300, label="A reason")
    problems.raise_if_any()
    shadow = Shadow(ref=ref, name=name, team_id=team_id, reason=why or "", since=clock.now(), by_name=by.name[:200])
    try:
        with session.begin_nested():
            session.add(shadow)
            session.flush()
    except IntegrityError:
        raise Conflict(f"{name[:1].upper()}{name[1:]} is in shadow already") from None
    _said(events.BEGUN, shadow, by, reason=why)
    return shadow


def _scope(scope: str, key: str, by: Actor, problems: Problems) -> tuple[str, str, int | None]:
    """Reference, name in words, and whose it is."""
    if scope == "system":
        return WHOLE, "the whole system", None
    if scope not in SCOPES:
        problems.add("scope", "Choose the whole system, a team, a service or an integration")
        return "", "", None
    if scope == "integration":
        senders = queries.INTEGRATIONS
        row = session.execute(select(senders).where(func.lower(senders.c.key) == key.lower())).first()
        found = (row.id, row.name or row.key, row.team_id) if row is not None else None
    else:
        thing = team_named(key, by) if scope == "team" else service_named(key, by)
        found = (thing.id, thing.name, thing.id if isinstance(thing, Team) else thing.team_id) if thing else None
    if found is None:
        problems.add("key", f"There is no {scope} {key}" if key else f"Choose a {scope}")
        return "", "", None
    return f"{scope}:{found[0]}", f"the {scope} {found[1]}"[:200], found[2]


def end(shadow: Shadow, *, page: Collection[int] = (), by: Actor) -> Shadow:
    """Live from now on. Nothing that was held is sent; open incidents stay silent, but for those in `page`, which page
    from their first level. Raises Conflict when it is over."""
    allow(by, "shadow.edit")
    shadow = session.scalars(select(Shadow).where(Shadow.id == shadow.id).with_for_update().execution_options(
        populate_existing=True)).one()
    if shadow.ended_at is not None:
        raise Conflict(f"{shadow.name[:1].upper()}{shadow.name[1:]} is live already")
    incidents.hold_number()  # one that is just being opened in this shadow is open here, or sees that it is over
    open_ = queries.open_in(shadow)
    unknown = set(page) - {one.id for one in open_}
    if unknown:
        raise Invalid(problems=[Problem("page", f"#{min(unknown)} is not open in this shadow")])
    shadow.ended_at, shadow.ended_by_name = clock.now(), by.name[:200]
    for incident in sorted(open_, key=lambda one: one.id):
        incidents.lock(incident.id).silenced_by = shadow.id
    session.flush()
    for key in sorted(page):
        let_page(incidents.lock(key), by=by)
    _said(events.ENDED, shadow, by, open=len(open_) - len(set(page)), paged=len(set(page)))
    return shadow


def _said(kind: events.Kind, shadow: Shadow, by: Actor, **data: object) -> None:
    also = ["shadow", shadow.ref, *([f"team:{shadow.team_id}"] if shadow.team_id else [])]
    record(kind, f"shadow:{shadow.id}", by=by, also=also, name=shadow.name, ref=shadow.ref, **data)


def let_page(incident: Incident, *, by: Actor) -> Incident:
    """An incident that its ended shadow left silent speaks again: what is triggered pages from its first level."""
    allow(by, "shadow.edit")
    return incidents.speak(incident, by=by)


@dataclass(frozen=True)
class Held:
    """Something that does not leave: when it was due, what it is, by what it would have gone to whom, and why at all.
    `user`: a person of ours, by id and name."""

    once: str
    at: datetime
    kind: str
    channel: str
    reason: str = ""
    whom: str = ""
    user: tuple[int, str] | None = None
    incident: Incident | None = None
    team_id: int | None = None


def note(shadow: Shadow, held: Held) -> bool:
    """Put it on the list, once; on an incident's timeline, too. Says whether it is new there."""
    incident = held.incident
    make = postgresql_insert if db.engine.dialect.name == "postgresql" else sqlite_insert
    made = session.scalar(make(Unsent).values(
        once=held.once, shadow_id=shadow.id, at=held.at, kind=held.kind, channel=held.channel[:60],
        incident_id=incident.id if incident else None, user_id=held.user[0] if held.user else None,
        team_id=(incident.team_id if incident else None) or held.team_id, whom=held.whom[:200], reason=held.reason[:300],
    ).on_conflict_do_nothing(index_elements=["once"]).returning(Unsent.id))
    if made is None:
        return False
    if incident is not None:
        record(events.WITHHELD, incident.ref, by=_SHADOW, also=["incidents"], whom=held.user[1] if held.user else held.whom,
               channel=held.channel, what=held.kind, reason=held.reason, due=clock.rfc3339(held.at))
    stir("shadow", "shadow.withheld")
    return True


_SHADOW = Actor("system", "OnCall", via="shadow")
