"""What the pages of heartbeats show."""

from __future__ import annotations

from dataclasses import dataclass, field

from flask import current_app
from markupsafe import Markup
from sqlalchemy import select

from app.core.access import Actor
from app.core.db import session
from app.core.guide import guide
from app.heartbeats import queries, rules
from app.heartbeats.models import Heartbeat
from app.identity.queries import may, may_anywhere
from app.incidents.models import Alert


@dataclass(frozen=True)
class Row:
    """A heartbeat in the list."""

    heartbeat: Heartbeat
    word: str
    strip: list[rules.Beat]

    @property
    def id(self) -> int:
        """The heartbeat's."""
        return self.heartbeat.id


@dataclass(frozen=True)
class IndexPage:
    """All heartbeats that the person may know of, those that are late first."""

    rows: list[Row]
    may_add: bool


@dataclass(frozen=True)
class HeartbeatPage:
    """One heartbeat."""

    heartbeat: Heartbeat
    word: str
    strip: list[rules.Beat]
    address: str
    guide: Markup
    incident: int | None
    may_see: bool
    may_edit: bool
    errors: dict[str, str] = field(default_factory=dict)


ORDER = {"late": 0, "alive": 1, "waiting": 2, "muted": 3}


def index_page(by: Actor) -> IndexPage:
    """The list."""
    rows = [Row(one, queries.word_of(one), rules.strip(one.recent)) for one in session.scalars(queries.visible(by))]
    return IndexPage(sorted(rows, key=lambda row: ORDER[row.word]), may_anywhere(by, "integration.edit"))


def heartbeat_page(key: str, by: Actor, *, errors: dict[str, str] | None = None) -> HeartbeatPage:
    """The page of one. Raises NotFound."""
    found = queries.heartbeat_for(key, by)
    may_see = may(by, "integration.secrets", team_id=found.team_id)
    address = queries.address_of(found, whole=may_see)
    open_ = session.scalar(select(Alert.incident_id).where(
        Alert.integration_id == found.integration_id, Alert.status == "firing").order_by(Alert.id.desc()).limit(1))
    registry = current_app.extensions["plugins"]
    return HeartbeatPage(
        heartbeat=found, word=queries.word_of(found), strip=rules.strip(found.recent), address=address, incident=open_,
        guide=guide(registry.readme("heartbeat"), address), may_see=may_see,
        may_edit=may(by, "integration.edit", team_id=found.team_id), errors=errors or {})
