"""Commands on webhooks: save, remove, renew the secret, switch on, test, send again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from app.core import clock, secrets
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Conflict, Invalid, Problem
from app.core.events import record
from app.core.forms import Problems, check_key, check_text
from app.core.jobs import stir, wake
from app.identity.queries import allow, team_named, uses
from app.webhooks import events, queries, rules
from app.webhooks.models import Webhook, WebhookDelivery

SEND, QUEUE = "app.webhooks.ticks.send", "default"
SHORTEST, LONGEST = 16, 200


def also(webhook: Webhook) -> list[str]:
    """Whom else an event about the webhook concerns."""
    return ["webhooks", f"webhook/{webhook.key}", *([f"team:{webhook.team_id}"] if webhook.team_id else [])]


def add_webhook(values: Mapping[str, Any], *, by: Actor) -> Webhook:
    """A new webhook; a key that is taken is refused."""
    if queries.webhook_by_key(str(values.get("key", ""))) is not None:
        raise Invalid(problems=[Problem("key", "Another webhook has this key")])
    return save_webhook(values, by=by)


def save_webhook(values: Mapping[str, Any], *, by: Actor) -> Webhook:
    """Create or change the webhook of this key; left-out fields stay. A new one gets a secret unless one is given."""
    problems = Problems()
    key = problems.take("key", check_key, values.get("key")) or ""
    problems.raise_if_any()
    found = queries.webhook_by_key(key)
    before = queries.webhook_document(found) if found else None
    webhook = found or Webhook(key=key, name=str(values.get("name") or key), url="", events=[], secret_sealed="")
    if found is not None:
        allow(by, "webhook.edit", team_id=webhook.team_id)
    renewed = _fill(webhook, values, by)
    allow(by, "webhook.edit", team_id=webhook.team_id)
    session.add(webhook)
    session.flush()
    after = queries.webhook_document(webhook)
    if before != after:
        record(events.CHANGED if found else events.CREATED, webhook.ref, by=by, also=also(webhook), name=webhook.name,
               before=before, after=after)
    if renewed and found is not None:
        record(events.SECRET_RENEWED, webhook.ref, by=by, also=also(webhook), name=webhook.name)
    return webhook


def _fill(webhook: Webhook, values: Mapping[str, Any], by: Actor) -> bool:
    """Take what is named; says whether the secret changed, which no document shows."""
    problems = Problems()
    if "name" in values:
        webhook.name = problems.take("name", check_text, values["name"], least=1, most=100, label="A name") or webhook.name
    if "url" in values or not webhook.url:
        webhook.url = problems.take("url", _address, values.get("url")) or webhook.url
    if "events" in values or not webhook.events:
        webhook.events = _patterns(values.get("events"), problems) or webhook.events
    if "team" in values:
        team = team_named(values["team"], by)
        if values["team"] and team is None:
            problems.add("team", f"There is no team {values['team']}")
        webhook.team, webhook.team_id = team, team.id if team else None
    renewed = _fill_secret(webhook, values.get("secret") or "", problems)
    problems.raise_if_any()
    return renewed


def _address(text: object) -> str:
    clean = check_text(text, least=1, most=2000, label="An address")
    parts = urlsplit(clean)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError("An address begins with https://")
    if parts.username or parts.password:
        raise ValueError("An address must not hold a user name or password")
    return clean


def _patterns(said: object, problems: Problems) -> list[str]:
    if not isinstance(said, list) or not said:
        problems.add("events", "Name at least one kind of event")
        return []
    if len(said) > rules.MOST_PATTERNS:
        problems.add("events", f"At most {rules.MOST_PATTERNS} kinds")
        return []
    found = [problems.take(f"events[{at}]", rules.check_pattern, one) for at, one in enumerate(said)]
    return list(dict.fromkeys(one for one in found if one))


def _fill_secret(webhook: Webhook, secret: str, problems: Problems) -> bool:
    if not secret and webhook.secret_sealed:
        return False
    if secret and not SHORTEST <= len(secret) <= LONGEST:
        problems.add("secret", f"A secret has {SHORTEST} to {LONGEST} characters")
        return False
    if webhook.secret_sealed and secrets.holds(webhook.secret_sealed, secret, bound_to=f"webhook:{webhook.key}/secret"):
        return False
    _set_secret(webhook, secret or secrets.new_token())
    return True


def _set_secret(webhook: Webhook, secret: str) -> None:
    webhook.secret_sealed = secrets.seal(secret, bound_to=f"webhook:{webhook.key}/secret")


def remove_webhook(webhook: Webhook, *, by: Actor) -> None:
    """Delete it with what it sent; what waits is not sent. Raises Conflict naming the policies that call it."""
    allow(by, "webhook.edit", team_id=webhook.team_id)
    users = [use.name for use in uses("webhook_used_by", webhook, by)]
    if users:
        raise Conflict(f"{webhook.name} is used by {', '.join(users)}", {"used_by": users})
    record(events.DELETED, webhook.ref, by=by, also=also(webhook), name=webhook.name,
           before=queries.webhook_document(webhook))
    session.query(WebhookDelivery).where(WebhookDelivery.webhook_id == webhook.id).delete()
    session.delete(webhook)
    session.flush()


def renew_secret(webhook: Webhook, *, by: Actor) -> str:
    """A new secret, which signs from now on; it is shown once here and to managers on the page."""
    allow(by, "webhook.edit", team_id=webhook.team_id)
    secret = secrets.new_token()
    _set_secret(webhook, secret)
    record(events.SECRET_RENEWED, webhook.ref, by=by, also=also(webhook), name=webhook.name)
    return secret


def switch_on(webhook: Webhook, *, by: Actor) -> None:
    """It hears again from now on; what happened meanwhile is not told."""
    allow(by, "webhook.edit", team_id=webhook.team_id)
    if webhook.off_at is not None:
        webhook.off_at, webhook.off_reason, webhook.failing_since = None, "", None
        record(events.SWITCHED_ON, webhook.ref, by=by, also=also(webhook), name=webhook.name)


def send_test(webhook: Webhook, *, by: Actor) -> WebhookDelivery:
    """A delivery that says it is a test; it takes the road of every other."""
    allow(by, "webhook.edit", team_id=webhook.team_id)
    delivery = WebhookDelivery(webhook_id=webhook.id, kind="webhook.tested")
    session.add(delivery)
    session.flush()
    _told(webhook)
    return delivery


def send_again(delivery: WebhookDelivery, *, by: Actor) -> None:
    """The same delivery once more, with the same id. Raises Conflict while it is still on its way."""
    allow(by, "webhook.edit", team_id=delivery.webhook.team_id)
    if delivery.state in ("queued", "sending"):
        raise Conflict("This delivery is still on its way")
    delivery.state, delivery.attempts, delivery.next_at = "queued", 0, clock.now()
    delivery.error, delivery.answer, delivery.ended_at = "", None, None
    delivery.created_at = clock.now()  # somebody wants it now, whatever was in shadow before
    session.flush()
    _told(delivery.webhook)


def _told(webhook: Webhook) -> None:
    wake(SEND, QUEUE)
    stir(f"webhook/{webhook.key}", "webhook.delivery")
