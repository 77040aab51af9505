"""What can be said about messages and contact methods."""

from app.core.events import Kind

_MESSAGE = ("message", "user", "user_id", "channel", "address", "reason", "kind")
SENT = Kind("message.sent", "{user} was sent {kind} by {channel}", (*_MESSAGE, "provider"), timeline=True)
DELIVERED = Kind("message.delivered", "{user} was reached by {channel} ({kind})", (*_MESSAGE, "provider"), timeline=True)
FAILED = Kind("message.failed", "{user} was not reached by {channel} ({kind}): {error}", (*_MESSAGE, "error"), timeline=True)
POSTPONED = Kind("message.postponed", "{user} was not reached by {channel} ({kind}), which is tried again: {error}",
                 (*_MESSAGE, "error"))
UNREACHABLE = Kind("message.unreachable", "{user} can't be reached: {error}",
                   ("user", "user_id", "error", "run", "level", "round", "alone"), timeline=True)
METHOD_ADDED = Kind("contact_method.added", "{actor} added the contact method {name} of {person}",
                    ("name", "channel", "person"))
METHOD_CHANGED = Kind("contact_method.changed", "{actor} changed the contact method {name} of {person}",
                      ("name", "channel", "person"))
METHOD_PROVEN = Kind("contact_method.proven", "{name} of {person} is proven", ("name", "channel", "person"))
METHOD_DISABLED = Kind("contact_method.disabled", "{name} of {person} is disabled: {reason}",
                       ("name", "channel", "person", "method", "reason"))
METHOD_REMOVED = Kind("contact_method.removed", "{actor} removed the contact method {name} of {person}",
                      ("name", "channel", "person"))
RULES_CHANGED = Kind("notification_rules.changed", "{actor} changed the notification rules of {person}",
                     ("person", "before", "after"))
DUTY_NOTICES_CHANGED = Kind("duty_notices.changed", "{actor} changed the notices of hand-offs of {person}",
                            ("person", "before", "after"))
QUIET_CHANGED = Kind("quiet_hours.changed", "{actor} changed the quiet hours of {person}", ("person", "before", "after"))
_PROVIDER = ("provider", "channel", "account")
PROVIDER_FAILED = Kind("provider.failed", "{provider} failed on {channel}: {error}", (*_PROVIDER, "error"))
PROVIDER_LEFT_OUT = Kind("provider.left_out", "{provider} is left out on {channel}: {error}",
                         (*_PROVIDER, "error", "credentials"))
PROVIDER_BACK = Kind("provider.back", "{provider} works again on {channel}", _PROVIDER)
REPORTED_LATE = Kind("message.reported_late", "A report on {kind} to {user} by {channel} came late: {state}",
                     (*_MESSAGE, "state", "error"))
CHANNEL_OPENED = Kind("incident.channel_opened", "{actor} opened a channel for it in {channel}", ("channel",), timeline=True)
OPTED = Kind("contact_method.opted", "{name} of {person}: {what}", ("name", "channel", "person", "what"))
PROVIDER_SWITCHED = Kind("provider.switched", "{actor} set {provider} on {channel}: {what}", (*_PROVIDER, "what"))
ACCOUNT_ADDED = Kind("channel_account.added", "{actor} connected {name} of {plugin}", ("name", "plugin"))
ACCOUNT_CHANGED = Kind("channel_account.changed", "{actor} changed {name} of {plugin}", ("name", "plugin"))
ACCOUNT_REMOVED = Kind("channel_account.removed", "{actor} disconnected {name} of {plugin}", ("name", "plugin"))
ROOM_ADDED = Kind("room.added", "{actor} lets incidents be posted in {room} by {channel}", ("room", "channel"))
ROOM_CHANGED = Kind("room.changed", "{actor} changed the room {room} of {channel}", ("room", "channel", "before", "after"))
ROOM_REMOVED = Kind("room.removed", "{actor} ended posts in {room} by {channel}", ("room", "channel"))
