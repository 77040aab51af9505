"""What can be said about a schedule."""

from app.core.events import Kind

CREATED = Kind("schedule.created", "{actor} added the schedule {name}", ("name", "after"))
CHANGED = Kind("schedule.changed", "{actor} changed the schedule {name}", ("name", "before", "after", "takes_effect"))
REMOVED = Kind("schedule.removed", "{actor} removed the schedule {name}", ("name", "before"))
ARCHIVED = Kind("schedule.archived", "{actor} archived the schedule {name}", ("name",))
RESTORED = Kind("schedule.restored", "{actor} took the schedule {name} back into use", ("name",))
OVERRIDE_ADDED = Kind("schedule.override_added", "{actor} made an override in {name}: {what}",
                      ("name", "what", "after"))
OVERRIDE_REMOVED = Kind("schedule.override_removed", "{actor} took back an override in {name}: {what}",
                        ("name", "what", "before", "after"))
ZONE_CHANGED = Kind("schedule.zone_changed", "The clocks of {zone} change at other times than was known: "
                    "shifts of {name} move", ("name", "key", "zone"))
CALENDAR_READ = Kind("schedule.calendar_read", "{name}: the imported calendar changed who is on duty", ("name", "use"))
HOLIDAYS_READ = Kind("schedule.holidays_read", "{name}: the imported calendar changed the holidays", ("name",))
CALENDAR_FAILING = Kind("schedule.calendar_failing", "{name}: an imported calendar can't be read for an hour: {reason}",
                        ("name", "use", "reason"))
CALENDAR_BACK = Kind("schedule.calendar_back", "{name}: the imported calendar can be read again", ("name", "use"))
FEED_MADE = Kind("calendar_feed.made", "{actor} made a calendar address for {name}", ("name", "what"))
FEED_REVOKED = Kind("calendar_feed.revoked", "{actor} revoked the calendar address for {what}", ("what",))
LINK_MADE = Kind("calendar_link.made", "{actor} lets {name} show their shifts", ("name", "account"))
LINK_CHOSEN = Kind("calendar_link.chosen", "{actor} chose a calendar of {name}", ("name", "calendar"))
LINK_BROKEN = Kind("calendar_link.broken", "{name} no longer lets us write: {reason}", ("name", "reason"))
LINK_ENDED = Kind("calendar_link.ended", "{actor} disconnected {name}", ("name",))
_EXCHANGE = ("name", "key", "what", "tell", "before", "after")
SWAP_PROPOSED = Kind("schedule.swap_proposed", "{actor} proposes a swap in {name}: {what}", _EXCHANGE)
SWAP_ACCEPTED = Kind("schedule.swap_accepted", "{actor} accepted the swap in {name}: {what}", _EXCHANGE)
SWAP_DECLINED = Kind("schedule.swap_declined", "{actor} declined the swap in {name}: {what}", _EXCHANGE)
SWAP_WITHDRAWN = Kind("schedule.swap_withdrawn", "The swap in {name} is withdrawn: {what}. {why}", (*_EXCHANGE, "why"))
SWAP_EXPIRED = Kind("schedule.swap_expired", "The swap in {name} came to nothing: {what}. {why}", (*_EXCHANGE, "why"))
SWAP_REVERT_ASKED = Kind("schedule.swap_revert_asked", "{actor} would like to undo the swap in {name}: {what}", _EXCHANGE)
SWAP_REVERTED = Kind("schedule.swap_reverted", "The swap in {name} is undone: {what}", _EXCHANGE)
SWAP_REMINDED = Kind("schedule.swap_reminded", "A swap in {name} still waits for its answer: {what}", _EXCHANGE)
COVER_REQUESTED = Kind("schedule.cover_requested", "{actor} asks for cover in {name}: {what}", _EXCHANGE)
COVER_TAKEN = Kind("schedule.cover_taken", "{actor} takes over in {name}: {what}", _EXCHANGE)
COVER_BACK_ASKED = Kind("schedule.cover_back_asked", "{actor} would like to give back in {name}: {what}", _EXCHANGE)
COVER_GIVEN_BACK = Kind("schedule.cover_given_back", "What was taken over in {name} is given back: {what}", _EXCHANGE)
COVER_WITHDRAWN = Kind("schedule.cover_withdrawn", "No cover is needed any more in {name}: {what}. {why}",
                       (*_EXCHANGE, "why"))
COVER_EXPIRED = Kind("schedule.cover_expired", "Nobody took over in {name}: {what}. {why}", (*_EXCHANGE, "why"))
COVER_REMINDED = Kind("schedule.cover_reminded", "Cover is still needed in {name}: {what}", _EXCHANGE)
HANDED_OVER = Kind("schedule.handed_over", "{name} is handed over to {after}",
                   ("name", "key", "before", "after", "incoming", "outgoing", "until"))
NOTE_LEFT = Kind("schedule.note_left", "{actor} left a note for whoever is on duty next in {name}", ("name", "key"))
GAPS_FOUND = Kind("schedule.gaps_found", "Nobody is on duty in {name} {what}",
                  ("name", "key", "what", "gaps", "until", "why", "tell"))
GAPS_CLOSED = Kind("schedule.gaps_closed", "{name} has no gap any more", ("name", "key", "gaps", "until"))
