"""What follows from the end of an execution."""

from __future__ import annotations

from flask import current_app

from app.core.db import session
from app.core.events import Event
from app.core.shadow import WHOLE
from app.identity.models import User
from app.notifications.service import tell
from app.runbooks.models import Execution
from app.runbooks.outcomes import UNKNOWN


def tell_starter(event: Event) -> None:
    """`runbook.execution_ended` and nobody knows how: whoever started it has to look at the target."""
    execution = session.get(Execution, int(event.data["execution"]))
    if execution is None or execution.error != UNKNOWN or execution.started_id is None:
        return
    person = session.get(User, execution.started_id)
    if person is not None and person.is_active:
        url = f"{current_app.config['BASE_URL']}/executions/{execution.id}"
        team = f"team:{execution.team_id}" if execution.team_id else WHOLE
        tell([person], kind="alarm", cause=f"execution:{execution.id}", reason=(
            f"{event.data['name']} failed: {UNKNOWN}. It was not called again; look at the target and at {url}"),
            scope=execution.incident.ref if execution.incident else team)
