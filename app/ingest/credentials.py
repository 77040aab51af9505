"""Who is knocking: from a token or service key to its integration; and the integration's secrets, decrypted."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from flask import current_app
from sqlalchemy import func, or_, select, update

from app.catalog.models import Service
from app.core import clock, secrets
from app.core.db import session, transaction
from app.ingest.models import FormerCredential, Integration
from app.ingest.signing import OURS

SHORTEST, LONGEST = 16, 128
SOME = timedelta(minutes=1)


def by_token(token: str) -> Integration | None:
    """The integration that this token opens."""
    return by_tokens([token]).get(token)


def by_tokens(tokens: Iterable[str]) -> dict[str, Integration]:
    """The integrations that these tokens open, in one query."""
    hashes = {secrets.digest(token): token for token in tokens if SHORTEST <= len(token) <= LONGEST}
    if not hashes:
        return {}
    found = session.scalars(select(Integration).where(Integration.token_hash.in_(hashes)))
    opened = {hashes[integration.token_hash]: integration for integration in found}
    if len(opened) < len(hashes):
        opened |= {hashes[hash_]: integration for hash_, integration in session.execute(
            select(FormerCredential.hash, Integration).join(Integration).where(
                FormerCredential.kind == "token", FormerCredential.hash.in_(hashes), FormerCredential.until > clock.now(),
                Integration.removed_at.is_(None)))}
    return opened


def former_secrets(integration: Integration) -> dict[str, str]:
    """The secrets before the present one that still count, with their hashes."""
    found = session.scalars(select(FormerCredential).where(
        FormerCredential.integration_id == integration.id, FormerCredential.kind == "secret",
        FormerCredential.until > clock.now()))
    return {secrets.open_(one.sealed, bound_to=f"former:{one.hash}"): one.hash for one in found}


def formers(integration: Integration) -> list[FormerCredential]:
    """What still counts beside the present token and secret."""
    return list(session.scalars(select(FormerCredential).where(
        FormerCredential.integration_id == integration.id, FormerCredential.until > clock.now())
        .order_by(FormerCredential.id)))


def note_use(integration_id: int, kind: str, hash_: str) -> None:
    """An old credential was used, once a minute at most; in a transaction of its own."""
    now = clock.now()
    stale = FormerCredential.used_at.is_(None) | (FormerCredential.used_at < now - SOME)
    with transaction():
        session.execute(update(FormerCredential).where(
            FormerCredential.integration_id == integration_id, FormerCredential.kind == kind,
            FormerCredential.hash == hash_, stale).values(used_at=now))


def by_service_key(key: str, plugin: str) -> Integration | None:
    """For senders that only know a routing key: the vendor's integration that serves this service, else the first of
    the vendor's, else one of any kind that serves the service or its team."""
    service = session.scalar(select(Service).where(func.lower(Service.key) == key.lower(),
                                                   Service.lifecycle != "archived")) if key else None
    if service is None:
        return None
    own, same = Integration.service_id.is_not_distinct_from(service.id), Integration.team_id == service.team_id
    theirs = Integration.plugin == plugin
    return session.scalar(select(Integration).where(Integration.removed_at.is_(None), or_(theirs, own, same))
                          .order_by(theirs.desc(), own.desc(), same.desc(), Integration.id).limit(1))


def token_of(integration: Integration) -> str:
    """The token itself, for those who may see the full address."""
    return secrets.open_(integration.token_sealed, bound_to=f"integration:{integration.key}/token")


def secret_of(integration: Integration) -> str:
    """The signing secret. The integration must have one."""
    return secrets.open_(integration.secret_sealed or "", bound_to=f"integration:{integration.key}/secret")


def scheme_of(integration: Integration) -> dict[str, Any]:
    """How the sender signs: ours, with what the integration says differently."""
    return {**OURS, **integration.config.get("signature", {})}


def config_of(integration: Integration, plugin: Any) -> dict[str, Any]:
    """The plugin's own fields with defaults filled in and secret ones decrypted, and the settings it says it reads.

    Another's plugin knows none of the integration's fields.
    """
    found = {field.name: field.default for field in plugin.fields}
    own = integration.config if plugin.slug == integration.plugin else {}
    found.update({name: value for name, value in own.items() if name in found})
    for field in plugin.fields:
        if field.secret and own.get(field.name):
            found[field.name] = secrets.open_(found[field.name],
                                              bound_to=f"integration:{integration.key}/{field.name}")
    named = getattr(plugin, "settings", ())
    return {**found, **{name: current_app.config.get(name, "") for name in named}}
