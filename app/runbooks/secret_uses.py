"""Which secrets runbooks name, and which runbooks name secrets."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import String, cast, or_, select

from app.core.db import session
from app.core.panels import Use
from app.runbooks import vault
from app.runbooks.models import Runbook, Secret
from app.runbooks.queries import runbook_document, secrets_named


def missing_secrets(runbook: Runbook) -> list[str]:
    """Secrets that it names and that are not there."""
    return vault.missing(secrets_named(runbook_document(runbook)), runbook.team_id)


def using_secrets(found: Sequence[Secret]) -> dict[int, list[Use]]:
    """The runbooks that name each of these secrets, for the page of secrets."""
    # The text is a first sieve: what it lets through is read as templates.
    near = or_(*(cast(column, String).like("%secret%") for column in (Runbook.config, Runbook.payload)))
    rows = session.scalars(select(Runbook).where(Runbook.state != "deprecated", near).order_by(Runbook.name))
    return vault.meant(found, [(secrets_named({"config": one.config, "payload": one.payload}),
                                Use(f"Runbook {one.name}", f"/runbooks/{one.key}", one.team_id)) for one in rows])
