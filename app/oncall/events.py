"""What can be said about a schedule."""

from app.core.events import Kind

CREATED = Kind("schedule.created", "{actor} added the schedule {name}", ("name", "after"))
CHANGED = Kind("schedule.changed", "{actor} changed the schedule {name}", ("name", "before", "after", "takes_effect"))
REMOVED = Kind("schedule.removed", "{actor} removed the schedule {name}", ("name", "before"))
OVERRIDE_ADDED = Kind("schedule.override_added", "{actor} made an override in {name}: {what}",
                      ("name", "what", "after"))
OVERRIDE_REMOVED = Kind("schedule.override_removed", "{actor} took back an override in {name}: {what}",
                        ("name", "what", "before", "after"))
CALENDAR_READ = Kind("schedule.calendar_read", "{name}: the imported calendar changed who is on duty", ("name", "use"))
CALENDAR_FAILING = Kind("schedule.calendar_failing", "{name}: an imported calendar can't be read for an hour: {reason}",
                        ("name", "use", "reason"))
CALENDAR_BACK = Kind("schedule.calendar_back", "{name}: the imported calendar can be read again", ("name", "use"))
FEED_MADE = Kind("calendar_feed.made", "{actor} made a calendar address for {name}", ("name", "what"))
FEED_REVOKED = Kind("calendar_feed.revoked", "{actor} revoked the calendar address for {what}", ("what",))
