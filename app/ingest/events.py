"""What can be said about integrations and their deliveries."""

from app.core.events import Kind

CREATED = Kind("integration.created", "{actor} created the integration {name}", ("name", "before", "after"))
CHANGED = Kind("integration.changed", "{actor} changed the integration {name}", ("name", "before", "after"))
DELETED = Kind("integration.deleted", "{actor} deleted the integration {name}", ("name", "before"))
PAUSED = Kind("integration.paused", "{actor} paused the integration {name}", ("name",))
RESUMED = Kind("integration.resumed", "{actor} resumed the integration {name}", ("name", "held", "discarded"))
TOKEN_RENEWED = Kind("integration.token_renewed", "{actor} renewed the token of {name}", ("name",))
SECRET_RENEWED = Kind("integration.secret_renewed", "{actor} renewed the signing secret of {name}", ("name",))
REVOKED = Kind("integration.credential_revoked", "{actor} ended the old {what} of {name}", ("name", "what"))
TESTED = Kind("integration.tested", "{actor} sent a test to {name}", ("name",))
PROCESSED = Kind("delivery.processed", "Processed {number:delivery|deliveries} of {name}", ("name", "number"))
BUSY = Kind("integration.busy", "{name} sends more than {limit} deliveries a minute; all of them are taken",
            ("name", "limit"))
HEALTH_CHANGED = Kind("integration.health_changed", "{name} was {before} and is {after} now: {reason}",
                      ("name", "before", "after", "reason"))
REGROUPED = Kind("integration.regrouped", "{actor} let {name} make alerts another way; {number:open alert|open alerts} "
                 "{fate}", ("name", "number", "fate"))
REFUSED = Kind("delivery.refused", "A request to {name} was refused: {reason}", ("name", "reason"))
REPLAYED = Kind("delivery.replayed", "{actor} replayed a delivery of {name}", ("name", "delivery"))
REPLAYED_MANY = Kind("delivery.replayed_many", "{actor} replayed {number:delivery|deliveries} of {name}", ("name", "number"))
REPLAY_STOPPED = Kind("delivery.replay_stopped", "{actor} stopped a replay of {name}: {number:delivery|deliveries} left",
                      ("name", "number"))
PLUGIN_OFF = Kind("plugin.switched_off", "{actor} switched the plugin {name} off", ("name",))
PLUGIN_ON = Kind("plugin.switched_on", "{actor} switched the plugin {name} on", ("name", "released"))
PLUGIN_UPDATED = Kind("plugin.updated", "The plugin {name} was updated from {before} to {after}",
                      ("name", "before", "after"))
ROUTE_CREATED = Kind("route.created", "{actor} added the route {name}", ("name", "before", "after"))
ROUTE_CHANGED = Kind("route.changed", "{actor} changed the route {name}", ("name", "before", "after"))
ROUTE_DELETED = Kind("route.deleted", "{actor} deleted the route {name}", ("name", "before"))
ROUTES_ORDERED = Kind("route.moved", "{actor} changed the order of the routes: {after}", ("before", "after"))
CHANGE_NOTED = Kind("service.change_noted", "{actor} reported a change: {summary}", ("summary", "source", "url", "service"))
