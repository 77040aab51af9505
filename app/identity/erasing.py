"""Erasing a person who was deactivated: for ever, everywhere, and with every sum as it was.

The row in `users` stays with its number, so that history and figures go on naming the same person: as "Former person n".
What becomes of everything else about them stands in `app/personal.py`. Their time zone stays, as the hours of night in
figures of load are reckoned in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

from flask import current_app
from sqlalchemy import delete, func, select

from app.core import clock, erasure, former
from app.core.access import Actor
from app.core.db import alone, locked, pending, session
from app.core.errors import Conflict, NotFound
from app.core.events import Event, record
from app.core.former import FormerPerson, Known
from app.core.forms import NOWHERE, refuse
from app.core.secrets import seal
from app.identity import events
from app.identity.models import FailedLogin, User
from app.identity.queries import allow, user_by_email

SHORTEST, SHORTEST_NUMBER = 2, 7
GOES = ("Name, e-mail address, password, and what a directory or identity provider knows them by",
        "Addresses and numbers at which they were reached, also of messages that were sent; rules and quiet hours",
        "Logins, devices, passkeys, codes, API tokens and calendars; what they subscribed to or saved for themselves",
        "Memberships of teams")
STAYS = ("Incidents, shifts, pages and figures: by “Former person n”, with all sums and the time zone they need",
         "The log’s rows, unchanged, for they are a chain. Wherever they are shown the name is replaced. They go after "
         "{days} days; those of incidents and postmortems stay",
         "Published postmortems, word by word",
         "What people typed themselves: notes, updates, comments",
         "Mail, chat posts and calls that have left, backups and files that were saved")


@dataclass(frozen=True)
class Erasing:
    """The question on a person's page: what goes, what stays, and what was wrong with the answer."""

    goes: tuple[str, ...]
    stays: tuple[str, ...]
    problem: str = ""


def question(problem: str = "") -> Erasing:
    """The question."""
    return Erasing(GOES, tuple(one.format(days=current_app.config["AUDIT_DAYS"]) for one in STAYS), problem)


def person_named(key: str) -> User:
    """The person of this address or number. Raises NotFound."""
    number = int(key) if key.isdecimal() and len(key) < 19 else 0
    found = (user_by_email(key) or session.get(User, number)) if "\0" not in key else None
    if found is None:
        raise NotFound("There is no such person.")
    return found


def erase_typed(user: User, typed: str, *, by: Actor) -> User:
    """The same for whoever typed the person's address, so that nobody is erased by mistake. Raises Invalid."""
    allow(by, "people.erase")
    if user.erased_at is None and typed.strip().lower() != user.email:
        refuse("typed", f"Type {user.email} to say that you mean this person")
    return erase_user(user, by=by)


def erase_user(user: User, *, by: Actor) -> User:
    """Replace the person by "Former person n" wherever they are named. A second time changes nothing.

    Raises Conflict for whoever is not deactivated.
    """
    allow(by, "people.erase")
    held = locked(User, user.id)
    if held is None or held.erased_at is not None:
        return user
    if held.state != "deactivated":
        raise Conflict(f"{held.name} has to be deactivated first.")
    alone("former people")
    number = _next_number()
    teams, names = [f"team:{one.team_id}" for one in held.memberships], _names(held)
    whose = erasure.Whose(held.id, held.ref, frozenset(names), former.name_of(number))
    table = current_app.extensions["personal"]
    said = dict.fromkeys(_telling(erasure.words(table, whose)) | names, whose.now)
    said |= dict.fromkeys(_addresses(held), _address(number))
    session.add(FormerPerson(id=number, ref=held.ref, said_until=session.scalar(select(func.max(Event.id))) or 0,
                             sealed=seal(json.dumps(said), bound_to=former.place(held.ref))))
    session.execute(delete(FailedLogin).where(FailedLogin.subject == f"email:{held.email}"))
    erasure.erase(table, whose, Known(number, {held.ref: whose.now}, {word: (0, now) for word, now in said.items()}))
    _empty(held, number)
    record(events.USER_ERASED, held.ref, by=by, also=teams, name=whose.now)
    pending().forgets.append(current_app.extensions["former"].forget)
    return held


def _next_number() -> int:
    """The first that neither was given nor stands in somebody's address."""
    first = (session.scalar(select(func.max(FormerPerson.id))) or 0) + 1
    return next(number for number in count(first) if user_by_email(_address(number)) is None)


def _empty(user: User, number: int) -> None:
    session.refresh(user)
    user.name, user.email, user.role = former.name_of(number), _address(number), "member"
    user.password_hash = user.external_id = user.user_name = user.profile = user.last_login_at = None
    user.break_glass, user.erased_at = False, clock.now()
    user.removed_at = user.removed_at or user.erased_at
    session.flush()


def _address(number: int) -> str:
    return f"former-{number}@{NOWHERE}"


def _names(user: User) -> set[str]:
    """What they are and were called, and nobody else is."""
    acted = session.scalars(select(Event.kept_actor_name).where(Event.actor == user.ref).distinct())
    found = {user.name, *acted, *(one["name"] for one in _accounts(user) if one.get("name"))}
    return _telling(found) - set(session.scalars(select(User.name).where(User.name.in_(found), User.id != user.id)))


def _addresses(user: User) -> set[str]:
    """The addresses and sign-in names that they have and had, and nobody else has."""
    found = {user.email, user.user_name, *(one.get(name) for one in _accounts(user) for name in ("email", "user_name"))}
    others = session.scalars(select(User.email).where(User.email.in_(_telling(found)), User.id != user.id))
    return _telling(found) - set(others)


def _telling(words: Iterable[Any]) -> set[str]:
    """Those that mean somebody: no letter, and no number such as incidents have."""
    texts = (word for word in words if isinstance(word, str))
    return {word for word in texts if len(word) >= (SHORTEST_NUMBER if word.isdigit() else SHORTEST)}


def _accounts(user: User) -> Iterator[dict[str, Any]]:
    """What the log says that the account was."""
    for said in session.scalars(select(Event.kept_data).where(
            Event.subject == user.ref, Event.kind.in_([events.USER_CREATED.name, events.USER_CHANGED.name]))):
        yield from (said[name] for name in ("before", "after") if isinstance(said.get(name), dict))
