"""What notifications do because something happened: tidy up waiting pages, tell those who were paged."""

from __future__ import annotations

from sqlalchemy import select, update

from app.core.db import session
from app.core.events import Event, sentence
from app.identity.models import User
from app.incidents import service as incidents
from app.incidents.models import Incident
from app.notifications import duty_notices, duty_posts, proofs, service, surfaces
from app.notifications.models import Message


def _incident(event: Event) -> Incident:
    return incidents.lock(int(event.subject.partition(":")[2]))


def stop_paging(event: Event) -> None:
    """Acknowledged, resolved or snoozed: waiting pages read `cancelled`, if it is still so."""
    incident = _incident(event)
    if incident.status == "triggered" and incident.snoozed_until is None:
        return
    kinds = ("page", "request") if incident.status == "resolved" else ("page",)
    service.cancel(incident, sentence(event), kinds=kinds)


def tell_those_paged(event: Event) -> None:
    """Everybody paged, except who did it, learns quietly that it was acknowledged or resolved."""
    incident = session.get_one(Incident, int(event.subject.partition(":")[2]))
    if incident.test:
        return
    paged = select(Message.user_id).where(Message.incident_id == incident.id,
                                          Message.kind.in_(("page", "request")),
                                          Message.state.in_(service.UNDER_WAY))
    people = [user for user in session.scalars(select(User).where(User.id.in_(paged), User.state == "active"))
              if user.ref != event.actor]
    kind = event.kind.partition(".")[2]
    service.notify(incident, people, kind=kind, cause=f"event:{event.id}", reason=sentence(event))
    if event.actor.startswith("user:"):  # who answered knows; their other screens need to stop ringing
        actor = [user for user in _people([int(event.actor[5:])]) if session.scalar(paged.where(
            Message.user_id == user.id).limit(1))]
        service.notify(incident, actor, kind=kind, cause=f"event:{event.id}", reason=sentence(event),
                       channels=("webpush",))


def ask_assigned(event: Event) -> None:
    """The new assignees are paged at once, the former ones told."""
    incident = session.get_one(Incident, int(event.subject.partition(":")[2]))
    data = event.data
    wanted = [key for key in data["ids"] if f"user:{key}" != event.actor]
    service.ask(incident, _people(wanted), reason=sentence(event), cause=f"event:{event.id}")
    former = [key for key in data.get("former", []) if key not in data["ids"] and f"user:{key}" != event.actor]
    service.notify(incident, _people(former), kind="assigned", cause=f"event:{event.id}", reason=sentence(event))


def tell_named(event: Event) -> None:
    """Those whom a fact names (a mention, a role, a task, an update) are told quietly."""
    wanted = event.data.get("tell") or []
    if wanted:
        incident = session.get_one(Incident, int(event.subject.partition(":")[2]))
        said = sentence(event) + (f": {' '.join(str(event.data['body']).split())}" if event.data.get("body") else "")
        service.notify(incident, _people(wanted), kind=service.TOLD, cause=f"event:{event.id}", reason=said[:300])


def tell_of_exchange(event: Event) -> None:
    """A swap or a request for cover: everybody whom it concerns learns of it quietly, but for who did it."""
    kind = "swap" if event.kind.startswith("schedule.swap_") else "cover"
    service.tell(_people(event.data["tell"]), kind=kind, cause=f"event:{event.id}", reason=sentence(event),
                 scope=_team(event))


def tell_of_handover(event: Event) -> None:
    """A hand-off: whoever comes on duty, and whoever goes, as they chose."""
    duty_notices.tell_of_handover(event)


def post_handover(event: Event) -> None:
    """A hand-off in the rooms of its schedule."""
    duty_posts.post(event)


def tell_of_gaps(event: Event) -> None:
    """Managers learn when nobody is on duty."""
    for_whom = _people(event.data["tell"])
    service.tell(for_whom, kind="gap", cause=f"event:{event.id}", reason=sentence(event), scope=_team(event))


def _team(event: Event) -> str:
    """The team that a fact about a schedule concerns, as a reference."""
    return next((ref for ref in event.also if ref.startswith("team:")), "")


def _people(ids: list[int]) -> list[User]:
    return list(session.scalars(select(User).where(User.id.in_(ids), User.state == "active").order_by(User.id)))


def forget_leaver(event: Event) -> None:
    """`user.deactivated`: what waits for them is not sent any more."""
    user = session.get_one(User, int(event.subject.partition(":")[2]))
    if not user.is_active:
        session.execute(update(Message).where(Message.user_id == user.id, Message.state == "queued").values(
            state="cancelled", error=sentence(event)))


def take_vouched_address(event: Event) -> None:
    """`user.address_vouched`: the directory or identity provider says this is their address, so it is proven."""
    user = session.get_one(User, int(event.subject.partition(":")[2]))
    if user.email == event.data["email"]:
        proofs.vouch(user, user.email)


def keep_posts_true(event: Event) -> None:
    """The incident changed: what was posted about it is brought up to date."""
    surfaces.stale(session.get_one(Incident, int(event.subject.partition(":")[2])))


def post_in_rooms(event: Event) -> None:
    """`incident.opened`: the rooms of its team and service get a post."""
    incident = session.get_one(Incident, int(event.subject.partition(":")[2]))
    if not incident.test:
        surfaces.post(incident)
