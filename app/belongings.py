"""Whose things are a team's, and what goes with an archived one."""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass(frozen=True)
class Estate:
    """What becomes of a team's things of one noun when it is archived: `save` is the command that gives one, by its key, to
    another team; `stays` says what they do when they are put away with the team, `goes` when another has them. `fault` is a
    function that says why one can't go to a team, "" when it can."""

    save: str
    plural: str
    stays: str
    goes: str = "go on as they are"
    fault: str = ""


# By the same nouns. Policies and schedules go first, so that no service stands with a policy that its new team can't see;
# runbooks and workflows go last, after all that they name.
ESTATES: dict[str, Estate] = {
    "schedule": Estate("app.oncall.service.save_schedule", "schedules", "stay readable"),
    "policy": Estate("app.escalation.policies.save_policy", "escalation policies", "stay readable"),
    "service": Estate("app.escalation.service.hand_on", "services", "have no owner: signals for them go the next way that "
                      "routing knows, in the end to the catch-all policy", "go on paging as before"),
    "integration": Estate("app.ingest.service.save_integration", "integrations", "go on taking signals in, which go the "
                          "next way that routing knows"),
    "heartbeat": Estate("app.heartbeats.service.save_heartbeat", "heartbeats", "go on watching; what they miss goes the "
                        "next way that routing knows"),
    "secret": Estate("app.runbooks.vault.hand_on", "secrets", "stay for the team’s own runbooks and workflows",
                     "go along under their names", "app.runbooks.vault.fault_at"),
    "connection": Estate("app.connections.service.save_connection", "connections", "stay for the team’s own workflows"),
    "webhook": Estate("app.webhooks.service.save_webhook", "webhooks", "hear what still happens to the team’s own things",
                      "hear what happens at the other team"),
    "status_page": Estate("app.status_pages.service.hand_on", "status pages", "stay up as they are"),
    "maintenance": Estate("app.catalog.window_service.save_maintenance", "maintenance windows", "go on to their end"),
    "runbook": Estate("app.runbooks.service.save_runbook", "runbooks", "stay as they are, for the team’s own people",
                      "become drafts, and run once an admin has approved them for the other team"),
    "workflow": Estate("app.workflows.service.hand_on", "workflows", "stay switched on: those with a timetable go on, so "
                       "switch them off first if they should not", "go on; a step with a runbook fails until it is approved",
                       "app.workflows.service.fault_at"),
}
