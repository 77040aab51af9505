"""What postmortems do because something happened: drafts by themselves, people told, a leaver's items named."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import select

from app.core import clock
from app.core.access import SYSTEM, Actor
from app.core.db import alone, session
from app.core.events import Event, sentence
from app.identity.models import Membership, User
from app.identity.queries import managers, may
from app.incidents.models import Follower, Incident
from app.postmortems import items, notices, queries, rules, service
from app.postmortems.models import (
    ActionItem,
    AutomaticDraft,
    Postmortem,
    PostmortemIncident,
)


def draft(event: Event) -> None:
    """`incident.resolved`: a draft for what was severe enough, once for each incident. A draft that is there already
    follows the log by itself; only its nudge waits anew."""
    incident = session.get_one(Incident, int(event.subject.partition(":")[2]))
    if incident.status != "resolved" or incident.test or incident.merged_into_id is not None:
        return
    alone(f"postmortems of {incident.id}")
    for present in session.scalars(select(Postmortem).join(PostmortemIncident).where(
            PostmortemIncident.incident_id == incident.id, Postmortem.nudge_at.is_not(None))):
        if present.nudges == 0:
            present.nudge_at = rules.nudge_due((one.resolved_at for one in present.incidents), clock.now())
    wanted = incident.severity in rules.AUTOMATIC[queries.habits_of(incident.team_id).automatic]
    if not wanted or queries.about(incident.id, incident.team_id) is not None or session.scalar(
            select(AutomaticDraft.id).where(AutomaticDraft.incident_id == incident.id)) is not None:
        return
    session.add(AutomaticDraft(incident_id=incident.id))
    made = service.create([incident], by=SYSTEM, owner=_owner(incident))
    notices.about(made, service.people([made.owner_id]), cause=f"event:{event.id}",
                  reason=f"A postmortem of #{incident.id} {incident.title} was begun for you")


def _owner(incident: Incident) -> User | None:
    """Who led it, had it, took it or resolved it; else a manager of the team."""
    ids = [role.user_id for role in incident.roles if role.name == "commander"]
    ids += [user.id for user in incident.assignees]
    ids += [int(ref[5:]) for ref in (incident.acknowledged_by, incident.resolved_by) if ref and ref.startswith("user:")]
    ids += list(session.scalars(select(Membership.user_id).where(
        Membership.team_id == incident.team_id, Membership.role == "manager").order_by(Membership.user_id)))
    mine = {member.user_id for member in (incident.team.memberships if incident.team else [])
            if member.role in ("manager", "responder") and member.user.is_active}
    return next((session.get(User, key) for key in ids if key in mine), None)


def tell_of_review(event: Event) -> None:
    """Those who were asked to review, and the owner of what was sent back or approved."""
    postmortem = session.get(Postmortem, int(event.subject.partition(":")[2]))
    if postmortem is None:
        return
    if event.kind == "postmortem.submitted":
        wanted = [review.user_id for review in postmortem.reviews if review.state == "asked"]
    else:
        wanted = [key for key in (postmortem.owner_id, postmortem.author_id) if key]
    people = [user for user in service.people(wanted) if user.ref != event.actor]
    notices.about(postmortem, people, cause=f"event:{event.id}", reason=sentence(event))


def tell_of_publication(event: Event) -> None:
    """The team, those who took part and those who follow its incidents, once."""
    postmortem = session.get_one(Postmortem, int(event.subject.partition(":")[2]))
    numbers = [link.incident_id for link in postmortem.links]
    wanted = {member.user_id for member in (postmortem.team.memberships if postmortem.team else [])}
    wanted |= {responder.user_id for incident in postmortem.incidents for responder in incident.responders}
    wanted |= set(session.scalars(select(Follower.user_id).where(Follower.incident_id.in_(numbers))))
    people = [user for user in service.people(sorted(wanted)) if user.ref != event.actor and may(
        Actor(user.ref, user.name, user_id=user.id), "postmortem.read", team_id=postmortem.team_id)]
    said = sentence(event) + (f" again: {event.data['reason']}" if event.data["reason"] else "")
    notices.about(postmortem, people, cause=f"event:{event.id}", reason=said)


def name_leaver(event: Event) -> None:
    """`user.deactivated`: each team's managers learn how many of its open action items are left behind."""
    user = session.get_one(User, int(event.subject.partition(":")[2]))
    left = list(session.scalars(select(ActionItem).where(ActionItem.owner_id == user.id,
                                                         ActionItem.state.in_(rules.LEFT))))
    if not left or user.is_active:
        return
    for team, number in Counter(item.postmortem.team_id for item in left).items():
        notices.leaver(user.name, user.email, managers(team), team_id=team, number=number, cause=f"event:{event.id}")


def follow_zone(event: Event) -> None:
    """`user.changed`: nine o'clock may be another moment now."""
    items.retime(session.get_one(User, int(event.subject.partition(":")[2])))
