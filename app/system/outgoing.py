"""What would go out at once if it were not held since a restore: pages first, then everything else that is due."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Select, select

from app.core import clock
from app.core.hold import Held, held, would_go
from app.escalation.models import Run
from app.incidents.models import Incident
from app.notifications.channel_models import DutyPost, Surface
from app.notifications.models import Message
from app.oncall.calendar_models import CalendarLink
from app.partners.models import Link
from app.postmortems.models import ItemTicket
from app.runbooks.models import Execution
from app.status_pages.subscriber_models import SubscriberMessage
from app.webhooks.models import WebhookDelivery
from app.workflows.models import WorkflowStep

Show = Callable[[Any], Held]


def outgoing() -> dict[str, tuple[int, list[Held]]]:
    """By what it is: how many, and the first of them; nothing while nothing is held."""
    if not held():
        return {}
    found = {name: would_go(query, show) for name, (query, show) in _due().items()}
    return {name: told for name, told in found.items() if told[0]}


def _due() -> dict[str, tuple[Select[Any], Show]]:
    now = clock.now()
    return {
        "Levels of escalations": (select(Run).join(Incident).where(
            Run.state == "running", Run.next_at <= now, Incident.status == "triggered", Incident.snoozed_until.is_(None))
            .order_by(Run.next_at), _level),
        "Messages to people": (select(Message).where(Message.state == "queued", Message.next_at <= now).order_by(
            Message.next_at), _message),
        "Posts in rooms": (select(Surface).where(Surface.next_at <= now).order_by(Surface.next_at), _post),
        "Hand-offs in rooms": (select(DutyPost).where(DutyPost.next_at <= now).order_by(DutyPost.next_at), _duty),
        "Calls of webhooks": (select(WebhookDelivery).where(
            WebhookDelivery.state == "queued", WebhookDelivery.next_at <= now).order_by(WebhookDelivery.next_at), _hook),
        "Runbooks": (select(Execution).where(Execution.next_at <= now).order_by(Execution.next_at), _execution),
        "Steps of workflows": (select(WorkflowStep).where(WorkflowStep.next_at <= now).order_by(WorkflowStep.next_at),
                               _step),
        "Messages to subscribers": (select(SubscriberMessage).where(
            SubscriberMessage.state == "queued", SubscriberMessage.next_at <= now).order_by(SubscriberMessage.next_at),
            _news),
        "Links for partners": (select(Link).where(Link.state == "queued", Link.next_at <= now).order_by(Link.next_at),
                               _link),
        "Issues elsewhere": (select(ItemTicket).where(ItemTicket.state == "queued", ItemTicket.next_at <= now).order_by(
            ItemTicket.next_at), _ticket),
        "Shifts in calendars": (select(CalendarLink).where(CalendarLink.next_at <= now).order_by(CalendarLink.next_at),
                                _calendar),
    }


def _about(incident: Incident | None) -> str:
    return f"#{incident.id} {incident.title}" if incident else ""


def _page_of(incident: Incident | None) -> str:
    return f"/incidents/{incident.id}" if incident else ""


def _level(run: Run) -> Held:
    return Held(f"Level {run.level + 1} of {run.policy_name}", _about(run.incident), run.next_at, _page_of(run.incident))


def _message(one: Message) -> Held:
    about = _about(one.incident) or one.reason
    return Held(f"{one.kind.replace('_', ' ').capitalize()} by {one.channel} to {one.user.name}", about, one.next_at,
                _page_of(one.incident))


def _post(one: Surface) -> Held:
    return Held(f"Post by {one.channel}", _about(one.incident), one.next_at, _page_of(one.incident))


def _duty(one: DutyPost) -> Held:
    return Held(one.text, one.room.name or one.room.channel, one.next_at)


def _hook(one: WebhookDelivery) -> Held:
    return Held(one.kind, one.webhook.name, one.next_at, f"/webhooks/{one.webhook.key}")


def _execution(one: Execution) -> Held:
    return Held(one.runbook.name, _about(one.incident), one.next_at, f"/executions/{one.key}")


def _step(one: WorkflowStep) -> Held:
    return Held(f"{one.run.workflow.name}: {one.node}", _about(one.run.incident), one.next_at,
                f"/workflows/{one.run.workflow.key}")


def _news(one: SubscriberMessage) -> Held:
    return Held("News" if one.announcement_id else "Question whether they want news", one.subscriber.page.name, one.next_at)


def _link(one: Link) -> Held:
    return Held("Link to sign in", one.partner.name, one.next_at)


def _ticket(one: ItemTicket) -> Held:
    return Held("An issue for an action item", one.connection, one.next_at, f"/action-items/{one.item_id}")


def _calendar(one: CalendarLink) -> Held:
    return Held("Shifts", f"{one.user.name}’s calendar {one.calendar_name}".strip(), one.next_at)
