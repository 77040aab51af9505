"""Commands on requests for cover: somebody asks the team to stand in, and the first to accept takes it, or a part."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app.core.access import SYSTEM, Actor
from app.core.db import locked, session
from app.core.errors import Conflict, Forbidden, Invalid, NotFound, Problem
from app.core.events import Kind, record
from app.core.forms import Problems, check_text, refuse
from app.identity.models import User
from app.oncall import drafts, events, exchanges
from app.oncall.exchange_rules import (
    COVER_MOVES,
    MANAGERS_AT,
    WAITING,
    Span,
    cover_state,
    deadline,
    left,
    reminder,
)
from app.oncall.models import CoverPart, CoverRequest, Schedule


def ask(schedule: Schedule, person: User, span: Span, *, reason: str = "", by: Actor) -> CoverRequest:
    """Ask everybody who could for a stand-in; `person` stays on duty until somebody takes it. Raises Invalid."""
    schedule = exchanges.begin(schedule, by)
    exchanges.for_oneself(schedule, person, by)
    problems, now = Problems(), exchanges.moment()
    said = problems.take("reason", check_text, reason, most=drafts.REASON, label="The reason")
    exchanges.check_span(span, now, problems, running=True)
    problems.raise_if_any()
    span = (max(span[0], now), span[1])
    fault = (exchanges.fault_of_owner(schedule, person, span) or exchanges.fault_of_hand(schedule, person, span)
             or _asked_before(schedule, person, span))
    if fault:
        refuse("starts", fault)
    made = CoverRequest(schedule_id=schedule.id, schedule=schedule, user=person, starts_at=span[0], ends_at=span[1],
                        reason=said or "", created_by=by.ref, state="open", parts=[])
    session.add(made)
    session.flush()
    _say(events.COVER_REQUESTED, made, by, tell=_could(made), after=written(made))
    return made


def take(request: CoverRequest, person: User, span: Span | None = None, *, by: Actor) -> CoverRequest:
    """Stand in for all that is left, or for `span` of it. Where it can't come about any more, the request comes back
    ended: the caller keeps that and says so. Raises Conflict naming who was faster, Invalid, Forbidden."""
    _hold(request, by)
    schedule, now = request.schedule, exchanges.moment()
    if by.user_id != person.id and not exchanges.manages(schedule, by):
        raise Forbidden("You take a shift for yourself; a manager of the team does for others.")
    if _over(request):
        return request
    spans = _wanted(request, span)
    begun = [(max(start, now), end) for start, end in spans if end > now]
    faults = [fault for one in begun if (fault := exchanges.fault_of_taker(schedule, person, one))]
    if faults:
        raise Invalid(problems=[Problem("person", faults[0])])
    before = written(request)
    for start, end in begun:
        part = CoverPart(user=person, starts_at=start, ends_at=end)
        request.parts.append(part)
        session.flush()
        exchanges.hand(schedule, request.user, person, (start, end), origin=f"cover:{part.id}", reason=request.reason)
    request.state = cover_state((request.starts_at, request.ends_at), _taken(request))
    session.flush()
    what = f"{person.name} for {request.user.name}, {' and '.join(map(exchanges.span_words, begun))}"
    _say(events.COVER_TAKEN, request, by, what=what, tell=[*_could(request), person.id], before=before,
         after=written(request))
    return request


def withdraw(request: CoverRequest, *, by: Actor) -> CoverRequest:
    """Cover is not needed any more; what was taken stays taken."""
    _hold(request, by)
    exchanges.for_oneself(request.schedule, request.user, by)
    _end(request, "withdrawn", f"{by.name} withdrew it.", by=by)
    return request


def give_back(part: CoverPart, *, by: Actor) -> CoverRequest:
    """Give a part back before it begins: at once by a manager, else when the taker asked and the requester agrees."""
    request = part.request
    exchanges.begin(request.schedule, by)
    locked(CoverRequest, request.id)
    locked(CoverPart, part.id)
    manages = exchanges.manages(request.schedule, by)
    if by.user_id not in (part.user_id, request.user_id) and not manages:
        raise Forbidden("Only who took it and who asked, or a manager of the team, give it back.")
    if part.given_back_at is not None or part.starts_at <= exchanges.moment():
        raise Conflict("This was given back already." if part.given_back_at else "This part has begun.",
                       {"state": request.state})
    what = f"{part.user.name} for {request.user.name}, {exchanges.span_words((part.starts_at, part.ends_at))}"
    if not manages and (by.user_id == part.user_id or part.back_asked_at is None):
        if by.user_id != part.user_id:
            raise Conflict(f"{part.user.name} has not asked to give it back.", {"state": request.state})
        part.back_asked_at = exchanges.moment()
        _say(events.COVER_BACK_ASKED, request, by, what=what, tell=[request.user_id], after=written(request))
        return request
    before = written(request)
    part.given_back_at = exchanges.moment()
    exchanges.take_back(request.schedule, f"cover:{part.id}")
    if request.state not in ("withdrawn", "expired"):
        request.state = cover_state((request.starts_at, request.ends_at), _taken(request))
    session.flush()
    _say(events.COVER_GIVEN_BACK, request, by, what=what, tell=[request.user_id, part.user_id], before=before,
         after=written(request))
    return request


def cover_for(schedule: Schedule, key: str) -> CoverRequest:
    """A request of this schedule by the id in an address. Raises NotFound."""
    found = session.get(CoverRequest, int(key)) if key.isascii() and key.isdecimal() and len(key) < 19 else None
    if found is None or found.schedule_id != schedule.id:
        raise NotFound("There is no such request.")
    return found


def part_for(request: CoverRequest, key: str) -> CoverPart:
    """A part of this request that somebody took. Raises NotFound."""
    found = next((one for one in request.parts if str(one.id) == key), None)
    if found is None:
        raise NotFound("Nobody took such a part.")
    return found


def settle(key: int) -> int:
    """End a request whose time came or that nobody needs any more, or remind of it; whether there was anything to do."""
    locked(Schedule, session.get_one(CoverRequest, key).schedule_id)
    request = locked(CoverRequest, key)
    return int(request is not None and request.state in WAITING and (_over(request) or _reminded(request)))


def still_open(request: CoverRequest) -> list[Span]:
    """The parts that nobody took yet and that lie ahead."""
    now = exchanges.moment()
    return [(max(start, now), end) for start, end in left((request.starts_at, request.ends_at), _taken(request))
            if end > now] if request.state in WAITING else []


def in_words(request: CoverRequest) -> str:
    """`for Ana, 2026-… to 2026-…`."""
    reason = f" ({request.reason})" if request.reason else ""
    return f"for {request.user.name}, {exchanges.span_words((request.starts_at, request.ends_at))}{reason}"


def written(request: CoverRequest) -> dict[str, Any]:
    """The request as the log keeps it."""
    return {"cover_request": request.id, "state": request.state, "person": request.user.email,
            "starts": request.starts_at.isoformat(), "ends": request.ends_at.isoformat(), "reason": request.reason,
            "taken": [[one.user.email, one.starts_at.isoformat(), one.ends_at.isoformat()]
                      for one in request.parts if one.given_back_at is None]}


def _wanted(request: CoverRequest, span: Span | None) -> list[Span]:
    """The spans that somebody takes: all that is left, or `span` where it is free. Raises Invalid, Conflict."""
    free = still_open(request)
    if span is None:
        return free
    begun = (max(span[0], exchanges.moment()), span[1])
    if span[0] >= span[1] or begun[0] < request.starts_at or span[1] > request.ends_at or begun[0] >= begun[1]:
        refuse("starts", "This is not a part of the time that cover is asked for")
    if not any(start <= begun[0] and begun[1] <= end for start, end in free):
        raise _too_late(request)
    return [begun]


def _too_late(request: CoverRequest) -> Conflict:
    who = " and ".join(dict.fromkeys(one.user.name for one in request.parts if one.given_back_at is None))
    return Conflict(f"{who} took this already. Thank you all the same." if who else f"This is {request.state} already.",
                    {"state": request.state, "taken_by": who})


def _hold(request: CoverRequest, by: Actor) -> None:
    """Ours until the transaction ends, and still waiting. Raises Conflict naming who took it."""
    exchanges.begin(request.schedule, by)
    locked(CoverRequest, request.id)
    session.refresh(request, ["parts"])
    if "withdrawn" not in COVER_MOVES[request.state]:
        raise _too_late(request)


def _over(request: CoverRequest) -> bool:
    """Whether it has ended: its time came, or what is left is not the requester's any more."""
    schedule, now = request.schedule, exchanges.moment()
    free = still_open(request)
    if deadline((request.starts_at, request.ends_at), request.created_at.replace(microsecond=0)) <= now or not free:
        _end(request, "expired", f"{request.user.name} stays on duty.", by=SYSTEM)
        return True
    fault = next((said for span in free if (said := exchanges.fault_of_owner(schedule, request.user, span)
                                            or exchanges.fault_of_hand(schedule, request.user, span))), "")
    if fault:
        _end(request, "expired" if request.user.is_active else "withdrawn", f"{fault}.", by=SYSTEM)
    return bool(fault)


def _reminded(request: CoverRequest) -> bool:
    hours = reminder(request.starts_at, request.created_at, request.reminded, exchanges.moment())
    if hours is None:
        return False
    request.reminded = hours
    also = exchanges.managers(request.schedule) if hours == MANAGERS_AT else []
    _say(events.COVER_REMINDED, request, SYSTEM, tell=[*_could(request), request.user_id, *also])
    return True


def _asked_before(schedule: Schedule, person: User, span: Span) -> str:
    same = session.scalar(select(CoverRequest.id).where(
        CoverRequest.schedule_id == schedule.id, CoverRequest.user_id == person.id, CoverRequest.state.in_(WAITING),
        CoverRequest.starts_at < span[1], CoverRequest.ends_at > span[0]).limit(1))
    return "Cover is asked for this time already" if same else ""


def _taken(request: CoverRequest) -> list[Span]:
    return [(one.starts_at, one.ends_at) for one in request.parts if one.given_back_at is None]


def _could(request: CoverRequest) -> list[int]:
    return [person.id for person in exchanges.stand_ins(request.schedule)]


def _end(request: CoverRequest, state: str, why: str, *, by: Actor) -> None:
    before = written(request)
    request.state = state
    _say(events.COVER_WITHDRAWN if state == "withdrawn" else events.COVER_EXPIRED, request, by, before=before,
         after=written(request), why=why, tell=[*_could(request), request.user_id])


def _say(kind: Kind, request: CoverRequest, by: Actor, *, tell: list[int], what: str = "", **more: Any) -> None:
    schedule = request.schedule
    people = [request.user_id, *(one.user_id for one in request.parts)]
    record(kind, schedule.ref, by=by, also=exchanges.concerned(schedule, people),
           **exchanges.facts(schedule, what or in_words(request), [*tell, request.user_id], by, **more))
