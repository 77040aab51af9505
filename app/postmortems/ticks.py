"""What happens to postmortems because time passed: owners of action items and of old drafts are told, HTML is kept."""

from __future__ import annotations

from sqlalchemy import select, update

from app.core import clock
from app.core.access import SYSTEM
from app.core.db import session, transaction
from app.core.isolation import apart
from app.postmortems import events, items, notices, rendered, rules, service
from app.postmortems.models import ActionItem, Postmortem

BATCH, SOME = 200, 20


def remind() -> int:
    """Every action item whose time has come, each in a transaction of its own."""
    now = clock.now()
    due = list(session.scalars(select(ActionItem.id).where(ActionItem.remind_at <= now).order_by(
        ActionItem.remind_at).limit(BATCH)))
    session.rollback()
    done = 0
    for key in due:
        with transaction():
            done += items.remind(key, now)
    return done


def keep_html() -> int:
    """The long sections of whatever was written since."""
    found = list(session.scalars(select(Postmortem.id).where(rendered.behind()).order_by(Postmortem.id.desc()).limit(SOME)))
    session.rollback()
    return apart(found, rendered.keep)


def nudge() -> int:
    """Every draft that waits too long: its owner is told, at most four times."""
    now = clock.now()
    due = list(session.scalars(select(Postmortem.id).where(Postmortem.nudge_at <= now).limit(BATCH)))
    session.rollback()
    done = 0
    for key in due:
        with transaction():
            done += _nudge(key)
    return done


def _nudge(key: int) -> bool:
    postmortem = session.get(Postmortem, key)
    if postmortem is None or postmortem.nudge_at is None:
        return False
    number = postmortem.nudges + 1
    following = clock.now() + rules.NUDGE_EVERY if number < rules.NUDGES else None
    won = session.execute(update(Postmortem).where(
        Postmortem.id == key, Postmortem.nudge_at == postmortem.nudge_at, Postmortem.published.is_(None)).values(
        nudge_at=following, nudges=number)).rowcount
    session.refresh(postmortem)
    told = service.people([postmortem.owner_id])
    if not won or not told:
        return False
    notices.about(postmortem, told, cause=f"nudge:{key}:{number}",
                  reason=f"The postmortem “{postmortem.title}” is not published yet")
    service.said(events.NUDGED, postmortem, SYSTEM, person=told[0].name, number=number)
    return True
