"""What people type on the form of a webhook, as the fields of its document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from app.core.access import Actor
from app.core.db import session
from app.core.errors import Invalid
from app.identity.models import Team
from app.identity.queries import may
from app.webhooks.models import Webhook
from app.webhooks.queries import webhook_document

Choices = list[tuple[str, str]]


@dataclass(frozen=True)
class WebhookForm:
    """The form page: what stands in the fields, what can be chosen, what is wrong."""

    webhook: Webhook | None
    values: Mapping[str, Any]
    teams: Choices
    may_be_everybodys: bool
    errors: Mapping[str, str] = field(default_factory=dict)


def read(form: Mapping[str, str], webhook: Webhook | None) -> dict[str, Any]:
    """The typed text as values for `save_webhook`; kinds of events stand one in a line or between commas."""
    values: dict[str, Any] = {name: form.get(name, "").strip() for name in ("name", "team", "url", "secret")}
    values["events"] = form.get("events", "").replace(",", " ").split()
    return {**values, "key": webhook.key if webhook else form.get("key", "").strip()}


def shown(webhook: Webhook | None, by: Actor, *, typed: Mapping[str, str] | None = None,
          invalid: Invalid | None = None) -> WebhookForm:
    """The form with the present values, or with what was typed if it was refused."""
    teams = [team for team in session.scalars(select(Team).where(Team.archived_at.is_(None)).order_by(Team.name))
             if may(by, "webhook.edit", team_id=team.id)]
    errors: dict[str, str] = {}
    for problem in invalid.problems if invalid else ():
        errors.setdefault(problem.field.partition("[")[0], problem.message)
    values: dict[str, Any] = webhook_document(webhook) if webhook else {"events": ["incident.*"]}
    values["events"] = "\n".join(values["events"])
    return WebhookForm(webhook, typed or values, [(team.key, team.name) for team in teams],
                       may(by, "webhook.edit"), errors)
