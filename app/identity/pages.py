"""What the pages of sign-in, people and oneself show: one dataclass a page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from sqlalchemy import and_, select
from sqlalchemy.orm import selectinload

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import NotFound, Problem
from app.core.forms import number_of
from app.core.panels import panels
from app.identity import devices, rules
from app.identity.erasing import Erasing, question
from app.identity.models import ApiToken, Device, LoginSession, Membership, SetupLink, User
from app.identity.queries import allow, linked, may, name_owner, source_of, visible_teams

Form = Mapping[str, Any]
Errors = dict[str, str]


def errors_of(problems: Iterable[Problem]) -> Errors:
    """The first sentence of each field."""
    found: Errors = {}
    for problem in problems:
        found.setdefault(problem.field, problem.message)
    return found


@cache
def zones() -> list[tuple[str, str]]:
    """The time zones a person may choose from."""
    places = ("Africa/", "America/", "Antarctica/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
    names = ["UTC", *sorted(zone for zone in available_timezones() if zone.startswith(places))]
    return [(name, name.replace("_", " ")) for name in names]


def zones_with(chosen: object) -> list[tuple[str, str]]:
    """The zones, and the one that is set where it is an older name."""
    found = zones()
    return found if not chosen or any(chosen == name for name, _ in found) else [(str(chosen), str(chosen)), *found]


@dataclass(frozen=True)
class SetupPage:
    """The form behind a one-time link; `person` is empty for the first admin."""

    person: str
    form: Form
    errors: Errors
    zones: list[tuple[str, str]]


def setup_page(link: SetupLink, form: Form, problems: Iterable[Problem] = ()) -> SetupPage:
    """The form as it was filled in so far."""
    return SetupPage(link.user.name if link.user else "", form, errors_of(problems), zones())


@dataclass(frozen=True)
class PersonRow:
    """A person in a list, with those of their teams that the reader may know of."""

    user: User
    teams: list[Membership]
    source: str
    reachable: bool


@dataclass(frozen=True)
class PeoplePage:
    """Everybody, or those whose name or address holds `q`; deactivated and former people on tabs of their own."""

    people: list[PersonRow]
    q: str
    state: str
    may_edit: bool


def people_page(by: Actor, *, q: str = "", state: str = "active") -> PeoplePage:
    """The list in the order of names."""
    allow(by, "people.read")
    tab = User.erased_at.is_not(None) if state == "former" else and_(User.state == state, User.erased_at.is_(None))
    wanted = select(User).where(tab).order_by(User.name, User.id).limit(1000)
    if q:
        wanted = wanted.where(User.name.icontains(q, autoescape=True) | User.email.icontains(q, autoescape=True))
    found = list(session.scalars(wanted.options(selectinload(User.memberships).joinedload(Membership.team))))
    seen, ids = visible_teams(by), [user.id for user in found]
    sso, reached = linked(ids), set().union(*panels("people", ids).values())
    rows = [PersonRow(user, _shown(user, seen), source_of(user, sso=user.id in sso), user.id in reached) for user in found]
    return PeoplePage(rows, q, state, may(by, "people.edit"))


def _shown(user: User, seen: set[int] | None) -> list[Membership]:
    shown = [member for member in user.memberships
             if member.team.archived_at is None and (seen is None or member.team_id in seen)]
    return sorted(shown, key=lambda member: member.team.name)


@dataclass(frozen=True)
class PersonPage:
    """One person; `link` is a one-time address to hand over, shown once; `erasing` the question whether to erase them."""

    person: User
    teams: list[Membership]
    logins: int
    may_edit: bool
    zones: list[tuple[str, str]]
    form: Form
    errors: Errors = field(default_factory=dict)
    link: str = ""
    panels: Mapping[str, Any] = field(default_factory=dict)
    erasing: Erasing | None = None


def person_of(user_id: int | str) -> User:
    """The person with this id. Raises NotFound."""
    user = session.get(User, number_of(user_id))
    if user is None:
        raise NotFound("There is no such person.")
    return user


def person_page(user: User, by: Actor, *, form: Form | None = None, problems: Iterable[Problem] = (),
                link: str = "") -> PersonPage:
    """The page of one person, with what was typed when it was refused."""
    allow(by, "people.read")
    shown, errors = form or {"name": user.name, "role": user.role, "time_zone": user.time_zone}, errors_of(problems)
    left = user.state == "deactivated" and user.erased_at is None
    asked = question(errors.pop("typed", "")) if left and may(by, "people.erase") else None
    return PersonPage(user, _shown(user, visible_teams(by)), len(open_logins(user)),
                      may(by, "people.edit") and user.erased_at is None, zones_with(shown.get("time_zone")), shown, errors,
                      link, panels("person", user), asked)


@dataclass(frozen=True)
class NewPersonPage:
    """The form that adds a person."""

    form: Form
    errors: Errors
    zones: list[tuple[str, str]]


def new_person_page(form: Form, problems: Iterable[Problem] = ()) -> NewPersonPage:
    """The form as it was filled in so far."""
    return NewPersonPage(form, errors_of(problems), zones())


@dataclass(frozen=True)
class ProfilePage:
    """Oneself: what one may change, logins, tokens, and what other domains add; `secret` is shown once."""

    user: User
    teams: list[Membership]
    logins: list[LoginSession]
    here: int | None
    tokens: list[ApiToken]
    scopes: list[tuple[str, str]]
    zones: list[tuple[str, str]]
    form: Form
    errors: Errors
    secret: str = ""
    panels: Mapping[str, Any] = field(default_factory=dict)
    devices: list[Device] = field(default_factory=list)
    name_owner: str = ""


def profile_page(user: User, *, here: int | None, form: Form | None = None, problems: Iterable[Problem] = (),
                 secret: str = "") -> ProfilePage:
    """The page about oneself."""
    tokens = session.scalars(select(ApiToken).where(ApiToken.user_id == user.id, ApiToken.revoked_at.is_(None))
                             .order_by(ApiToken.created_at.desc(), ApiToken.id.desc()))
    shown = {"name": user.name, "time_zone": user.time_zone, **(form or {})}
    scopes = [(scope, scope) for scope in rules.SCOPES if user.role == "admin" or scope not in ("scim", "admin")]
    return ProfilePage(user, _shown(user, None), open_logins(user), here, list(tokens), scopes,
                       zones_with(shown["time_zone"]), shown, errors_of(problems), secret, panels("profile", user),
                       devices.kept_by(user), name_owner(user))


def open_logins(user: User) -> list[LoginSession]:
    """The logins that still open the door, the last used first."""
    found = session.scalars(select(LoginSession).where(LoginSession.user_id == user.id, LoginSession.ended_at.is_(None))
                            .order_by(LoginSession.last_seen_at.desc(), LoginSession.id.desc()))
    at = clock.now()
    return [login for login in found
            if rules.login_valid(login.created_at, login.last_seen_at, login.ended_at, at)]
