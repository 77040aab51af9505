"""Plugins that listen hear what was committed."""

from __future__ import annotations

from app.core import jobs
from app.core.access import Actor
from app.core.db import transaction
from app.incidents.service import acknowledge
from tests import build


def test_a_committed_fact_reaches_the_plugins_that_listen_and_waits_for_nobody_without_them(
        app, ana, payments, run_jobs, monkeypatch):
    """`on_event`: read-only, after the commit, in a worker; a plugin that fails stops no other."""
    heard = []
    registry = app.extensions["plugins"]
    assert not any(row.reaction == "app.core.jobs.tell_plugins" for row in app.extensions["subscriptions"])
    monkeypatch.setitem(registry.listeners, "broken", lambda event: 1 / 0)
    monkeypatch.setitem(registry.listeners, "pigeon", lambda event: heard.append((event.kind, event.actor)))
    monkeypatch.setitem(app.extensions, "subscriptions", (*app.extensions["subscriptions"], *jobs.PLUGINS))
    with transaction():
        acknowledge(build.incident(team=payments), by=Actor(ana.ref, ana.name, user_id=ana.id))
    run_jobs()
    assert ("incident.acknowledged", ana.ref) in heard
