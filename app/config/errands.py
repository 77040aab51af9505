"""Commands on what somebody asked for and comes back to: of which time, keep it, find it, note how far it is, end it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import defer

from app.config import events
from app.config.models import Errand
from app.core import clock, secrets
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Forbidden, Invalid, NotFound
from app.core.events import record
from app.core.jobs import stir
from app.identity.queries import may, may_anywhere

KEPT_DAYS = 7
# What whoever asks needs; everything but a plan looks at the whole system.
ACTIONS = {"plan": "configuration.apply", "import": "admin", "replay": "admin", "parity": "admin"}


def keep(kind: str, title: str, *, by: Actor, said: dict[str, Any] | None = None, secret: dict[str, Any] | None = None,
         found: dict[str, Any] | None = None) -> Errand:
    """A new one: done already when `found` says what came of it, else waiting for a worker. `secret` is stored encrypted."""
    if not may_anywhere(by, ACTIONS[kind]) or by.user_id is None:
        raise Forbidden("Your role does not include this.")
    key = secrets.new_token()[:20].replace("_", "a").replace("-", "b")
    one = Errand(key=key, kind=kind, title=title[:200], user_id=by.user_id, said=said or {}, found=found or {},
                 state="waiting" if found is None else "done", ended_at=None if found is None else clock.now())
    conceal(one, secret or {})
    session.add(one)
    session.flush()
    record(events.BEGUN, one.ref, by=by, also=["errands", f"errand/{key}"], title=one.title, kind=kind)
    return one


def period(form: Mapping[str, str]) -> tuple[datetime, datetime]:
    """From when until when, as a form says it; without an offset it is UTC. Raises Invalid."""
    try:
        return clock.parse_instant(form.get("since", "")), clock.parse_instant(form.get("until", ""))
    except ValueError:
        raise Invalid("Say from when until when.") from None


def errand_for(key: str, kind: str, by: Actor) -> Errand:
    """One's own errand, or for an admin anybody's. Raises Forbidden, NotFound."""
    if not may_anywhere(by, ACTIONS[kind]):
        raise Forbidden("Your role does not include this.")
    one = session.scalar(select(Errand).where(Errand.key == key, Errand.kind == kind))
    if one is None or (one.user_id != by.user_id and not may(by, "admin")):
        raise NotFound
    return one


def recent(kind: str, by: Actor, limit: int = 20) -> list[Errand]:
    """The last ones of a kind that `by` may see, newest first; what is sealed, many MB of an import, stays where it is."""
    query = select(Errand).where(Errand.kind == kind).options(defer(Errand.sealed)).order_by(Errand.id.desc()).limit(limit)
    return list(session.scalars(query if may(by, "admin") else query.where(Errand.user_id == by.user_id)))


def conceal(errand: Errand, secret: dict[str, Any]) -> None:
    """Store what nobody but the errand itself may read."""
    errand.sealed = secrets.seal(json.dumps(secret), bound_to=f"errand:{errand.key}/sealed") if secret else ""


def secret_of(errand: Errand) -> dict[str, Any]:
    """What was concealed."""
    if not errand.sealed:
        return {}
    found: dict[str, Any] = json.loads(secrets.open_(errand.sealed, bound_to=f"errand:{errand.key}/sealed"))
    return found


def end(errand: Errand, by: Actor, *, found: dict[str, Any] | None = None, error: str = "", state: str = "") -> None:
    """Note what came of it."""
    errand.state = state or ("failed" if error else "done")
    errand.error, errand.ended_at, errand.lease_until, errand.progress = error[:1000], clock.now(), None, ""
    errand.found = errand.found if found is None else found
    record(events.ENDED, errand.ref, by=by, also=["errands", f"errand/{errand.key}"], title=errand.title, kind=errand.kind,
           state=errand.state)


def tell_progress(errand: Errand, text: str) -> None:
    """How far it is, in words; too often to be a fact."""
    errand.progress = text[:200]
    stir(f"errand/{errand.key}", "errand.progressed")
