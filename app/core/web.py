"""The edge: one transaction a request, who is asking, forgery protection, security headers, and failures as answers."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import structlog
from flask import (
    Flask,
    Response,
    abort,
    current_app,
    g,
    jsonify,
    render_template,
    request,
)
from flask import session as cookie
from flask_login import current_user
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from app.core import once
from app.core.access import Actor, View
from app.core.bodies import Name, Number, Request
from app.core.db import AWAY, take_back, transaction
from app.core.errors import Failure, Invalid, RateLimited
from app.core.log import begin_request, id_for
from app.core.reading import host_of
from app.core.secrets import Unreadable, same

log = structlog.get_logger()
SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
          "manifest-src 'self'; worker-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
HEADERS = {
    "Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()", "Cross-Origin-Opener-Policy": "same-origin",
}
LARGE, FOR_MACHINES = 8 * 1024 * 1024, 1024 * 1024
WORDED = (400, 401, 403, 404, 409, 413, 422, 429, 500, 503)  # templates/ui/failures.html says in plain words what each means


def large(view: View) -> View:
    """The view takes long texts: a form of up to 8 MB, where others end at 2 MB of files and half a MB of text."""
    return takes(LARGE)(view)


def takes(most: int) -> Callable[[View], View]:
    """The view takes forms and files of so many bytes."""
    def mark(view: View) -> View:
        view.takes = most  # type: ignore[attr-defined]
        return view
    return mark


class Application(Flask):
    """Flask whose changing requests run inside one transaction, rendering included."""

    request_class = Request

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.url_map.converters.update(default=Name, string=Name, int=Number)

    def dispatch_request(self) -> Any:
        """The view's answer; an answer that says "no" rolls back, the commit comes before anything leaves."""
        view = self.view_functions.get(request.endpoint or "")
        form = "" if request.method in SAFE else once.mark()
        if request.method in SAFE or getattr(view, "own_transaction", False):
            return once.apart(form, super().dispatch_request) if form else super().dispatch_request()
        with transaction() as left:
            if form and (former := once.claim(form)) is not None:
                return once.again(former)
            response = self.make_response(super().dispatch_request())
            if response.status_code >= 400:
                take_back()
            elif form:
                once.settle(form, response, left.events)
            return response


def init_web(app: Flask) -> None:
    """Attach the edge to the application."""
    proxies = int(app.config["TRUSTED_PROXIES"])
    if proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies)  # type: ignore[method-assign]
    secure = app.config["BASE_URL"].startswith("https://")
    app.config.update(SESSION_COOKIE_HTTPONLY=True, SESSION_COOKIE_SAMESITE="Lax", SESSION_COOKIE_SECURE=secure,
                      SESSION_COOKIE_NAME="oncall", MAX_CONTENT_LENGTH=2 * 1024 * 1024, MAX_FORM_PARTS=1000)
    app.before_request(_begin)
    app.before_request(_refuse_forgery)
    app.after_request(_finish)
    app.register_error_handler(Failure, _failure)
    app.register_error_handler(HTTPException, _http_failure)
    for away in AWAY:
        app.register_error_handler(away, database_away)
    app.register_error_handler(Unreadable, _locked_away)
    app.register_error_handler(Exception, _fault)
    app.jinja_env.globals["csrf_token"] = csrf_token


def _begin() -> None:
    g.request_id = id_for(request.headers.get("X-Request-ID", ""), current_app.config)
    g.started = time.perf_counter()
    usual = FOR_MACHINES if request.path.startswith("/api/") else 0
    most = getattr(current_app.view_functions.get(request.endpoint or ""), "takes", usual)
    if most:
        request.max_content_length = request.max_form_memory_size = most
    structlog.contextvars.clear_contextvars()
    begin_request(g.request_id)


def _finish(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if current_app.config["SESSION_COOKIE_SECURE"]:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    response.headers["X-Request-ID"] = g.get("request_id", "")
    if response.mimetype == "text/html":
        response.headers.setdefault("Cache-Control", "no-store")
    took = time.perf_counter() - g.get("started", time.perf_counter())
    log.info("request", route=str(request.url_rule or "-"), method=request.method, status=response.status_code,
             ms=round(took * 1000, 1), actor=g.get("who", "anonymous"))
    return response


def csrf_token() -> str:
    """The token that this browser's forms must carry; made at first use, renewed at sign-in."""
    if "csrf" not in cookie:
        cookie["csrf"] = secrets.token_urlsafe(32)
    return str(cookie["csrf"])


def _refuse_forgery() -> None:
    """A changing request that rides on a cookie must come from our own pages and prove it."""
    bearer = request.authorization is not None and request.authorization.type == "bearer"
    if request.method in SAFE or bearer or "oncall" not in request.cookies:
        return
    view = current_app.view_functions.get(request.endpoint or "")
    if getattr(view, "access", "") == "token":
        return
    if from_elsewhere():
        abort(403, "This request came from another site.")
    if not current_user.is_authenticated:
        return
    given = request.headers.get("X-CSRF-Token") or request.form.get("csrf_token", "").partition(once.JOINT)[0]
    if not given or not same(given, str(cookie.get("csrf", ""))):
        abort(403, "This page is out of date. Load it again and repeat what you did.")


def from_elsewhere() -> bool:
    """Whether a browser says that another site made this request. From a page that tells no referrer the origin is
    `null`, and only Sec-Fetch-Site, which no script can write, says whose page it was."""
    origin, own = request.headers.get("Origin"), urlsplit(current_app.config["BASE_URL"]).netloc
    if origin == "null" and request.headers.get("Sec-Fetch-Site") == "same-origin":
        return False
    return bool(origin) and host_of(origin or "") not in (own, request.host)


def actor(via: str = "") -> Actor:
    """Who is asking, as commands want it."""
    user = current_user
    if not user.is_authenticated:
        abort(401)
    by_token = request.path.startswith("/api/") and request.authorization is not None
    road = via or ("API" if by_token else "web")  # a page may call the API with its cookie
    return Actor(f"user:{user.id}", user.name, via=road, user_id=user.id, scopes=g.get("scopes"),
                 ip=request.remote_addr or "", agent=request.user_agent.string)


def wants_json() -> bool:
    """Whether the answer goes to a machine."""
    if f"{request.path}/".startswith(("/api/", "/scim/", "/in/", "/v2/", "/heartbeat/", "/healthz/", "/readyz/", "/live/")):
        return True
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"


def problem(status: int, title: str, detail: str, **more: Any) -> Response:
    """An RFC 9457 answer."""
    response = jsonify({"type": "about:blank", "title": title, "status": status, "detail": detail,
                        "instance": request.path, **more})
    response.status_code, response.mimetype = status, "application/problem+json"
    return response


def answer(status: int, title: str, detail: str, **more: Any) -> Response:
    """A failure in the form its reader understands: problem+json or a page."""
    return problem(status, title, detail, **more) if wants_json() else _page(status, title, detail)


def _page(status: int, title: str, detail: str) -> Response:
    said = {"status": status, "title": title, "detail": detail, "request_id": g.get("request_id", "")}
    return Response(render_template("errors/error.html", **said), status, mimetype="text/html")


def _failure(error: Failure) -> Response:
    more: dict[str, Any] = {}
    if isinstance(error, Invalid):
        more["errors"] = [{"field": fault.field, "message": fault.message} for fault in error.problems]
    if getattr(error, "state", None):
        more["state"] = error.state  # type: ignore[attr-defined]
    response = answer(error.status, error.title, error.detail, **more)
    if isinstance(error, RateLimited):
        response.headers["Retry-After"] = str(error.after)
    return response


def _http_failure(error: HTTPException) -> Response:
    code = error.code or 500
    if code < 400:
        return current_app.make_response(error.get_response())
    said, worded = error.description or "", code in WORDED and not wants_json()
    response = _page(code, "", said if said != type(error).description else "") if worded else answer(code, error.name, said)
    for name, value in error.get_headers():
        if name.lower() in ("retry-after", "allow", "www-authenticate"):
            response.headers[name] = value
    return response


def database_away(error: SQLAlchemyError) -> Response:
    """What is said while the database does not answer, or can't write: its disk is full."""
    log.error("database.unreachable", reason=str(error).splitlines()[0][:300])
    response = answer(503, "Not available", "The database can't be reached at the moment. Try again in a few seconds.")
    response.headers["Retry-After"] = "5"
    return response


def _locked_away(error: Unreadable) -> Response:
    """A stored secret whose key is gone: nothing is lost for good, so whoever sends may try again."""
    log.error("secret.unreadable", reason=str(error)[:300])
    response = answer(503, "A secret can't be opened", f"{error}. Put the key back, or enter the secret anew.")
    response.headers["Retry-After"] = "60"
    return response


def _fault(error: Exception) -> Response:
    if current_app.testing and current_app.config.get("PROPAGATE_EXCEPTIONS"):
        raise error
    log.exception("request.failed")
    return answer(500, "Something went wrong", "This is our fault, and it is in the log under the id below.")
