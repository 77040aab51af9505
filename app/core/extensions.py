"""The Flask extensions, made here and attached in create_app()."""

from __future__ import annotations

from flask import Flask, current_app, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_sock import Sock

from app.core.redis import url

login_manager = LoginManager()
sock = Sock()

# Counted by their own rules (wrong tokens, ingest/refusals), or never: those who ask whether we live.
UNCOUNTED = ("doors", "vendor_doors", "probes")


def _uncounted() -> bool:
    """Only what anybody may ask is counted by address; a person's own requests are not."""
    view = current_app.view_functions.get(request.endpoint or "")
    return getattr(view, "access", "") not in ("public", "token") or request.blueprint in UNCOUNTED


limiter = Limiter(key_func=get_remote_address, default_limits=["100 per minute"], headers_enabled=True,
                  default_limits_exempt_when=_uncounted, strategy="fixed-window",
                  in_memory_fallback=["100 per minute"], in_memory_fallback_enabled=True, swallow_errors=True)


def init_extensions(app: Flask) -> None:
    """Attach all of them; without Redis the limiter counts in each process alone, at once."""
    login_manager.init_app(app)
    login_manager.session_protection = None
    app.config["SOCK_SERVER_OPTIONS"] = {"ping_interval": 25, "max_message_size": 16384}
    sock.init_app(app)
    address = url(app.config)
    app.config["RATELIMIT_STORAGE_URI"] = address.replace("unix://", "redis+unix://", 1)
    app.config["RATELIMIT_STORAGE_OPTIONS"] = {"socket_timeout": 0.05, "socket_connect_timeout": 0.05}
    limiter.init_app(app)
