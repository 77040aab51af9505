"""A shop with a status page, and readers for whom nothing is kept back for a second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from app.catalog.models import Service
from app.core.access import OPERATOR
from app.core.db import session, transaction
from app.identity.models import Team, User
from app.incidents.models import Incident
from app.status_pages import shelf
from app.status_pages.models import StatusPage
from app.status_pages.service import save_page
from tests import build


@dataclass
class Shop:
    """Whoever and whatever a test needs by name."""

    ana: User
    bob: User
    team: Team
    checkout: Service
    search: Service

    @property
    def page(self) -> StatusPage:
        """The page, fresh."""
        session.expire_all()
        return session.query(StatusPage).one()

    def component(self, name: str) -> Any:
        """The component of this name."""
        return next(one for one in self.page.components if one.name == name)


@pytest.fixture(autouse=True)
def _at_once(app, monkeypatch):
    """Every reader's question looks at the database again."""
    monkeypatch.setattr(shelf, "LOOK", 0.0)
    shelf.shelf(app).forget()


@pytest.fixture
def shop(app, ana, bob, payments) -> Shop:
    """Ana's team has two services, and a public page with a component of each and a manual one."""
    checkout, search = (build.service(key, team=payments) for key in ("checkout", "search"))
    with transaction():
        save_page({"slug": "shop", "name": "Shop status", "team": "payments", "time_zone": "Europe/Berlin", "components": [
            {"name": "Card payments", "services": ["checkout"], "group": "Shop"},
            {"name": "Finding things", "services": ["search"], "group": "Shop"}, {"name": "Post office"}]}, by=OPERATOR)
    return Shop(ana, bob, payments, checkout, search)


@pytest.fixture
def breaks(run_jobs):
    """`breaks(service, "critical")`: an incident opens, and the clock has looked."""
    def made(service: Service, severity: str = "critical", **more: Any) -> Incident:
        return build.incident("SECRET-TITLE", service=service, severity=severity, **more)
    return made


@pytest.fixture
def follow(tick):
    """`follow()`: the clock lets components follow their incidents."""
    return lambda: tick("app.status_pages.ticks.follow")


@pytest.fixture
def deliver(tick):
    """`deliver()`: the clock gives each subscriber what was announced, and sends it."""
    def sent():
        for name in ("reader_ticks.fan_out", "reader_ticks.send"):
            tick(f"app.status_pages.{name}")
    return sent
