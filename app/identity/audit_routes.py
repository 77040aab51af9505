"""The routes of the log: its page, its export, and the note that somebody was refused."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from tempfile import SpooledTemporaryFile
from typing import Any

from flask import Response, request, send_file
from flask_login import current_user

from app.core.access import access
from app.core.clock import rfc3339
from app.core.events import Event, sentence
from app.core.pages import page
from app.core.sheets import inert
from app.core.web import actor
from app.identity import audit, audit_refusals
from app.identity.audit_pages import audit_page
from app.identity.door import blueprint

IN_MEMORY = 2**20
MIME = {"csv": "text/csv", "json": "application/json"}


@blueprint.get("/audit", endpoint="audit")
@access("audit.read")
def show() -> Any:
    """Who did what."""
    return page("identity/audit.html", audit_page(actor(), request.args))


@blueprint.get("/audit.csv", endpoint="audit_csv", defaults={"form": "csv"})
@blueprint.get("/audit.json", endpoint="audit_json", defaults={"form": "json"})
@access("audit.read")
def export(form: str) -> Response:
    """Exactly the rows that the filters choose, all of them; whole, or a failure and not a part."""
    rows = audit.every(audit.facts(actor(), request.args))
    file = SpooledTemporaryFile(IN_MEMORY)  # the answer closes it
    for line in _csv(rows) if form == "csv" else _json(rows):
        file.write(line.encode())
    file.seek(0)
    return send_file(file, MIME[form], as_attachment=True, download_name=f"audit.{form}")  # type: ignore[arg-type]


def _csv(rows: Iterable[Event]) -> Iterator[str]:
    yield _line(audit.COLUMNS)
    for event in rows:
        yield _line([event.id, rfc3339(event.at), event.kind, event.actor, event.actor_name, event.subject,
                     sentence(event), event.ip, event.agent, " ".join(event.also),
                     json.dumps(event.data, ensure_ascii=False, sort_keys=True), event.request_id])


def _line(values: Iterable[object]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow([inert(str(value)) for value in values])
    return text.getvalue()


def _json(rows: Iterable[Event]) -> Iterator[str]:
    yield "["
    for number, event in enumerate(rows):
        yield ("\n" if number == 0 else ",\n") + json.dumps(audit.document(event), ensure_ascii=False)
    yield "\n]\n"


@blueprint.after_app_request
def note_refusal(response: Response) -> Response:
    """A person or token that may not do this: who, what and from where goes to the log, with a count."""
    if response.status_code == 403 and request.url_rule is not None and current_user.is_authenticated:
        audit_refusals.note(actor(), f"{request.method} {request.url_rule}")
    return response
