"""What can be said about outgoing webhooks. None of it is heard by webhooks themselves."""

from app.core.events import Kind

CREATED = Kind("webhook.created", "{actor} created the webhook {name}", ("name", "before", "after"))
CHANGED = Kind("webhook.changed", "{actor} changed the webhook {name}", ("name", "before", "after"))
DELETED = Kind("webhook.deleted", "{actor} deleted the webhook {name}", ("name", "before"))
SECRET_RENEWED = Kind("webhook.secret_renewed", "{actor} renewed the secret of {name}", ("name",))
SWITCHED_OFF = Kind("webhook.switched_off", "{name} was switched off: {reason}", ("name", "reason"))
SWITCHED_ON = Kind("webhook.switched_on", "{actor} switched {name} on", ("name",))
