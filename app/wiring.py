"""The map of the house: who serves what, who hears what, what happens as time passes. Read this first."""

from __future__ import annotations

from app.core.jobs import On
from app.core.live import Feed
from app.core.pages import NavItem, Shell
from app.core.periodic import Every

# Every table of the house, so that metadata and migrations are complete.
MODELS = (
    "app.core.events", "app.core.pulse", "app.identity.models", "app.catalog.models", "app.oncall.models",
    "app.incidents.models", "app.notifications.models", "app.escalation.models", "app.ingest.models",
)

# Pages for people and calls for machines, one blueprint each: module, and where it is mounted.
BLUEPRINTS: tuple[tuple[str, str], ...] = (
    ("app.identity.routes", ""), ("app.identity.api", "/api/v1"),
    ("app.catalog.routes", ""),
)

# Who hears which committed facts. Reactions run in a worker, at least once, in no order.
SUBSCRIPTIONS: tuple[On, ...] = (
)

# What happens because time passed. Ticks run in every clock process; due rows are claimed, not owned.
PERIODIC: tuple[Every, ...] = (
    Every(2, "app.core.periodic.note_clock"),
    Every(2, "app.core.jobs.redispatch"),
)

# What a worker or clock does once at its start.
STARTUP: tuple[str, ...] = (
)

# Parts of pages that a higher domain adds: page, panel name, function of the page's subject.
PANELS: dict[str, dict[str, str]] = {
}

# Which regions of which page refresh on which facts.
FEEDS: tuple[Feed, ...] = (
)

# The frame around every page: navigation, home, account, sign-out. Entries show once their endpoint exists.
SHELL = Shell(
    nav=(
        NavItem("oncall.on_call", "On call", "duty", tab=True),
        NavItem("incidents.index", "Incidents", "incident", tab=True),
        NavItem("catalog.index", "Services", "service", tab=True),
        NavItem("oncall.index", "Schedules", "calendar", tab=True),
        NavItem("escalation.index", "Policies", "ladder"),
        NavItem("ingest.index", "Integrations", "plug"),
        NavItem("identity.people", "People", "user"),
        NavItem("identity.teams", "Teams", "users"),
    ),
    home="incidents.index", account="identity.profile", sign_out="identity.sign_out",
)
