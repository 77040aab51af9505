"""What can be said about shadow."""

from app.core.events import Kind

BEGUN = Kind("shadow.begun", "{actor} put {name} in shadow: {reason}", ("name", "reason", "ref"))
ENDED = Kind("shadow.ended", "{actor} ended the shadow of {name}: {open:open incident stays|open incidents stay} silent, "
                             "{paged:pages|page}", ("name", "ref", "open", "paged"))
WITHHELD = Kind("incident.withheld", "In shadow: {whom} would have been reached by {channel} ({what})",
                ("whom", "channel", "what", "reason", "due"), timeline=True)
