"""Commands on accounts at providers: connect, change, order, switch off, test, disconnect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import current_app
from sqlalchemy import select

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Conflict, Invalid, NotFound, Problem, RateLimited
from app.core.events import record
from app.core.settings import SETTINGS
from app.identity.models import User
from app.identity.queries import allow
from app.notifications import accounts, events, proofs, queries, service
from app.notifications.channel_models import ChannelAccount, ProviderState, Room
from app.notifications.models import Message
from app.plugin_api import Channel, Connection, Inbound, Rejected, Retry

LONGEST = 8000


@dataclass(frozen=True)
class Entry:
    """One setting of a plugin's channels, as a form shows it; `needed` by at least one of them."""

    name: str
    help: str
    secret: bool
    default: str
    needed: bool


def offers_of(plugin: str) -> list[Channel]:
    """The channels that a plugin offers. Raises NotFound for one without."""
    found = [offers[plugin] for offers in accounts.registry().providers.values() if plugin in offers]
    if not found:
        raise NotFound(f"There is no plugin {plugin} that reaches anybody")
    return found


def entries(plugin: str) -> list[Entry]:
    """What can be entered for an account of the plugin."""
    offers = offers_of(plugin)
    declared = {one.name: one for one in SETTINGS} | {name: one for name, one in accounts.registry().settings}
    names = dict.fromkeys(name for offer in offers for name in (*offer.settings, *getattr(offer, "needs", ())))
    needed = {name for offer in offers for name in getattr(offer, "needs", ())}
    return [Entry(name, one.help, one.secret, one.default, name in needed and not one.default)
            for name in names if (one := declared.get(name)) is not None]


def save_account(plugin: str, name: str, values: Mapping[str, str], *, by: Actor, key: int | None = None) -> ChannelAccount:
    """Keep an account's settings, sealed; a secret left empty stays as it was. Raises Invalid at the field."""
    allow(by, "admin")
    account = account_of(plugin, key) if key is not None else None
    former = (accounts.values_of(account) if account is not None else None) or {}
    kept = {one.name: values.get(one.name, "").strip() or (former.get(one.name, "") if one.secret else "")
            for one in entries(plugin)}
    kept = {setting: value for setting, value in kept.items() if value}
    problems = [Problem(setting, "This is longer than any key") for setting, value in kept.items() if len(value) > LONGEST]
    if not name.strip():
        problems.append(Problem("name", "Give it a name, such as the team or region it is for"))
    if not any(accounts.is_ready(offer, accounts.config_of(offer, kept)) for offer in offers_of(plugin)):
        missing = [one.name for one in entries(plugin) if one.needed and one.name not in kept]
        problems += [Problem(setting, "This is needed") for setting in missing]
    if problems:
        raise Invalid(problems=problems)
    return _keep(plugin, account, Connection(name.strip(), kept), by=by)


def _keep(plugin: str, account: ChannelAccount | None, made: Connection, *, by: Actor) -> ChannelAccount:
    fact = events.ACCOUNT_ADDED if account is None else events.ACCOUNT_CHANGED
    account = account or ChannelAccount(plugin=plugin, name="", config_sealed="")
    account.name = made.name[:120]
    session.add(account)
    session.flush()
    accounts.seal_values(account, made.values)
    for state in session.scalars(select(ProviderState).where(ProviderState.account == account.key)):
        state.failures, state.open_until, state.probe_until = 0, None, None  # what was wrong may be right now
    record(fact, f"provider:{account.key}", by=by, also=["providers"], name=account.name, plugin=plugin)
    return account


def account_of(plugin: str, key: int) -> ChannelAccount:
    """A stored account. Raises NotFound."""
    account = session.get(ChannelAccount, key)
    if account is None or account.plugin != plugin or account.removed_at is not None:
        raise NotFound("There is no such account")
    return account


def remove_account(account: ChannelAccount, *, by: Actor) -> None:
    """Disconnect it: nothing is sent by it any more, and its secrets are gone."""
    allow(by, "admin")
    account.removed_at = clock.now()
    accounts.seal_values(account, {})
    record(events.ACCOUNT_REMOVED, f"provider:{account.key}", by=by, also=["providers"], name=account.name,
           plugin=account.plugin)


def route(channel: str, key: str) -> accounts.Route:
    """A configured account of a channel. Raises NotFound."""
    found = next((one for one in accounts.all_routes(channel) if one.account == key), None)
    if found is None:
        raise NotFound("There is no such account")
    return found


def switch(channel: str, key: str, *, off: bool, by: Actor) -> None:
    """Leave an account out by hand, or take it in again."""
    allow(by, "admin")
    found = route(channel, key)
    accounts.state_of(key, channel).off = off
    record(events.PROVIDER_SWITCHED, f"provider:{key}", by=by, also=["providers"], provider=found.name, channel=channel,
           account=key, what="off" if off else "on")


def first(channel: str, key: str, *, by: Actor) -> None:
    """Try this account before the others of its channel."""
    allow(by, "admin")
    found = route(channel, key)
    others = [one.account for one in accounts.all_routes(channel) if one.account != key]
    for place, account in enumerate([key, *others]):
        accounts.state_of(account, channel).position = place
    record(events.PROVIDER_SWITCHED, f"provider:{key}", by=by, also=["providers"], provider=found.name, channel=channel,
           account=key, what="first")


def test(channel: str, key: str, user: User, *, by: Actor) -> list[Message]:
    """A test by this account to oneself, the way pages go. Raises Conflict without a proven method of the channel."""
    allow(by, "admin")
    route(channel, key)
    method = next((one for one in queries.methods_of(user) if one.channel == channel and one.usable), None)
    if method is None:
        raise Conflict("Add a contact method of this channel to your profile and prove it, then a test can reach you.")
    proofs.not_twice(user)
    found = service.plain_message("test", method, once=f"try:{key}:{method.id}:{clock.now().timestamp():.0f}")
    if not found:
        raise RateLimited("A test was sent a moment ago", after=60)
    for message in found:
        message.account = key
    return found


def address(plugin: str, callback: str, state: str, *, by: Actor) -> str:
    """Where the vendor asks which of its workspaces is connected. Raises NotFound where it has no such page."""
    allow(by, "admin")
    offer = next((one for one in offers_of(plugin) if hasattr(one, "authorize")), None)
    if offer is None:
        raise NotFound("There is nothing to connect: enter the settings instead")
    try:
        return str(offer.authorize(f"{current_app.config['BASE_URL']}{callback}", state, accounts.config_of(offer)))
    except Rejected as fault:
        raise Conflict(fault.reason) from None


def exchanged(plugin: str, inbound: Inbound, callback: str) -> Connection:
    """What the vendor gives for its answer; nothing is open meanwhile. Raises Conflict with its reason."""
    offer = next(one for one in offers_of(plugin) if hasattr(one, "connected"))
    try:
        address_ = f"{current_app.config['BASE_URL']}{callback}"
        found: Connection = offer.connected(inbound, address_, accounts.config_of(offer))
        return found
    except (Rejected, Retry) as fault:
        raise Conflict(f"It was not connected: {fault.reason}") from None


def take(plugin: str, connection: Connection, *, by: Actor) -> ChannelAccount:
    """Keep what was connected; the same workspace again renews its account."""
    allow(by, "admin")
    known = session.scalar(select(ChannelAccount).where(
        ChannelAccount.plugin == plugin, ChannelAccount.name == connection.name[:120],
        ChannelAccount.removed_at.is_(None)))
    return _keep(plugin, known, connection, by=by)


def rooms_of(channels: Sequence[str]) -> list[Room]:
    """The rooms of these channels."""
    return list(session.scalars(select(Room).where(Room.channel.in_(channels), Room.removed_at.is_(None)).order_by(Room.id)))
