"""The log and the grants of one partner, for machines. Creating and changing stand with all other configuration."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from app.core.access import access
from app.core.errors import NotFound
from app.core.openapi import PAGING, component, listing, operation, query, sent
from app.core.paging import paged
from app.core.web import actor
from app.partners import entering, journal, queries, service
from app.partners.models import Entry, Partner
from app.partners.rules import LOG_KINDS
from app.status_pages.models import StatusPage
from app.status_pages.queries import page_by_slug

blueprint = Blueprint("partners_api", __name__)
TEXT = {"type": "string"}
ENTRY = component("PartnerLogEntry", {
    "type": "object", "required": ["at", "kind", "email", "page", "by", "detail", "ip", "agent"],
    "properties": {name: TEXT for name in journal.COLUMNS}})
GRANT = {"type": "object", "additionalProperties": False, "properties": {
    "expires": {"type": ["string", "null"], "description": "A day or an instant; null: until it is revoked"}}}
FILTER = (query("email", "Whose rows"), query("page", "Slug of a page"), query("kind", "What happened", choices=LOG_KINDS),
          query("from", "From this instant on"), query("to", "Before this instant"))


@blueprint.get("/partners/<key>/log")
@access("partner.edit")
@operation("What a partner did and was refused, newest first; managers read of their pages", responses={200: listing(ENTRY)},
           parameters=(*FILTER, *PAGING), tag="partners")
def log(key: str) -> Any:
    """One partner's log."""
    by = actor()
    partner = queries.partner_for(key, by)
    found = journal.rows({**request.args.to_dict(), "partner": str(partner.id)}, pages=queries.managed_pages(by))
    return paged(found, request.args, by=(Entry.at, Entry.id), show=journal.document, descending=True)


@blueprint.put("/partners/<key>/grants/<slug>")
@access("partner.edit")
@operation("Let a partner read a page", request=GRANT, responses={204: None}, tag="partners", body_needed=False)
def grant(key: str, slug: str) -> Any:
    """Share a page."""
    partner, page = _both(key, slug)
    service.grant(partner, page, service.checked_end(sent(request).get("expires")), by=actor())
    return "", 204


@blueprint.delete("/partners/<key>/grants/<slug>")
@access("partner.edit")
@operation("Let a partner read a page no more", responses={204: None}, tag="partners")
def revoke(key: str, slug: str) -> Any:
    """Share it no more: the next request is refused."""
    partner, page = _both(key, slug)
    if all(one.page_id != page.id for one in partner.grants):
        raise NotFound
    service.revoke(partner, page, by=actor())
    return "", 204


@blueprint.post("/partners/<key>/link")
@access("partner.edit")
@operation("Mail a partner a link", responses={202: None}, tag="partners", body_needed=False)
def link(key: str) -> Any:
    """Send a link."""
    entering.send_link(queries.partner_for(key, actor()), by=actor())
    return "", 202


@blueprint.post("/partners/<key>/erase")
@access("partner.admin")
@operation("Erase a partner's data, here and in the log; there is no way back", responses={204: None}, tag="partners",
           body_needed=False)
def erase(key: str) -> Any:
    """Forget who it was."""
    service.erase(queries.partner_for(key, actor()), by=actor())
    return "", 204


def _both(key: str, slug: str) -> tuple[Partner, StatusPage]:
    partner, page = queries.partner_for(key, actor()), page_by_slug(slug)
    if page is None:
        raise NotFound
    return partner, page
