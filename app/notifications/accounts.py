"""Which accounts carry a channel and in what order, what each is configured with, and how it fares."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from flask import current_app
from sqlalchemy import CursorResult, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from app.core import clock, secrets
from app.core.access import SYSTEM
from app.core.db import db, session
from app.core.events import record
from app.core.plugins import Registry
from app.notifications import events, rules
from app.notifications.channel_models import ChannelAccount, ProviderState
from app.plugin_api import Channel, NoAccess, Retry

log = structlog.get_logger()
OPEN = timedelta(seconds=60)
PROBE = timedelta(seconds=30)
MOST_AT_ONCE = 3  # accounts in one attempt: each may take 10 s, and the lease lasts 60


@dataclass(frozen=True)
class Route:
    """One account by which a message can go; `guarded` ones are left out after failures in a row."""

    account: str
    plugin: str
    channel: Channel
    config: Mapping[str, Any]
    failures: int = 0
    guarded: bool = False

    @property
    def name(self) -> str:
        """How people know it."""
        return str(getattr(self.channel, "provider", "") or registry().name(self.plugin))


class LeftOut(Retry):
    """Every account of the channel failed just now, so nothing was called: the next method starts at once."""


def registry() -> Registry:
    """The plugins of this application."""
    found: Registry = current_app.extensions["plugins"]
    return found


def config_of(channel: Channel, values: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What a channel gets: the settings it names, those declared by plugins, ours for links, and an account's own."""
    names = [*channel.settings, *(name for name, _ in registry().settings), "BASE_URL"]
    return {**{name: current_app.config.get(name, "") for name in names}, **(values or {})}


def values_of(account: ChannelAccount) -> dict[str, str] | None:
    """An account's own settings, decrypted; None where their key is gone: others of its channel go on all the same."""
    try:
        found: dict[str, str] = json.loads(secrets.open_(account.config_sealed,
                                                         bound_to=f"channel_account:{account.id}/config"))
    except secrets.Unreadable:
        log.error("secret.unreadable", place=f"channel_account:{account.id}")
        return None
    return found


def seal_values(account: ChannelAccount, values: Mapping[str, str]) -> None:
    """Store them. The row must be flushed."""
    account.config_sealed = secrets.seal(json.dumps(dict(values)), bound_to=f"channel_account:{account.id}/config")


def is_ready(channel: Channel, config: Mapping[str, Any]) -> bool:
    """Whether all that the channel needs is configured."""
    return all(config.get(name) for name in getattr(channel, "needs", ()))


def all_routes(slug: str) -> list[Route]:
    """Every configured account of a channel, in the order in which they are tried, whether they fare well or not."""
    stored: dict[str, list[ChannelAccount]] = {}
    offers = {plugin: offer for plugin, offer in registry().providers.get(slug, {}).items()
              if plugin not in registry().off}
    for account in session.scalars(select(ChannelAccount).where(
            ChannelAccount.plugin.in_(offers), ChannelAccount.removed_at.is_(None)).order_by(ChannelAccount.id)):
        stored.setdefault(account.plugin, []).append(account)
    found = []
    for plugin, offer in offers.items():
        guarded = hasattr(offer, "needs")
        pairs = [(plugin, config_of(offer))]
        pairs += [(one.key, config_of(offer, values)) for one in stored.get(plugin, ())
                  if (values := values_of(one)) is not None]
        found += [Route(key, plugin, offer, config, guarded=guarded) for key, config in pairs if is_ready(offer, config)]
    places = {key: place for key, place in session.execute(
        select(ProviderState.account, ProviderState.position).where(ProviderState.channel == slug))}
    return sorted(found, key=lambda route: places.get(route.account, 0))


def addresses() -> dict[str, str]:
    """Where each provider that is set up is called, by name, for whoever looks whether it can be reached; mail apart."""
    known = [route for slug in registry().channels for route in all_routes(slug) if route.guarded]
    places = [(route.name, str(route.config.get(name) or "")) for route in known for name in route.channel.settings
              if name.endswith("API_URL")]
    return {name: place for name, place in places if place.startswith(("https://", "http://"))}


def routes(slug: str, *, only: str = "", avoid: Collection[str] = ()) -> list[Route] | Exception:
    """The accounts to try now, in a transaction; the fault when there is none. An account that was left out long enough
    is tried by one worker, whose outcome decides for all."""
    known = [route for route in all_routes(slug) if route.account not in avoid and only in ("", route.account)]
    states = {state.account: state for state in session.scalars(
        select(ProviderState).where(ProviderState.channel == slug).execution_options(populate_existing=True))}
    on = [route for route in known if not (states.get(route.account) and states[route.account].off)]
    if not on:
        return NoAccess(f"The channel {slug} is not set up" if slug in registry().channels
                        else f"the channel {slug} is not installed")
    open_ = [with_failures for route in on
             if (with_failures := _let_through(route, states.get(route.account))) is not None]
    return open_[:MOST_AT_ONCE] or LeftOut(f"{on[0].name} failed several times in a row and is left out for a minute")


def _let_through(route: Route, state: ProviderState | None) -> Route | None:
    if state is None or not route.guarded:
        return route
    if state.open_until is not None and not _probes(state):
        return None
    return Route(route.account, route.plugin, route.channel, route.config, state.failures, True)


def _probes(state: ProviderState) -> bool:
    """Whether this worker is the one that tries again."""
    now = clock.now()
    result = session.execute(update(ProviderState).where(
        ProviderState.account == state.account, ProviderState.channel == state.channel,
        ProviderState.open_until <= now, or_(ProviderState.probe_until.is_(None), ProviderState.probe_until <= now))
        .values(probe_until=now + PROBE).execution_options(synchronize_session=False))
    return isinstance(result, CursorResult) and result.rowcount == 1


def note(route: Route, fault: Exception | None) -> None:
    """What came of one call, for all workers: success closes, the third failure in a row opens for a minute."""
    if not route.guarded or (fault is None and not route.failures):
        return
    state = state_of(route.account, route.channel.slug)
    if fault is None:
        if state.open_until is not None:
            record(events.PROVIDER_BACK, f"provider:{state.account}", by=SYSTEM, also=["providers"], provider=route.name,
                   channel=state.channel, account=state.account)
        state.failures, state.open_until, state.probe_until = 0, None, None
        return
    credentials = isinstance(fault, NoAccess)
    state.failures, state.probe_until = state.failures + 1, None
    state.last_error, state.last_error_at = str(fault)[:300], clock.now()
    record(events.PROVIDER_FAILED, f"provider:{state.account}", by=SYSTEM, also=["providers"], provider=route.name,
           channel=state.channel, account=state.account, error=str(fault)[:300])
    if rules.opens(state.failures, credentials=credentials):
        first, state.open_until = state.open_until is None, clock.now() + OPEN
        if first:
            record(events.PROVIDER_LEFT_OUT, f"provider:{state.account}", by=SYSTEM, also=["providers"],
                   provider=route.name, channel=state.channel, account=state.account, error=str(fault)[:300],
                   credentials=credentials)


def state_of(account: str, channel: str) -> ProviderState:
    """How the account fares, its row locked; made at the first question."""
    maker = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    session.execute(maker(ProviderState).values(account=account, channel=channel, failures=0, off=False, position=0,
                                                last_error="").on_conflict_do_nothing())
    return session.get_one(ProviderState, (account, channel), with_for_update=True, populate_existing=True)
