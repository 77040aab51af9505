"""Pages of new addresses and secrets, and ends of old ones."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, request, url_for

from app.core.access import access
from app.core.errors import NotFound
from app.core.pages import go, page
from app.core.web import actor
from app.identity.queries import allow
from app.ingest import queries, renewal
from app.ingest.models import Integration

blueprint = Blueprint("renewal", __name__)


@dataclass(frozen=True)
class SecretPage:
    """A new signing secret: this answer is the only one that ever holds it."""

    integration: Integration
    secret: str
    overlap: str


@blueprint.post("/integrations/<key>/token")
@access("integration.edit")
def renew_token(key: str) -> Response:
    """A new address; the old one counts a while longer."""
    found = queries.integration_for(key, actor())
    overlap = request.form.get("overlap", renewal.OVERLAP)
    renewal.renew_token(found, overlap=overlap, by=actor())
    ends = "answers 404 from now on" if overlap == "0m" else "counts a while longer"
    return go(url_for("ingest.show", key=key), f"{found.name} has a new address; the old one {ends}")


@blueprint.post("/integrations/<key>/secret")
@access("integration.edit")
def renew_secret(key: str) -> Response:
    """A new signing secret, shown once."""
    found = queries.integration_for(key, actor())
    overlap = request.form.get("overlap", renewal.OVERLAP)
    secret = renewal.renew_secret(found, overlap=overlap, by=actor())
    return page("ingest/secret.html", SecretPage(found, secret, overlap))


@blueprint.post("/integrations/<key>/revoke/<what>")
@access("integration.edit")
def revoke(key: str, what: str) -> Response:
    """End the old token or secret now."""
    found = queries.integration_for(key, actor())
    allow(actor(), "integration.edit", team_id=found.team_id)
    if what not in ("token", "secret"):
        raise NotFound("Only a token or a secret can be revoked")
    renewal.revoke(found, what, by=actor())
    return go(url_for("ingest.show", key=key), f"The old {'address' if what == 'token' else 'secret'} is dead")
