"""Commands on swaps: two people give each other a span of duty, and both agree or nothing changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.core.access import SYSTEM, Actor
from app.core.db import locked, session
from app.core.errors import Conflict, Forbidden, NotFound
from app.core.events import Kind, record
from app.core.forms import Problems, check_text
from app.identity.models import User
from app.oncall import drafts, events, exchanges
from app.oncall.exchange_rules import MANAGERS_AT, SWAP_MOVES, Span, reminder
from app.oncall.models import Schedule, Swap
from app.oncall.queries import named


@dataclass(frozen=True)
class Offer:
    """`proposer` gives one span and takes one of the `counterpart`'s."""

    proposer: User
    counterpart: User
    gives: Span
    takes: Span
    reason: str = ""


def propose(schedule: Schedule, offer: Offer, *, by: Actor) -> Swap:
    """Ask the counterpart. Nothing changes until they accept. Raises Invalid with a fault for each span."""
    schedule = exchanges.begin(schedule, by)
    exchanges.for_oneself(schedule, offer.proposer, by)
    problems, now = Problems(), exchanges.moment()
    reason = problems.take("reason", check_text, offer.reason, most=drafts.REASON, label="The reason")
    if offer.proposer.id == offer.counterpart.id:
        problems.add("counterpart", "Choose somebody else's shift")
    for name, span in (("gives", offer.gives), ("takes", offer.takes)):
        exchanges.check_span(span, now, problems.at(name))
    problems.raise_if_any()
    for name, fault in _faults(schedule, offer):
        problems.add(name, fault)
    problems.raise_if_any()
    swap = Swap(schedule_id=schedule.id, schedule=schedule, proposer=offer.proposer, counterpart=offer.counterpart,
                gives_from=offer.gives[0], gives_to=offer.gives[1], takes_from=offer.takes[0],
                takes_to=offer.takes[1], reason=reason or "", created_by=by.ref, state="proposed")
    session.add(swap)
    session.flush()
    _say(events.SWAP_PROPOSED, swap, by, after=written(swap))
    return swap


def accept(swap: Swap, *, by: Actor) -> Swap:
    """Both spans change their owner. Where that is not possible any more, the swap comes back `expired`: the caller
    keeps that and says so. Raises Forbidden, Conflict when somebody answered before."""
    _hold(swap, by, "accepted")
    if by.user_id != swap.counterpart_id:
        raise Forbidden(f"Only {swap.counterpart.name} can accept this swap.")
    fault = fault_of(swap)
    if fault:
        _end(swap, "expired", fault, by=SYSTEM)
        return swap
    before, schedule, origin = written(swap), swap.schedule, f"swap:{swap.id}"
    offer = offer_of(swap)
    exchanges.hand(schedule, offer.proposer, offer.counterpart, offer.gives, origin=origin, reason=swap.reason)
    exchanges.hand(schedule, offer.counterpart, offer.proposer, offer.takes, origin=origin, reason=swap.reason)
    _move(swap, "accepted")
    session.flush()
    _say(events.SWAP_ACCEPTED, swap, by, before=before, after=written(swap))
    return swap


def decline(swap: Swap, *, by: Actor) -> Swap:
    """The counterpart says no."""
    _hold(swap, by, "declined")
    if by.user_id != swap.counterpart_id:
        raise Forbidden(f"Only {swap.counterpart.name} can decline this swap.")
    before = written(swap)
    _move(swap, "declined")
    _say(events.SWAP_DECLINED, swap, by, before=before, after=written(swap))
    return swap


def withdraw(swap: Swap, *, by: Actor) -> Swap:
    """The proposer, or a manager, asks no longer."""
    _hold(swap, by, "withdrawn")
    exchanges.for_oneself(swap.schedule, swap.proposer, by)
    _end(swap, "withdrawn", f"{by.name} withdrew it.", by=by)
    return swap


def revert(swap: Swap, *, by: Actor) -> Swap:
    """Undo an accepted swap before its first span begins: at once by a manager, else when both have asked for it."""
    _hold(swap, by, "reverted")
    both = (swap.proposer_id, swap.counterpart_id)
    if by.user_id not in both and not exchanges.manages(swap.schedule, by):
        raise Forbidden("Only the two who swapped, or a manager of the team, undo a swap.")
    if swap.starts_at <= exchanges.moment():
        raise Conflict("The first of the two shifts has begun; make an override instead.", {"state": swap.state})
    if not exchanges.manages(swap.schedule, by) and swap.revert_asked_by in (None, by.user_id):
        if swap.revert_asked_by is None:
            swap.revert_asked_by = by.user_id
            _say(events.SWAP_REVERT_ASKED, swap, by, after=written(swap))
        return swap
    before = written(swap)
    exchanges.take_back(swap.schedule, f"swap:{swap.id}")
    _move(swap, "reverted")
    session.flush()
    _say(events.SWAP_REVERTED, swap, by, before=before, after=written(swap))
    return swap


ANSWERS = {"accept": accept, "decline": decline, "withdraw": withdraw, "revert": revert}


def swap_for(schedule: Schedule, key: str) -> Swap:
    """A swap of this schedule by the id in an address. Raises NotFound."""
    found = session.get(Swap, int(key)) if key.isascii() and key.isdecimal() and len(key) < 19 else None
    if found is None or found.schedule_id != schedule.id:
        raise NotFound("There is no such swap.")
    return found


def settle(key: int) -> int:
    """End a swap whose time came or that can't come about any more, or remind of it; whether there was anything to do."""
    locked(Schedule, session.get_one(Swap, key).schedule_id)
    swap = locked(Swap, key)
    return int(swap is not None and swap.state == "proposed" and _settled(swap))


def _settled(swap: Swap) -> bool:
    now, fault = exchanges.moment(), fault_of(swap)
    if swap.starts_at <= now:
        _end(swap, "expired", "Its first shift has begun.", by=SYSTEM)
    elif fault:
        gone = exchanges.fault_of_stand_in(swap.schedule, swap.counterpart) or not swap.proposer.is_active
        _end(swap, "withdrawn" if gone else "expired", f"{fault}.", by=SYSTEM)
    elif (hours := reminder(swap.starts_at, swap.created_at, swap.reminded, now)) is not None:
        swap.reminded = hours
        also = exchanges.managers(swap.schedule) if hours == MANAGERS_AT else []
        _say(events.SWAP_REMINDED, swap, SYSTEM, tell=[swap.proposer_id, swap.counterpart_id, *also])
    else:
        return False
    return True


def offer_of(swap: Swap) -> Offer:
    """What was offered."""
    return Offer(swap.proposer, swap.counterpart, (swap.gives_from, swap.gives_to), (swap.takes_from, swap.takes_to),
                 swap.reason)


def fault_of(swap: Swap) -> str:
    """Why the swap can't come about; "" when it can."""
    return next((fault for _, fault in _faults(swap.schedule, offer_of(swap))), "")


def in_words(swap: Swap) -> str:
    """`Ana gives Bob 2026-… and takes 2026-…`."""
    offer = offer_of(swap)
    return (f"{offer.proposer.name} gives {offer.counterpart.name} {exchanges.span_words(offer.gives)} and takes "
            f"{exchanges.span_words(offer.takes)}")


def written(swap: Swap) -> dict[str, Any]:
    """The swap as the log keeps it."""
    people = named({swap.proposer_id, swap.counterpart_id})
    return {"swap": swap.id, "state": swap.state, "proposer": people[swap.proposer_id].email,
            "counterpart": people[swap.counterpart_id].email,
            "gives": [swap.gives_from.isoformat(), swap.gives_to.isoformat()],
            "takes": [swap.takes_from.isoformat(), swap.takes_to.isoformat()], "reason": swap.reason}


def _faults(schedule: Schedule, offer: Offer) -> list[tuple[str, str]]:
    """Why the spans can't change their owners, with the field that says so."""
    found = []
    for name, span, owner, taker in (("gives", offer.gives, offer.proposer, offer.counterpart),
                                     ("takes", offer.takes, offer.counterpart, offer.proposer)):
        fault = (exchanges.fault_of_owner(schedule, owner, span) or exchanges.fault_of_taker(schedule, taker, span)
                 or exchanges.fault_of_hand(schedule, owner, span))
        if fault:
            found.append((name, fault))
    return found


def _hold(swap: Swap, by: Actor, wanted: str) -> None:
    """Ours until the transaction ends, and able to become `wanted`. Raises Conflict, Forbidden."""
    exchanges.begin(swap.schedule, by)
    locked(Swap, swap.id)
    if wanted not in SWAP_MOVES[swap.state]:
        raise Conflict(f"This swap is {swap.state} already.", {"state": swap.state})


def _move(swap: Swap, state: str) -> None:
    swap.state, swap.settled_at, swap.revert_asked_by = state, exchanges.moment(), None


def _end(swap: Swap, state: str, why: str, *, by: Actor) -> None:
    before = written(swap)
    _move(swap, state)
    _say(events.SWAP_WITHDRAWN if state == "withdrawn" else events.SWAP_EXPIRED, swap, by, before=before,
         after=written(swap), why=why)


def _say(kind: Kind, swap: Swap, by: Actor, *, tell: list[int] | None = None, **more: Any) -> None:
    both = [swap.proposer_id, swap.counterpart_id]
    record(kind, swap.schedule.ref, by=by, also=exchanges.concerned(swap.schedule, both),
           **exchanges.facts(swap.schedule, in_words(swap), both if tell is None else tell, by, **more))
