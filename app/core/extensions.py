"""The Flask extensions, made here and attached in create_app()."""

from __future__ import annotations

from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_sock import Sock

from app.core.db import db
from app.core.redis import url

migrate = Migrate()
login_manager = LoginManager()
sock = Sock()
limiter = Limiter(key_func=get_remote_address, headers_enabled=True, strategy="fixed-window",
                  in_memory_fallback=["1000 per minute"], in_memory_fallback_enabled=True, swallow_errors=True)


def init_extensions(app: Flask) -> None:
    """Attach all of them; without Redis the limiter counts in each process alone, at once."""
    migrate.init_app(app, db, directory=str(app.config["ROOT"] / "migrations"), render_as_batch=True,
                     compare_type=True)
    login_manager.init_app(app)
    login_manager.session_protection = None
    app.config["SOCK_SERVER_OPTIONS"] = {"ping_interval": 25, "max_message_size": 16384}
    sock.init_app(app)
    address = url(app.config)
    app.config["RATELIMIT_STORAGE_URI"] = address.replace("unix://", "redis+unix://", 1)
    app.config["RATELIMIT_STORAGE_OPTIONS"] = {"socket_timeout": 0.05, "socket_connect_timeout": 0.05}
    limiter.init_app(app)
