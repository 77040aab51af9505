"""Secrets that requests of runbooks and workflows name: kept, handed to whoever renders a request, never shown.

A name means the team's own secret before the one that is everybody's. Where a secret is used, each domain says by the
row `secret_used_by` of wiring's PANELS: a function of many secrets that gives the `Use`s of each by its id.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from app.core import clock, secrets
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Conflict, NotFound
from app.core.events import record
from app.core.forms import Problems, refuse
from app.core.panels import Use
from app.identity import queries
from app.identity.models import Team
from app.identity.queries import allow, managed_teams, team_by_key, team_named
from app.runbooks import events
from app.runbooks.models import Secret

NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
MOST = 8 * 1024
USED_EVERY = timedelta(minutes=1)


def visible(by: Actor) -> Select[tuple[Secret]]:
    """The secrets whose names the actor may know: those of their teams and everybody's."""
    query, teams = select(Secret).options(joinedload(Secret.team)).order_by(Secret.name, Secret.id), managed_teams(by)
    return query if teams is None else query.where(Secret.team_id.in_(teams) | Secret.team_id.is_(None))


def secret_for(key: int, by: Actor) -> Secret:
    """The secret, if the actor may edit it. Raises NotFound or Forbidden."""
    found = session.get(Secret, key)
    if found is None:
        raise NotFound
    allow(by, "secret.edit", team_id=found.team_id)
    return found


def named(names: Iterable[str], team_id: int | None) -> dict[str, Secret]:
    """The secrets that these names mean for things of this team (None: things of no team)."""
    wanted = set(names)
    rows = session.scalars(select(Secret).where(Secret.name.in_(wanted), Secret.team_id.is_(None) | (
        Secret.team_id == team_id))) if wanted else ()
    return {row.name: row for row in sorted(rows, key=lambda row: row.team_id is not None)}


def missing(names: Iterable[str], team_id: int | None) -> list[str]:
    """Those of the names that mean nothing for things of this team."""
    wanted = set(names)
    return sorted(wanted - named(wanted, team_id).keys())


def values(names: Iterable[str], team_id: int | None) -> dict[str, str]:
    """The values, for a request that goes out now: notes the use, so it needs an open transaction."""
    found, now = named(names, team_id), clock.now()
    for secret in found.values():
        if secret.last_used_at is None or now - secret.last_used_at > USED_EVERY:
            secret.last_used_at = now
    return {name: secrets.open_(secret.value_sealed, bound_to=_place(secret)) for name, secret in found.items()}


def uses(secret: Secret, by: Actor) -> list[Use]:
    """Everything that names this secret."""
    return uses_of([secret], by)[secret.id]


def uses_of(found: Sequence[Secret], by: Actor) -> dict[int, list[Use]]:
    """The same of many secrets, by their ids."""
    return queries.uses_of("secret_used_by", found, by)


def meant(found: Sequence[Secret], places: Iterable[tuple[set[str], Use]]) -> dict[int, list[Use]]:
    """Which of these secrets is meant where: each place with the names that stand in it."""
    uses: dict[int, list[Use]] = {one.id: [] for one in found}
    alike = session.execute(select(Secret.name, Secret.team_id, Secret.id).where(
        Secret.name.in_({one.name for one in found})))
    ids = {(name, team_id): key for name, team_id, key in alike}
    for names, use in places:
        for name in names:
            key = ids.get((name, use.team_id), ids.get((name, None)))
            if key in uses:
                uses[key].append(use)
    return uses


def add(name: str, value: str, *, team: str | None, by: Actor) -> Secret:
    """Keep a new secret for a team (its key) or, without one, for everybody."""
    owner = team_named(team, by)
    if team and owner is None:
        refuse("team", f"There is no team {team}")
    allow(by, "secret.edit", team_id=owner.id if owner else None)
    problems = Problems()
    problems.take("name", _check_name, name)
    problems.take("value", _check_value, value)
    problems.raise_if_any()
    secret = Secret(name=name, team=owner, team_id=owner.id if owner else None, value_sealed="", replaced_by=by.name[:200])
    _insert(secret, owner)
    secret.value_sealed = secrets.seal(value, bound_to=_place(secret))
    record(events.SECRET_CREATED, secret.ref, by=by, also=also(secret), name=name, scope=secret.scope)
    return secret


def _insert(secret: Secret, owner: Team | None) -> None:
    try:
        with session.begin_nested():
            session.add(secret)
            session.flush()
    except IntegrityError:
        refuse("name", f"{owner.name if owner else 'Everybody'} has a secret {secret.name} already; replace that one")


def replace(secret: Secret, value: str, *, by: Actor) -> None:
    """Another value from the next request on."""
    allow(by, "secret.edit", team_id=secret.team_id)
    problems = Problems()
    problems.take("value", _check_value, value)
    problems.raise_if_any()
    secret.value_sealed = secrets.seal(value, bound_to=_place(secret))
    secret.replaced_at, secret.replaced_by = clock.now(), by.name[:200]
    record(events.SECRET_REPLACED, secret.ref, by=by, also=also(secret), name=secret.name, scope=secret.scope)


def delete(secret: Secret, *, by: Actor) -> None:
    """Forget it. Raises Conflict with the uses while something names it."""
    allow(by, "secret.edit", team_id=secret.team_id)
    found = uses(secret, by)
    if found:
        raise Conflict(f"The secret {secret.name} is used by {', '.join(use.name for use in found)}",
                       {"used_by": [use.name for use in found]})
    record(events.SECRET_DELETED, secret.ref, by=by, also=also(secret), name=secret.name, scope=secret.scope)
    session.delete(secret)
    session.flush()


def also(secret: Secret) -> list[str]:
    """Whom else an event about the secret concerns."""
    return ["secrets", *([f"team:{secret.team_id}"] if secret.team_id else [])]


def fault_at(secret: Secret, heir: Team, by: Actor) -> str:
    """Why it can't go to this team: where its name means something there, another value would be sent from then on."""
    other = named([secret.name], heir.id).get(secret.name)
    if other is None or other.team_id is None and all(use.team_id != heir.id for use in uses(other, by)):
        return ""
    return f"{heir.name} means something else by the secret {secret.name}: store one of the two under another name first"


def strange(names: Iterable[str], team: Team | None, heir: Team) -> list[str]:
    """The names that mean no secret of the one team, and one of the other."""
    own = named(names, team.id if team else None)
    return sorted(name for name, one in named(names, heir.id).items()
                  if one.team_id == heir.id and (name not in own or own[name].team_id is None))


def hand_on(values: Mapping[str, Any], *, by: Actor) -> None:
    """Give the secret of this number (`key`) to another team. `fault_at` was asked."""
    secret, heir = secret_for(int(values["key"]), by), team_by_key(values["team"])
    if heir is None:
        raise NotFound
    allow(by, "secret.edit", team_id=heir.id)
    secret.team, secret.team_id = heir, heir.id
    session.flush()
    record(events.SECRET_MOVED, secret.ref, by=by, also=also(secret), name=secret.name, scope=secret.scope)


def _place(secret: Secret) -> str:
    return f"secret:{secret.id}/value"


def _check_name(text: object) -> str:
    if not isinstance(text, str) or not NAME.fullmatch(text):
        raise ValueError("A name has 1 to 63 lower-case letters, digits and _, and begins with a letter")
    return text


def _check_value(text: object) -> str:
    if not isinstance(text, str) or not text:
        raise ValueError("A value is needed")
    if "\0" in text or len(text.encode("utf-8", "surrogatepass")) > MOST:
        raise ValueError("A value has at most 8 KiB of text")
    return text
