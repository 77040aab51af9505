"""Swaps, cover, gaps and notes of hand-overs for machines."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify, request
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from app.core import clock
from app.core.access import access, own_transaction
from app.core.db import transaction
from app.core.errors import Conflict, NotFound
from app.core.openapi import PAGING, PROBLEM, component, listing, operation, query, sent
from app.core.paging import paged
from app.core.web import actor
from app.identity.models import User
from app.oncall import covers, gaps, handover, queries, request_forms, swaps
from app.oncall.exchange_rules import COVER_MOVES, SWAP_MOVES
from app.oncall.models import CoverPart, CoverRequest, Swap
from app.oncall.schemas import INSTANT, SPAN, SPANS, TEXT, shape

blueprint = Blueprint("oncall_requests_api", __name__)
SOMEBODY = shape(email=TEXT, name=TEXT)
TIME = {"type": "string", "maxLength": 40, "description": "RFC 3339, or a local time of the schedule's zone"}
WISHED_SPAN = {**shape(start=TIME, end=TIME), "additionalProperties": False}
EMAIL = {"type": ["string", "null"], "maxLength": 254}
SWAP = component("Swap", shape(
    id=TEXT, state={"type": "string", "enum": list(SWAP_MOVES)}, proposer=SOMEBODY, counterpart=SOMEBODY, gives=SPAN,
    takes=SPAN, reason=TEXT, created_at=INSTANT, revert_asked_by={"anyOf": [SOMEBODY, {"type": "null"}]}))
COVER = component("CoverRequest", shape(
    id=TEXT, state={"type": "string", "enum": list(COVER_MOVES)}, person=SOMEBODY, starts=INSTANT, ends=INSTANT,
    reason=TEXT, created_at=INSTANT, open=SPANS, taken={"type": "array", "items": shape(
        id=TEXT, person=SOMEBODY, start=INSTANT, end=INSTANT, back_asked={"type": "boolean"})}))
WISHED_SWAP = {
    "type": "object", "additionalProperties": False, "required": ["gives", "counterpart", "takes"], "properties": {
        "proposer": {**EMAIL, "description": "Whose shift is given; the caller when left out"},
        "gives": WISHED_SPAN, "counterpart": {**EMAIL, "type": "string"}, "takes": WISHED_SPAN,
        "reason": {"type": "string", "maxLength": 200}}}
WISHED_COVER = {
    "type": "object", "additionalProperties": False, "required": ["ends"], "properties": {
        "person": {**EMAIL, "description": "Who holds the shift; the caller when left out"},
        "starts": {**TIME, "description": "Now when left out"}, "ends": TIME,
        "reason": {"type": "string", "maxLength": 200}}}
GAP = component("Gap", shape(start=INSTANT, end=INSTANT, cause=TEXT))
NOTE = {"type": "object", "additionalProperties": False, "required": ["body"], "properties": {
    "body": {"type": "string", "minLength": 1, "maxLength": handover.LONGEST_NOTE}}}
NOTE_LEFT = component("HandoverNote", shape(body=TEXT, at=INSTANT, author=SOMEBODY))
PART = {"type": "object", "additionalProperties": False, "properties": {
    "person": {**EMAIL, "description": "Who takes over; the caller when left out"},
    "starts": {**TIME, "description": "The part that is taken; all that is left when left out"}, "ends": TIME}}


@blueprint.get("/schedules/<key>/swaps")
@access("schedule.read")
@operation("Swaps of a schedule, newest first", responses={200: listing(SWAP)},
           parameters=(*PAGING, query("state", "State", choices=list(SWAP_MOVES))))
def list_swaps(key: str) -> Any:
    """What was proposed, and what became of it."""
    found = select(Swap).where(Swap.schedule_id == queries.schedule_for(key, actor()).id).options(
        joinedload(Swap.proposer), joinedload(Swap.counterpart))
    if request.args.get("state"):
        found = found.where(Swap.state == request.args["state"])
    return paged(found, request.args, by=(Swap.id,), descending=True, show=_swap)


@blueprint.post("/schedules/<key>/swaps")
@access("shift.exchange")
@operation("Propose a swap to somebody", request=WISHED_SWAP, responses={201: SWAP})
def propose(key: str) -> Any:
    """Nothing changes until the counterpart accepts."""
    schedule = queries.schedule_for(key, actor(), "shift.exchange")
    return jsonify(_swap(swaps.propose(schedule, request_forms.read_swap(sent(request), schedule, actor()),
                                       by=actor()))), 201


@blueprint.post("/schedules/<key>/swaps/<id>/<answer>")
@access("shift.exchange")
@own_transaction
@operation("Accept, decline, withdraw or revert a swap", responses={200: SWAP, 409: PROBLEM},
           description="`answer` is `accept`, `decline`, `withdraw` or `revert`. 409: it was answered before, or one of "
                       "the spans has changed meanwhile and the swap has expired. The first of the two who asks to "
                       "revert gets 200 and `revert_asked_by`; the other one's makes it so.")
def answer_swap(key: str, id: str, answer: str) -> Any:
    """On acceptance both spans change their owner, or none."""
    if answer not in swaps.ANSWERS:
        raise NotFound("There is no such answer.")
    with transaction():
        found = swaps.swap_for(queries.schedule_for(key, actor(), "shift.exchange"), id)
        swap = swaps.ANSWERS[answer](found, by=actor())
        shown = _swap(swap)
    if answer == "accept" and swap.state == "expired":
        raise Conflict("One of the shifts has changed meanwhile, so the swap has expired.", {"state": "expired"})
    return jsonify(shown)


@blueprint.get("/schedules/<key>/cover-requests")
@access("schedule.read")
@operation("Requests for cover, newest first", responses={200: listing(COVER)},
           parameters=(*PAGING, query("state", "State", choices=list(COVER_MOVES))))
def list_covers(key: str) -> Any:
    """Who needs cover, and who took it."""
    found = select(CoverRequest).where(CoverRequest.schedule_id == queries.schedule_for(key, actor()).id).options(
        joinedload(CoverRequest.user), selectinload(CoverRequest.parts).joinedload(CoverPart.user))
    if request.args.get("state"):
        found = found.where(CoverRequest.state == request.args["state"])
    return paged(found, request.args, by=(CoverRequest.id,), descending=True, show=_cover)


@blueprint.post("/schedules/<key>/cover-requests")
@access("shift.exchange")
@operation("Ask the team for cover", request=WISHED_COVER, responses={201: COVER})
def ask(key: str) -> Any:
    """Whoever asks stays on duty until somebody takes over."""
    schedule = queries.schedule_for(key, actor(), "shift.exchange")
    values = sent(request)
    person, span = request_forms.read_cover(values, schedule, actor())
    return jsonify(_cover(covers.ask(schedule, person, span, reason=values.get("reason", ""), by=actor()))), 201


@blueprint.post("/schedules/<key>/cover-requests/<id>/take")
@access("shift.exchange")
@own_transaction
@operation("Take over, all that is left or a part", request=PART, body_needed=False,
           responses={200: COVER, 409: PROBLEM}, description="409 names who was faster.")
def take(key: str, id: str) -> Any:
    """The first to accept takes it."""
    with transaction():
        schedule = queries.schedule_for(key, actor(), "shift.exchange")
        found = covers.cover_for(schedule, id)
        person, span = request_forms.read_taker(sent(request), schedule, actor(), whole=(found.starts_at, found.ends_at))
        shown = _cover(covers.take(found, person, span, by=actor()))
    if found.state in ("expired", "withdrawn"):
        raise Conflict("This cover is not needed any more.", {"state": found.state})
    return jsonify(shown)


@blueprint.post("/schedules/<key>/cover-requests/<id>/withdraw")
@access("shift.exchange")
@operation("Cover is not needed any more", responses={200: COVER, 409: PROBLEM})
def withdraw(key: str, id: str) -> Any:
    """What was taken stays taken."""
    schedule = queries.schedule_for(key, actor(), "shift.exchange")
    return jsonify(_cover(covers.withdraw(covers.cover_for(schedule, id), by=actor())))


@blueprint.post("/schedules/<key>/cover-requests/<id>/parts/<part>/give-back")
@access("shift.exchange")
@operation("Give a part back", responses={200: COVER, 409: PROBLEM},
           description="The taker asks, and whoever asked for cover agrees by the same call; a manager needs nobody.")
def give_back(key: str, id: str, part: str) -> Any:
    """Before it begins."""
    schedule = queries.schedule_for(key, actor(), "shift.exchange")
    return jsonify(_cover(covers.give_back(covers.part_for(covers.cover_for(schedule, id), part), by=actor())))


@blueprint.get("/schedules/<key>/gaps")
@access("schedule.read")
@operation("When nobody is on duty in the next 30 days, and why", responses={200: {"type": "array", "items": GAP}})
def list_gaps(key: str) -> Any:
    """In order; the running one begins now."""
    schedule, now = queries.schedule_for(key, actor()), clock.now()
    plan = queries.plan_of(schedule)
    found = gaps.gaps(plan, now, now + handover.GAPS_AHEAD, queries.inactive_of(plan))
    return jsonify([{**_span(one.start, one.end), "cause": one.cause} for one in found])


@blueprint.post("/schedules/<key>/notes")
@access("shift.exchange")
@operation("Leave a note for whoever is on duty next", request=NOTE, responses={201: NOTE_LEFT})
def leave_note(key: str) -> Any:
    """They read it on their page and in the notice of their shift."""
    schedule = queries.schedule_for(key, actor(), "shift.exchange")
    note = handover.leave_note(schedule, sent(request)["body"], by=actor())
    return jsonify({"body": note.body, "at": clock.rfc3339(note.written_at), "author": _somebody(note.author)}), 201


def _swap(swap: Swap) -> dict[str, Any]:
    both = {swap.proposer_id: swap.proposer, swap.counterpart_id: swap.counterpart}
    return {"id": str(swap.id), "state": swap.state, "proposer": _somebody(swap.proposer),
            "counterpart": _somebody(swap.counterpart), "gives": _span(swap.gives_from, swap.gives_to),
            "takes": _span(swap.takes_from, swap.takes_to), "reason": swap.reason,
            "created_at": clock.rfc3339(swap.created_at),
            "revert_asked_by": _somebody(both[swap.revert_asked_by]) if swap.revert_asked_by in both else None}


def _cover(cover: CoverRequest) -> dict[str, Any]:
    return {"id": str(cover.id), "state": cover.state, "person": _somebody(cover.user),
            "starts": clock.rfc3339(cover.starts_at), "ends": clock.rfc3339(cover.ends_at), "reason": cover.reason,
            "created_at": clock.rfc3339(cover.created_at), "open": [_span(*one) for one in covers.still_open(cover)],
            "taken": [{"id": str(one.id), "person": _somebody(one.user), **_span(one.starts_at, one.ends_at),
                       "back_asked": one.back_asked_at is not None}
                      for one in cover.parts if one.given_back_at is None]}


def _somebody(user: User) -> dict[str, str]:
    return {"email": user.email, "name": user.name}


def _span(start: Any, end: Any) -> dict[str, Any]:
    return {"start": clock.rfc3339(start), "end": clock.rfc3339(end)}
