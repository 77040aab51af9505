"""Whether the database has the shape this program knows; asked often, so without the migration library."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from flask import current_app
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from app.core.db import session

NAMED = re.compile(r"^(revision|down_revision) = (?:'([^']+)'|\"([^\"]+)\"|None)", re.MULTILINE)


@cache
def newest(folder: Path) -> str:
    """The revision of the folder that no other follows."""
    revisions: set[str] = set()
    followed: set[str] = set()
    for path in folder.glob("*.py"):
        found = {name: single or double for name, single, double in NAMED.findall(path.read_text())}
        revisions.add(found.get("revision", ""))
        followed.add(found.get("down_revision", ""))
    heads = revisions - followed
    return heads.pop() if len(heads) == 1 else ""


def present() -> str:
    """The revision that the database is at; "" when it has none."""
    try:
        return session.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none() or ""
    except DatabaseError:
        session.rollback()
        return ""


def is_newest() -> bool:
    """Whether the database is at the newest revision."""
    return present() == newest(current_app.config["ROOT"] / "migrations" / "versions")
