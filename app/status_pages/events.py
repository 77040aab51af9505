"""What can be said about status pages."""

from app.core.events import Kind

CREATED = Kind("status_page.created", "{actor} created the status page {name}", ("name", "before", "after"))
CHANGED = Kind("status_page.changed", "{actor} changed the status page {name}", ("name", "before", "after"))
DELETED = Kind("status_page.deleted", "{actor} deleted the status page {name}", ("name", "before"))
LINK_RENEWED = Kind("status_page.link_renewed", "{actor} made a new access link of {name}", ("name",))
BRANDED = Kind("status_page.branded", "{actor} changed the logo of {name}", ("name",))
STATE_CHANGED = Kind("status_page.component_changed", "{name} went from {before} to {after}",
                     ("name", "before", "after", "computed", "component"))
OVERRIDDEN = Kind("status_page.component_overridden", "{actor} set {name} to {state} until {until}: {reason}",
                  ("name", "state", "until", "reason", "component"))
OVERRIDE_ENDED = Kind("status_page.override_ended", "{actor} ended the override of {name}", ("name", "component"))
SPAN_CORRECTED = Kind("status_page.history_corrected", "{actor} corrected the history of {name}: {reason}",
                      ("name", "reason", "before", "after", "component"))
NOTICE_WRITTEN = Kind("status_notice.written", "{actor} wrote the draft {title}", ("title", "page"))
NOTICE_PUBLISHED = Kind("status_notice.published", "{actor} published {title}", ("title", "page"))
NOTICE_CHANGED = Kind("status_notice.changed", "{actor} changed {title}", ("title", "before", "after", "page"))
NOTICE_REMOVED = Kind("status_notice.removed", "{actor} threw away the draft {title}", ("title", "page"))
NOTICE_LINKED = Kind("status_notice.linked", "{actor} linked {title} with #{incident}", ("title", "incident", "page"))
UPDATE_PUBLISHED = Kind("status_notice.update_published", "{actor} published on {title}, {state}: {text}",
                        ("title", "state", "text", "update", "page"))
UPDATE_SCHEDULED = Kind("status_notice.update_scheduled", "{actor} wrote an update of {title} for {due}",
                        ("title", "state", "text", "due", "update", "page"))
UPDATE_CANCELLED = Kind("status_notice.update_cancelled", "{actor} took back an update of {title}",
                        ("title", "text", "update", "page"))
UPDATE_EDITED = Kind("status_notice.update_edited", "{actor} changed an update of {title}, which was: {before}",
                     ("title", "before", "after", "update", "page"))
WINDOW_PLANNED = Kind("status_window.planned", "{actor} planned {title}", ("title", "series", "starts", "ends", "repeat"))
WINDOW_CHANGED = Kind("status_window.changed", "{actor} changed {title}", ("title", "series", "window"))
WINDOW_STARTED = Kind("status_window.started", "{title} began", ("title", "window"))
WINDOW_ENDED = Kind("status_window.ended", "{title} is over", ("title", "window"))
WINDOW_CANCELLED = Kind("status_window.cancelled", "{actor} cancelled {title}", ("title", "window"))
WINDOW_UPDATED = Kind("status_window.updated", "{actor} said about {title}: {text}", ("title", "text", "window"))
TEMPLATE_SAVED = Kind("status_page.template_saved", "{actor} saved the template {name}", ("name",))
TEMPLATE_REMOVED = Kind("status_page.template_removed", "{actor} removed the template {name}", ("name",))
SUBSCRIBED = Kind("status_subscriber.subscribed", "A reader subscribed to {page} by {kind}", ("page", "kind"))
UNSUBSCRIBED = Kind("status_subscriber.unsubscribed", "A subscription to {page} by {kind} ended: {reason}",
                    ("page", "kind", "reason"))
SUBSCRIBERS_ADDED = Kind("status_subscriber.added", "{actor} added {number} subscribers to {page}", ("number", "page"))
SUBSCRIBER_REMOVED = Kind("status_subscriber.removed", "{actor} removed a subscriber of {page}", ("page", "kind"))
EXPORT_FAILED = Kind("status_page.export_failed", "The copy of {name} can't be written: {error}", ("name", "error"))
EXPORT_MENDED = Kind("status_page.export_mended", "The copy of {name} is written again", ("name",))
