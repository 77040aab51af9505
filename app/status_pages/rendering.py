"""What outsiders are given, as bytes: the page, its history, JSON and badge. Nothing here asks who is reading."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app
from markupsafe import Markup, escape

from app.core import clock
from app.core.errors import NotFound
from app.core.web import HEADERS
from app.status_pages import document as documents
from app.status_pages import queries, rules
from app.status_pages.document import Document, PublicComponent, PublicWindow
from app.status_pages.models import StatusPage
from app.status_pages.texts import html
from app.status_pages.words import Words

CSS = Path(__file__).resolve().parents[2] / "static" / "css" / "status.css"
SCRIPT = "/static/js/status.js"
MONTH = 7
PUBLIC = "public, max-age=5, stale-while-revalidate=5, stale-if-error=86400"
TONES = {"operational": "#2f855a", "under_maintenance": "#2b6cb0", "degraded": "#946200", "partial_outage": "#b4530a",
         "major_outage": "#b3261e"}


@dataclass(frozen=True)
class Rendered:
    """Bytes with what has to be said about them."""

    body: bytes
    mimetype: str
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def etag(self) -> str:
        """Strong: equal bytes, equal mark."""
        return f'"{hashlib.sha256(self.body).hexdigest()[:24]}"'


@cache
def _css() -> str:
    return " ".join(CSS.read_text(encoding="utf-8").split("\n")).strip()


def style(accent: str) -> tuple[Markup, str]:
    """The style element of a page, and the security policy that allows this one by its hash."""
    text = _css() + (f":root{{--accent:{accent};--on:#fff}}" if accent else "")
    mark = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    policy = (f"default-src 'none'; style-src 'sha256-{mark}'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
              "form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
    return Markup("<style>{}</style>").format(Markup(text)), policy


def said(words: Words) -> Any:
    """What the bars of a component tell whoever does not see them."""
    def of(one: PublicComponent) -> str:
        bad = [words.day(day.date) for day in one.days if day.worst in rules.OUTAGES]
        told = f"{words('outages_on')} {words.listed(bad)}" if bad else words("no_outage")
        return f"{one.name}, {words('last_90')}: {words.uptime(one.uptime)}; {told}"
    return of


def places(one: PublicComponent, state: str) -> list[int]:
    """Which of the 90 bars show this state."""
    return [at for at, day in enumerate(one.days) if day.worst == state]


def coming(document: Document) -> list[list[PublicWindow]]:
    """Planned maintenance, what is alike together: the next time first, those that follow behind it."""
    found: dict[tuple[str, str, str], list[PublicWindow]] = {}
    for one in document.maintenance:
        if one.state == "scheduled":
            found.setdefault((one.title, one.text, " ".join(one.components)), []).append(one)
    return list(found.values())


def body_context(document: Document, words: Words | None = None, *, base: str, with_history: bool = True) -> dict[str, Any]:
    """What `status_pages/body.html` wants, on whatever page it stands; `base` begins the page's other addresses.

    `words`: in another language than that of the page.
    """
    words = words or Words(document.language)
    return {"document": document, "w": words, "base": base, "with_history": with_history, "said": said(words),
            "places": places, "coming": coming(document), "intro": html(document.intro)}


def page(found: StatusPage, *, base: str, exported: bool = False) -> Rendered:
    """The whole page. `exported`: for a folder, where nothing leads back to the system."""
    document = documents.page_document(found)
    sheet, policy = style(found.accent)
    open_ = found.access == "public" and not found.draft
    context = {**body_context(document, base=base, with_history=not exported), "style": sheet, "feeds": open_,
               "json": "status.json" if exported else f"{base}.json", "script": "" if exported else _script(),
               "logo": _logo(found, base, exported), "subscribe": f"{base}/subscribe" if open_ and not exported else ""}
    return _html("status_pages/public.html", context, policy)


def _script() -> str:
    return SCRIPT if (CSS.parents[1] / "js" / "status.js").is_file() else ""


def _logo(found: StatusPage, base: str, exported: bool) -> str:
    if not found.logo_mark:
        return ""
    if exported and found.logo is not None:
        return f"data:{found.logo_type};base64,{base64.b64encode(found.logo).decode()}"
    return f"{base}/logo?v={found.logo_mark}"


def _html(template: str, context: dict[str, Any], policy: str) -> Rendered:
    text = current_app.jinja_env.get_template(template).render(context)
    slim = "\n".join(line for line in (part.rstrip() for part in text.split("\n")) if line)
    return Rendered(slim.encode(), "text/html", {"Content-Security-Policy": policy})


def history(found: StatusPage, month: str, *, base: str, words: Words | None = None) -> Rendered:
    """The notices of a month, `2026-03`; the present one when left out. Raises NotFound."""
    today = clock.now().astimezone(ZoneInfo(found.time_zone)).date()
    try:
        first = date.fromisoformat(f"{month}-01") if month else today.replace(day=1)
    except ValueError:
        raise NotFound from None
    if not date(2000, 1, 1) <= first <= today:
        raise NotFound
    document, sheet = documents.page_document(found), style(found.accent)
    shown = documents.month_document(found, first)
    context = {**body_context(document, words, base=base), "style": sheet[0], "home": base, "month": shown,
               "notices": shown.notices, "heading": (words or Words(found.language)).month(first)}
    return _html("status_pages/history.html", context, sheet[1])


def notice(found: StatusPage, public_id: str, *, base: str, words: Words | None = None) -> Rendered:
    """One notice with all its updates. Raises NotFound."""
    one = queries.notice_of(found, public_id)
    document, sheet = documents.page_document(found), style(found.accent)
    names = {part.id: part.public_id for part in found.components}
    context = {**body_context(document, words, base=base), "style": sheet[0], "home": base, "month": None,
               "notices": [documents.public_notice(one, names)], "heading": one.title}
    return _html("status_pages/history.html", context, sheet[1])


def as_json(found: StatusPage) -> Rendered:
    """The page for machines."""
    said = documents.as_json(documents.page_document(found))
    return Rendered(json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode(), "application/json",
                    {"Access-Control-Allow-Origin": "*"} if found.access == "public" else {})


def badge(found: StatusPage, component: str = "") -> Rendered:
    """A small picture that says how the page, or one component, is. Raises NotFound."""
    one = queries.component_of(found, component) if component else None
    label, state, words = (one or found).name[:40], one.state if one else queries.overall(found), Words(found.language)
    text = words(state)
    left, right = 10 + round(len(label) * 6.6), 10 + round(len(text) * 6.6)
    name = f"{escape(label)}: {escape(text)}"
    svg = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" aria-label="{name}">'
           f'<title>{name}</title><rect width="{left}" height="20" fill="#444b54"/>'
           f'<rect x="{left}" width="{right}" height="20" fill="{TONES[state]}"/>'
           f'<g fill="#fff" font-family="Verdana,sans-serif" font-size="11"><text x="5" y="14" textLength="{left - 10}">'
           f'{escape(label)}</text><text x="{left + 5}" y="14" textLength="{right - 10}">{escape(text)}</text></g></svg>')
    return Rendered(svg.encode(), "image/svg+xml", {"Cache-Control": "public, max-age=60"})


def heads(rendered: Rendered, mark: str, *, secure: bool) -> list[tuple[str, str]]:
    """All headers of an answer for everybody."""
    text = rendered.mimetype.startswith("text/")
    found = {**HEADERS, "Cache-Control": PUBLIC, **rendered.headers, "ETag": mark,
             "Content-Type": f"{rendered.mimetype}; charset=utf-8" if text else rendered.mimetype}
    return list({**found, "Strict-Transport-Security": "max-age=31536000"}.items() if secure else found.items())
