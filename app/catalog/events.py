"""What can be said about a service."""

from app.core.events import Kind

CREATED = Kind("service.created", "{actor} added the service {name}", ("name", "before", "after"))
CHANGED = Kind("service.changed", "{actor} changed {fields} of {name}", ("name", "fields", "before", "after"))
