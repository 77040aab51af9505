"""What the pages of integrations show: one dataclass a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import current_app, url_for
from markupsafe import Markup
from sqlalchemy import case, func, select

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.identity.queries import may, may_anywhere
from app.ingest import credentials, guide, mapping, queries, rules
from app.ingest.models import Delivery, FormerCredential, Integration, RefusedRequest

DAY, SOON = timedelta(hours=24), timedelta(minutes=10)
LAST = 50
BAD = ("rejected", "failed")
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
    counts: rules.Counts
    health: str
    last: datetime | None

    @property
    def id(self) -> int:
        """The integration's."""
        return self.integration.id


@dataclass(frozen=True)
class IndexPage:
    """All integrations that the person may know of."""

    rows: list[Row]
    total: int
    q: str
    may_add: bool


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
    counts: rules.Counts
    health: str
    last: datetime | None
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
    """The list by name, narrowed to what holds `q`."""
    found = queries.integrations(by)
    wanted = args.get("q", "").strip().casefold()
    counts = counts_of(None)
    rows = [_row(one, counts.get(one.id, rules.Counts())) for one in found]
    shown = [row for row in rows if wanted in f"{row.integration.name} {row.integration.key} {row.plugin.name}".casefold()]
    return IndexPage(shown, len(rows), args.get("q", ""), may_anywhere(by, "integration.edit"))


def _row(integration: Integration, counts: rules.Counts) -> Row:
    last = max(filter(None, (integration.last_seen_at, counts.last)), default=None)
    return Row(integration, card(integration.plugin), counts, health_of(integration, counts, last), last)


def health_of(integration: Integration, counts: rules.Counts, last: datetime | None) -> str:
    """The word for how the integration is."""
    if integration.removed_at is not None:
        return "deleted"
    on = current_app.extensions["plugins"].is_on("integration", integration.plugin)
    return rules.health(counts, usable=on, paused=integration.paused_at is not None, seen=last is not None,
                        busy=integration.busy(clock.now()))


def counts_of(integration: Integration | None) -> dict[int, rules.Counts]:
    """What came in during the last 24 h, by integration id; only that one's when one is given."""
    since, soon = clock.now() - DAY, clock.now() - SOON
    before = select(Delivery.id).where(Delivery.received_at < since).order_by(Delivery.id.desc()).limit(1)
    bad = Delivery.state.in_(BAD)
    query = select(
        Delivery.integration_id, func.count(), func.sum(case((bad, 1), else_=0)),
        func.sum(case((bad & (Delivery.received_at >= soon), 1), else_=0)), func.max(Delivery.received_at),
    ).where(Delivery.id > (session.scalar(before) or 0)).group_by(Delivery.integration_id)
    refused = select(RefusedRequest.integration_id, func.count(), func.sum(case((RefusedRequest.at >= soon, 1), else_=0))
                     ).where(RefusedRequest.at >= since).group_by(RefusedRequest.integration_id)
    if integration is not None:
        query = query.where(Delivery.integration_id == integration.id)
        refused = refused.where(RefusedRequest.integration_id == integration.id)
    turned = {key: (number, late) for key, number, late in session.execute(refused)}
    came = {key: (number, wrong, late, last) for key, number, wrong, late, last in session.execute(query)}
    return {key: _counts(came.get(key, (0, 0, 0, None)), turned.get(key, (0, 0))) for key in {*came, *turned}}


def _counts(came: tuple[int, int, int, datetime | None], turned: tuple[int, int]) -> rules.Counts:
    return rules.Counts(deliveries=came[0], rejected=came[1], refused=turned[0], lately=came[2] + turned[1], last=came[3])


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
    return base + (credentials.token_of(integration) if whole else f"…{integration.token_last4}")


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
    token = credentials.token_of(integration) if whole else f"…{integration.token_last4}"
    return f"{token}@{config['MAIL_IN_DOMAIN'] or config['MAIL_IN_HOST']}"


def integration_page(key: str, by: Actor, args: Mapping[str, str], *, problem: str = "") -> IntegrationPage:
    """The page of one integration. Raises NotFound."""
    found = queries.integration_for(key, by)
    counts = counts_of(found).get(found.id, rules.Counts())
    row = _row(found, counts)
    may_see = may(by, "integration.secrets", team_id=found.team_id)
    state = args.get("state", "") if args.get("state") in STATES else ""
    query = select(Delivery).where(Delivery.integration_id == found.id).order_by(Delivery.id.desc()).limit(LAST)
    deliveries = session.scalars(query.where(Delivery.state == state) if state else query)
    held = session.scalar(select(func.count()).select_from(Delivery).where(
        Delivery.integration_id == found.id, Delivery.state == "held")) or 0
    address = address_of(found, whole=may_see)
    return IntegrationPage(
        integration=found, plugin=row.plugin, counts=counts, health=row.health, last=row.last, address=address,
        guide=guide.guide(readme_of(found.plugin), address), deliveries=list(deliveries), state=state, states=STATES[:5],
        held=held, refused=queries.refused(found), may_see=may_see, formers=credentials.formers(found), problem=problem,
        mail_address=mail_address_of(found, whole=may_see), may_map=may_map(found),
        replaying=queries.replaying(found),
        may_edit=found.removed_at is None and may(by, "integration.edit", team_id=found.team_id))


def readme_of(slug: str) -> str:
    """The set-up guide of the plugin that offers this way in."""
    registry = current_app.extensions["plugins"]
    return registry.readme(registry.owner("integration", slug)) if slug in registry.integrations else ""
