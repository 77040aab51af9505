"""The page on which people say where in a payload each field stands: click a value, see the signal, then save."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import undefer

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import NotFound
from app.identity.queries import allow
from app.ingest import inspection, mapping, pages, queries
from app.ingest.models import Delivery, Integration

LAST = 20
HEADERS = {"content-type": "application/json"}


@dataclass(frozen=True)
class MappingPage:
    """The payload as a tree, the draft, and the signals that it would give. Nothing of it is kept before "save"."""

    integration: Integration
    deliveries: list[Delivery]
    chosen: int | None
    payload: str
    leaves: list[mapping.Leaf]
    alike: int
    draft: Mapping[str, Any]
    written: str
    rows: list[tuple[str, str, str]]
    computed: inspection.Computed | None
    faults: Mapping[str, str] = field(default_factory=dict)
    choices: tuple[tuple[str, str], ...] = mapping.CHOICES


def integration_for(key: str, by: Actor) -> Integration:
    """The integration, if the person may set it and its plugin reads by a mapping. Raises NotFound, Forbidden."""
    found = queries.integration_for(key, by)
    allow(by, "integration.edit", team_id=found.team_id)
    if not pages.may_map(found):
        raise NotFound(f"What {found.name} sends is read without a mapping")
    return found


def mapping_page(integration: Integration, form: Mapping[str, str]) -> MappingPage:
    """The page as the form leaves it: a stored delivery or a pasted payload, the draft, and one more press."""
    deliveries = list(session.scalars(select(Delivery).where(Delivery.integration_id == integration.id)
                                      .order_by(Delivery.id.desc()).limit(LAST)))
    delivery, raw = _payload(integration, deliveries, form)
    faults: dict[str, str] = {}
    draft = _draft(integration, form, faults)
    if form.get("use"):
        draft = mapping.chosen(draft, form["use"])
    parsed = _parsed(raw, faults)
    item, alike = mapping.first_item(parsed)
    computed = None if parsed is None else inspection.computed(_as_delivery(integration, delivery, raw), mapping=draft)
    written = form["mapping"] if "mapping" in faults else json.dumps(draft, indent=2, ensure_ascii=False) if draft else ""
    return MappingPage(
        integration, deliveries, delivery.id if delivery else None, raw, mapping.leaves(item), alike, draft, written,
        [(name, mapping.NAMES.get(name, name), mapping.in_words(rule)) for name, rule in draft.items()], computed, faults)


def _payload(integration: Integration, deliveries: list[Delivery], form: Mapping[str, str]) -> tuple[Delivery | None, str]:
    """The pasted text, else the delivery that was chosen, else the newest."""
    pasted = form.get("payload", "").strip()
    if pasted and form.get("delivery", "") == form.get("shown", ""):
        return None if form.get("shown", "") == "" else _stored(integration, form.get("shown", "")), pasted
    number = form.get("delivery") or (str(deliveries[0].id) if deliveries else "")
    found = _stored(integration, number)
    if found is None:
        return None, pasted
    try:
        return found, json.dumps(json.loads(found.body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return found, found.body.decode("utf-8", "replace")


def _stored(integration: Integration, number: str) -> Delivery | None:
    key = int(number) if number.isdecimal() and len(number) < 18 else 0
    return session.scalar(select(Delivery).where(Delivery.id == key, Delivery.integration_id == integration.id)
                          .options(undefer(Delivery.body)))


def _draft(integration: Integration, form: Mapping[str, str], faults: dict[str, str]) -> dict[str, Any]:
    """What stands in the form; on the first look what is saved."""
    if "mapping" not in form:
        return dict(integration.config.get(mapping.FIELD) or {})
    try:
        found = json.loads(form["mapping"] or "{}")
    except (ValueError, RecursionError) as fault:
        faults["mapping"] = f"This is not JSON: {fault}"
        return {}
    if not isinstance(found, dict):
        faults["mapping"] = "A mapping is an object: field names and their rules"
        return {}
    return found


def _parsed(raw: str, faults: dict[str, str]) -> Any:
    if not raw:
        return None
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as fault:
        faults["payload"] = f"This is not JSON: {fault}"
        return None


def _as_delivery(integration: Integration, delivery: Delivery | None, raw: str) -> Delivery:
    """The payload as if it had come now; it never gets into the session."""
    made = Delivery(received_at=delivery.received_at if delivery else clock.now(), method="POST", headers=dict(HEADERS),
                    query=dict(delivery.query) if delivery else {}, parts={}, body=raw.encode(), state="received")
    made.integration = integration
    return made
