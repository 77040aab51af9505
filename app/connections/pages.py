"""What the pages of connections show."""

from __future__ import annotations

from dataclasses import dataclass

from app.connections import queries
from app.connections.models import Connection
from app.core.access import Actor
from app.core.db import session
from app.identity.queries import may, may_anywhere
from app.plugin_api import Action


@dataclass(frozen=True)
class Row:
    """A connection in the list."""

    connection: Connection
    action: Action | None
    uses: list[str]
    may_edit: bool

    @property
    def id(self) -> int:
        """The connection's."""
        return self.connection.id


@dataclass(frozen=True)
class IndexPage:
    """All connections that the person may know of, and what else can be connected."""

    rows: list[Row]
    offers: list[Action]
    may_add: bool


def index_page(by: Actor) -> IndexPage:
    """The list."""
    known = queries.actions()
    found = session.scalars(queries.visible(by)).all()
    uses = queries.uses_of(found, by)
    rows = [Row(one, known.get(one.action), uses[one.id], may(by, "connection.edit", team_id=one.team_id)) for one in found]
    return IndexPage(rows, sorted(known.values(), key=lambda action: action.product), may_anywhere(by, "connection.edit"))
