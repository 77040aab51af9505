"""The answers of the Opsgenie API. Its ids are ours, wrapped so that they look as its clients expect."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from app.plugin_api import AlertView, Answer, Rejected, Told

OURS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-(\d{12})(-\d+)?")
PRIORITIES = {"critical": "P1", "high": "P2", "medium": "P3", "low": "P4", "info": "P5"}


def wrapped(number: str) -> str:
    """A number of ours in the form of a UUID; `numbered` takes it out again."""
    text = hashlib.sha256(number.encode()).hexdigest()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{number:0>12}"


def numbered(text: str) -> str:
    """Our number inside a wrapped id, "" when it is none of ours."""
    found = OURS.fullmatch(text.lower())
    number = str(int(found[1])) if found else ""
    return number if number and wrapped(number) == text[:36].lower() else ""


def answer(code: int, **said: Any) -> Answer:
    """An answer in JSON."""
    return Answer(code, {"content-type": "application/json"}, json.dumps(said).encode())


def accepted(delivery: str) -> Answer:
    """It is stored and will be worked on."""
    return answer(202, result="Request will be processed", took=0.01, requestId=wrapped(delivery or "0"))


def pong() -> Answer:
    """The heartbeat was heard."""
    return answer(202, result="PONG - Heartbeat received", took=0.01, requestId=wrapped("0"))


def refused(fault: Rejected) -> Answer:
    """401 for an unknown key, 404 for what is not there, 422 with the faults by field."""
    if fault.unauthenticated:
        return answer(401, message="Could not authenticate", took=0.0, requestId=wrapped("0"))
    errors = dict(error.partition(": ")[::2] for error in fault.errors if ": " in error)
    if "heartbeat" in errors:
        return answer(404, message=errors["heartbeat"], took=0.0, requestId=wrapped("0"))
    return answer(422, message="Request body is not processable. Please check the errors.",
                  errors=errors or {"body": fault.reason}, took=0.0, requestId=wrapped("0"))


def status_shown(told: Told | None, request: str) -> Answer:
    """What became of a request."""
    if told is None or told.state in ("", "received", "held"):
        return answer(404, message="Request not found. It might not be processed, yet.", took=0.0, requestId=request)
    good = told.state == "processed"
    data = {"success": good, "isSuccess": good, "action": "Create", "processedAt": _at(told.processed_at),
            "integrationId": "", "status": told.note or told.state,
            "alertId": wrapped(told.alert.id) if told.alert else "", "alias": told.alert.key if told.alert else ""}
    return answer(200, data=data, took=0.0, requestId=request)


def alert_shown(told: Told | None) -> Answer:
    """An alert."""
    if told is None or told.alert is None:
        return answer(404, message="Alert with the given identifier does not exist", took=0.0, requestId=wrapped("0"))
    return answer(200, data=_alert(told.alert), took=0.0, requestId=wrapped("0"))


def _alert(alert: AlertView) -> dict[str, Any]:
    tags = [tag for tag in alert.labels.get("tags", "").split(", ") if tag]
    return {
        "id": wrapped(alert.id), "tinyId": alert.id, "alias": alert.key, "message": alert.title,
        "description": alert.body, "status": "open" if alert.status == "firing" else "closed",
        "acknowledged": alert.acknowledged, "isSeen": alert.acknowledged, "tags": tags,
        "snoozed": alert.snoozed_until is not None, "snoozedUntil": _at(alert.snoozed_until), "count": alert.count,
        "createdAt": _at(alert.first_seen), "updatedAt": _at(alert.last_seen), "lastOccurredAt": _at(alert.last_seen),
        "source": alert.labels.get("source", ""), "owner": "", "priority": PRIORITIES.get(alert.severity, "P3"),
        "entity": alert.labels.get("entity", ""), "responders": [], "actions": [],
        "details": {name: value for name, value in alert.labels.items() if name not in ("tags", "source", "entity")}}


def _at(moment: Any) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment is not None else None
