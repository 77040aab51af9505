"""A form that is sent twice (a double press, a reload, a step back) is done once; the second time says what came of it."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from flask import Response, g, make_response, request
from flask_login import current_user
from sqlalchemy import String, delete, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Base, db, session, transaction
from app.core.errors import Conflict
from app.core.events import Event, sentence
from app.core.going import go

JOINT = "~"
KEPT = timedelta(days=2)


class Sending(Base):
    """A form that was sent and did something: where it led, and what it told."""

    __tablename__ = "sendings"

    mark: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    location: Mapped[str] = mapped_column(String(2000), default="")
    told: Mapped[str] = mapped_column(String(500), default="")


def form_key() -> str:
    """What follows the token in the forms of this page: by it a form is known that was sent already. Shared renders of
    live pages have none; there the browser makes one up. Whoever has not signed in has none."""
    if g.get("live") or not current_user.is_authenticated:
        return ""
    if "form_key" not in g:
        g.form_key = f"{JOINT}{secrets.token_urlsafe(12)}"
    return str(g.form_key)


def mark() -> str:
    """Of the form that this request carries, with what was typed into it; "" where it carries no key."""
    if "oncall" not in request.cookies or not current_user.is_authenticated:
        return ""
    key = request.form.get("csrf_token", "").partition(JOINT)[2]
    if not key:
        return ""
    typed = [(name, values) for name, values in sorted(request.form.lists()) if name != "csrf_token"]
    files = sorted((name, file.filename) for name, file in request.files.items(multi=True))
    return hashlib.sha256(repr((key, current_user.get_id(), request.full_path, typed, files)).encode()).hexdigest()


def claim(found: str) -> Sending | None:
    """Claim this form for the open transaction. The former sending where it was done already; whoever sends it in the same
    moment waits for that one to end."""
    maker = postgresql_insert if db.engine.dialect.name == "postgresql" else sqlite_insert
    mine = session.execute(maker(Sending).values(mark=found, at=clock.now(), location="", told="")
                           .on_conflict_do_nothing().returning(Sending.mark)).scalar()
    return None if mine else session.get_one(Sending, found, populate_existing=True)


def again(former: Sending) -> Response:
    """The answer to a form that was sent before: there is nothing to do, and this is what was done."""
    if former.location:
        return go(former.location, f"You sent this already, and it was done once: {former.told}")
    raise Conflict(f"You sent this already, and it was done once: {former.told or 'it is being worked on'}. "
                   "What the page showed then is not shown again.")


def settle(found: str, answer: Response, facts: Sequence[Event]) -> None:
    """Keep what came of it. What stated no fact (a look at what would come of it) may be sent as often as one likes."""
    if facts:
        _keep(found, _goes(answer), str(g.get("told") or sentence(facts[0])))
    else:
        _release(found)


def apart(found: str, view: Callable[[], Any]) -> Any:
    """The same for a view with transactions of its own: whoever presses meanwhile hears that it is being worked on. It
    did something when it leads on."""
    with transaction():
        former = claim(found)
    if former is not None:
        return again(former)
    leads = ""
    try:
        response = make_response(view())
        leads = _goes(response) if response.status_code < 400 else ""
    finally:
        with transaction():
            _keep(found, leads, str(g.get("told") or "see here")) if leads else _release(found)
    return response


def _goes(answer: Response) -> str:
    return answer.headers.get("Location") or answer.headers.get("HX-Location") or ""


def _keep(found: str, location: str, told: str) -> None:
    session.execute(update(Sending).where(Sending.mark == found).values(location=location[:2000], told=told[:500]))


def _release(found: str) -> None:
    session.execute(delete(Sending).where(Sending.mark == found))


def forget() -> int:
    """Tick: nobody goes back that far."""
    with transaction():
        gone = session.execute(delete(Sending).where(Sending.at < clock.now() - KEPT).returning(Sending.mark))
        return len(gone.all())
