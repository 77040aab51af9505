"""What stands before the application: public pages straight from the shelf, and pages with host names of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from app.core.log import id_for
from app.status_pages import rendering, shelf

if TYPE_CHECKING:
    from flask import Flask

Environ = dict[str, Any]
Start = Callable[..., Any]
Wsgi = Callable[[Environ, Start], Iterable[bytes]]
PROBES = ("/healthz", "/readyz")
BESIDE = ("/status/subscription/", "/static/js/status")


def install(app: Flask) -> Wsgi:
    """The application behind it."""
    inner: Wsgi = app.wsgi_app
    own = urlsplit(app.config["BASE_URL"]).netloc

    def front(environ: Environ, start: Start) -> Iterable[bytes]:
        host = environ.get("HTTP_HOST", "")
        if environ.get("PATH_INFO", "") in PROBES:  # they answer whatever else does not
            return inner(environ, start)
        if host != own and not _at_home(app, host, environ):
            start("404 Not Found", [("Content-Type", "text/plain"), ("Content-Length", "0"), _named(app, environ)])
            return [b""]
        if not environ.get("PATH_INFO", "").startswith("/status/"):
            return inner(environ, start)
        kept = _kept(app, environ, start)
        return kept if kept is not None else inner(environ, _for_everybody(start))
    return front


def _at_home(app: Flask, host: str, environ: Environ) -> bool:
    """Whether this address is served on this host: on that of a page it is `/`, and nothing else of the system answers."""
    with app.app_context():
        slug = shelf.slug_of(host)
    path = environ.get("PATH_INFO", "") or "/"
    if not slug:
        return True
    if path == "/":
        environ["PATH_INFO"] = path = f"/status/{slug}"
    return path == f"/status/{slug}" or path.startswith((f"/status/{slug}/", f"/status/{slug}.", *BESIDE))


def _kept(app: Flask, environ: Environ, start: Start) -> list[bytes] | None:
    if environ.get("REQUEST_METHOD") not in ("GET", "HEAD"):
        return None
    found = shelf.at_once(app, f"{environ['PATH_INFO']}?{environ.get('QUERY_STRING', '')}")
    if found is None:
        return None
    rendered, mark = found
    headers = [*rendering.heads(rendered, mark, secure=app.config["SESSION_COOKIE_SECURE"]), _named(app, environ)]
    if mark in environ.get("HTTP_IF_NONE_MATCH", ""):
        start("304 Not Modified", headers)
        return [b""]
    start("200 OK", [*headers, ("Content-Length", str(len(rendered.body)))])
    return [rendered.body] if environ["REQUEST_METHOD"] == "GET" else [b""]


def _named(app: Flask, environ: Environ) -> tuple[str, str]:
    return "X-Request-ID", id_for(environ.get("HTTP_X_REQUEST_ID", ""), app.config)


def _for_everybody(start: Start) -> Start:
    """What may be kept by any cache varies with no cookie and sets none."""
    def said(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
        public = any(name.lower() == "cache-control" and value.startswith("public") for name, value in headers)
        return start(status, [one for one in headers if one[0].lower() not in ("vary", "set-cookie")] if public else headers,
                     *more)
    return said
