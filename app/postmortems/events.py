"""What can be said about postmortems and their action items."""

from app.core.events import Kind

CREATED = Kind("postmortem.created", "{actor} began the postmortem {title}", ("title", "incidents", "automatic"))
SAVED = Kind("postmortem.saved", "{actor} wrote version {version} of {title}", ("title", "version", "what"))
OWNER_CHANGED = Kind("postmortem.owner_changed", "{actor} made {person} the owner of {title}", ("title", "person", "before"))
INCIDENT_ADDED = Kind("postmortem.incident_added", "{actor} added #{incident} to {title}", ("title", "incident"))
INCIDENT_REMOVED = Kind("postmortem.incident_removed", "{actor} took #{incident} out of {title}", ("title", "incident"))
SUBMITTED = Kind("postmortem.submitted", "{actor} asked {reviewers} to review {title}", ("title", "version", "reviewers"))
WITHDRAWN = Kind("postmortem.withdrawn", "{actor} took {title} back into draft", ("title", "version"))
CHANGES_ASKED = Kind("postmortem.changes_asked", "{actor} asked for changes to {title}: {note}",
                     ("title", "version", "note"))
APPROVED = Kind("postmortem.approved", "{actor} approved version {version} of {title}", ("title", "version"))
PUBLISHED = Kind("postmortem.published", "{actor} published {title}", ("title", "version", "publication", "reason"))
DELETED = Kind("postmortem.deleted", "{actor} deleted the draft {title}", ("title", "incidents", "action_items"))
COMMENTED = Kind("postmortem.commented", "{actor} commented on {title}", ("title", "comment"))
COMMENT_REMOVED = Kind("postmortem.comment_removed", "{actor} removed a comment on {title}", ("title", "comment"))
LINK_MADE = Kind("postmortem.link_made", "{actor} made a share link to {title} until {until}", ("title", "link", "until"))
LINK_REVOKED = Kind("postmortem.link_revoked", "{actor} revoked a share link to {title}", ("title", "link"))
NUDGED = Kind("postmortem.nudged", "{title} is not published yet: {person} was told", ("title", "person", "number"))
SETTINGS_CHANGED = Kind("postmortem_settings.changed", "{actor} changed how {team} writes postmortems",
                        ("team", "before", "after"))
TEMPLATE_SAVED = Kind("postmortem_template.saved", "{actor} saved the postmortem template {name}",
                      ("name", "before", "after"))
TEMPLATE_REMOVED = Kind("postmortem_template.removed", "{actor} removed the postmortem template {name}", ("name", "before"))

_ITEM = ("item", "title", "owner")
ITEM_ADDED = Kind("action_item.added", "{actor} gave {owner} the action item: {title}", (*_ITEM, "due_on", "priority"))
ITEM_CHANGED = Kind("action_item.changed", "{actor} changed the action item: {title}", (*_ITEM, "before", "after"))
ITEM_MOVED = Kind("action_item.moved", "{actor} moved the action item from {before} to {after}: {title}",
                  (*_ITEM, "before", "after"))
ITEM_HANDED_OVER = Kind("action_item.handed_over", "{actor} handed the action item of {former} to {owner}: {title}",
                        (*_ITEM, "former"))
TICKET_ORDERED = Kind("action_item.ticket_ordered", "{actor} asked {connection} for an issue of the action item: {title}",
                      (*_ITEM, "connection"))
TICKET_MADE = Kind("action_item.ticket_made", "{actor} has the action item as {key}: {title}", (*_ITEM, "key", "url"))
TICKET_FAILED = Kind("action_item.ticket_failed", "No issue was made of the action item {title}: {problem}",
                     (*_ITEM, "problem"))
ITEM_REMINDED = Kind("action_item.reminded", "{owner} was reminded of the action item: {title}", (*_ITEM, "due_on"))
