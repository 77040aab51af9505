"""What the doctor finds: all that readiness asks, and what else has failed or may hurt later, each with a remedy."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from flask import current_app
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from app.core import chain, clock, reach, rotation, setting_checks, skew
from app.core.db import session
from app.core.events import Event
from app.core.health import Health, examine
from app.core.panels import panels
from app.core.pulse import Pulse

FULL, NEARLY_FULL = 0.02, 0.10  # shares of a disk that are left
LINKS = 1000  # of the chain over the log, from its end
DAY = 24 * 3600


def diagnose(links: int | None = LINKS) -> Health:
    """All findings. `links`: how much of the chain over the log is walked, None for all of it. Failures are what does not
    work now, or will not after a restart; warnings are what may hurt later."""
    found = examine()
    checks: tuple[Callable[[Health], None], ...] = (
        _settings, _keys, _disk, _mail, _plugins, _reachable,
        _stored(_secrets), _stored(_clocks), _stored(lambda found: _log(found, links)), _stored(_backup), _stored(_domains))
    for check in checks:
        check(found)
    return found


def _stored(check: Callable[[Health], None]) -> Callable[[Health], None]:
    """The check asks the database; where that can't answer, it was said already."""
    def asked(found: Health) -> None:
        try:
            check(found)
        except SQLAlchemyError:
            pass
        finally:
            session.rollback()
    return asked


def _settings(found: Health) -> None:
    found.problems += [f"{text} Mend it and start again." for text in setting_checks.unusable(current_app.config)]
    found.warnings += [f"{text} Nobody reads it: remove it or write it right." for text in setting_checks.strangers()]


def _keys(found: Health) -> None:
    for path in sorted((Path(current_app.config["ONCALL_INSTANCE"]) / "keys").glob("*")):
        if path.stat().st_mode & 0o077:
            found.problems.append(f"Others can read the key file {path}. Run `chmod 600 {path}`.")


def _disk(found: Health) -> None:
    usage = shutil.disk_usage(current_app.config["ONCALL_INSTANCE"])
    left = f"{usage.free // 2**20:,} MiB ({usage.free / usage.total:.0%}) are left on the disk of the instance folder"
    if usage.free < usage.total * FULL:
        found.problems.append(f"The disk is nearly full: {left}. Make room: without any, no alert is taken.")
    elif usage.free < usage.total * NEARLY_FULL:
        found.warnings.append(f"The disk fills up: {left}. Make room, or keep less (DELIVERY_BODY_DAYS, DELIVERY_DAYS).")


def _mail(found: Health) -> None:
    if not current_app.config["SMTP_URL"]:
        found.problems.append("SMTP_URL is not set, so nobody can be paged by e-mail. "
                              "Set SMTP_URL=smtp://user:password@host:587?starttls=1.")


def _plugins(found: Health) -> None:
    for broken in current_app.extensions["plugins"].broken:
        found.problems.append(f"The plugin {broken.slug} is broken: {broken.reason}. Mend, update or remove it.")


def _reachable(found: Health) -> None:
    try:
        addresses = {name: url for part in panels("addresses").values() for name, url in part.items()}
    except SQLAlchemyError:
        addresses = {}
    finally:
        session.rollback()
    found.problems += reach.away(current_app.config["SMTP_URL"], addresses)


def _secrets(found: Health) -> None:
    sealed = rotation.counts()
    found.figures["secrets_by_key"] = sealed
    found.problems += [f"{number} stored secrets need the key {name}, which ENCRYPTION_KEYS lacks. Add it behind the first "
                       "one." for name, number in rotation.lacking(sealed).items()]


def _clocks(found: Health) -> None:
    found.figures["clock_skew_s"], apart = skew.report()
    found.problems += apart


def _log(found: Health, links: int | None) -> None:
    verdict = chain.verify(links)
    found.figures["log_entries_verified"] = verdict.checked
    found.problems += [f"The log was tampered with: {text}. Compare it with a backup, and ask who can write to the database."
                       for text in verdict.breaks]


def _backup(found: Health) -> None:
    days = int(current_app.config["BACKUP_DAYS"])
    made = session.scalar(select(Pulse.at).where(Pulse.name == "backup"))
    found.figures["last_backup"] = clock.rfc3339(made)
    since = made or session.scalar(select(func.min(Event.at)))
    if not days or since is None or (clock.now() - since).total_seconds() < days * DAY:
        return
    found.warnings.append(
        f"The last backup was made {(clock.now() - made).days} days ago. Run `oncall backup FILE`, each night." if made else
        "No backup was ever made. Run `oncall backup FILE`, each night; set BACKUP_DAYS=0 if other tools make them.")


def _domains(found: Health) -> None:
    """What the domains would like an operator to know: figures, and warnings."""
    found.figures.update({name: value for part in panels("doctor").values() for name, value in part.items() if value})
    found.warnings += [text for part in panels("ailments").values() for text in part]
