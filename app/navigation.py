"""The frame around every page: navigation, home, account, sign-out. Entries show once their endpoint exists."""

from __future__ import annotations

from app.core.pages import NavItem, Shell

SHELL = Shell(
    nav=(
        NavItem("oncall.on_call", "On call", "duty", tab=True),
        NavItem("incidents.index", "Incidents", "incident", tab=True),
        NavItem("incidents.alerts", "Alerts", "spark"),
        NavItem("catalog.index", "Services", "service", tab=True),
        NavItem("oncall.index", "Schedules", "calendar", tab=True),
        NavItem("workflows.index", "Workflows", "workflow", "Automate"),
        NavItem("runbooks.index", "Runbooks", "runbook", "Automate", under="/executions"),
        NavItem("status_pages.index", "Status pages", "globe", "Outside"),
        NavItem("partners.index", "Partners", "users", "Outside"),
        NavItem("postmortems.index", "Postmortems", "doc", "Learn"),
        NavItem("action_items.index", "Action items", "check", "Learn"),
        NavItem("insights.index", "Insights", "chart", "Learn"),
        NavItem("escalation.index", "Policies", "ladder", "Set up"),
        NavItem("routing.index", "Routes", "route", "Set up"),
        NavItem("windows.index", "Maintenance", "maintenance", "Set up", under="/silences"),
        NavItem("explaining.form", "Simulate", "play", "Set up"),
        NavItem("ingest.index", "Integrations", "plug", "Set up"),
        NavItem("heartbeats.index", "Heartbeats", "pulse", "Set up"),
        NavItem("channels.index", "Channels", "bell", "Set up"),
        NavItem("webhooks.index", "Webhooks", "webhook", "Set up"),
        NavItem("secrets.index", "Secrets", "key", "Set up"),
        NavItem("connections.index", "Connections", "link", "Set up"),
        NavItem("channels.reachability", "Reachability", "check", "Organisation"),
        NavItem("identity.people", "People", "user", "Organisation"),
        NavItem("identity.teams", "Teams", "users", "Organisation"),
        NavItem("configuration.index", "Configuration", "doc", "Organisation"),
        NavItem("identity.audit", "Audit", "doc", "Organisation"),
        NavItem("shadow.index", "Shadow", "snoozed", "Organisation"),
        NavItem("system.index", "System", "pulse", "Organisation"),
        NavItem("ingest.plugins", "Settings", "settings", "Organisation", under="/settings"),
    ),
    home="incidents.index", account="identity.profile", sign_out="identity.sign_out",
    accessibility="identity.accessibility",
    may="app.identity.queries.may_anywhere",
)
