"""What the page of digests shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import NotFound
from app.identity.models import Team, User
from app.identity.queries import may
from app.insights import digest_service as service
from app.insights import digests
from app.insights.models import Digest

PAST = 26


@dataclass(frozen=True)
class TeamDigest:
    """Of one team: what a digest would say now, who gets it, and past ones."""

    team: Team
    zone: str
    told: digests.Told
    recipients: list[tuple[User, bool]]
    past: list[Digest]
    subscribed: bool


@dataclass(frozen=True)
class DigestPage:
    """The teams whose digests the reader may have, and the chosen one."""

    teams: list[tuple[str, str]]
    chosen: TeamDigest | None


@dataclass(frozen=True)
class UnsubscribePage:
    """What stands behind the link of a mail."""

    token: str
    team: str
    done: bool


def digest_page(args: Mapping[str, str], by: Actor) -> DigestPage:
    """The digests of a team whose incidents the reader may act on. Raises NotFound."""
    every = session.scalars(select(Team).where(Team.archived_at.is_(None)).order_by(Team.name))
    teams = {one.key: one for one in every if may(by, "incident.act", team_id=one.id)}
    key = args.get("team") or next(iter(teams), "")
    if key and key not in teams:
        raise NotFound
    return DigestPage([(one.key, one.name) for one in teams.values()], _of(teams[key], by) if key else None)


def _of(team: Team, by: Actor) -> TeamDigest:
    zone, people = digests.zones([team.id])[team.id], service.recipients(team)
    where = service.addresses(people)
    past = list(session.scalars(select(Digest).where(Digest.team_id == team.id).order_by(Digest.week.desc()).limit(PAST)))
    return TeamDigest(team, zone.key, digests.told(team, digests.monday(clock.now(), zone), zone),
                      [(one, one.id in where) for one in people], past, any(one.id == by.user_id for one in people))
