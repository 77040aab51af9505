"""Commands: who gets a team's weekly digest, and writing it once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.core import clock, secrets
from app.core.access import SYSTEM, Actor
from app.core.db import session
from app.core.errors import Forbidden
from app.core.events import record
from app.core.forms import Problems
from app.identity.models import Team, User
from app.identity.queries import allow, user_by_email
from app.insights import digests, events
from app.insights.models import Digest, DigestCopy, DigestWish
from app.notifications import service as notifications
from app.notifications.compose import seal_data
from app.notifications.models import ContactMethod
from app.notifications.queries import usable

EXPIRES = timedelta(hours=24)
ROLES = ("manager", "responder")


def wishes(team: Team) -> dict[int, bool]:
    """What people said about the team's digest, by their id."""
    return {one.user_id: one.wanted for one in session.scalars(select(DigestWish).where(DigestWish.team_id == team.id))}


def recipients(team: Team) -> list[User]:
    """Managers unless they unsubscribed; responders, and administrators, who subscribed; by name."""
    said = wishes(team)
    roles = {one.user: one.role for one in team.memberships}
    asked = session.scalars(select(User).where(User.id.in_([key for key, wanted in said.items() if wanted])))
    found = {user for user in asked if roles.get(user) in ROLES or user.role == "admin"}
    found |= {user for user, role in roles.items() if role == "manager" and said.get(user.id, True)}
    return sorted((one for one in found if one.is_active), key=lambda one: (one.name, one.id))


def addresses(people: list[User]) -> dict[int, ContactMethod]:
    """Where each gets mail: the address of the account if it is proven, another proven one otherwise."""
    methods = usable([one.id for one in people])
    found = {}
    for person in people:
        mail = [one for one in methods.get(person.id, []) if one.channel == "email"]
        if mail:
            found[person.id] = next((one for one in mail if one.address == person.email), mail[0])
    return found


def choose(team: Team, wanted: bool, *, by: Actor) -> None:
    """Subscribe to the team's digest, or end that. Raises Forbidden for machines."""
    allow(by, "incident.act", team_id=team.id)
    if by.user_id is None:
        raise Forbidden("Only people get digests.")
    _choose(team, by.user_id, wanted, by)


def _choose(team: Team, user_id: int, wanted: bool, by: Actor) -> None:
    wish = session.scalar(select(DigestWish).where(DigestWish.team_id == team.id, DigestWish.user_id == user_id))
    if wish is not None and wish.wanted == wanted:
        return
    wish = wish or DigestWish(team_id=team.id, user_id=user_id)
    wish.wanted = wanted
    try:
        with session.begin_nested():
            session.add(wish)
    except IntegrityError:  # the same press twice at one moment
        return
    record(events.DIGEST_WANTED if wanted else events.DIGEST_UNWANTED, team.ref, by=by, team=team.name)


def choices_documents(teams: Sequence[Team]) -> dict[int, list[dict[str, Any]]]:
    """What people of these teams said, or a document for them, as configuration writes it, by the team's id; everybody else
    goes by their role."""
    found: dict[int, list[dict[str, Any]]] = {team.id: [] for team in teams}
    for key, email, wanted in session.execute(
            select(DigestWish.team_id, User.email, DigestWish.wanted).join(User, User.id == DigestWish.user_id).where(
                DigestWish.team_id.in_(found), User.state != "deactivated").order_by(User.email)):
        found[key].append({"user": email, "wanted": wanted})
    return found


def save_choices(team: Team, choices: Sequence[Mapping[str, Any]], *, by: Actor) -> None:
    """Who gets the digest, or does not, against what their role says; who is not named goes by their role again."""
    allow(by, "team.edit", team_id=team.id)
    before, problems, wanted = choices_documents([team])[team.id], Problems(), dict[int, bool]()
    for at, one in enumerate(choices):
        person = user_by_email(one["user"])
        if person is None or person.id in wanted:
            problems.add(f"digest[{at}].user", f"{one['user']} {'stands here twice' if person else 'is nobody'}")
        else:
            wanted[person.id] = bool(one["wanted"])
    problems.raise_if_any()
    for wish in session.scalars(select(DigestWish).join(User, User.id == DigestWish.user_id).where(
            DigestWish.team_id == team.id, User.state != "deactivated")):
        if wish.user_id in wanted:
            wish.wanted = wanted.pop(wish.user_id)
        else:
            session.delete(wish)
    session.add_all(DigestWish(team_id=team.id, user_id=key, wanted=said) for key, said in wanted.items())
    session.flush()
    if (after := choices_documents([team])[team.id]) != before:
        record(events.DIGEST_SET, team.ref, by=by, team=team.name, before=before, after=after)


def copy_of(token: str) -> tuple[DigestCopy, Team] | None:
    """The copy whose link this is, and the team it is about."""
    found = session.execute(select(DigestCopy, Team).join(Digest, Digest.id == DigestCopy.digest_id).join(
        Team, Team.id == Digest.team_id).where(DigestCopy.token_hash == secrets.digest(token))).first()
    return (found[0], found[1]) if found else None


def unsubscribe(copy: DigestCopy, team: Team, *, ip: str, agent: str) -> None:
    """Whoever holds the link of a copy ends the digest of its reader; a second time changes nothing."""
    person = copy.user
    by = Actor(person.ref, person.name, via="e-mail link", user_id=person.id, ip=ip, agent=agent)
    _choose(team, person.id, False, by)


def write(team_id: int, week: date) -> bool:
    """Write the digest of this Monday and a mail to each recipient, in the open transaction. Says whether it was ours."""
    team, digest = session.get_one(Team, team_id), Digest(team_id=team_id, week=week)
    try:
        with session.begin_nested():
            session.add(digest)
    except IntegrityError:  # another clock was first
        return False
    said = digests.told(team, week, digests.zones([team.id])[team.id])
    digest.subject, digest.text, digest.ahead = said.subject[:200], said.text, said.ahead
    people = recipients(team)
    where = addresses(people)
    for person in people:
        if person.id in where:
            _send(digest, team, person, where[person.id])
    record(events.DIGEST_WRITTEN, team.ref, by=SYSTEM, team=team.name, week=week.isoformat(),
           people=", ".join(one.name for one in people if one.id in where) or "nobody")
    return True


def _send(digest: Digest, team: Team, person: User, method: ContactMethod) -> None:
    token, base = secrets.new_token(), current_app.config["BASE_URL"]
    session.add(DigestCopy(digest_id=digest.id, user_id=person.id, token_hash=secrets.digest(token)))
    for message in notifications.plain_message("digest", method, once=f"digest:{team.id}:{digest.week}:{person.id}"):
        message.reason, message.expires_at, message.scope = digest.subject, clock.now() + EXPIRES, team.ref
        seal_data(message, {"text": digest.text, "url": f"{base}/insights/digests?team={team.key}",
                            "unsubscribe": f"{base}/digest/{token}"})
