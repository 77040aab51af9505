"""What administrators are told at the top of every page, whatever they came for."""

from __future__ import annotations

from pkgutil import resolve_name

from flask import Flask, current_app

from app.core.redis import pulse
from app.core.web import actor

REDIS_AWAY = ("Redis does not answer", "Nothing is lost: pages and deliveries go on from the database, a few seconds later. "
              "Each process counts limits alone, and open pages do not refresh. The System page says more.")


def alarm() -> tuple[str, str] | None:
    """Title and sentence of what is wrong with the system, for whoever is signed in and administers it; else None."""
    may = current_app.extensions["shell"].may
    if may and not resolve_name(may)(actor(), "admin"):
        return None
    if pulse().away():
        return REDIS_AWAY
    found: list[tuple[str, str]] = getattr(current_app.extensions.get("watch"), "said", [])  # what this process has seen
    return found[0] if found else None


def init_alarm(app: Flask) -> None:
    """Give the templates of `app` the word for it."""
    app.jinja_env.globals["alarm"] = alarm
