"""The address at which targets report: `POST /runbooks/callback/<token>`, signed with the runbook's signing secret."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import RequestEntityTooLarge

from app.core.access import access, own_transaction
from app.core.db import transaction
from app.core.errors import Conflict, Failure, Invalid, NotFound
from app.core.reading import Rejected
from app.core.secrets import Unreadable
from app.core.web import problem
from app.ingest.refusals import count_wrong
from app.runbooks import hearing

blueprint = Blueprint("runbook_callbacks", __name__)
MOST = 1024 * 1024


@blueprint.post("/runbooks/callback/<token>")
@access("token")
@own_transaction
def report(token: str) -> Response:
    """How an execution stands; whatever is refused changes nothing and is noted."""
    request.max_content_length = MOST
    try:
        body = request.get_data(cache=False)
        return _heard(token, body)
    except RequestEntityTooLarge:
        return problem(413, "Too large", "A callback has at most 1 MiB")
    except Invalid as fault:
        return problem(422, fault.title, fault.detail,
                       errors=[{"field": one.field, "message": one.message} for one in fault.problems])
    except Failure as fault:
        return problem(fault.status, fault.title, fault.detail)


def _heard(token: str, body: bytes) -> Response:
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        with transaction():
            execution_id = hearing.execution_of(token).id
    except NotFound:
        count_wrong(request.remote_addr or "")
        raise
    try:
        with transaction():
            mark = hearing.check(hearing.execution_of(token), body, headers)
    except Rejected as refusal:
        count_wrong(request.remote_addr or "")
        with transaction():
            hearing.refuse(execution_id, refusal.reason)
        return problem(401, "Not genuine", refusal.reason)
    except Unreadable as fault:
        with transaction():
            hearing.refuse(execution_id, f"{fault}: whether it is genuine can't be told")
        return problem(503, "Try again later", f"{fault}: whether this is genuine can't be told")
    said = hearing.read(body)
    try:
        with transaction():
            hearing.hear(execution_id, mark, said)
    except Conflict as refusal:
        with transaction():
            hearing.refuse(execution_id, str(refusal.state.get("said") or refusal.detail), late="said" in refusal.state)
        raise
    return jsonify(status="accepted")
