"""One process's look at the parts beneath it and beside it, every few seconds; and what it does about what stands still."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import redis
import structlog
from flask import Flask, current_app
from sqlalchemy.exc import SQLAlchemyError

from app.core import clock, health, life
from app.core.db import session, transaction
from app.core.hold import HELD
from app.core.intime import Late, Question, answer
from app.core.pulse import Pulse
from app.core.redis import probe
from app.notifications import directly
from app.watch import noting, queries, rules

log = structlog.get_logger()
REMEMBERED = 60.0  # seconds for which the addresses of administrators are used before they are looked up again
DATABASE = "database"
KEPT, SEEN_AT = "oncall:failing:database", "oncall:failing:database:seen"  # since when, and when a process last saw it
A_DAY = 86400
SEEN = ("database", "redis", "clock", "worker")  # what every process can see; the self-test is judged by the clock


class Watch:
    """What one process has seen: since when something stands still there, and by whom administrators can be reached."""

    def __init__(self) -> None:
        self.since: dict[str, float] = {}
        self.known: list[directly.Reach] = []
        self.known_at = 0.0
        self.wrong: Mapping[str, str] = {}
        self.rows: Mapping[str, Pulse] = {}
        self.database = Question(_rows)

    @property
    def said(self) -> list[tuple[str, str]]:
        """What stands still, as a title and a sentence."""
        return [(f"{rules.name(part)} stands still", f"{reason[:1].upper()}{reason[1:]}.")
                for part, reason in self.wrong.items()]

    def look(self) -> None:
        """Look once, and tell administrators of what has stood still for long enough, or works again."""
        now = time.monotonic()
        self.wrong = self._wrong()
        confirmed = rules.confirmed(self.since, self.wrong, now)
        if HELD in self.rows:
            return
        if DATABASE in self.wrong:
            _seen_again()
            if DATABASE in confirmed and self.known and _first_to_know():
                self._tell_from_memory()
            return
        messages = self._noted(confirmed, now)
        directly.send(messages)
        self._remember(now)

    def _wrong(self) -> dict[str, str]:
        """What stands still now, each with a sentence's part."""
        found: dict[str, str] = {}
        try:
            self.rows = answer(self.database.begin(), health.PATIENCE)
        except (SQLAlchemyError, Late) as fault:
            said = str(fault).splitlines()[0][:200] if str(fault) else "it does not answer"
            found[DATABASE] = f"nothing can be stored or read ({said})"
        else:
            found |= _clock(self.rows)
        return found | _redis()

    def _noted(self, confirmed: list[str], now: float) -> list[int]:
        """Write down what failed and what is over, each in a short transaction; gives the messages to send."""
        messages: list[int] = []
        noted = [part for part in SEEN if f"{queries.FAILING}{part}" in self.rows]
        unknown = {"worker"} if "redis" in self.wrong else set()  # only Redis knows who lives
        for part in self.wrong:
            if part in confirmed or part in noted:
                with transaction():
                    messages += noting.note_failing(part, self.wrong[part], lasted=now - self.since[part])
        for part in noted:
            if part not in self.wrong and part not in unknown:
                with transaction():
                    messages += noting.note_well(part)
        if (former := _known_no_longer()) is not None:
            with transaction():
                messages += noting.say_well(DATABASE, former)
        return messages

    def _remember(self, now: float) -> None:
        if now - self.known_at > REMEMBERED or not self.known_at:
            try:
                self.known, self.known_at = directly.remember(), now
            finally:
                session.rollback()

    def _tell_from_memory(self) -> None:
        reason = rules.told(DATABASE, self.wrong[DATABASE])
        log.critical("watch.database_failed", reason=self.wrong[DATABASE], told=len(self.known))
        directly.send_from_memory(self.known, reason, mark=f"database-{int(time.time())}")


def _rows() -> dict[str, Pulse]:
    try:
        found = queries.pulses("clock", HELD, *(f"{queries.FAILING}{part}" for part in SEEN))
        session.expunge_all()
        return found
    finally:
        session.rollback()


def _clock(rows: Mapping[str, Pulse]) -> dict[str, str]:
    row = rows.get("clock")
    silent = None if row is None else (clock.now() - row.at).total_seconds()
    if silent is None or silent > health.CLOCK:
        since = "never ticked" if silent is None else f"last ticked {silent:.0f} s ago"
        return {"clock": f"it {since}, so that nobody is asked next and nothing is tried again. Start oncall clock"}
    return {}


def _redis() -> dict[str, str]:
    try:
        if life.lives(probe(), "worker"):
            return {}
        return {"worker": "none gives a sign of life. The clock drains and sends alone, and everything else waits. "
                          "Start oncall worker"}
    except redis.RedisError:
        return {"redis": "it does not answer. Nothing is lost, all is a little later, and open pages do not refresh"}


def _first_to_know() -> bool:
    """Of all processes that lost the database, one tells; who that is, is settled in Redis, else on this machine."""
    since = clock.rfc3339(clock.now()) or ""
    try:
        return bool(probe().set(KEPT, since, nx=True, ex=A_DAY))
    except redis.RedisError:
        try:
            with _file().open("x") as kept:
                kept.write(since)
            return True
        except OSError:
            return False


def _seen_again() -> None:
    """For the other processes: whoever still reaches the database must not think that it is well again everywhere."""
    try:
        probe().set(SEEN_AT, clock.rfc3339(clock.now()) or "", ex=A_DAY)
    except redis.RedisError:
        if _file().exists():
            now = clock.now().timestamp()
            os.utime(_file(), (now, now))


def _known_no_longer() -> queries.Failing | None:
    """The failure of the database that somebody was told of, once, now that no process has seen it for a while."""
    since = _in_redis() or _on_this_machine()
    return queries.Failing(DATABASE, clock.parse_instant(since), "") if since else None


def _in_redis() -> str:
    try:
        connection = probe()
        since, seen = connection.mget(KEPT, SEEN_AT)  # type: ignore[misc]
        if since is None or (seen is not None and clock.now() - clock.parse_instant(seen.decode()) < rules.CALM):
            return ""
        return bytes(connection.getdel(KEPT) or b"").decode()  # type: ignore[arg-type]
    except redis.RedisError:
        return ""


def _on_this_machine() -> str:
    try:
        if clock.now().timestamp() - _file().stat().st_mtime < rules.CALM.total_seconds():
            return ""
        since = _file().read_text()
        _file().unlink()
        return since
    except OSError:
        return ""


def _file() -> Path:
    return Path(current_app.config["ONCALL_INSTANCE"]) / "database-failed"


def watch() -> Watch:
    """This process's watch."""
    found: Watch = current_app.extensions.setdefault("watch", Watch())
    return found


def look() -> None:
    """Look once: the clock's tick."""
    watch().look()


def keep_looking(app: Flask) -> None:
    """Look again and again, in a thread of its own: for processes that outlive the clock."""
    def go_on() -> None:
        while True:
            time.sleep(rules.LOOK)
            with app.app_context():
                try:
                    look()
                except Exception:
                    log.exception("watch.failed")
                finally:
                    session.remove()
    threading.Thread(target=go_on, name="watch", daemon=True).start()
