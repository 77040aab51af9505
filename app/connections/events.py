"""What can be said about connections."""

from app.core.events import Kind

CREATED = Kind("connection.created", "{actor} added the connection {name}", ("name", "before", "after"))
CHANGED = Kind("connection.changed", "{actor} changed the connection {name}", ("name", "before", "after"))
DELETED = Kind("connection.deleted", "{actor} deleted the connection {name}", ("name", "before"))
TESTED = Kind("connection.tested", "{actor} tested the connection {name}: {outcome}", ("name", "outcome"))
