"""What the pages of webhooks show."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from app.core.access import Actor
from app.core.db import session
from app.core.secrets import Unreadable
from app.identity.queries import may, may_anywhere
from app.webhooks import queries
from app.webhooks.models import Webhook, WebhookDelivery


@dataclass(frozen=True)
class Row:
    """A webhook in the list, with its last delivery."""

    webhook: Webhook
    address: str
    last: WebhookDelivery | None

    @property
    def id(self) -> int:
        """The webhook's."""
        return self.webhook.id


@dataclass(frozen=True)
class IndexPage:
    """All webhooks that the person may know of."""

    rows: list[Row]
    may_add: bool


@dataclass(frozen=True)
class WebhookPage:
    """One webhook with what it sent last; address and secret only for those who may change it."""

    webhook: Webhook
    address: str
    deliveries: list[WebhookDelivery]
    secret: str
    may_edit: bool
    fault: str = ""


def index_page(by: Actor) -> IndexPage:
    """The list."""
    hooks = list(session.scalars(queries.visible(by)))
    newest = select(func.max(WebhookDelivery.id)).where(
        WebhookDelivery.webhook_id.in_([hook.id for hook in hooks])).group_by(WebhookDelivery.webhook_id)
    last = {one.webhook_id: one for one in session.scalars(select(WebhookDelivery).where(WebhookDelivery.id.in_(newest)))}
    return IndexPage([Row(hook, queries.shown_address(hook, whole=may(by, "webhook.edit", team_id=hook.team_id)),
                          last.get(hook.id)) for hook in hooks], may_anywhere(by, "webhook.edit"))


def webhook_page(key: str, by: Actor) -> WebhookPage:
    """The page of one. Raises NotFound."""
    found = queries.webhook_for(key, by)
    may_edit = may(by, "webhook.edit", team_id=found.team_id)
    secret, fault = _secret(found) if may_edit else ("", "")
    return WebhookPage(found, queries.shown_address(found, whole=may_edit), queries.deliveries(found) if may_edit else [],
                       secret, may_edit, fault)


def _secret(webhook: Webhook) -> tuple[str, str]:
    """The secret, or why it can't be shown."""
    try:
        return queries.secret_of(webhook), ""
    except Unreadable as fault:
        return "", f"{fault}. Nothing is sent until the key is back, or a new secret is made."
