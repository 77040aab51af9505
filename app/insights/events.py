"""What can be said about figures."""

from app.core.events import Kind

NOISE_MARKED = Kind("incident.noise_marked", "{actor} marked it as noise: {reason}", ("reason",), timeline=True)
NOISE_UNMARKED = Kind("incident.noise_unmarked", "{actor} took back that it was noise", (), timeline=True)
DIGEST_WRITTEN = Kind("insights.digest_written", "The digest of {team} of {week} was written to {people}",
                      ("team", "week", "people"))
DIGEST_WANTED = Kind("insights.digest_subscribed", "{actor} gets the weekly digest of {team}", ("team",))
DIGEST_UNWANTED = Kind("insights.digest_unsubscribed", "{actor} gets no weekly digest of {team} any more", ("team",))
DIGEST_SET = Kind("insights.digest_set", "{actor} set who gets the weekly digest of {team}", ("team", "before", "after"))
REBUILT = Kind("insights.rebuilt", "The figures were made again from the log: {incidents} incidents", ("incidents",))
