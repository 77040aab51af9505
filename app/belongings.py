"""Whose things are a team's, and what goes with an archived one."""

from __future__ import annotations

# Whose things are a team's (by their column team_id), by the noun of their reference: managers read their log.
OWNED: dict[str, str] = {
    "incident": "app.incidents.models.Incident", "service": "app.catalog.models.Service",
    "schedule": "app.oncall.models.Schedule", "policy": "app.escalation.models.Policy",
    "integration": "app.ingest.models.Integration", "heartbeat": "app.heartbeats.models.Heartbeat",
    "connection": "app.connections.models.Connection", "status_page": "app.status_pages.models.StatusPage",
    "maintenance": "app.catalog.models.Window", "silence": "app.catalog.models.Window",
    "webhook": "app.webhooks.models.Webhook",
    "secret": "app.runbooks.models.Secret",
    "runbook": "app.runbooks.models.Runbook", "execution": "app.runbooks.models.Execution",
    "postmortem": "app.postmortems.models.Postmortem",
    "workflow": "app.workflows.models.Workflow",
}

# What another team takes over when one is archived: by the same nouns, the command that saves a thing by its key and team.
# Policies and schedules go first, so that no service stands with a policy that its new team can't see.
ESTATES: dict[str, str] = {
    "schedule": "app.oncall.service.save_schedule", "policy": "app.escalation.policies.save_policy",
    "service": "app.escalation.service.hand_on", "integration": "app.ingest.service.save_integration",
    "heartbeat": "app.heartbeats.service.save_heartbeat",
}
