"""Pages about swaps, cover and hand-over: what waits, the forms, and the answers."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for

from app.core.access import access, own_transaction
from app.core.db import transaction
from app.core.errors import Conflict, Invalid, NotFound
from app.core.pages import go, page
from app.core.web import actor
from app.oncall import covers, forms, handover, queries, request_forms, request_pages, swaps
from app.oncall.lanes import zone_name

blueprint = Blueprint("oncall_requests", __name__)
SAID = {"accept": "The shifts are swapped", "decline": "Declined", "withdraw": "Withdrawn"}


@blueprint.get("/on-call/requests")
@access("schedule.read")
def index() -> Response:
    """What waits for me, what I wait for, and what was."""
    return page("oncall/requests.html", request_pages.requests_page(actor()))


@blueprint.get("/schedules/<key>/swaps/new")
@access("shift.exchange")
def new_swap(key: str) -> Response:
    """The form of a swap, filled in with what the address names."""
    schedule = queries.schedule_for(key, actor())
    return page("oncall/swap.html", request_forms.exchange_form(schedule, actor(), request.args))


@blueprint.post("/schedules/<key>/swaps/new")
@access("shift.exchange")
def propose(key: str) -> Response:
    """Ask somebody to swap, or show what is wrong."""
    schedule = queries.schedule_for(key, actor())
    try:
        offer = request_forms.read_swap(request_forms.typed_swap(request.form), schedule, actor(),
                                        zone=zone_name(schedule, actor(), "mine"))
        swaps.propose(schedule, offer, by=actor())
    except Invalid as refused:
        form = request_forms.exchange_form(schedule, actor(), request.form, refused.problems)
        return page("oncall/swap.html", form, status=refused.status)
    return go(url_for("oncall_requests.index"), f"{offer.counterpart.name} is asked")


@blueprint.post("/schedules/<key>/swaps/<id>/<answer>")
@access("shift.exchange")
@own_transaction
def answer_swap(key: str, id: str, answer: str) -> Response:
    """Accept, decline, withdraw or revert."""
    if answer not in swaps.ANSWERS:
        raise NotFound("There is no such answer.")
    with transaction():
        swap = swaps.ANSWERS[answer](swaps.swap_for(queries.schedule_for(key, actor()), id), by=actor())
    if answer == "accept" and swap.state == "expired":
        return go(url_for("oncall_requests.index"), "Too late: one of the shifts has changed meanwhile", tone="caution")
    words = "The swap is undone" if swap.state == "reverted" else SAID.get(answer, "The other one is asked to agree")
    return go(url_for("oncall_requests.index"), words)


@blueprint.get("/schedules/<key>/cover/new")
@access("shift.exchange")
def new_cover(key: str) -> Response:
    """The form of a request for cover, filled in with what the address names."""
    schedule = queries.schedule_for(key, actor())
    return page("oncall/cover.html", request_forms.exchange_form(schedule, actor(), request.args))


@blueprint.post("/schedules/<key>/cover/new")
@access("shift.exchange")
def ask(key: str) -> Response:
    """Ask the team for cover, or show what is wrong."""
    schedule = queries.schedule_for(key, actor())
    try:
        values = request_forms.typed_cover(request.form)
        person, span = request_forms.read_cover(values, schedule, actor(), zone=zone_name(schedule, actor(), "mine"))
        covers.ask(schedule, person, span, reason=values["reason"], by=actor())
    except Invalid as refused:
        form = request_forms.exchange_form(schedule, actor(), request.form, refused.problems)
        return page("oncall/cover.html", form, status=refused.status)
    return go(url_for("oncall_requests.index"), "The team is asked")


@blueprint.post("/schedules/<key>/cover/<id>/take")
@access("shift.exchange")
@own_transaction
def take(key: str, id: str) -> Response:
    """Take all that is left, or a part."""
    back, by = url_for("oncall_requests.index"), actor()
    try:
        with transaction():
            schedule = queries.schedule_for(key, by)
            wanted = covers.cover_for(schedule, id)
            person, span = request_forms.read_taker(request.form, schedule, by, zone=zone_name(schedule, by, "mine"),
                                                    whole=(wanted.starts_at, wanted.ends_at))
            covers.take(wanted, person, span, by=by)
    except (Conflict, Invalid) as refused:
        return go(back, forms.problems_of(refused)[0].message, tone="caution")
    if wanted.state == "expired":
        return go(back, "Too late: this cover is not needed any more", tone="caution")
    return go(back, f"You take over for {wanted.user.name}")


@blueprint.post("/schedules/<key>/cover/<id>/withdraw")
@access("shift.exchange")
def withdraw(key: str, id: str) -> Response:
    """Cover is not needed any more."""
    covers.withdraw(covers.cover_for(queries.schedule_for(key, actor()), id), by=actor())
    return go(url_for("oncall_requests.index"), "Withdrawn")


@blueprint.post("/schedules/<key>/cover/<id>/parts/<part>/give-back")
@access("shift.exchange")
def give_back(key: str, id: str, part: str) -> Response:
    """Ask to give a part back, or agree to it."""
    taken = covers.part_for(covers.cover_for(queries.schedule_for(key, actor()), id), part)
    covers.give_back(taken, by=actor())
    given = taken.given_back_at is not None
    return go(url_for("oncall_requests.index"), "Given back" if given else f"{taken.request.user.name} is asked to agree")


@blueprint.post("/schedules/<key>/notes")
@access("shift.exchange")
def leave_note(key: str) -> Response:
    """Leave a note for whoever is on duty next."""
    schedule = queries.schedule_for(key, actor())
    body = request.form.get("body", "")
    if not body.strip():
        return go(url_for("oncall.on_call"), "The note is empty; nothing was left", tone="caution")
    handover.leave_note(schedule, body, by=actor())
    return go(url_for("oncall.on_call"), "The note waits for whoever comes next")
