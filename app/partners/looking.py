"""What a partner sees: their pages in a list, and each page as everybody else would see it, marked with whom it is for."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from flask import render_template

from app.core import clock
from app.partners import queries
from app.partners.models import Partner
from app.partners.words import PARTNERS
from app.status_pages import document as documents
from app.status_pages import rendering
from app.status_pages.document import Document, PublicWindow
from app.status_pages.models import StatusPage
from app.status_pages.queries import page_by_slug
from app.status_pages.rendering import Rendered
from app.status_pages.words import Words

COMING = ("scheduled", "in_progress")


def now() -> datetime:
    """This instant."""
    return clock.now()


def page_asked_for(slug: str) -> StatusPage | None:
    """The page that a refused request meant, so that whoever is responsible for it reads of it."""
    return page_by_slug(slug)


def index(partner: Partner) -> dict[str, Any]:
    """The shared pages: how each is, since when, what is open and what comes next."""
    rows = []
    for grant in queries.valid_grants(partner):
        document = documents.page_document(grant.page)
        since = max((one.since for one in document.affected), default=None)
        rows.append({"document": document, "since": since, "next": _next(document), "until": grant.expires_at})
    return {"partner": partner, "rows": rows, "w": spoken(partner)}


def spoken(partner: Partner) -> Words:
    """What the system says, in the language of the partner; what people wrote stays as it is."""
    return Words(partner.language, PARTNERS)


def _next(document: Document) -> PublicWindow | None:
    return min((one for one in document.maintenance if one.state in COMING), key=lambda one: one.starts, default=None)


def page(found: StatusPage, partner: Partner, base: str) -> Rendered:
    """The whole page."""
    document = documents.page_document(found)
    sheet, policy = rendering.style(found.accent)
    context = {**rendering.body_context(document, spoken(partner), base=base), "style": sheet, "partner": partner,
               "logo": f"{base}/logo?v={found.logo_mark}" if found.logo_mark else ""}
    return Rendered(render_template("partners/page.html", **context).encode(), "text/html",
                    {"Content-Security-Policy": policy})


def as_json(found: StatusPage) -> Rendered:
    """For machines; the address is the partner's own, and no other site reads it in their browser."""
    said = documents.as_json(documents.page_document(found))
    said["page"].pop("url", None)
    return Rendered(json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode(), "application/json")


def history(found: StatusPage, partner: Partner, month: str, *, base: str) -> Rendered:
    """The notices of a month. Raises NotFound."""
    return rendering.history(found, month, base=base, words=spoken(partner))


def notice(found: StatusPage, partner: Partner, public_id: str, *, base: str) -> Rendered:
    """One notice. Raises NotFound."""
    return rendering.notice(found, public_id, base=base, words=spoken(partner))


def calendar(found: StatusPage) -> Rendered:
    """Maintenance as RFC 5545 wants it."""
    document = documents.page_document(found)
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//OnCall//Partners//EN"]
    for one in document.maintenance:
        lines += ["BEGIN:VEVENT", f"UID:{one.id}@status", f"DTSTAMP:{_ical(document.at)}", f"DTSTART:{_ical(one.starts)}",
                  f"DTEND:{_ical(one.ends)}", f"SUMMARY:{_escaped(one.title)}", "END:VEVENT"]
    return Rendered("\r\n".join([*lines, "END:VCALENDAR", ""]).encode(), "text/calendar")


def _ical(at: datetime) -> str:
    return at.strftime("%Y%m%dT%H%M%SZ")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")
