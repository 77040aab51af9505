"""Commands on heartbeats: save, remove, mute, renew the address."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from app.catalog.queries import service_named
from app.core import clock, secrets
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Invalid, Problem
from app.core.events import record
from app.core.forms import Problems, check_key, check_text, duration
from app.heartbeats import events, queries, rules
from app.heartbeats.models import Heartbeat
from app.identity.queries import allow, team_named
from app.ingest.models import Integration
from app.ingest.service import remove_integration

SHORTEST, LONGEST = 16, 128
MUTE = timedelta(days=90)


def also(heartbeat: Heartbeat) -> list[str]:
    """Whom else an event about the heartbeat concerns."""
    return ["heartbeats", f"heartbeat/{heartbeat.key}", *([f"team:{heartbeat.team_id}"] if heartbeat.team_id else [])]


def add_heartbeat(values: Mapping[str, Any], *, by: Actor) -> Heartbeat:
    """A new heartbeat; a key that is taken is refused."""
    if queries.heartbeat_by_key(str(values.get("key", ""))) is not None:
        raise Invalid(problems=[Problem("key", "Another heartbeat has this key")])
    return save_heartbeat(values, by=by)


def save_heartbeat(values: Mapping[str, Any], *, by: Actor) -> Heartbeat:
    """Create or change the heartbeat of this key; left-out fields stay. A new one gets a token unless one is given."""
    problems = Problems()
    key = problems.take("key", check_key, values.get("key")) or ""
    problems.raise_if_any()
    found = queries.heartbeat_by_key(key)
    fresh, before = found is None, found and queries.heartbeat_document(found)
    heartbeat = found or Heartbeat(key=key, name=str(values.get("name") or key), every=0, grace=-1)
    if found is not None:
        allow(by, "integration.edit", team_id=heartbeat.team_id)
    former = heartbeat.service
    changed = _fill(heartbeat, values, fresh, by)
    allow(by, "integration.edit", team_id=heartbeat.team_id)
    if heartbeat.service is not None and heartbeat.service is not former:
        allow(by, "integration.edit", team_id=heartbeat.service.team_id)
    _keep(heartbeat)
    after = queries.heartbeat_document(heartbeat)
    if fresh or changed or before != after:
        record(events.CREATED if fresh else events.CHANGED, heartbeat.ref, by=by, also=also(heartbeat),
               name=heartbeat.name, before=before, after=after)
    return heartbeat


def _fill(heartbeat: Heartbeat, values: Mapping[str, Any], fresh: bool, by: Actor) -> bool:
    """Take what is named; says whether the token changed, which no document shows."""
    problems = Problems()
    if "name" in values:
        heartbeat.name = problems.take("name", check_text, values["name"], least=1, most=100,
                                       label="A name") or heartbeat.name
    for noun, find in (("team", team_named), ("service", service_named)):
        if noun in values:
            thing = find(values[noun], by) if values[noun] else None
            if values[noun] and thing is None:
                problems.add(noun, f"There is no {noun} {values[noun]}")
            setattr(heartbeat, noun, thing)
            setattr(heartbeat, f"{noun}_id", thing.id if thing else None)
    _fill_times(heartbeat, values, problems)
    changed = _fill_token(heartbeat, values.get("token") or (secrets.new_token() if fresh else ""), problems)
    problems.raise_if_any()
    if heartbeat.last_ping_at is not None and heartbeat.state == "alive":
        heartbeat.due_at = rules.due(heartbeat.last_ping_at, heartbeat.every, heartbeat.grace)
    return changed


def _fill_times(heartbeat: Heartbeat, values: Mapping[str, Any], problems: Problems) -> None:
    if "every" in values or not heartbeat.every:
        heartbeat.every = problems.take("every", _between, values.get("every"), span=rules.EVERY,
                                        label="The interval is 30s to 30d") or heartbeat.every
    if values.get("grace"):
        grace = problems.take("grace", _between, values["grace"], span=rules.GRACE, label="The grace is 0s to 7d")
        heartbeat.grace = heartbeat.grace if grace is None else grace
    elif heartbeat.grace < 0:
        heartbeat.grace = rules.default_grace(heartbeat.every)


def _between(text: object, *, span: tuple[int, int], label: str) -> int:
    seconds = duration(text)
    if not span[0] <= seconds <= span[1]:
        raise ValueError(label)
    return seconds


def _fill_token(heartbeat: Heartbeat, token: str, problems: Problems) -> bool:
    if not token or secrets.digest(token) == heartbeat.token_hash:
        return False
    plain = token.replace("-", "").replace("_", "")
    if not SHORTEST <= len(token) <= LONGEST or not plain.isalnum() or not token.isascii():
        problems.add("token", "A token has 16 to 128 letters, digits, - and _")
        return False
    other = queries.heartbeat_by_token(token)
    if other is not None and other is not heartbeat:
        problems.add("token", "Another heartbeat has this token")
        return False
    _set_token(heartbeat, token)
    return True


def _set_token(heartbeat: Heartbeat, token: str) -> None:
    heartbeat.token_hash, heartbeat.token_last4 = secrets.digest(token), token[-4:]
    heartbeat.token_sealed = secrets.seal(token, bound_to=f"heartbeat:{heartbeat.key}/token")


def _keep(heartbeat: Heartbeat) -> None:
    """The integration by which its alerts come says the same of name, team and service; nobody knows its token."""
    integration = heartbeat.integration
    if integration is None:
        long = len(heartbeat.key) > 50
        mark = heartbeat.key[:41] + "." + secrets.digest(heartbeat.key)[:8] if long else heartbeat.key
        token = secrets.new_token()
        name = f"heartbeat.{mark}"
        sealed = secrets.seal(token, bound_to=f"integration:{name}/token")
        integration = Integration(key=name, plugin="heartbeat", config={}, default_severity="high", token_sealed=sealed,
                                  token_hash=secrets.digest(token), token_last4=token[-4:])
        heartbeat.integration = integration
    integration.name, integration.team, integration.service = heartbeat.name, heartbeat.team, heartbeat.service
    integration.team_id, integration.service_id = heartbeat.team_id, heartbeat.service_id
    session.add_all([integration, heartbeat])
    session.flush()


def remove_heartbeat(heartbeat: Heartbeat, *, by: Actor) -> None:
    """Delete it; what it reported stays readable. An incident that it opened is left to people."""
    allow(by, "integration.edit", team_id=heartbeat.team_id)
    before, concerned, integration = queries.heartbeat_document(heartbeat), also(heartbeat), heartbeat.integration
    record(events.DELETED, heartbeat.ref, by=by, also=concerned, name=heartbeat.name, before=before)
    session.delete(heartbeat)
    session.flush()
    remove_integration(integration, by=by)


def renew_token(heartbeat: Heartbeat, *, by: Actor) -> None:
    """A new address; the old one is dead at once."""
    allow(by, "integration.edit", team_id=heartbeat.team_id)
    _set_token(heartbeat, secrets.new_token())
    record(events.TOKEN_RENEWED, heartbeat.ref, by=by, also=also(heartbeat), name=heartbeat.name)


def mute(heartbeat: Heartbeat, until: datetime, *, reason: str, by: Actor) -> None:
    """Until then it fires nothing, whatever happens; a failure that lasts fires afterwards."""
    allow(by, "integration.edit", team_id=heartbeat.team_id)
    problems = Problems()
    if not timedelta(minutes=1) <= until - clock.now() <= MUTE:
        problems.add("until", "A mute lasts from one minute to 90 days")
    why = problems.take("reason", check_text, reason, least=1, most=200, label="A reason")
    problems.raise_if_any()
    heartbeat.muted_until, heartbeat.mute_reason, heartbeat.muted_by = until, why or "", by.name[:200]
    record(events.MUTED, heartbeat.ref, by=by, also=also(heartbeat), name=heartbeat.name,
           until=clock.rfc3339(until), reason=why)


def unmute(heartbeat: Heartbeat, *, by: Actor) -> None:
    """It fires again from now on."""
    allow(by, "integration.edit", team_id=heartbeat.team_id)
    if heartbeat.muted_until is not None:
        heartbeat.muted_until, heartbeat.mute_reason, heartbeat.muted_by = None, "", ""
        record(events.UNMUTED, heartbeat.ref, by=by, also=also(heartbeat), name=heartbeat.name)
