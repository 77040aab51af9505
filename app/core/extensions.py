"""The Flask extensions, made here and attached in create_app()."""

from __future__ import annotations

from flask import Flask
from flask_login import LoginManager
from flask_sock import Sock

from app.core.limits import init_limits

login_manager = LoginManager()
sock = Sock()

def init_extensions(app: Flask) -> None:
    """Attach all of them."""
    login_manager.init_app(app)
    login_manager.session_protection = None
    app.config["SOCK_SERVER_OPTIONS"] = {"ping_interval": 25, "max_message_size": 16384}
    sock.init_app(app)
    init_limits(app)
