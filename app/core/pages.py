"""Pages: whether a whole template or one of its blocks goes out, and the globals every template may use."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from pkgutil import resolve_name
from typing import Any
from urllib.parse import quote, unquote

from flask import (
    Flask,
    Response,
    current_app,
    g,
    get_flashed_messages,
    request,
    url_for,
)
from flask_login import current_user
from jinja2 import Template
from markupsafe import Markup

from app.core import clock
from app.core.going import go as go
from app.core.once import form_key
from app.core.panels import panels
from app.core.web import actor

# Blocks that give a page its shape; an element that happens to carry such an id is no region.
LAYOUT = frozenset({"title", "head", "back", "heading", "top", "content", "foot"})
FALLBACK = {"clock": "%H:%M UTC", "day": "%a %-d %B", "stamp": "%-d %b %Y, %H:%M UTC"}


@dataclass(frozen=True)
class NavItem:
    """One place in the navigation, shown once it exists: `tab` for the telephone's bar, `under` where more of it lies."""

    endpoint: str
    label: str
    icon: str
    group: str = ""
    tab: bool = False
    under: str = ""


@dataclass(frozen=True)
class Shell:
    """The endpoints that the frame around every page links to; those that do not exist are left out, and those whose
    action `may` (the path of a function of actor and action) says the reader can do nowhere."""

    nav: tuple[NavItem, ...] = ()
    home: str = ""
    account: str = ""
    sign_out: str = ""
    accessibility: str = ""
    may: str = ""


@dataclass(frozen=True)
class Link:
    """A navigation entry as the templates show it."""

    url: str
    label: str
    icon: str
    group: str
    tab: bool
    current: bool


def page(template: str, context: Any, *, status: int = 200) -> Response:
    """Show `template` with the fields of the dataclass `context`, or only the block that an htmx request asks for.

    An invalid form comes back with `status=422`.
    """
    found = current_app.jinja_env.get_template(template)
    block = _wanted(found)
    html = _block(found, block, context) if block else found.render(_variables(context))
    response = Response(html, status, mimetype="text/html")
    response.vary.update(("HX-Request", "HX-Target", "HX-Boosted", "HX-History-Restore-Request", "HX-Request-Type"))
    if block and (messages := get_flashed_messages(with_categories=True)):
        response.headers["HX-Trigger"] = json.dumps({"toast": {"items": messages}})
    return response


def render_blocks(template: str, names: Iterable[str], context: Any) -> dict[str, str]:
    """Each named block of `template` alone, as the live feed sends it."""
    found = current_app.jinja_env.get_template(template)
    return {name: _block(found, name, context) for name in names}


def render_row(template: str, block: str, context: Any, item: Mapping[str, Any]) -> str:
    """One row of a list alone: `block` stands in a loop, `item` is the loop's variable with its value."""
    return _block(current_app.jinja_env.get_template(template), block, context, item)


def region(name: str, key: object = None) -> Markup:
    """The id of a refreshable region: the name of its block, and a key where there are several (`row-42`)."""
    return Markup('id="{}"').format(name if key is None else f"{name}-{key}")


def nav() -> list[Link]:
    """The navigation entries that exist and that the reader may open, and which of them the reader is in."""
    shell: Shell = current_app.extensions["shell"]
    open_to = partial(resolve_name(shell.may), actor()) if shell.may and current_user.is_authenticated else bool
    return [_link(item) for item in shell.nav if (view := current_app.view_functions.get(item.endpoint)) is not None
            and open_to(getattr(view, "access", "admin"))]


def _link(item: NavItem) -> Link:
    url = url_for(item.endpoint)
    below = tuple(f"{at.rstrip('/')}/" for at in (url, item.under) if at.strip("/"))
    return Link(url, item.label, item.icon, item.group, item.tab, f"{request.path}/".startswith(below))


def place(name: str) -> str:
    """The address of a part of the shell (`home`, `account`, `sign_out`, `accessibility`), or "" while it does not exist."""
    endpoint = getattr(current_app.extensions["shell"], name)
    return url_for(endpoint) if endpoint in current_app.view_functions else ""


def live_url() -> str:
    """The feed of the page being shown, with its query string, or "" when it has none."""
    feeds: frozenset[str] = current_app.extensions.get("live_paths", frozenset())
    if request.url_rule is None or request.url_rule.rule not in feeds:
        return ""
    query = request.query_string.decode("utf-8", "replace")
    return f"/live{request.path}" + (f"?{query}" if query else "")


def form_token() -> str:
    """The CSRF token of this session; "" in a live render, which viewers share (the browser fills it in)."""
    make = current_app.jinja_env.globals.get("csrf_token")
    return "" if g.get("live") or make is None else str(make())  # type: ignore[operator]


def hue(name: object) -> int:
    """Which of the eight colours a person has, 1 to 8, the same on every page and machine."""
    return zlib.crc32(str(name).encode()) % 8 + 1


def iso(at: datetime) -> str:
    """An instant for `<time datetime>`; one without zone is read as UTC."""
    return _utc(at).isoformat(timespec="seconds").replace("+00:00", "Z")


def utc(at: datetime, how: str = "stamp") -> str:
    """What a reader without script sees: UTC, or how long from now; never the latter in a live render, which would then
    differ from the one before although nothing happened."""
    if how in ("age", "ago", "in") and not g.get("live"):
        span = _span(abs((_utc(at) - clock.now()).total_seconds()))
        return {"age": span, "ago": f"{span} ago", "in": f"in {span}"}[how]
    return _utc(at).strftime(FALLBACK.get(how, FALLBACK["stamp"]))


def asset(path: str) -> str:
    """The address of a static file; it changes when the file does, so that browsers may keep it for ever."""
    return f"{request.script_root}{_static(current_app.static_url_path or '', Path(current_app.static_folder or ''), path)}"


def install(app: Flask, shell: Shell) -> None:
    """Give the templates of `app` their globals and filters."""
    app.extensions["shell"] = shell
    app.jinja_env.globals.update(
        ui=_Macros(app), region=region, nav=nav, place=place, live_url=live_url, form_token=form_token, form_key=form_key,
        hue=hue, asset=asset,
        server_time=lambda: iso(clock.now()), panels_of=panels, shell_panels=lambda: panels("shell", actor()))
    app.jinja_env.filters.update(iso=iso, utc=utc)


class _Macros:
    """The macros of templates/ui/*.html as one namespace, found at first use so that a block rendered alone has them."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._files: dict[str, str] = {}

    def __getattr__(self, name: str) -> Any:
        if not self._files:
            self._files = self._find()
        if name not in self._files:
            raise AttributeError(f"there is no macro ui.{name}")
        return getattr(self._app.jinja_env.get_template(self._files[name]).module, name)

    def _find(self) -> dict[str, str]:
        environment = self._app.jinja_env
        found: dict[str, str] = {}
        for path in environment.list_templates(filter_func=lambda path: path.startswith("ui/")):
            for name in vars(environment.get_template(path).module):
                if not name.startswith("_") and found.setdefault(name, path) != path:
                    raise RuntimeError(f"the macro {name} stands in {found[name]} and in {path}")
        return found


def _wanted(template: Template) -> str:
    headers = request.headers
    whole = ("HX-Boosted", "HX-History-Restore-Request")
    if headers.get("HX-Request") != "true" or any(headers.get(name) == "true" for name in whole):
        return ""
    if headers.get("HX-Request-Type") == "full":
        return ""
    name = unquote(headers.get("HX-Target", "")).partition("#")[2].partition("-")[0]
    return name if name in template.blocks and name not in LAYOUT else ""


def _block(template: Template, name: str, context: Any, more: Mapping[str, Any] | None = None) -> str:
    scope = template.new_context(_variables(context) | dict(more or {}))
    return "".join(template.blocks[name](scope)).strip()


def _variables(context: Any) -> dict[str, Any]:
    values = dict(context) if isinstance(context, Mapping) else {f.name: getattr(context, f.name) for f in fields(context)}
    values["page"] = context
    current_app.update_template_context(values)
    return values


def _span(seconds: float) -> str:
    for length, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{int(seconds)} s"


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


@cache
def _static(prefix: str, folder: Path, path: str) -> str:
    """Kept, since a page asks for a hundred of them, most of which are its icons."""
    file = folder / path
    version = f"?v={sha256(file.read_bytes()).hexdigest()[:8]}" if file.is_file() else ""
    return f"{prefix}/{quote(path)}{version}"
