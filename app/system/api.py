"""The system, for machines."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from app.core import retention
from app.core.access import access, own_transaction
from app.core.clock import rfc3339
from app.core.hold import Held
from app.core.openapi import PROBLEM, listing, operation, query
from app.core.panels import Line
from app.core.retention import COUNTED, Standing
from app.core.web import actor
from app.identity.queries import allow
from app.system import jobs, pages, queries, schemas
from app.system.queries import FailedJob

blueprint = Blueprint("system_api", __name__)
FILTERS = (query("q", "Words that name, help, group or origin hold"),
           query("only", "`set`: what somebody set", choices=["set"]))


@blueprint.get("/system")
@access("admin")
@operation("How every part of the system is", responses={200: schemas.SYSTEM})
def index() -> Response:
    """Problems with their remedies first."""
    allow(actor(), "admin")
    return jsonify(_system(pages.system_page()))


@blueprint.get("/system/retention")
@access("admin")
@operation("What goes after a time, and what the next run would remove", responses={200: listing(schemas.KEPT)})
def kept() -> Response:
    """One item for each kind of row; rows are counted to `counted_to` at most."""
    allow(actor(), "admin")
    return jsonify({"items": [_kept(retention.standing(one)) for one in retention.table()], "next": None})


@blueprint.get("/system/settings")
@access("admin")
@operation("Every setting in effect; secrets are not shown", responses={200: listing(schemas.SETTING)}, parameters=FILTERS)
def settings() -> Response:
    """With origin and help."""
    allow(actor(), "admin")
    found = [one for _, group in pages.settings_page(request.args).groups for one in group]
    return jsonify({"items": [{"name": one.name, "value": one.shown, "origin": one.origin, "default": one.default,
                               "help": one.help, "group": one.group} for one in found], "next": None})


@blueprint.get("/system/jobs")
@access("admin")
@operation("Jobs that failed for good, newest first", responses={200: listing(schemas.JOB)})
def failed() -> Response:
    """At most 50 of each queue."""
    allow(actor(), "admin")
    return jsonify({"items": [_job(one) for one in queries.failed_jobs()], "next": None})


@blueprint.post("/system/jobs/<job_id>/run-again")
@access("admin")
@own_transaction
@operation("Let a job that failed run again", responses={200: schemas.JOB, 404: PROBLEM}, body_needed=False)
def run_again(job_id: str) -> Response:
    """It goes back into its queue."""
    return jsonify(_job(FailedJob(jobs.run_again(job_id, by=actor()), [])))


@blueprint.delete("/system/jobs/<job_id>")
@access("admin")
@own_transaction
@operation("Drop a job that failed", responses={204: None, 404: PROBLEM}, body_needed=False)
def drop(job_id: str) -> tuple[str, int]:
    """It is forgotten."""
    jobs.drop(job_id, by=actor())
    return "", 204


def _system(page: pages.SystemPage) -> dict[str, Any]:
    return {
        "ok": not page.problems, "problems": page.problems, "facts": _lines(page.facts),
        "processes": [{"role": one.part, "owner": one.owner, "silent_s": round(one.silent, 1), "lives": one.lives}
                      for one in page.processes or ()],
        "ticks": [{"path": one.path, "every_s": one.every, "ended_at": rfc3339(one.at), "took_s": one.seconds,
                   "fault": one.fault, "state": one.state} for one in page.ticks],
        "queues": [{"name": one.name, "jobs": one.jobs, "running": one.running, "failed": one.failed,
                    "oldest_at": rfc3339(one.oldest_at)} for one in page.queues or ()],
        "refusals": [vars(one) for one in page.refusals],
        "broken_plugins": [{"slug": one.slug, "reason": one.reason} for one in page.broken],
        "keys": [vars(one) for one in page.keys()],
        "parts": {name: _lines(told) for name, told in page.parts.items()}, "held": page.held,
        "outgoing": {name: {"number": number, "first": [_held(one) for one in first]}
                     for name, (number, first) in page.outgoing.items()}}


def _lines(told: list[Line]) -> list[dict[str, str]]:
    return [vars(one) for one in told]


def _held(one: Held) -> dict[str, Any]:
    return {"what": one.what, "whom": one.whom, "since": rfc3339(one.since), "url": one.url}


def _job(one: FailedJob) -> dict[str, Any]:
    return {"id": one.job.id, "queue": one.job.queue, "what": one.job.what, "about": one.about,
            "failed_at": rfc3339(one.job.failed_at), "error": one.job.error, "trace": one.job.trace}


def _kept(one: Standing) -> dict[str, Any]:
    return {"slug": one.kept.slug, "name": one.kept.name, "stays": one.kept.stays, "days": one.kept.for_days,
            "set_by": pages.origin_of(one.kept), "rows": one.rows, "due": one.due, "counted_to": COUNTED,
            "ran_at": rfc3339(one.ran_at), "removed": one.removed, "next_at": rfc3339(one.next_at)}
