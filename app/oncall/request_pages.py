"""What the page of swaps and cover shows: what waits for the reader, what they wait for, and what was."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select

from app.core.access import Actor
from app.core.db import session
from app.identity.queries import allow
from app.oncall import covers, exchanges, queries
from app.oncall.exchange_rules import WAITING, Span
from app.oncall.lanes import zone_name
from app.oncall.models import CoverPart, CoverRequest, Schedule, Swap
from app.oncall.wallclock import local_text

SHOWN = 100


@dataclass(frozen=True)
class Row:
    """A swap or a request for cover as the reader sees it; `actions` are what they may do with it."""

    thing: Any
    kind: str
    actions: tuple[str, ...]
    zone: str
    open: tuple[Span, ...] = ()
    backs: tuple[tuple[CoverPart, str], ...] = ()

    @property
    def id(self) -> str:
        """`swap-12`."""
        return f"{self.kind}-{self.thing.id}"

    @property
    def waits_for_reader(self) -> bool:
        """Whether an answer of theirs is asked for."""
        return bool({"accept", "take", "agree"} & {*self.actions, *(word for _, word in self.backs)})

    @property
    def waits(self) -> bool:
        """Whether it waits for anybody."""
        return self.thing.state in WAITING or bool(self.actions or self.backs)

    def typed(self, at: datetime) -> str:
        """An instant as a form's field takes it, in the reader's zone."""
        return local_text(at, ZoneInfo(self.zone))[:16]


@dataclass(frozen=True)
class RequestsPage:
    """All swaps and requests for cover that concern the reader."""

    waiting: list[Row]
    mine: list[Row]
    past: list[Row]


@dataclass(frozen=True)
class RequestsPanel:
    """On the page of duty: how many wait for the reader."""

    waiting: int
    mine: int
    template: str = "panels/on-call-requests.html"
    rail: bool = True


def requests_page(by: Actor) -> RequestsPage:
    """What concerns the reader, newest first: open to them, theirs, history."""
    allow(by, "schedule.read")
    rows = sorted(_rows(by), key=lambda row: (row.thing.created_at, row.id), reverse=True)
    waiting = [row for row in rows if row.waits_for_reader]
    mine = [row for row in rows if row.waits and not row.waits_for_reader]
    return RequestsPage(waiting, mine, [row for row in rows if not row.waits][:20])


def panel(by: Actor) -> RequestsPanel:
    """The part of the page of duty."""
    found = requests_page(by)
    return RequestsPanel(len(found.waiting), len(found.mine))


def _rows(by: Actor) -> Iterable[Row]:
    schedules = {one.id: one for one in queries.all_schedules(by)}
    managed = {key for key, one in schedules.items() if exchanges.manages(one, by)}
    concerned = or_(Swap.proposer_id == by.user_id, Swap.counterpart_id == by.user_id, Swap.schedule_id.in_(managed))
    for swap in session.scalars(_newest(Swap).where(Swap.schedule_id.in_(schedules), concerned)):
        yield Row(swap, "swap", tuple(_swap_actions(swap, by, swap.schedule_id in managed)),
                  zone_name(swap.schedule, by, "mine"))
    able: dict[int, bool] = {}
    for cover in session.scalars(_newest(CoverRequest).where(CoverRequest.schedule_id.in_(schedules))):
        if cover.schedule_id not in able:
            able[cover.schedule_id] = _able(cover.schedule, by)
        people = {cover.user_id, *(part.user_id for part in cover.parts)}
        if able[cover.schedule_id] or by.user_id in people or cover.schedule_id in managed:
            yield _cover_row(cover, by, able[cover.schedule_id], cover.schedule_id in managed)


def _newest(kind: Any) -> Any:
    return select(kind).order_by(kind.id.desc()).limit(SHOWN)


def _able(schedule: Schedule, by: Actor) -> bool:
    person = queries.named([by.user_id] if by.user_id is not None else []).get(by.user_id or 0)
    return person is not None and not exchanges.fault_of_stand_in(schedule, person)


def _swap_actions(swap: Swap, by: Actor, manages: bool) -> Iterable[str]:
    if swap.state == "proposed":
        if by.user_id == swap.counterpart_id:
            yield from ("accept", "decline")
        if by.user_id == swap.proposer_id or manages:
            yield "withdraw"
    elif swap.state == "accepted" and swap.starts_at > exchanges.moment():
        if manages:
            yield "revert"
        elif by.user_id in (swap.proposer_id, swap.counterpart_id) and swap.revert_asked_by != by.user_id:
            yield "ask" if swap.revert_asked_by is None else "agree"


def _cover_row(cover: CoverRequest, by: Actor, able: bool, manages: bool) -> Row:
    free, actions = tuple(covers.still_open(cover)), []
    if free and able and by.user_id != cover.user_id:
        actions.append("take")
    if cover.state in WAITING and (by.user_id == cover.user_id or manages):
        actions.append("withdraw")
    backs = tuple((part, word) for part in cover.parts if (word := _back(part, cover, by, manages)))
    return Row(cover, "cover", tuple(actions), zone_name(cover.schedule, by, "mine"), free, backs)


def _back(part: CoverPart, cover: CoverRequest, by: Actor, manages: bool) -> str:
    """What the reader may do to give this part back: `ask`, `agree`, `back`, or nothing."""
    if part.given_back_at is not None or part.starts_at <= exchanges.moment():
        return ""
    if manages:
        return "back"
    if by.user_id == part.user_id and part.back_asked_at is None:
        return "ask"
    return "agree" if by.user_id == cover.user_id and part.back_asked_at is not None else ""


