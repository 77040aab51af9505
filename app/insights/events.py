"""What can be said about figures."""

from app.core.events import Kind

NOISE_MARKED = Kind("incident.noise_marked", "{actor} marked it as noise: {reason}", ("reason",), timeline=True)
NOISE_UNMARKED = Kind("incident.noise_unmarked", "{actor} took back that it was noise", (), timeline=True)
REBUILT = Kind("insights.rebuilt", "The figures were made again from the log: {incidents} incidents", ("incidents",))
