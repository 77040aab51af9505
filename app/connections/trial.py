"""A connection is tested with nothing open: read, call, note."""

from __future__ import annotations

from app.connections import queries, service
from app.connections.models import Connection
from app.core import acting
from app.core.access import Actor
from app.core.db import session, transaction
from app.core.masking import mask, storable
from app.core.secrets import Unreadable
from app.plugin_api import NoAccess, Rejected, Retry

SECONDS = 10.0


def test(key: str, *, by: Actor) -> Connection:
    """Call the product once, and note what it said."""
    try:
        with transaction():
            found = queries.connection_for(key, by, "connection.edit")
            action, config, hidden = queries.action_of(found), queries.settings_of(found), queries.secret_values(found)
    except Unreadable as fault:
        with transaction():
            return service.note_test(key, False, f"{fault}. Enter it anew", by=by)
    session.remove()
    works, said = True, ""
    try:
        said = acting.check(action, config, timeout=SECONDS)
    except (Retry, Rejected, NoAccess) as fault:
        works, said = False, str(fault)
    with transaction():
        return service.note_test(key, works, mask(storable(said), hidden), by=by)
