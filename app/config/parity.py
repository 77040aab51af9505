"""The parity report: what the other product recorded over a window beside what we did, and duty beside duty ahead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from app.config import errands, importing, imports, parity_rules
from app.config.models import Errand
from app.config.parity_rules import Case, Pair
from app.config.renaming import Renaming, renaming
from app.core import clock
from app.core.access import Actor
from app.core.db import session, transaction
from app.core.errors import Invalid
from app.core.importing import Happened, Importer, Paged
from app.incidents.models import Alert, Incident
from app.ingest.models import Delivery
from app.notifications.models import Message
from app.oncall.queries import schedule_by_key, schedule_document

AHEAD = timedelta(days=60)
GONE_OUT = ("sending", "sent", "delivered", "failed", "unsent")  # unsent: in shadow it would have gone out at its time
MOST_SPANS = 50


def reported(slug: str, data: importing.Data, since: datetime, until: datetime, *, by: Actor) -> Errand:
    """Compare what was brought with what happened here from `since` until `until`. Raises Invalid."""
    if not since < until or until - since > parity_rules.LONGEST:
        raise Invalid("A window begins before it ends, and has at most 31 days.")
    found = imports.importers().get(slug)
    if found is None:
        raise Invalid("Choose what to compare with.")
    names = renaming(_names(slug, by))
    report = compared(found, data, (since, until), names)
    with transaction():
        return errands.keep("parity", f"Parity with {found.name}", by=by, said={
            "source": slug, "since": clock.rfc3339(since), "until": clock.rfc3339(until)}, found=report)


def _names(slug: str, by: Actor) -> Mapping[str, Any]:
    """What the last import from there said of people and teams who are called otherwise here."""
    return next((one.found["names"] for one in errands.recent("import", by)
                 if one.said.get("source") == slug and one.found.get("names")), {})


def compared(importer: Importer, data: importing.Data, window: tuple[datetime, datetime],
             names: Renaming) -> dict[str, Any]:
    """The report as it is kept. Raises Invalid for data that is not this product's."""
    try:
        happened = importer.happened(data)
    except importing.DAMAGED as fault:
        raise Invalid(f"This is no record of {importer.name}, or a damaged one: {fault}") from None
    if not happened:
        raise Invalid(f"There is no incident of {importer.name} in it.")
    pairs = pairs_of([_theirs(one, names) for one in happened], *window)
    return {"pairs": [_written(pair) for pair in pairs], "percentage": parity_rules.percentage(pairs),
            "duty": duty(importer, data, names)}


def pairs_of(there: Sequence[Case], since: datetime, until: datetime) -> list[Pair]:
    """Each problem of the window; at its edges what began a little outside still finds its other half."""
    margin = parity_rules.SAME_WITHIN
    near = [one for one in there if since - margin <= one.at < until + margin]
    pairs = parity_rules.paired(near, ours(since - margin, until + margin), why_not_here)
    return [pair for pair in pairs if any(side and since <= side.at < until for side in (pair.there, pair.here))]


def ours(since: datetime, until: datetime) -> list[Case]:
    """What was opened here, with the pages that went out or would have."""
    incidents = session.scalars(select(Incident).where(Incident.opened_at >= since, Incident.opened_at < until,
                                                       Incident.test.is_(False)).order_by(Incident.id)).all()
    alerts: dict[int | None, list[Alert]] = {}
    pages: dict[int | None, list[Paged]] = {}
    for some in (incidents[at:at + 500] for at in range(0, len(incidents), 500)):
        keys = [one.id for one in some]
        for alert in session.scalars(select(Alert).where(Alert.incident_id.in_(keys))):
            alerts.setdefault(alert.incident_id, []).append(alert)
        for message in session.scalars(select(Message).where(
                Message.incident_id.in_(keys), Message.kind == "page", Message.state.in_(GONE_OUT))
                .options(joinedload(Message.user)).order_by(Message.id)):
            pages.setdefault(message.incident_id, []).append(
                Paged(message.user.email, message.started_at or message.next_at, message.channel))
    return [_ours(one, alerts.get(one.id, []), pages.get(one.id, [])) for one in incidents]


def _ours(incident: Incident, alerts: Sequence[Alert], pages: Sequence[Paged]) -> Case:
    titles = frozenset(title.strip().casefold() for title in (incident.title, *(alert.title for alert in alerts)))
    keys = frozenset(alert.dedup_key for alert in alerts)
    why = "" if pages else "it was answered or over before" if incident.acknowledged_at or incident.resolved_at else (
        "its policy reaches nobody, or it waits")
    return Case(f"#{incident.id}", incident.title, incident.opened_at, keys, titles, tuple(pages), why,
                answered=incident.acknowledged_at or incident.resolved_at)


def _theirs(one: Happened, names: Renaming) -> Case:
    pages = tuple(replace(page, email=names.of("users", page.email) or page.email) for page in one.pages)
    keys, titles = frozenset(filter(None, [one.key])), frozenset({one.title.strip().casefold()})
    return Case(one.id, one.title, one.at, keys, titles, pages, answered=one.answered)


def why_not_here(case: Case) -> str:
    """What became here of a problem that opened no incident of its own."""
    margin = parity_rules.SAME_WITHIN
    alert = session.scalar(select(Alert).where(
        or_(Alert.dedup_key.in_(case.keys), Alert.title == case.title), Alert.first_seen < case.at + margin,
        Alert.last_seen > case.at - margin).order_by(Alert.id.desc()).limit(1))
    if alert is not None and alert.incident_id is not None:
        return f"it joined incident #{alert.incident_id}, which was open already"
    if alert is not None:
        return f"it opened no incident: {'; '.join(alert.notes)}" if alert.notes else "a rule keeps it without an incident"
    near = session.scalars(select(Delivery).where(
        Delivery.received_at > case.at - margin, Delivery.received_at < case.at + margin, Delivery.note != "",
        Delivery.state.in_(("rejected", "held", "failed"))).order_by(Delivery.id).limit(1)).first()
    if near is not None:
        return f"nothing of it was understood; delivery {near.id} then was {near.state}: {near.note}"
    return "nothing of it came in here: its sender does not send here yet"


def _written(pair: Pair) -> dict[str, Any]:
    there, here = pair.there, pair.here
    return {"where": pair.where, "title": (there or here).title,  # type: ignore[union-attr]
            "there": there.id if there else "", "here": here.id if here else "", "at": clock.rfc3339(pair.at),
            "first_there": clock.rfc3339(there.first) if there else None,
            "first_here": clock.rfc3339(here.first) if here else None, "apart": pair.apart,
            "same_people": pair.same_people, "people_there": sorted(there.people) if there else [],
            "people_here": sorted(here.people) if here else [], "cause": pair.cause,
            "answered_there": clock.rfc3339(there.answered) if there else None, "later": here.later if here else 0}


def duty(importer: Importer, data: importing.Data, names: Renaming) -> list[dict[str, Any]]:
    """Who is on duty there and here over the next 60 days, for each schedule of which the record holds the shifts."""
    now = clock.now()
    try:
        proofs = importer.convert(data, now).proofs
    except importing.DAMAGED:
        return []
    ours_of = {key: [replace(one, people=tuple(names.of("users", email) or email for email in one.people))
                     for one in duties] for key, duties in proofs.items() if duties}
    return [_duty(key, duties, now) for key, duties in ours_of.items()]


def _duty(key: str, duties: list[Any], now: datetime) -> dict[str, Any]:
    keys = key.split("+")
    here = [schedule_document(found) for one in keys if (found := schedule_by_key(one)) is not None]
    spans = list(importing.compared(here, keys, duties, now, until=now + AHEAD))
    differing = [span for span in spans if span[2] != span[3]]
    return {"key": key, "missing": len(here) < len(keys),
            "compared": sum((end - start).total_seconds() for start, end, *_ in spans),
            "differing": sum((end - start).total_seconds() for start, end, *_ in differing),
            "spans": [[clock.rfc3339(start), clock.rfc3339(end), sorted(theirs), sorted(ours_)]
                      for start, end, theirs, ours_ in differing[:MOST_SPANS]]}
