"""The web process: gunicorn with threads for pages, or with gevent for sockets only."""

from __future__ import annotations

import logging
import signal
import threading
from typing import TYPE_CHECKING, Any

import structlog
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from app.core.log import init_log
from app.core.slow_clients import HEADER_SECONDS

if TYPE_CHECKING:
    from flask import Flask

log = structlog.get_logger()
IDLE = 60  # seconds that a connection stays open between two requests
_doors: list[str] = []  # where to listen instead of HOST and PORT


class _Server(BaseApplication):  # type: ignore[misc]
    """Gunicorn told what to serve by us instead of by its command line."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        super().__init__()

    def load_config(self) -> None:
        """Take the options given."""
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Make the application in the worker, after the fork."""
        from app import create_app
        from app.core import life, skew
        from app.core.db import AWAY, session
        from app.core.jobs import function
        from app.core.rotation import require_keys

        app = create_app()
        with app.app_context():
            try:
                require_keys()
            except AWAY as fault:  # whoever comes hears 503 until it is back
                log.warning("keys.not_checked", reason=str(fault).splitlines()[0][:200])
                session.remove()
        skew.follow(app)
        life.show(app, str(self.options["proc_name"]).removeprefix("oncall "))
        function(app.extensions["keep_looking"])(app)
        return app


class _Log(Logger):  # type: ignore[misc]
    """Gunicorn's words as lines of our log."""

    def setup(self, cfg: Any) -> None:
        """No output of its own: what it says goes the way of all libraries."""
        self.error_log.setLevel(logging.WARNING)
        self.error_log.propagate = True


def _close_sockets_first(worker: Any) -> None:
    """At SIGTERM the live pages are told to come back later; else their threads would be waited for."""
    former = signal.getsignal(signal.SIGTERM)

    def stop(number: int, frame: Any) -> None:
        hub = worker.app.wsgi().extensions["live"].hub
        threading.Thread(target=hub.stop, daemon=True).start()
        if callable(former):
            former(number, frame)

    signal.signal(signal.SIGTERM, stop)


def listen_at(number: int) -> None:
    """This process has a socket of this number that listens already, and goes on listening when the process has ended."""
    _doors[:] = [f"fd://{number}"]


def options(config: dict[str, str], *, sockets_only: bool = False, port: int | None = None) -> dict[str, Any]:
    """Gunicorn's settings: threads well above the cap on sockets, since each live page holds one (STACK.md)."""
    common = {"bind": _doors or f"{config['HOST']}:{port or config['PORT']}", "graceful_timeout": 5, "timeout": 60,
              "keepalive": IDLE, "loglevel": "warning", "logger_class": _Log, "proc_name": "oncall web",
              "limit_request_field_size": 16384, "limit_request_line": 8190, "limit_request_fields": 100,
              "post_worker_init": _close_sockets_first}
    if sockets_only:
        return common | {"worker_class": "gevent", "workers": int(config["WEB_PROCESSES"]),
                         "worker_connections": 8000, "proc_name": "oncall live", "keepalive": int(HEADER_SECONDS)}
    return common | {"worker_class": "app.core.slow_clients.Worker", "workers": int(config["WEB_PROCESSES"]),
                     "threads": int(config["WEB_THREADS"])}


def run(config: dict[str, str], *, sockets_only: bool = False, port: int | None = None) -> None:
    """Serve until told to stop."""
    init_log(config["LOG_LEVEL"])
    _Server(options(config, sockets_only=sockets_only, port=port)).run()
