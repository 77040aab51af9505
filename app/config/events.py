"""What can be said about configuration as code."""

from app.core.events import Kind

APPLIED = Kind("configuration.applied", "{actor} applied {files}: {changes:change|changes}", ("files", "changes"))
BEGUN = Kind("errand.begun", "{actor} began: {title}", ("title", "kind"))
ENDED = Kind("errand.ended", "{title}: {state}", ("title", "kind", "state"))
