"""Issues and metric alerts of Sentry, sent by an internal integration, or by the older WebHooks plugin.

Source: https://docs.sentry.io/organization/integrations/integration-platform/webhooks/
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
    lines,
    mapping,
    meaning,
    moment,
    sequence,
    severity_of,
    text,
    web_link,
    words,
)

ISSUE = words(firing="created, unresolved", resolved="resolved, archived, ignored")
METRIC = words(firing="critical, warning, open, triggered", resolved="resolved")
FIELDS = (Field("secret", "Client secret", secret=True, help="Of the internal integration; it signs what Sentry sends"),)


def read(inbound: Inbound, _config: Mapping[str, Any]) -> list[Signal]:
    """The one signal of a message."""
    body = inbound.object()
    data, action = mapping(body.get("data")), text(body.get("action"))
    if "metric_alert" in data:
        return [metric(data, action)]
    if "issue" in data:
        return issue(mapping(data["issue"]), action)
    if "event" in data or "error" in data:
        rule, event = text(data.get("triggered_rule")), mapping(data.get("event") or data.get("error"))
        return [event_signal(event, first(event.get("issue_id"), event.get("groupID")), rule)]
    if "event" in body:
        return [event_signal({**mapping(body["event"]), **body}, text(body.get("id")), "")]
    if not data:
        raise Rejected('"data" is missing: this is no message of Sentry')
    return ignored(f"Sentry tells of {', '.join(sorted(data))[:80]}, which is no alert")


def event_signal(event: dict[str, Any], number: str, rule: str) -> Signal:
    """An event that set off an alert rule; its issue is the problem. Raises Rejected without one."""
    if not number:
        raise Rejected("The event names no issue")
    pairs = [tag for tag in sequence(event.get("tags")) if isinstance(tag, list) and len(tag) == 2]
    found = filled(environment=event.get("environment"), rule=rule, culprit=event.get("culprit"),
                   project=first(event.get("project_slug"), event.get("project")))
    found |= {text(name): text(value) for name, value in pairs if text(name)}
    at = moment(first(event.get("datetime"), event.get("timestamp")))
    return Signal(
        dedup_key=number, status="firing", title=first(event.get("title"), event.get("message")),
        severity=severity_of(first(event.get("level"), found.get("level"))),
        body=lines(event.get("culprit"), event.get("message")),
        url=web_link(first(event.get("web_url"), event.get("url"))), service_key=found.get("service", ""), labels=found,
        happened_at=at,
    )


def issue(said: dict[str, Any], action: str) -> list[Signal]:
    """The state of an issue, as people or Sentry itself changed it. Raises Rejected when it has no id."""
    if not text(said.get("id")):
        raise Rejected('"data.issue" has no "id"')
    status = meaning(ISSUE, action)
    if not status:
        return ignored(f"The issue was {action or 'touched'}, which changes nothing here")
    return [Signal(
        dedup_key=text(said["id"]), status=status, title=text(said.get("title")), severity=severity_of(said.get("level")),
        body=text(said.get("culprit")), url=web_link(first(said.get("web_url"), said.get("permalink"))),
        labels=filled(project=mapping(said.get("project")).get("slug"), issue=said.get("shortId")),
        started_at=moment(said.get("firstSeen")),
    )]


def metric(data: dict[str, Any], action: str) -> Signal:
    """A metric alert; its action is its severity while it lasts."""
    said = mapping(data["metric_alert"])
    rule, number = mapping(said.get("alert_rule")), text(said.get("id"))
    if not number:
        raise Rejected('"data.metric_alert" has no "id"')
    status = meaning(METRIC, action, "firing")
    return Signal(
        dedup_key=f"metric:{number}", status=status,
        title=first(rule.get("name"), said.get("title"), data.get("description_title")),
        severity=severity_of(action), body=text(data.get("description_text")), url=web_link(data.get("web_url")),
        labels=filled(project=first(*sequence(said.get("projects"))), rule=rule.get("name")),
        started_at=moment(said.get("date_started")),
        happened_at=moment(said.get("date_closed") if status == "resolved" else said.get("date_detected")),
    )


@hookimpl
def integrations() -> list[Source]:
    """The way in."""
    return [Source("sentry", "Sentry", read, FIELDS, signature=Signature("Sentry-Hook-Signature"),
                   key=lambda inbound: inbound.headers.get("request-id"), category="Logs, traces and errors")]
