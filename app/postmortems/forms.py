"""What people type about postmortems: the text with its sections, moments on their own clock, whom and what they choose."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Forbidden, Invalid
from app.core.forms import Problems, refuse
from app.identity.models import Membership, Team, User
from app.identity.queries import may, team_by_key, user_by_email
from app.incidents.detail import zone_of
from app.incidents.models import Incident
from app.incidents.queries import incident_for, number_of
from app.postmortems import queries, rules
from app.postmortems.models import Postmortem

POSITION = re.compile(r"heading-(\d{1,3})")
Form = MultiDict[str, str]


def positions(form: Iterable[str]) -> list[int]:
    """The numbers of the sections that a form holds, in order."""
    return sorted(int(found[1]) for name in form if (found := POSITION.fullmatch(name)))


def text_of(form: Mapping[str, str], base: rules.Content, by: Actor) -> rules.Content:
    """The text as the editor sends it, on top of what `base` holds beside it. Raises Invalid for a moment that is none."""
    guides = {one.heading: one.guide for one in base.sections}
    sections = []
    for at in positions(form):
        heading = " ".join(form[f"heading-{at}"].split())
        body = form.get(f"body-{at}", "").replace("\r\n", "\n").rstrip()
        if heading or body:
            sections.append(rules.Section(heading, body, guides.get(heading, "")))
    moments = {name: moment(form.get(name, ""), name, by, present=getattr(base, name)) for name in rules.MOMENTS}
    return replace(base, title=" ".join(form.get("title", "").split()), sections=tuple(sections),
                   impact=form.get("impact", "").strip(), **moments)


def moment(text: str, field: str, by: Actor, *, present: str = "") -> str:
    """A time on the reader's own clock as RFC 3339; "" for none. What the field showed before is that very moment."""
    if not text.strip():
        return ""
    if present and text == local(present, by):
        return present
    try:
        said = datetime.fromisoformat(text.strip())
        clock.check_year(said)
        return clock.rfc3339(said if said.tzinfo else said.replace(tzinfo=ZoneInfo(zone_of(by)))) or ""
    except (ValueError, OverflowError):
        refuse(field, "This is not a time")


def known_version(number: int, postmortem: Postmortem) -> int:
    """A version that there is. Raises Invalid."""
    if not 0 < number <= postmortem.version:
        refuse("version", f"There is no version {number}; the newest is {postmortem.version}")
    return number


def changed(values: Mapping[str, Any], postmortem: Postmortem, by: Actor) -> rules.Content:
    """The text that a machine sends, on top of the version it began with; what is left out stays. Raises Invalid."""
    base = queries.content_of(postmortem, known_version(values["version"], postmortem))
    new: dict[str, Any] = {name: values[name] for name in ("title", "impact") if name in values}
    new |= {name: moment(values[name] or "", name, by) for name in rules.MOMENTS if name in values}
    if "sections" in values:
        guides = {one.heading: one.guide for one in base.sections}
        new["sections"] = tuple(rules.Section(one["heading"], one["body"], guides.get(one["heading"], ""))
                                for one in values["sections"])
    if "hidden" in values:
        new["hidden"] = tuple(sorted({number_of(one) for one in values["hidden"]}))
    return replace(base, **new)


def instant(text: str, field: str, by: Actor) -> datetime:
    """A time on the reader's own clock. Raises Invalid for none."""
    said = moment(text, field, by)
    if not said:
        refuse(field, "Say when it was")
    return datetime.fromisoformat(said)


def local(text: str, by: Actor) -> str:
    """A moment as a field of a form shows it, on the reader's own clock."""
    if not text:
        return ""
    return datetime.fromisoformat(text).astimezone(ZoneInfo(zone_of(by))).strftime("%Y-%m-%dT%H:%M")


def incidents(given: Iterable[Any], by: Actor, field: str = "incidents") -> list[Incident]:
    """The incidents of these numbers, each once. Raises Invalid for those there are not, and as `incident_for` does."""
    found: dict[int, Incident] = {}
    problems = Problems()
    for at, text in enumerate(given):
        number = number_of(str(text).strip().removeprefix("#"))
        if session.get(Incident, number) is None:
            problems.add(f"{field}[{at}]", f"There is no incident {text}")
        else:
            found[number] = incident_for(number, by)
    problems.raise_if_any()
    return list(found.values())


def typed_numbers(form: Form) -> list[str]:
    """The numbers ticked and typed."""
    typed = form.get("numbers", "").replace(",", " ").replace("#", " ").split()
    return list(dict.fromkeys([*form.getlist("incident"), *typed]))


def team(key: str, chosen: Iterable[Incident], by: Actor) -> Team | None:
    """The team that writes: the one named, else that of the first incident, else the only one in which this person
    writes. Raises Invalid."""
    if key:
        found = team_by_key(key)
        if found is None or found.archived_at is not None or not may(by, "postmortem.read", team_id=found.id):
            refuse("team", f"There is no team {key}")
        return found
    first = next(iter(chosen), None)
    owner = first.team if first else None
    if owner is None or may(by, "postmortem.write", team_id=owner.id):
        return owner
    mine = writing_teams(by)
    return mine[0] if len(mine) == 1 else owner


def writing_teams(by: Actor) -> list[Team]:
    """The teams in which this person writes postmortems."""
    found = session.scalars(select(Team).where(Team.archived_at.is_(None)).order_by(Team.name))
    return [one for one in found if may(by, "postmortem.write", team_id=one.id)]


def may_write_somewhere(by: Actor) -> None:
    """Raise Forbidden for who writes nowhere: asked before a body is read."""
    if not may(by, "admin") and not writing_teams(by):
        raise Forbidden("Your role does not include this.")


def people(given: Iterable[str], field: str) -> list[User]:
    """The people behind these addresses, each once. Raises Invalid."""
    found: dict[int, User] = {}
    problems = Problems()
    for at, email in enumerate(one for one in given if one.strip()):
        user = user_by_email(email)
        if user is None:
            problems.add(f"{field}[{at}]", f"There is nobody with the address {email}")
        else:
            found[user.id] = user
    problems.raise_if_any()
    return list(found.values())


def reviewers(given: Iterable[str], postmortem: Postmortem, by: Actor) -> list[User]:
    """Those named, else those who were asked before, else the team's managers and then its responders."""
    named = people(given, "reviewers")
    if named:
        return named
    asked = [review.user for review in postmortem.reviews if review.user_id != by.user_id]
    return asked or [one for one in candidates(postmortem) if one.id not in (by.user_id, postmortem.author_id)][:1]


def candidates(postmortem: Postmortem) -> list[User]:
    """The active people of the team, managers first."""
    rows = session.execute(select(User, Membership.role).join(Membership).where(
        Membership.team_id == postmortem.team_id, User.state == "active").order_by(User.name)).all()
    order = {"manager": 0, "responder": 1, "observer": 2}
    return [user for user, role in sorted(rows, key=lambda row: order[row[1]]) if role != "observer"]


def one_person(text: str, field: str) -> User:
    """The person behind an address. Raises Invalid."""
    found = people([text], field)
    if not found:
        refuse(field, "Name somebody")
    return found[0]


def faults_of(invalid: Invalid) -> dict[str, str]:
    """The first sentence about each field."""
    found: dict[str, str] = {}
    for problem in invalid.problems:
        found.setdefault(problem.field.partition("[")[0], problem.message)
    return found
