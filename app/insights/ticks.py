"""What figures do as time passes: they read on in the log, close the hours that are over, and are told on Mondays."""

from __future__ import annotations

from sqlalchemy import select

from app.core import clock
from app.core.db import session, transaction
from app.identity.models import Team
from app.insights import days, digest_service, digests, rollups, spans
from app.insights.models import Digest


def refresh() -> int:
    """Read on until the end of the log, a batch in each transaction."""
    done = 0
    while _ahead():
        with transaction():
            step = rollups.refresh()
        done += step
        if not step:
            break
    return done


def close_hours() -> int:
    """Sum the messages of hours that are over for good."""
    with transaction():
        return rollups.close_hours()


def pack_days() -> int:
    """Put days that are over into columns, several together into cells, and those again of which something changed."""
    return days.pack() + spans.pack()


def _ahead() -> bool:
    """A look without any lock, so that an idle system writes nothing."""
    try:
        return rollups.is_behind()
    finally:
        session.rollback()


def write_digests() -> int:
    """On Mondays from 09:00 in each team's zone: its digest, once."""
    now = clock.now()
    teams = session.scalars(select(Team.id).where(Team.archived_at.is_(None)).order_by(Team.id)).all()
    zones = digests.zones(teams)
    weeks = {one: week for one in teams if (week := digests.due(now, zones[one]))}
    written = {(one.team_id, one.week) for one in session.execute(
        select(Digest.team_id, Digest.week).where(Digest.week.in_(set(weeks.values()))))}
    session.rollback()
    wanted = [one for one in weeks.items() if one not in written]
    if wanted:
        refresh()
    done = 0
    for team_id, week in wanted:
        with transaction():
            done += digest_service.write(team_id, week)
    return done
