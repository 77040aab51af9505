"""New tokens and signing secrets: the old ones count for a while, so that senders can be told one after the other."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete

from app.core import clock, secrets
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Conflict
from app.core.events import record
from app.core.forms import duration, refuse
from app.identity.queries import allow
from app.ingest import credentials, events
from app.ingest.models import FormerCredential, Integration
from app.ingest.saving import also, set_token

OVERLAP, LONGEST = "1d", timedelta(days=7)


def renew_token(integration: Integration, *, overlap: str = OVERLAP, by: Actor) -> str:
    """A new token; the old one counts for `overlap` more (0m to 7d). Returns it, to be shown."""
    until = _until(integration, overlap, by)
    former = FormerCredential(integration_id=integration.id, kind="token", hash=integration.token_hash, until=until)
    token = secrets.new_token()
    set_token(integration, token)
    _keep(former, overlap)
    record(events.TOKEN_RENEWED, integration.ref, by=by, also=also(integration), name=integration.name)
    return token


def _present(integration: Integration) -> str:
    """The signing secret; "" where it can't be opened, and so counts no longer anyway."""
    try:
        return credentials.secret_of(integration)
    except secrets.Unreadable:
        return ""


def renew_secret(integration: Integration, *, overlap: str = OVERLAP, by: Actor) -> str:
    """A new signing secret, 32 random bytes; the old one counts for `overlap` more. Returns it, to be shown once."""
    until = _until(integration, overlap, by)
    if integration.secret_sealed is not None and (old := _present(integration)):
        mark = secrets.digest(f"{integration.id}:{old}")
        _keep(FormerCredential(integration_id=integration.id, kind="secret", hash=mark, until=until,
                               sealed=secrets.seal(old, bound_to=f"former:{mark}")), overlap)
    secret = secrets.new_token()
    integration.secret_sealed = secrets.seal(secret, bound_to=f"integration:{integration.key}/secret")
    record(events.SECRET_RENEWED, integration.ref, by=by, also=also(integration), name=integration.name)
    return secret


def _until(integration: Integration, overlap: str, by: Actor) -> datetime:
    allow(by, "integration.edit", team_id=integration.team_id)
    if integration.removed_at is not None:
        raise Conflict(f"{integration.name} was deleted; its history stays readable")
    try:
        seconds = timedelta(seconds=duration(overlap))
    except ValueError as fault:
        refuse("overlap", str(fault))
    if seconds > LONGEST:
        refuse("overlap", "The old one counts for 7 days at most")
    return clock.now() + seconds


def _keep(former: FormerCredential, overlap: str) -> None:
    """Remember it for as long as it counts, in place of what is over."""
    over = (FormerCredential.until <= clock.now()) | (FormerCredential.hash == former.hash)
    session.execute(delete(FormerCredential).where(FormerCredential.integration_id == former.integration_id, over))
    if duration(overlap):
        session.add(former)
        session.flush()


def revoke(integration: Integration, what: str, *, by: Actor) -> None:
    """End the old tokens ("token") or secrets ("secret") at once."""
    allow(by, "integration.edit", team_id=integration.team_id)
    ended = session.execute(delete(FormerCredential).where(
        FormerCredential.integration_id == integration.id, FormerCredential.kind == what))
    if ended.rowcount:
        record(events.REVOKED, integration.ref, by=by, also=also(integration), name=integration.name, what=what)
