"""What the pages about channels show: each provider with how it fares, and the settings of one plugin."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from flask import current_app, url_for
from markupsafe import Markup
from sqlalchemy import func, select

from app.core import clock
from app.core.db import session
from app.core.errors import Problem
from app.core.guide import guide
from app.core.settings import origin
from app.identity.models import Team
from app.notifications import accounts, connecting
from app.notifications.channel_models import ChannelAccount, ProviderState, Room
from app.notifications.models import ContactMethod, Message

HOUR, LOOKED_AT = timedelta(hours=1), 2000


@dataclass(frozen=True)
class Figures:
    """The last hour of an account: messages it took, those that failed, and half of all delays in seconds."""

    sent: int = 0
    failed: int = 0
    seconds: float | None = None


@dataclass(frozen=True)
class ProviderRow:
    """One account on one channel; `state` is ok, failing, out or off."""

    id: str
    account: str
    channel: str
    name: str
    plugin: str
    state: str
    until: datetime | None
    figures: Figures
    error: str
    error_at: datetime | None
    first: bool


@dataclass(frozen=True)
class ChannelRow:
    """One channel with its providers; without any it can't be used."""

    slug: str
    name: str
    providers: list[ProviderRow]
    guarded: bool
    plugins: list[tuple[str, str]]
    methods: int


@dataclass(frozen=True)
class ChannelsPage:
    """All channels."""

    channels: list[ChannelRow]


def channels_page() -> ChannelsPage:
    """Each channel, those with trouble first."""
    registry, figures = accounts.registry(), _figures()
    states = {(state.account, state.channel): state for state in session.scalars(select(ProviderState))}
    names = {account.key: account.name for account in session.scalars(select(ChannelAccount))}
    people = {slug: number for slug, number in session.execute(_methods())}
    rows = []
    for slug, channel in sorted(registry.channels.items(), key=lambda pair: pair[1].name):
        routes = [] if not registry.is_on("channel", slug) else accounts.all_routes(slug)
        providers = [_row(one, states.get((one.account, slug)), figures, names, first=place == 0)
                     for place, one in enumerate(routes)]
        offering = [(plugin, registry.name(plugin)) for plugin in registry.providers.get(slug, {})]
        rows.append(ChannelRow(slug, channel.name, providers, hasattr(channel, "needs"), offering, people.get(slug, 0)))
    return ChannelsPage(sorted(rows, key=lambda row: not any(one.state in ("out", "failing") for one in row.providers)))


def _methods() -> Any:
    return select(ContactMethod.channel, func.count()).where(
        ContactMethod.removed_at.is_(None), ContactMethod.proven_at.is_not(None)).group_by(ContactMethod.channel)


def _row(route: accounts.Route, state: ProviderState | None, figures: Mapping[tuple[str, str], Figures],
         names: Mapping[str, str], *, first: bool) -> ProviderRow:
    how = "ok"
    if state is not None:
        how = "off" if state.off else "out" if state.open_until else "failing" if state.failures else "ok"
    slug = route.channel.slug
    name = f"{route.name}, {names[route.account]}" if route.account in names else route.name
    return ProviderRow(f"{slug}-{route.account.replace(':', '-')}", route.account, slug, name, route.plugin, how,
                       state.open_until if state else None, figures.get((route.account, slug), Figures()),
                       state.last_error if state else "", state.last_error_at if state else None, first)


def _figures() -> dict[tuple[str, str], Figures]:
    """The last hour by account and channel, from its newest messages."""
    found: dict[tuple[str, str], list[tuple[str, float]]] = defaultdict(list)
    for account, channel, state, started, sent in session.execute(select(
            Message.account, Message.channel, Message.state, Message.started_at, Message.sent_at).where(
            Message.started_at > clock.now() - HOUR, Message.account != "").order_by(Message.id.desc()).limit(LOOKED_AT)):
        found[account, channel].append((state, (sent - started).total_seconds() if sent and started else -1.0))
    return {key: _counted(rows) for key, rows in found.items()}


def _counted(rows: list[tuple[str, float]]) -> Figures:
    waits = [wait for _, wait in rows if wait >= 0]
    return Figures(sum(state in ("sent", "delivered") for state, _ in rows),
                   sum(state == "failed" for state, _ in rows), median(waits) if waits else None)


@dataclass(frozen=True)
class PluginPage:
    """One plugin's channels: its accounts, what can be entered, its guide."""

    slug: str
    name: str
    channels: list[str]
    entries: list[connecting.Entry]
    from_environment: list[str]
    accounts: list[ChannelAccount]
    connectable: bool
    callbacks: list[tuple[str, str]]
    guide: Markup
    rooms: list[Room] = field(default_factory=list)
    room_channels: list[tuple[str, str]] = field(default_factory=list)
    teams: list[tuple[str, str]] = field(default_factory=list)
    team_names: Mapping[int, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    editing: ChannelAccount | None = None


def plugin_page(slug: str, *, form: Mapping[str, str] | None = None, problems: Iterable[Problem] = (),
                editing: ChannelAccount | None = None) -> PluginPage:
    """What an admin sees of one plugin's channels."""
    registry, offers = accounts.registry(), connecting.offers_of(slug)
    base = current_app.config["BASE_URL"]
    hears = dict.fromkeys(purpose for offer in offers for purpose in getattr(offer, "callbacks", ()))
    stored = list(session.scalars(select(ChannelAccount).where(
        ChannelAccount.plugin == slug, ChannelAccount.removed_at.is_(None)).order_by(ChannelAccount.id)))
    rooms = [offer for offer in offers if "room" in offer.can]
    teams = session.execute(select(Team.id, Team.key, Team.name).order_by(Team.name)).all() if rooms else []
    if form is None and editing is not None:
        public = {one.name for one in connecting.entries(slug) if not one.secret}
        values = accounts.values_of(editing) or {}
        form = {name: value for name, value in values.items() if name in public} | {"name": editing.name}
    return PluginPage(
        slug, registry.name(slug), [offer.name for offer in offers],
        connecting.entries(slug), [one.name for one in connecting.entries(slug) if origin(one.name) != "default"], stored,
        any(hasattr(offer, "authorize") for offer in offers),
        [(purpose, f"{base}{url_for('callbacks.callback', slug=slug, purpose=purpose)}") for purpose in hears],
        guide(registry.readme(slug), "{url}"), connecting.rooms_of([offer.slug for offer in rooms]),
        [(offer.slug, offer.name) for offer in rooms], [(key, name) for _, key, name in teams],
        {number: name for number, _, name in teams}, form or {}, {one.field: one.message for one in problems}, editing)


def document() -> list[dict[str, Any]]:
    """The channels for machines."""
    return [{"channel": row.slug, "name": row.name, "methods": row.methods, "providers": [
        {"account": one.account, "name": one.name, "state": one.state, "left_out_until": clock.rfc3339(one.until),
         "last_hour": asdict(one.figures), "last_error": one.error or None, "last_error_at": clock.rfc3339(one.error_at)}
        for one in row.providers]} for row in channels_page().channels]
