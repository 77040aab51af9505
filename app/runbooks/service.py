"""Commands on the library: save, approve, send back, deprecate, revive, roll back, delete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete as delete_rows
from sqlalchemy import select

from app.core import clock
from app.core.access import Actor
from app.core.db import locked, session
from app.core.errors import Conflict, Forbidden, Invalid, NotFound, Problem
from app.core.events import record
from app.core.forms import Problems, check_text
from app.identity.queries import allow
from app.runbooks import drafts, events, queries, rules
from app.runbooks.models import Execution, Runbook, RunbookReview, RunbookVersion
from app.runbooks.secret_uses import missing_secrets

WORDS = {"approved": "approved", "deprecated": "deprecated", "draft": "a draft"}


def also(runbook: Runbook) -> list[str]:
    """Whom else an event about the runbook concerns."""
    return ["runbooks", f"runbook/{runbook.key}", *([f"team:{runbook.team_id}"] if runbook.team_id else [])]


def add_runbook(values: Mapping[str, Any], *, by: Actor) -> Runbook:
    """A new runbook; a key that is taken is refused."""
    if queries.runbook_by_key(str(values.get("key", ""))) is not None:
        raise Invalid(problems=[Problem("key", "Another runbook has this key")])
    return save_runbook(values, by=by)


def save_runbook(values: Mapping[str, Any], *, by: Actor) -> Runbook:
    """Create or change the runbook of this key as a draft; left-out fields stay. Saving what is there changes nothing,
    and an edit of what was approved drops the approval at once."""
    key = drafts.check_key(values.get("key"))
    found = queries.runbook_by_key(key)
    if found is not None:
        allow(by, "runbook.edit", team_id=found.team_id)
        found = locked(Runbook, found.id) or found
        if not rules.may_become(found.state, "change"):
            raise Conflict(f"{found.name} is deprecated; make it a draft again before you change it")
    before = queries.runbook_document(found) if found else None
    wanted = drafts.wanted(values, before, by=by)
    allow(by, "runbook.edit", team_id=wanted.team.id if wanted.team else None)
    if found is not None and before == wanted.document:
        return found
    runbook = found or Runbook(key=key, state="draft")
    _keep(runbook, wanted, by)
    _tell(runbook, before, wanted.document, by)
    return runbook


def _keep(runbook: Runbook, wanted: drafts.Wanted, by: Actor) -> None:
    """The columns, and the version that says how it was saved."""
    for name in ("name", "description", "target", "config", "payload", "parameters", "retries", "wait_for", "concurrency"):
        setattr(runbook, name, wanted.document[name])
    runbook.timeout, runbook.team, runbook.services = wanted.timeout, wanted.team, wanted.services
    runbook.team_id = wanted.team.id if wanted.team else None
    runbook.version, runbook.changed_at = (runbook.version or 0) + 1, clock.now()
    session.add(runbook)
    session.flush()
    session.add(RunbookVersion(runbook_id=runbook.id, number=runbook.version, document=wanted.document, author=by.ref,
                               author_name=by.name[:200]))
    session.flush()


def _tell(runbook: Runbook, before: dict[str, Any] | None, after: dict[str, Any], by: Actor) -> None:
    if before is None:
        record(events.CREATED, runbook.ref, by=by, also=also(runbook), name=runbook.name, version=runbook.version,
               after=after)
        return
    lost = runbook.state == "approved" and rules.drops_approval(before, after)
    if lost:
        runbook.state = "draft"
    record(events.CHANGED, runbook.ref, by=by, also=also(runbook), name=runbook.name, version=runbook.version, before=before,
           after=after, approval_lost=lost)


def _moved(runbook: Runbook, move: str) -> Runbook:
    """The runbook, locked and fresh, if it can be moved so. Raises Conflict with the state."""
    found = locked(Runbook, runbook.id)
    if found is None:
        raise NotFound
    if not rules.may_become(found.state, move):
        raise Conflict(f"{found.name} is {WORDS[found.state]}", {"state": found.state})
    return found


def approve(runbook: Runbook, *, by: Actor, version: int | None = None) -> Runbook:
    """Let the present version run. `version` is what the person looked at. Raises Forbidden for whoever wrote it."""
    allow(by, "runbook.approve", team_id=runbook.team_id)
    found = _moved(runbook, "approve")
    wrote = queries.authors(found)
    if by.user_id is None:
        raise Forbidden("Only a person approves a runbook.")
    if queries.four_eyes() and by.ref in wrote:
        raise Forbidden("You changed it since it was last approved. Another platform admin has to approve it.")
    if version is not None and version != found.version:
        raise Conflict(f"It was changed meanwhile: version {found.version} is the newest", {"version": found.version})
    if missing := missing_secrets(found):
        raise Conflict(f"It names secrets that are not there: {', '.join(missing)}", {"missing": missing})
    found.state, found.approved_version, found.approved_at = "approved", found.version, clock.now()
    found.approved_name, found.sent_back, found.review_note = by.name[:200], None, ""
    record(events.APPROVED, found.ref, by=by, also=also(found), name=found.name, version=found.version)
    return found


def send_back(runbook: Runbook, comment: str, *, by: Actor) -> Runbook:
    """Not like this; the comment says why."""
    allow(by, "runbook.approve", team_id=runbook.team_id)
    problems = Problems()
    said = problems.take("comment", check_text, comment, least=1, most=2000, label="A comment")
    problems.raise_if_any()
    found = _moved(runbook, "send_back")
    found.sent_back, found.review_note = found.version, said or ""
    record(events.SENT_BACK, found.ref, by=by, also=also(found), name=found.name, version=found.version, comment=said)
    return found


def deprecate(runbook: Runbook, *, by: Actor) -> Runbook:
    """No longer to be run; it leaves the pickers and keeps its history."""
    allow(by, "runbook.edit", team_id=runbook.team_id)
    found = _moved(runbook, "deprecate")
    found.state = "deprecated"
    record(events.DEPRECATED, found.ref, by=by, also=also(found), name=found.name)
    return found


def revive(runbook: Runbook, *, by: Actor) -> Runbook:
    """A draft again; it has to be approved anew."""
    allow(by, "runbook.approve", team_id=runbook.team_id)
    found = _moved(runbook, "revive")
    found.state = "draft"
    record(events.REVIVED, found.ref, by=by, also=also(found), name=found.name)
    return found


def roll_back(runbook: Runbook, number: int, *, by: Actor) -> Runbook:
    """A new version that is equal to an old one."""
    allow(by, "runbook.edit", team_id=runbook.team_id)
    return save_runbook(queries.version_of(runbook.id, number).document, by=by)


def remove_runbook(runbook: Runbook, *, by: Actor) -> None:
    """Delete it. Raises Conflict when it was ever executed or something uses it: then it is deprecated instead."""
    allow(by, "runbook.edit", team_id=runbook.team_id)
    if session.scalar(select(Execution.id).where(Execution.runbook_id == runbook.id).limit(1)) is not None:
        raise Conflict(f"{runbook.name} was executed, and its history stays: deprecate it instead")
    if users := queries.used_by(runbook, by):
        raise Conflict(f"{runbook.name} is used by {', '.join(users)}", {"used_by": users})
    record(events.DELETED, runbook.ref, by=by, also=also(runbook), name=runbook.name,
           before=queries.runbook_document(runbook))
    session.execute(delete_rows(RunbookVersion).where(RunbookVersion.runbook_id == runbook.id))
    session.delete(runbook)
    session.flush()


def set_four_eyes(on: bool, *, by: Actor) -> None:
    """Whether the one who approves must be another than those who wrote."""
    allow(by, "admin")
    found = session.get(RunbookReview, 1) or RunbookReview(id=1, four_eyes=True)
    if found.four_eyes != on:
        found.four_eyes = on
        session.add(found)
        record(events.REVIEW_CHANGED, "runbook_review:1", by=by, also=["runbooks"],
               rule="need another person than the author" if on else "may be given by the author")
