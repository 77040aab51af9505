"""How integrations are: counts of a day, the word and the reason, the last good and the last bad."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import case, func, select, union_all

from app.core import clock
from app.core.db import session
from app.core.forms import duration_text
from app.ingest import wellbeing
from app.ingest.models import BAD_STATES, Delivery, Integration, RefusedRequest
from app.ingest.wellbeing import Counts

DAY, SOON = timedelta(hours=24), timedelta(minutes=10)
MEASURED = 500  # the newest deliveries of which the time of work is told


@dataclass(frozen=True)
class Health:
    """An integration's health as a word, with its reason where something is wrong."""

    word: str
    reason: str
    counts: Counts
    last: datetime | None


@dataclass(frozen=True)
class Record:
    """What its page says beside: seconds within which 95 % were worked on, the last that was taken, and that was not."""

    p95: float | None
    good: datetime | None
    bad: datetime | None
    fault: str

    @property
    def took(self) -> str:
        """That time in words; "" where nothing was worked on."""
        if self.p95 is None:
            return ""
        return f"{max(self.p95 * 1000, 1):.0f} ms" if self.p95 < 1 else f"{self.p95:.3g} s"


def counts_of(ids: Sequence[int]) -> dict[int, Counts]:
    """What came to these integrations during the last 24 h, by their id."""
    since, soon = clock.now() - DAY, clock.now() - SOON
    before = select(Delivery.id).where(Delivery.received_at < since).order_by(Delivery.id.desc()).limit(1)
    bad = Delivery.state.in_(BAD_STATES)
    query = select(
        Delivery.integration_id, func.count(), func.sum(case((bad, 1), else_=0)),
        func.sum(case((bad & (Delivery.received_at >= soon), 1), else_=0)), func.max(Delivery.received_at),
    ).where(Delivery.id > (session.scalar(before) or 0), Delivery.integration_id.in_(ids)).group_by(Delivery.integration_id)
    refused = select(RefusedRequest.integration_id, func.count(), func.sum(case((RefusedRequest.at >= soon, 1), else_=0))
                     ).where(RefusedRequest.at >= since, RefusedRequest.integration_id.in_(ids)).group_by(
        RefusedRequest.integration_id)
    turned = {key: (number, late) for key, number, late in session.execute(refused)}
    came = {key: (number, wrong, late, last) for key, number, wrong, late, last in session.execute(query)}
    return {key: _counts(came.get(key, (0, 0, 0, None)), turned.get(key, (0, 0))) for key in {*came, *turned}}


def _counts(came: tuple[int, int, int, datetime | None], turned: tuple[int, int]) -> Counts:
    return Counts(deliveries=came[0], rejected=came[1], refused=turned[0], lately=came[2] + turned[1], last=came[3])


def health_of(integration: Integration) -> Health:
    """How it is now."""
    return healths_of([integration])[integration.id]


def healths_of(integrations: Sequence[Integration]) -> dict[int, Health]:
    """How each of these is now, by its id."""
    counts = counts_of([one.id for one in integrations])
    found = {one.id: _without_reason(one, counts.get(one.id, Counts())) for one in integrations}
    recent = _recent([key for key, health in found.items() if health.word == "failing"])
    return {one.id: replace(found[one.id], reason=_reason(one, found[one.id], recent)) for one in integrations}


def _without_reason(integration: Integration, counts: Counts) -> Health:
    last = max(filter(None, (integration.last_seen_at, counts.last)), default=None)
    return Health(word_of(integration, counts, last), "", counts, last)


def word_of(integration: Integration, counts: Counts, last: datetime | None) -> str:
    """The word alone."""
    if integration.removed_at is not None:
        return "deleted"
    on, now = current_app.extensions["plugins"].is_on("integration", integration.plugin), clock.now()
    return wellbeing.health(counts, usable=on, paused=integration.paused_at is not None, seen=last is not None,
                            quiet=wellbeing.is_quiet(last, integration.expected_every, now), busy=integration.busy(now))


def _reason(integration: Integration, health: Health, recent: Mapping[int, Sequence[str]]) -> str:
    """Why it is failing or quiet; "" where it is neither."""
    if health.word == "failing":
        return wellbeing.why_failing(recent.get(integration.id, ()), health.counts)
    if health.word == "quiet" and health.last is not None and integration.expected_every is not None:
        return wellbeing.why_quiet(health.last, integration.expected_every, clock.now())
    return ""


def _recent(ids: Sequence[int]) -> dict[int, list[str]]:
    """What was wrong with each of the last requests of these integrations, the newest first; "" where nothing was."""
    words = {"rejected": wellbeing.UNREAD, "failed": wellbeing.FAULT}
    found: dict[int, list[tuple[datetime, str]]] = {}
    for key, at, state in _newest(Delivery, Delivery.received_at, Delivery.state, ids):
        found.setdefault(key, []).append((at, words.get(state, "")))
    for key, at, reason in _newest(RefusedRequest, RefusedRequest.at, RefusedRequest.reason, ids):
        found.setdefault(key, []).append((at, wellbeing.refusal(reason)))
    return {key: [word for _, word in sorted(some, key=lambda one: one[0], reverse=True)[:wellbeing.RECENT]]
            for key, some in found.items()}


def _newest(table: type[Delivery] | type[RefusedRequest], at: Any, word: Any, ids: Sequence[int]) -> Iterable[Any]:
    """The last rows of each of these integrations: a short walk of the index for each, all in one statement."""
    some = [select(table.integration_id, at, word).where(table.integration_id == key).order_by(
        table.id.desc()).limit(wellbeing.RECENT).subquery() for key in ids]
    return session.execute(union_all(*(select(one) for one in some))) if some else ()


def last_of(integration: Integration) -> datetime | None:
    """When anything last came that was let in."""
    newest = session.scalar(select(Delivery.received_at).where(
        Delivery.integration_id == integration.id).order_by(Delivery.id.desc()).limit(1))
    return max(filter(None, (integration.last_seen_at, newest)), default=None)


def record_of(integration: Integration) -> Record:
    """The last good, the last bad, and how long the work takes."""
    own = Delivery.integration_id == integration.id
    worked = session.execute(select(Delivery.received_at, Delivery.processed_at).where(
        own, Delivery.state == "processed", Delivery.replayed_by.is_(None), Delivery.received_at >= clock.now() - DAY)
        .order_by(Delivery.id.desc()).limit(MEASURED))
    took = sorted((done - at).total_seconds() for at, done in worked if done is not None)
    good = session.scalar(select(Delivery.received_at).where(own, Delivery.state == "processed")
                          .order_by(Delivery.id.desc()).limit(1))
    unread = session.execute(select(Delivery.received_at, Delivery.note).where(own, Delivery.state.in_(BAD_STATES))
                             .order_by(Delivery.received_at.desc()).limit(1)).first()
    turned = session.execute(select(RefusedRequest.at, RefusedRequest.reason).where(
        RefusedRequest.integration_id == integration.id).order_by(RefusedRequest.id.desc()).limit(1)).first()
    bad, fault = max(filter(None, (unread, turned)), key=lambda one: one[0], default=(None, ""))
    return Record(took[max(0, -(-len(took) * 95 // 100) - 1)] if took else None, good, bad, fault)


def document(integration: Integration) -> dict[str, Any]:
    """The same for machines."""
    now, kept = health_of(integration), record_of(integration)
    return {
        "key": integration.key, "health": now.word, "reason": now.reason,
        "since": clock.rfc3339(integration.told_at) if integration.told_health == now.word else None,
        "expected_every": duration_text(integration.expected_every) if integration.expected_every else None,
        "last_seen": clock.rfc3339(now.last),
        "last_24h": {"deliveries": now.counts.deliveries, "rejected": now.counts.rejected, "refused": now.counts.refused},
        "processing_p95_ms": None if kept.p95 is None else round(kept.p95 * 1000),
        "last_good": clock.rfc3339(kept.good),
        "last_bad": {"at": clock.rfc3339(kept.bad), "reason": kept.fault} if kept.bad else None}
