"""What stands under a document: which objects the last one named, and how they differ from it since."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import joinedload

from app.config import events
from app.config.document import Document, identity
from app.config.kinds import KINDS, everything, is_theirs
from app.config.models import AppliedDocument, ManagedObject
from app.core.access import Actor
from app.core.db import session
from app.core.events import record
from app.identity.queries import may

KEPT = 50
# What the first part of an address shows, and whether the second part is the number of a row instead of its key.
SECTIONS = {"people": ("users", "user"), "partners": ("partners", "partner"), "teams": ("teams", ""),
            "schedules": ("schedules", ""), "policies": ("escalation_policies", ""), "services": ("services", ""),
            "integrations": ("integrations", ""), "heartbeats": ("heartbeats", ""), "connections": ("connections", ""),
            "runbooks": ("runbooks", ""), "workflows": ("workflows", ""), "maintenance": ("maintenance", ""),
            "routes": ("routes", ""), "webhooks": ("webhooks", ""), "status-pages": ("status_pages", ""),
            "postmortem-templates": ("postmortem_templates", "postmortemtemplate")}


@dataclass(frozen=True)
class Mark:
    """What a page says of an object that stands under a document."""

    files: str
    applied: AppliedDocument


@dataclass(frozen=True)
class Drift:
    """An object that is no longer as its document said: field → (as it said, as it is); `gone`: it is not there."""

    kind: str
    noun: str
    key: str
    fields: Mapping[str, tuple[Any, Any]]
    gone: bool
    applied: AppliedDocument


def remember(document: Document, things: Mapping[tuple[str, str], Any], after: Mapping[tuple[str, str], dict[str, Any]],
             by: Actor, *, changes: int, removed: Collection[tuple[str, str]]) -> None:
    """Note that `by` applied this document, and what it said of each object that is theirs to change: `after` are the
    objects as they stand now. What is gone and meant to be stands under no document any more: what was `removed` now, and
    what the same files named before."""
    if not document.files:
        return
    applied = AppliedDocument(actor=by.ref, actor_name=by.name[:200], via=by.via[:40], files=list(document.files),
                              changes=changes)
    session.add(applied)
    session.flush()
    for kind in KINDS:
        if kind.name not in document.items:
            continue
        named = {identity(kind.name, item): item for item in document.items[kind.name]}
        former = {one.key: one for one in session.scalars(select(ManagedObject).where(ManagedObject.kind == kind.name))}
        for key, item in named.items():
            thing = things[kind.name, key]
            if not is_theirs(kind, thing, by):
                continue
            now = after[kind.name, key]
            one = former.get(key) or ManagedObject(kind=kind.name, key=key)
            one.ref, one.applied, one.said = thing.ref, applied, {name: now[name] for name in item if name in now}
            session.add(one)
        for one in (former[key] for key in former.keys() - named.keys() if (kind.name, key) not in things):
            if (kind.name, one.key) in removed or (may(by, "admin") and {*one.applied.files} <= {*document.files}):
                session.delete(one)
    session.flush()
    _forget_old()
    if changes:
        record(events.APPLIED, "configuration", by=by, files=applied.files, changes=changes)


def _forget_old() -> None:
    kept = select(AppliedDocument.id).order_by(AppliedDocument.id.desc()).limit(KEPT).scalar_subquery()
    session.execute(delete(AppliedDocument).where(AppliedDocument.id.not_in(kept), AppliedDocument.id.not_in(
        select(ManagedObject.applied_id))).execution_options(synchronize_session=False))


def applications(limit: int = 10) -> list[AppliedDocument]:
    """The last applications, newest first."""
    return list(session.scalars(select(AppliedDocument).order_by(AppliedDocument.id.desc()).limit(limit)))


def drift(by: Actor) -> tuple[int, list[Drift]]:
    """How many objects stand under a document, of those that `by` may change, and which differ from it."""
    count, found = 0, []
    marks: dict[str, list[ManagedObject]] = {}
    for one in session.scalars(select(ManagedObject).options(joinedload(ManagedObject.applied)).order_by(ManagedObject.key)):
        marks.setdefault(one.kind, []).append(one)
    for kind in KINDS:
        there = {kind.key(thing).lower(): thing for thing in everything(kind, by)} if kind.name in marks else {}
        for one in marks.get(kind.name, ()):
            thing = there.get(one.key)
            if not (may(by, "admin") if thing is None else is_theirs(kind, thing, by)):
                continue
            count += 1
            now = kind.document(thing) if thing is not None else {}
            fields = {name: (value, now.get(name)) for name, value in one.said.items() if now.get(name) != value}
            if fields or thing is None:
                said = fields if thing is not None else {}
                found.append(Drift(kind.name, kind.noun, one.key, said, thing is None, one.applied))
    return count, found


def of_path(path: str) -> Mark | None:
    """The mark of the object whose page stands at this path, if a document named it."""
    section, _, rest = path.strip("/").replace("postmortems/-/templates", "postmortem-templates", 1).partition("/")
    name = rest.partition("/")[0]
    if section not in SECTIONS or not name or name == "-":
        return None
    kind, noun = SECTIONS[section]
    at = ManagedObject.ref == f"{noun}:{name}" if noun else ManagedObject.key == name.lower()
    one = session.scalar(select(ManagedObject).where(ManagedObject.kind == kind, at).options(
        joinedload(ManagedObject.applied)))
    return Mark(", ".join(one.applied.files), one.applied) if one is not None else None
