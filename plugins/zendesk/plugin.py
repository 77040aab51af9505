"""Tickets of Zendesk, sent by a trigger with the body of the guide, or as one of Zendesk's ticket events.

Sources: https://developer.zendesk.com/documentation/webhooks/verifying/ and
https://developer.zendesk.com/api-reference/webhooks/event-types/ticket-events/
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
    mapping,
    meaning,
    moment,
    sequence,
    text,
    web_link,
    words,
)

STATES = words(firing="new, open", acknowledged="pending, hold, on-hold", resolved="solved, closed, deleted")
PRIORITIES = words(critical="urgent", high="high", medium="normal", low="low")
FIELDS = (Field("secret", "Signing secret", secret=True, help="Of the webhook; it signs what Zendesk sends"),)


def read(inbound: Inbound, _config: Mapping[str, Any]) -> list[Signal]:
    """The one signal of a ticket."""
    body = inbound.object()
    event = mapping(body.get("detail"))
    said = event or body
    number = first(said.get("ticket_id"), said.get("id")) if event or "ticket_id" in body else ""
    if not number:
        raise Rejected('The body needs a "ticket_id": give it the value {{ticket.id}}')
    tags = said["tags"] if isinstance(said.get("tags"), list) else text(said.get("tags")).split()
    service = next((tag[8:] for tag in map(text, sequence(tags)) if tag.lower().startswith(("service_", "service:"))), "")
    return [Signal(
        dedup_key=number, status=meaning(STATES, said.get("status"), "firing"),
        title=first(said.get("title"), said.get("subject"), f"Ticket {number}"),
        severity=meaning(PRIORITIES, said.get("priority")), body=text(said.get("description")), url=link(said),
        service_key=service, labels=filled(ticket=number, group=said.get("group"), tags=" ".join(map(text, sequence(tags)))),
        happened_at=moment(first(said.get("updated_at"), body.get("time"))),
    )]


def link(said: dict[str, Any]) -> str:
    """The ticket's page; Zendesk leaves out https://."""
    found = first(said.get("link"), said.get("url"))
    return web_link(found if "://" in found else f"https://{found}") if found else ""


@hookimpl
def integrations() -> list[Source]:
    """The way in."""
    return [Source(
        "zendesk", "Zendesk", read, FIELDS,
        signature=Signature("X-Zendesk-Webhook-Signature", timestamp_header="X-Zendesk-Webhook-Signature-Timestamp",
                            signed="timestampbody", encoding="base64"),
        key=lambda inbound: inbound.headers.get("x-zendesk-webhook-invocation-id"), category="Code and tickets")]
