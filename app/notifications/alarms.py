"""Who has to know what nobody was asked about: lost people, refused accounts, floods, services without an owner."""

from __future__ import annotations

from app.core.db import session
from app.core.events import Event
from app.identity.models import Team, User
from app.identity.queries import admins, managers
from app.incidents.models import Incident
from app.notifications import service


def tell_of_lost(event: Event) -> None:
    """`message.unreachable`: managers of the team and admins, once per person and hour; a copy to the account's address."""
    incident = session.get_one(Incident, int(event.subject.partition(":")[2]))
    user = session.get(User, event.data["user_id"])
    if user is None or incident.test:
        return
    if user.is_active:
        service.copy(incident, user, cause=f"lost:{user.id}:{incident.id}")
    people = [one for one in [*managers(incident.team_id), *admins()] if one.id != user.id]
    service.tell(list({one.id: one for one in people}.values()), kind="alarm", cause=f"lost:{user.id}:{event.at:%Y%m%d%H}",
                 reason=f"{user.name} can't be reached: {event.data['error']}. They were to be paged for #{incident.id} "
                        f"{incident.title[:80]}", scope=incident.ref)


def tell_of_refusal(event: Event) -> None:
    """`provider.left_out` since it does not accept our account: admins, once an hour."""
    if event.data["credentials"]:
        data = event.data
        service.tell(admins(), kind="alarm", cause=f"left-out:{data['account']}:{data['channel']}:{event.at:%Y%m%d%H}",
                     reason=f"{data['provider']} is left out: {data['error']}. Look at Settings, Channels")


def tell_of_busy(event: Event) -> None:
    """`integration.busy`: the managers of its team, admins where it has none."""
    _tell_team(event, f"{event.data['name']} sends more than {event.data['limit']:,} signals a minute: every one is taken. "
                      "Look at what makes it repeat itself")


def tell_of_health(event: Event) -> None:
    """`integration.health_changed`: the same people, that it fails, is quiet, or is well again."""
    said = {"failing": "is failing", "quiet": "is quiet", "ok": "is well again"}[event.data["after"]]
    advice = {"failing": ". What is not taken pages nobody", "quiet": ". Look whether it still runs"}
    _tell_team(event, f"{event.data['name']} {said}: {event.data['reason']}{advice.get(event.data['after'], '')}")


def _tell_team(event: Event, reason: str) -> None:
    """The managers of the team that the event concerns, admins where there are none; once."""
    team = next((session.get(Team, int(ref.partition(":")[2])) for ref in event.also if ref.startswith("team:")), None)
    people = managers(team.id if team else None) or admins()
    service.tell(people, kind="alarm", cause=f"{event.kind.partition('.')[2]}:{event.id}",
                 reason=reason, scope=team.ref if team else event.subject)


def tell_of_ownerless(event: Event) -> None:
    """`service.ownerless`: admins, with the names."""
    service.tell(admins(), kind="alarm", cause=f"ownerless:{event.id}", reason=(
        f"The team {event.data['team']} was archived and its services have no owner: "
        f"{', '.join(event.data['names'][:10])}. Signals for them go the next way; hand them to a team"),
        scope=event.subject)
