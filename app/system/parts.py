"""How single parts of the system fare, each line with what to do where something is wrong."""

from __future__ import annotations

from sqlalchemy import select

from app.core import clock
from app.core.db import session
from app.core.panels import Line, panels
from app.incidents.models import Incident
from app.ingest.models import Integration
from app.notifications.channel_models import ProviderState

SHOWN = 10


def parts() -> dict[str, list[Line]]:
    """By title: providers, storms under way, and what other domains tell of themselves, where there is something to say."""
    told = {"Providers": providers(), "Storms": storms()} | {
        name.replace("_", " ").capitalize(): lines for name, lines in panels("system").items()}
    return {name: lines for name, lines in told.items() if lines}


def providers() -> list[Line]:
    """Accounts at providers: which are left out, fail or are off. Those that work are one line."""
    states = session.scalars(select(ProviderState).order_by(ProviderState.account, ProviderState.channel).execution_options(
        populate_existing=True)).all()
    lines = [line for one in states if (line := _provider(one)) is not None]
    working = len(states) - len(lines)
    return lines + ([Line("Working", f"{working} of {len(states)} accounts at providers")] if working else [])


def _provider(one: ProviderState) -> Line | None:
    name = f"{one.account}, {one.channel}"
    if one.off:
        return Line(name, "switched off by hand", "", "Switch it on again under Channels.")
    if one.open_until is not None:
        return Line(name, f"left out after {one.failures} failures in a row: {one.last_error}", "bad",
                    "Look at its account under Channels. It is tried again every minute.")
    if one.failures:
        return Line(name, f"{one.failures} failures in a row: {one.last_error}", "warn",
                    "After three it is left out for a minute.")
    return None


def storms() -> list[Line]:
    """Incidents that take a flood of alerts in, and integrations that send very much."""
    raging = session.scalars(select(Incident).where(Incident.storm_until.is_not(None), Incident.status != "resolved")
                             .order_by(Incident.id.desc()).limit(SHOWN)).all()
    busy = session.scalars(select(Integration).where(Integration.busy_until > clock.now()).order_by(Integration.name)).all()
    return [*(Line(f"#{one.id} {one.title}", "takes a storm of alerts in", "warn", "It ends by itself when it is quiet.")
              for one in raging),
            *(Line(one.name, "sends more than 1,000 deliveries a minute", "warn", "All are taken in. Look at its rules.")
              for one in busy)]
