"""What can be said about heartbeats."""

from app.core.events import Kind

CREATED = Kind("heartbeat.created", "{actor} created the heartbeat {name}", ("name", "before", "after"))
CHANGED = Kind("heartbeat.changed", "{actor} changed the heartbeat {name}", ("name", "before", "after"))
DELETED = Kind("heartbeat.deleted", "{actor} deleted the heartbeat {name}", ("name", "before"))
TOKEN_RENEWED = Kind("heartbeat.token_renewed", "{actor} renewed the address of {name}", ("name",))
ARMED = Kind("heartbeat.armed", "{name} reported for the first time", ("name",))
LATE = Kind("heartbeat.late", "{name} did not report in time", ("name", "due"))
FAILED = Kind("heartbeat.failed", "{name} reported a failure", ("name", "code"))
RECOVERED = Kind("heartbeat.recovered", "{name} reports again", ("name",))
MUTED = Kind("heartbeat.muted", "{actor} muted {name} until {until}: {reason}", ("name", "until", "reason"))
UNMUTED = Kind("heartbeat.unmuted", "{actor} let {name} fire again", ("name",))
