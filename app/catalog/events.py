"""What can be said about a service."""

from app.core.events import Kind

CREATED = Kind("service.created", "{actor} added the service {name}", ("name", "before", "after"))
CHANGED = Kind("service.changed", "{actor} changed {fields} of {name}", ("name", "fields", "before", "after"))
MAINTENANCE_CREATED = Kind("maintenance.created", "{actor} planned the maintenance {name}", ("name", "before", "after"))
MAINTENANCE_CHANGED = Kind("maintenance.changed", "{actor} changed the maintenance {name}", ("name", "before", "after"))
MAINTENANCE_ENDED = Kind("maintenance.ended", "{actor} ended the maintenance {name}", ("name",))
MAINTENANCE_DELETED = Kind("maintenance.deleted", "{actor} cancelled the maintenance {name}", ("name", "before"))
SILENCE_CREATED = Kind("silence.created", "{actor} silenced: {reason}", ("reason", "after"))
SILENCE_ENDED = Kind("silence.ended", "{actor} ended the silence {name}", ("name",))
WINDOW_EXTENDED = Kind("maintenance.extended", "{actor} let {name} last until {until}", ("name", "until"))
REMOVED = Kind("service.removed", "{actor} removed the service {name}, which was never used", ("name", "before"))
OFFERED = Kind("service.offered", "{actor} offered {name} to the team {to}", ("name", "to", "team"))
DECLINED = Kind("service.offer_ended", "{actor} ended the offer of {name} to the team {to}", ("name", "to", "team"))
OWNERLESS = Kind("service.ownerless", "{count} services have no owner since the team {team} was archived: {names}",
                 ("team", "count", "names"))
