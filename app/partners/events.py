"""What can be said about partners. No name and no address: a partner's data can be erased, this log can't."""

from app.core.events import Kind

CREATED = Kind("partner.created", "{actor} added {partner}", ("partner", "after"))
CHANGED = Kind("partner.changed", "{actor} changed {partner}", ("partner", "what"))
GRANTED = Kind("partner.granted", "{actor} let {partner} read {page}", ("partner", "page", "until"))
REVOKED = Kind("partner.revoked", "{actor} took the page {page} from {partner}", ("partner", "page"))
DEACTIVATED = Kind("partner.deactivated", "{actor} deactivated {partner}", ("partner",))
REACTIVATED = Kind("partner.reactivated", "{actor} let {partner} in again", ("partner",))
LOGINS_ENDED = Kind("partner.logins_ended", "{actor} ended {number:login|logins} of {partner}", ("partner", "number"))
ERASED = Kind("partner.erased", "{actor} erased the data of {partner}", ("partner",))
