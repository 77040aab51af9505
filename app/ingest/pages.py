"""What the pages of integrations show: one dataclass a page."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from flask import current_app, url_for
from markupsafe import Markup
from sqlalchemy import func, select

from app.core.access import Actor
from app.core.db import session
from app.core.guide import guide
from app.core.secrets import Unreadable
from app.identity.queries import may, may_anywhere
from app.ingest import credentials, health, mapping, queries, wellbeing
from app.ingest.models import Delivery, FormerCredential, Integration, RefusedRequest

LAST, ROWS = 50, 100
STATES = ("processed", "duplicate", "rejected", "held", "failed", "received")


@dataclass(frozen=True)
class Card:
    """A plugin as a way in."""

    slug: str
    name: str
    icon: str
    category: str = "Anything else"


@dataclass(frozen=True)
class Row:
    """An integration in the list."""

    integration: Integration
    plugin: Card
    health: health.Health

    @property
    def id(self) -> int:
        """The integration's."""
        return self.integration.id


@dataclass(frozen=True)
class IndexPage:
    """The integrations that the person may know of, a hundred at a time: `next` is the key after which the rest begins."""

    rows: list[Row]
    total: int
    q: str
    may_add: bool
    next: str


@dataclass(frozen=True)
class GalleryPage:
    """The plugins that can be added."""

    cards: list[Card]
    q: str


@dataclass(frozen=True)
class IntegrationPage:
    """One integration: its address and guide, what came in, who was turned away."""

    integration: Integration
    plugin: Card
    health: health.Health
    record: health.Record
    address: str
    guide: Markup
    deliveries: list[Delivery]
    state: str
    states: tuple[str, ...]
    held: int
    refused: list[RefusedRequest]
    may_see: bool
    may_edit: bool
    formers: list[FormerCredential]
    mail_address: str = ""
    may_map: bool = False
    replaying: int = 0
    expected: str = ""
    problem: str = ""


def card(slug: str) -> Card:
    """The plugin as people see it; one that is gone keeps its slug as name and has no icon."""
    registry = current_app.extensions["plugins"]
    plugin = registry.integrations.get(slug)
    if plugin is None:
        return Card(slug, slug, "")
    owner = registry.owner("integration", slug)
    return Card(slug, plugin.name, url_for("ingest.icon", slug=owner) if registry.icon(owner) else "",
                getattr(plugin, "category", "") or "Anything else")


def index_page(by: Actor, args: Mapping[str, str]) -> IndexPage:
    """The list by name, narrowed to what holds `q`, from the row behind the key `after` on."""
    every = queries.named(by)
    wanted = args.get("q", "").strip().casefold()
    cards = {slug: card(slug) for slug in {one.plugin for one in every}}
    fit = [one.key for one in every if wanted in f"{one.name} {one.key} {cards[one.plugin].name}".casefold()]
    start = fit.index(args["after"]) + 1 if args.get("after") in fit else 0
    shown = queries.integrations(by, fit[start:start + ROWS])
    healths = health.healths_of(shown)
    return IndexPage([Row(one, cards[one.plugin], healths[one.id]) for one in shown], len(every), args.get("q", ""),
                     may_anywhere(by, "integration.edit"), fit[start + ROWS - 1] if len(fit) > start + ROWS else "")


def gallery_page(args: Mapping[str, str]) -> GalleryPage:
    """Every way in that is installed and switched on, by name."""
    registry = current_app.extensions["plugins"]
    cards = [card(slug) for slug, plugin in registry.integrations.items()
             if registry.is_on("integration", slug) and "inside" not in plugin.can]
    wanted = args.get("q", "").strip().casefold()
    return GalleryPage(sorted((one for one in cards if wanted in f"{one.name} {one.slug} {one.category}".casefold()),
                              key=lambda one: (one.category == "Anything else", one.category, one.name.casefold())),
                       args.get("q", ""))


def address_of(integration: Integration, *, whole: bool) -> str:
    """Where senders post; only the end of it for those who may not see the token."""
    base = f"{current_app.config['BASE_URL']}/in/"
    if integration.removed_at is not None:
        return ""
    return base + shown_token(integration, whole=whole)


def shown_token(integration: Integration, *, whole: bool) -> str:
    """The token, or only the end of it: for those who may not see it, and where its key is gone."""
    with suppress(Unreadable):
        if whole:
            return credentials.token_of(integration)
    return f"…{integration.token_last4}"


def may_map(integration: Integration) -> bool:
    """Whether its plugin reads by a mapping that people make."""
    plugin = current_app.extensions["plugins"].integrations.get(integration.plugin)
    return integration.removed_at is None and any(one.name == mapping.FIELD for one in getattr(plugin, "fields", ()))


def mail_address_of(integration: Integration, *, whole: bool) -> str:
    """Where senders of mail write to, when mail is taken in and this integration is one for it."""
    config = current_app.config
    plugin = current_app.extensions["plugins"].integrations.get(integration.plugin)
    if not config["MAIL_IN_PORT"] or "mail" not in getattr(plugin, "can", ()) or integration.removed_at is not None:
        return ""
    return f"{shown_token(integration, whole=whole)}@{config['MAIL_IN_DOMAIN'] or config['MAIL_IN_HOST']}"


def integration_page(key: str, by: Actor, args: Mapping[str, str], *, problem: str = "") -> IntegrationPage:
    """The page of one integration. Raises NotFound."""
    found = queries.integration_for(key, by)
    may_see = may(by, "integration.secrets", team_id=found.team_id)
    state = args.get("state", "") if args.get("state") in STATES else ""
    query = select(Delivery).where(Delivery.integration_id == found.id).order_by(Delivery.id.desc()).limit(LAST)
    deliveries = session.scalars(query.where(Delivery.state == state) if state else query)
    held = session.scalar(select(func.count()).select_from(Delivery).where(
        Delivery.integration_id == found.id, Delivery.state == "held")) or 0
    address = address_of(found, whole=may_see)
    return IntegrationPage(
        integration=found, plugin=card(found.plugin), health=health.health_of(found), record=health.record_of(found),
        address=address,
        guide=guide(readme_of(found.plugin), address), deliveries=list(deliveries), state=state, states=STATES[:5],
        held=held, refused=queries.refused(found), may_see=may_see, formers=credentials.formers(found), problem=problem,
        mail_address=mail_address_of(found, whole=may_see), may_map=may_map(found),
        replaying=queries.replaying(found),
        expected=wellbeing.span(found.expected_every) if found.expected_every else "",
        may_edit=found.removed_at is None and may(by, "integration.edit", team_id=found.team_id))


def readme_of(slug: str) -> str:
    """The set-up guide of the plugin that offers this way in."""
    registry = current_app.extensions["plugins"]
    return registry.readme(registry.owner("integration", slug)) if slug in registry.integrations else ""
