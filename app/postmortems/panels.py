"""What postmortems add to the pages of others: the link on an incident's page, one's own action items at home."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select

from app.connections.models import Connection
from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.panels import Use
from app.identity.queries import may
from app.incidents.models import Incident
from app.postmortems import item_queries, queries, rules
from app.postmortems.models import ActionItem, ItemTicket, Postmortem, PostmortemIncident

MOST = 20


@dataclass(frozen=True)
class OfIncident:
    """The postmortems of an incident that the reader may read, and whether they may begin one."""

    found: list[Postmortem]
    may_start: bool


def of_incident(incident: Incident, by: Actor) -> OfIncident | None:
    """The panel; None where there is nothing to read and nothing to begin. People of the same teams share it, so a draft
    shows to its team only and not to those who were asked to review it."""
    about = select(Postmortem).join(PostmortemIncident).where(PostmortemIncident.incident_id == incident.id)
    found = list(session.scalars(queries.visible(about, by, asked=False).order_by(Postmortem.id)))
    starts = incident.status == "resolved" and incident.merged_into_id is None and not any(
        one.team_id == incident.team_id for one in found) and may(by, "postmortem.write", team_id=incident.team_id)
    return OfIncident(found, starts) if found or starts else None


@dataclass(frozen=True)
class MyItems:
    """What the reader has left to do, overdue first."""

    items: list[ActionItem]
    today: date
    template: str = "panels/home-action-items.html"


def my_items(by: Actor) -> MyItems | None:
    """The panel of the home page; None for who has nothing left."""
    found = item_queries.mine(by, most=5) if by.user_id is not None else []
    return MyItems(found, clock.now().date()) if found else None


def using_connections(found: Sequence[Connection]) -> dict[int, list[Use]]:
    """The action items whose issue each of these still has to make or to look up, the first of them; those of a draft
    without their words."""
    place = func.row_number().over(partition_by=ItemTicket.connection, order_by=ActionItem.id).label("place")
    left = select(ItemTicket.connection, ActionItem.title, Postmortem.state, Postmortem.team_id, place).join(
        ActionItem.ticket).join(Postmortem, Postmortem.id == ActionItem.postmortem_id).where(
        ItemTicket.connection.in_({one.key for one in found}), ActionItem.state.in_(rules.LEFT),
        ItemTicket.state != "failed").subquery()
    uses: dict[str, list[Use]] = {one.key: [] for one in found}
    for row in session.execute(select(left).where(left.c.place <= MOST).order_by(left.c.place)):
        what = f"the action item “{row.title}”" if row.state == "published" else "an action item of a draft"
        uses[row.connection].append(Use(what, team_id=row.team_id))
    return {one.id: uses[one.key] for one in found}
