"""How long links, logins and grants last, and how often one may ask. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

LINK_LASTS = timedelta(minutes=15)
SEND_WITHIN = timedelta(minutes=10)
LOGIN_LASTS = timedelta(hours=24)
WINDOW = timedelta(minutes=15)
PER_ADDRESS, PER_CALLER, REDEMPTIONS, PER_MINUTE = 5, 20, 10, 100
MOST_PARTNERS, MOST_GRANTS, MOST_LOGINS = 10_000, 50, 5
KEPT_DAYS = 90
WAITS = (5, 15, 45, 120)
STATES = ("active", "deactivated")
LOG_KINDS = ("link_requested", "link_refused", "link_redeemed", "link_failed", "logged_out", "page_viewed", "denied",
             "limited", "created", "updated", "deactivated", "reactivated", "granted", "revoked", "logins_ended")


def link_fault(used_at: datetime | None, voided_at: datetime | None, expires_at: datetime | None, now: datetime) -> str:
    """Why a link opens nothing; "" when it does."""
    if used_at is not None:
        return "used already"
    if voided_at is not None:
        return "void: a newer one was asked for, or access ended"
    return "older than 15 minutes" if expires_at is None or expires_at <= now else ""


def login_valid(created_at: datetime, ended_at: datetime | None, now: datetime) -> bool:
    """Whether a login still opens its pages: 24 hours, used or not."""
    return ended_at is None and now < created_at + LOGIN_LASTS


def wait_after(attempts: int) -> timedelta:
    """How long after so many attempts a mail is tried again."""
    return timedelta(seconds=WAITS[min(attempts, len(WAITS)) - 1])


def masked(email: str) -> str:
    """The address so that its owner knows it: `b…@example.com`."""
    name, _, domain = email.partition("@")
    return f"{name[:1]}…@{domain}"
