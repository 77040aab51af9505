"""The address at which heartbeats report."""

from __future__ import annotations

from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from app.core.access import access, own_transaction
from app.core.errors import NotFound
from app.heartbeats import pings, rules
from app.ingest.refusals import count_wrong

blueprint = Blueprint("heartbeat_door", __name__)
ROADS = {"start": "start", "fail": "failed", "log": "log"}


@blueprint.route("/heartbeat/<token>", methods=["GET", "POST", "PUT"])
@access("public")
@own_transaction
def ping(token: str) -> Response:
    """It is alive."""
    return _noted(token, "ok", None)


# GET counts only on the address itself: whoever previews a link must not make anything fail.
@blueprint.route("/heartbeat/<token>/<what>", methods=["POST", "PUT"])
@access("public")
@own_transaction
def report(token: str, what: str) -> Response:
    """`start`, `fail`, `log`, or the exit code of a command: 0 is alive, anything else a failure."""
    code = rules.exit_code(what)
    if code is None and what not in ROADS:
        raise NotFound("A heartbeat knows start, fail, log and exit codes from 0 to 255")
    return _noted(token, ROADS.get(what) or ("failed" if code else "ok"), code)


def _noted(token: str, kind: str, code: int | None) -> Response:
    request.max_content_length = 1024 * 1024
    try:
        output = request.get_data(cache=False)
    except RequestEntityTooLarge:
        output = b"(the output was too large to be kept)"
    if not pings.ping(token, kind=kind, output=output[:rules.OUTPUT], code=code):
        count_wrong(request.remote_addr or "")
        raise NotFound("There is no heartbeat with this token")
    return Response("OK", mimetype="text/plain")
