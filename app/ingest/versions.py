"""Which version of each plugin is at work: when a process starts with another one than before, the log says so."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from flask import current_app
from sqlalchemy import select

from app.core.access import SYSTEM
from app.core.db import alone, session, transaction
from app.core.events import record
from app.core.plugins import Registry
from app.ingest import events
from app.ingest.models import PluginMark


def versions(registry: Registry) -> dict[str, str]:
    """By slug: a package has a version of its own; what lies in the box has ours, so that its content counts beside it."""
    return {one.slug: f"{one.version} ({_digest(registry.folder(one.slug))})" if one.source == "bundled" else one.version
            for one in registry.installed}


def _digest(folder: Path) -> str:
    said = sha256()
    for path in sorted([*folder.glob("*.py"), *(one for one in folder.glob("templates/**/*") if one.is_file())]):
        said.update(path.name.encode() + b"\0" + path.read_bytes())
    return said.hexdigest()[:7]


def note() -> int:
    """Once at the start of a process: state for each plugin that is another than before that it was updated. One that was
    never seen is noted without a word."""
    registry: Registry = current_app.extensions["plugins"]
    found = versions(registry)
    try:
        if found.items() <= _noted().items():
            return 0
    finally:
        session.rollback()
    names, done = {one.slug: one.name for one in registry.installed}, 0
    with transaction():
        alone("versions of plugins")
        noted = _noted()
        for slug, version in found.items():
            before = noted.get(slug)
            if before != version:
                session.merge(PluginMark(slug=slug, version=version))
            if before not in (None, version):
                record(events.PLUGIN_UPDATED, f"plugin:{slug}", by=SYSTEM, also=["plugins"], name=names[slug], before=before,
                       after=version)
                done += 1
    return done


def _noted() -> dict[str, str]:
    return {slug: version for slug, version in session.execute(select(PluginMark.slug, PluginMark.version))}
