"""What a target reports about an execution by itself: whether it is genuine and new, and what it changes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.core import clock, reading, secrets, signatures
from app.core.db import locked, session
from app.core.errors import Conflict, Invalid, NotFound
from app.core.forms import Problems
from app.core.templating import render
from app.runbooks import events, executions, outcomes, queries, requests, rules, vault
from app.runbooks.models import CallbackHeard, Execution

SIGNED = {"header": "X-OnCall-Signature", "prefix": "v1=", "timestamp_header": "X-OnCall-Timestamp",
          "signed": "timestamp.body"}
KEYS = {"status", "output", "progress"}


def execution_of(token: str) -> Execution:
    """The execution whose way back this is. Raises NotFound."""
    found = session.scalar(select(Execution).where(Execution.token_hash == secrets.digest(token)))
    if found is None or _document(found)["wait_for"] != "callback":
        raise NotFound("There is no such callback")
    return found


def check(execution: Execution, body: bytes, headers: Mapping[str, str]) -> str:
    """The mark of a genuine report. Raises Rejected for a signature that is missing, wrong or stale."""
    document = _document(execution)
    named = vault.values(queries.secrets_named({"config": document["config"]}), execution.runbook.team_id)
    secret = str(render(document["config"]["signing_secret"], {"secret": named}).value)
    if not secret:
        raise reading.Rejected("The signing secret is not there any more", unauthenticated=True)
    signatures.check(body, headers, clock.now(), secrets=[secret], **SIGNED)  # type: ignore[arg-type]
    # By what was signed, not by the signature's own text, which can be written in more ways than one.
    return secrets.digest(f"{execution.id}/{headers.get('x-oncall-timestamp', '').strip()}/{body.hex()}")


def read(body: bytes) -> dict[str, Any]:
    """`{"status", "output", "progress"}` of the body. Raises Invalid."""
    problems = Problems()
    try:
        said = reading.parse_json(body)
    except reading.Rejected as fault:
        problems.add("", fault.reason)
        raise Invalid(problems=problems.found) from None
    if not isinstance(said, dict):
        problems.add("", "The body must be an object")
        raise Invalid(problems=problems.found)
    for name in sorted(set(said) - KEYS):
        problems.add(name, f"There is no {name}")
    if said.get("status") not in ("running", "succeeded", "failed"):
        problems.add("status", "status is running, succeeded or failed")
    problems.raise_if_any()
    return said


def hear(execution_id: int, mark: str, said: Mapping[str, Any]) -> None:
    """Apply a genuine report once. Raises Conflict for a repeated one and for one that came after the end."""
    execution = locked(Execution, execution_id)
    if execution is None:
        raise NotFound("There is no such callback")
    try:
        with session.begin_nested():
            session.add(CallbackHeard(digest=mark, execution_id=execution.id))
            session.flush()
    except IntegrityError:
        raise Conflict("This callback was heard before") from None
    masks = _masks(execution)
    output = requests.masked(_text(said.get("output")), masks)
    if execution.state != "running":
        raise Conflict("It is over", {"state": execution.state, "said": f"{said['status']}. {output[:300]}".strip()})
    execution.heard_at = clock.now()
    lines = said.get("progress") or []
    outcomes.add_progress(execution, [_text(line) for line in (lines if isinstance(lines, list) else [lines])], masks)
    if said["status"] == "running":
        execution.output = rules.kept(output) or execution.output
        executions.tell_progress(execution)
    else:
        error = output[:1000] if said["status"] == "failed" else ""
        executions.end(execution, executions.Result(said["status"], output, error))


def refuse(execution_id: int, why: str, *, late: bool = False) -> None:
    """Note that a report was not applied."""
    execution = session.get(Execution, execution_id)
    if execution is not None and late:
        executions.late(execution, why)
    elif execution is not None:
        executions.tell(events.REFUSED, execution, said=why[:300])


def _document(execution: Execution) -> Mapping[str, Any]:
    return queries.version_of(execution.runbook_id, execution.version).document


def _masks(execution: Execution) -> tuple[str, ...]:
    document = _document(execution)
    values = vault.values(queries.secrets_named(dict(document)), execution.runbook.team_id)
    return requests.masks_of(requests.Given(document, executions.given(execution), {}, values,
                                            callback=executions.token_of(execution)))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
