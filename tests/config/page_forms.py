"""The forms of pages on which people set what the document says: where each is, and what it calls otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

ASIDE = {"csrf_token", "seen", "version", "action", "press", "step", "levels", "preview", "off", "do", "node", "present", "username"}
"""What a form carries beside what is set: proofs, marks of what was seen, presses."""

# Kind → page, the form on it by its address, and what the form calls otherwise than the document.
FORMS: dict[str, list[tuple[str, str, dict[str, str]]]] = {
    "users": [("/people/new", "/people", {}), ("/me", "/me/password", {}),
              ("/me", "/me/contacts", {name: f"contact_methods.{name}" for name in ("channel", "address", "name")}),
              *(("/me", f"/me/rules/{urgency}", {"minutes": f"rules.{urgency}.after", "method": f"rules.{urgency}.via"})
                for urgency in ("high", "low")),
              ("/me", "/me/quiet-hours", {name: f"quiet_hours.{name}" for name in ("days", "from", "to")}),
              ("/me", "/me/duty-notices", {name: f"duty_notices.{name}" for name in ("before", "start", "end")})],
    "teams": [("/teams/-/new", "/teams", {}), ("/teams/payments/edit", "/teams/payments", {}),
              ("/teams/payments", "/teams/payments/members", {"user": "members.user", "role": "members.role"}),
              ("/policies/night", "/policies/night/default", {"team": "policy"}),
              ("/insights/digests", "/teams/hidden/digest", {"wanted": "digest.wanted"}),
              ("/teams/hidden", "/teams/hidden/workflows", {"on": "global_workflows"}),
              ("/teams/payments/postmortem-settings", "/teams/payments/postmortem-settings",
               {name: f"postmortems.{name}" for name in ("automatic", "review", "template")})],
    "schedules": [("/schedules/-/new", "/schedules/-/new", {
        **{f"layers.{name}": f"layers.rotation.{name}" for name in ("every", "unit")}, "layers.position": ""}),
        ("/schedules/primary/overrides/new", "/schedules/primary/overrides/new", {"zone": "", **{
            name: f"overrides.{name}" for name in ("starts", "ends", "people", "replaces", "reason")}}),
        ("/schedules/primary/calendars", "/schedules/primary/calendars", dict.fromkeys(
            ("primary", "override", "holidays"), "calendars.url"))],
    "escalation_policies": [("/policies/payments/edit", "/policies/payments/edit", {
        "add": "levels.targets", "target": "levels.targets", "timeout": "levels.timeout", "repeat.from": "repeat_from",
        "zone": "levels.when.time_zone", **{name: f"levels.when.{name}" for name in ("days", "from", "to", "severity", "urgency")}}),
        ("/policies/-/new", "/policies/-/new", {
            "add": "levels.targets", "timeout": "levels.timeout", "repeat.from": "repeat_from", "zone": "levels.when.time_zone",
            **{name: f"levels.when.{name}" for name in ("days", "from", "to", "severity", "urgency")}})],
    "services": [("/services/-/new", "/services/-/new", {}), ("/services/checkout/edit", "/services/checkout/edit", {}),
                 ("/policies/payments", "/policies/payments/service", {"service": "policy"})],
    "integrations": [("/integrations/-/new/alertmanager", "/integrations/-/new/alertmanager", {"config.per": "config"}),
                     ("/integrations/prometheus/edit", "/integrations/prometheus/edit", {
                         "config.per": "config", "remove_secret": "secret"})],
    "heartbeats": [("/heartbeats/-/new", "/heartbeats/-/new", {})],
    "connections": [("/connections/-/new/slack_post", "/connections/-/new/slack_post", {
        "config.api_url": "config", "config.token": "config"})],
    "runbooks": [("/runbooks/-/new?target=webhook", "/runbooks/-/new", {
        f"c.{name}": "config" for name in ("headers", "method", "signing_secret", "url")})],
    "workflows": [("/workflows/-/new", "/workflows/-/new", {}), ("/workflows/nightly/build", "/workflows/nightly/build/about", {}),
                  ("/workflows/nightly", "/workflows/nightly/enable", {"on": "enabled"})],
    "routes": [("/routes/-/new", "/routes/-/new", {
        "field": "when", "value": "when", **{name: f"when.{name}" for name in ("days", "from", "to", "time_zone")},
        **{name: f"then.{name}" for name in ("service", "override", "severity", "urgency", "dedup_key", "suppress", "delay", "labels")}})],
    "status_pages": [("/status-pages/-/new", "/status-pages/-/new", {
        f"export_{name}": f"export.{name}" for name in ("folder", "url", "header")}),
        ("/status-pages/shop/components/-/new", "/status-pages/shop/components/-/new", {
            name: f"components.{name}" for name in ("name", "description", "group", "services")})],
    "partners": [("/partners/-/new", "/partners/-/new", {"page": "grants.page", "expires": "grants.expires"})],
    "maintenance": [("/maintenance/-/new", "/maintenance/-/new", {
        name: f"repeat.{name}" for name in ("days", "every", "unit", "until")})],
    "webhooks": [("/webhooks/-/new", "/webhooks/-/new", {})],
    "postmortem_templates": [("/postmortems/-/templates/-/new", "/postmortems/-/templates/-/new", {
        name: f"sections.{name}" for name in ("heading", "guide", "body")})],
    "rooms": [("/settings/channels/slack", "/settings/channels/slack/rooms", {})],
}
# What no field of a form sets, and how it comes about on pages.
OTHERWISE: dict[str, dict[str, str]] = {
    "users": {"contact_methods.verified": "by the code that is sent there", "contact_methods.secret": "made here, shown with the method",
              "quiet_hours.time_zone": "the zone of one's profile"},
    "teams": {"digest.user": "everybody chooses for themselves"},
    "schedules": {"calendars.use": "each use has a field of its own", "layers.first_turn": "the first in the list begins"},
    "integrations": {"plugin": "chosen before, part of the address", "token": "made here, renewed by a press"},
    "heartbeats": {"token": "made here"},
    "connections": {"action": "chosen before, part of the address"},
    "workflows": {"trigger": "by the presses of the builder", "nodes": "by the presses of the builder",
                  "edges": "by the presses of the builder"},
    "postmortem_templates": {"key": "made of the name"}, "rooms": {"key": "made of the name"}}
WHOLE = ("target", "levels.targets", "layers.restrictions", "layers.participants", "links", "attributes", "labels", "then.labels")


class Forms(HTMLParser):
    """The names of the fields of each form of a page, by its address."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: dict[str, set[str]] = {}
        self.inside: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if tag == "form":
            self.inside = self.found.setdefault(str(said.get("action")).partition("?")[0], set())
        if tag in ("input", "select", "textarea", "button") and said.get("name"):
            self.inside.add(re.sub(r"-\d+", "", str(said["name"])).replace("-", "."))


def fields(schema: dict[str, Any], path: str = "") -> Iterator[str]:
    """What can be said of an object, down to single values, as `levels.when.days`."""
    for name, one in schema.get("properties", {}).items():
        inner, here = one.get("items", one), f"{path}{name}"
        yield from fields(inner, f"{here}.") if inner.get("properties") and here not in WHOLE else [here]
