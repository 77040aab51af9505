"""Issues of Jira, sent by a webhook of the system or by an automation rule.

Source: https://developer.atlassian.com/cloud/jira/platform/webhooks/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.plugin_api import (
    Field,
    Inbound,
    Rejected,
    Signal,
    Signature,
    Source,
    filled,
    first,
    hookimpl,
    ignored,
    labels,
    mapping,
    meaning,
    moment,
    sequence,
    text,
    web_link,
    words,
)

from .issues import JiraIssue

STATES = words(firing="new, undefined", acknowledged="indeterminate", resolved="done")
PRIORITIES = words(critical="highest, blocker, critical", high="high, major", medium="medium", low="low, minor",
                   info="lowest, trivial")
FIELDS = (Field("secret", "Webhook secret", secret=True, help="As entered in Jira's webhook; it signs what Jira sends"),)


def read(inbound: Inbound, _config: Mapping[str, Any]) -> list[Signal]:
    """The one signal of an issue."""
    body = inbound.object()
    issue, event = mapping(body.get("issue")), text(body.get("webhookEvent"))
    key, said = text(issue.get("key")), mapping(issue.get("fields"))
    if not key and event:
        return ignored(f"Jira tells of {event}, which is no issue")
    if not key:
        raise Rejected('"issue" with a "key" is missing')
    if event and not event.startswith("jira:issue_") or not moved(body):
        return ignored(f"{key} was changed, but not its status")
    category = mapping(mapping(said.get("status")).get("statusCategory"))
    status = "resolved" if event == "jira:issue_deleted" else meaning(STATES, category.get("key"), "firing")
    found = labels(said.get("labels"))
    component = first(*(mapping(one).get("name") for one in sequence(said.get("components"))))
    return [Signal(
        dedup_key=key, status=status, title=text(said.get("summary")),
        severity=meaning(PRIORITIES, mapping(said.get("priority")).get("name")), body=text(said.get("description")),
        url=page(text(issue.get("self")), key), service_key=found.get("service") or component,
        labels={**filled(issue=key, project=mapping(said.get("project")).get("key"), component=component,
                         type=mapping(said.get("issuetype")).get("name")), **found},
        started_at=moment(said.get("created")), happened_at=moment(body.get("timestamp")),
    )]


def moved(body: dict[str, Any]) -> bool:
    """Whether the status may have changed: an edited text or a comment must not fire a solved problem again."""
    items = sequence(mapping(body.get("changelog")).get("items"))
    return not items or any(text(mapping(item).get("field")).lower() in ("status", "resolution") for item in items)


def page(address: str, key: str) -> str:
    """The page of an issue, from its address in the REST API."""
    home, found, _ = address.partition("/rest/")
    return web_link(f"{home}/browse/{key}") if found else ""


@hookimpl
def integrations() -> list[Source]:
    """The way in."""
    return [Source("jira", "Jira", read, FIELDS, signature=Signature("X-Hub-Signature", prefix="sha256="),
                   key=lambda inbound: inbound.headers.get("x-atlassian-webhook-identifier"), category="Code and tickets")]


@hookimpl
def workflow_actions() -> list[JiraIssue]:
    """What workflows can order."""
    return [JiraIssue()]
