"""Who may do what: the role × action table, and the pure rules of passwords, locks, logins and versions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

PLATFORM_ROLES = ("admin", "member")
TEAM_ROLES = ("manager", "responder", "observer")
SCOPES = ("incidents:read", "incidents:write", "schedules:read", "schedules:write", "config:read", "config:write",
          "alerts:write", "scim", "admin")

# Rows: what is done. Values: who may, by their role in the owning team; "other" is a person outside of it.
# What is not listed is for platform admins only, and so is every thing without a team but to read.
EVERYBODY = frozenset({"observer", "responder", "manager", "other"})
RESPONDERS = frozenset({"responder", "manager"})
MANAGERS = frozenset({"manager"})
ADMINS: frozenset[str] = frozenset()
TABLE: dict[str, frozenset[str]] = {
    "incident.read": EVERYBODY, "incident.act": RESPONDERS, "incident.create": RESPONDERS,
    "schedule.read": EVERYBODY, "schedule.override_self": RESPONDERS, "schedule.edit": MANAGERS,
    # Whoever holds a shift gives it away or takes another's, whatever their role: the command asks whose it is.
    "shift.exchange": EVERYBODY,
    "policy.edit": MANAGERS, "service.edit": MANAGERS,
    # Everybody sees which senders there are and how they are; addresses, tokens and raw bodies are the team's.
    "integration.read": EVERYBODY, "integration.secrets": RESPONDERS, "integration.edit": MANAGERS,
    "connection.read": EVERYBODY, "connection.edit": MANAGERS,
    "webhook.read": EVERYBODY, "webhook.edit": MANAGERS,
    "workflow.read": EVERYBODY, "workflow.run": RESPONDERS, "workflow.edit": MANAGERS,
    "maintenance.edit": MANAGERS, "silence.edit": RESPONDERS,
    # What requests of runbooks and workflows name: only those who may write such requests know the names.
    "secret.edit": MANAGERS,
    "runbook.read": EVERYBODY, "runbook.run": RESPONDERS, "runbook.edit": MANAGERS, "runbook.approve": ADMINS,
    "route.read": EVERYBODY, "route.edit": ADMINS,
    # Of postmortems everybody reads what is published; drafts are their team's, which the queries ask.
    "postmortem.read": EVERYBODY, "postmortem.write": RESPONDERS, "postmortem.review": RESPONDERS,
    "postmortem.manage": MANAGERS, "action_item.change": RESPONDERS,
    "team.read": EVERYBODY, "team.edit": MANAGERS, "team.create": ADMINS,
    "people.read": EVERYBODY, "people.edit": ADMINS, "people.erase": ADMINS,
    "own.read": EVERYBODY, "own.edit": EVERYBODY,
    # Whoever is responsible for a status page says who outside may read it; the people themselves are the admins' business.
    "partner.edit": MANAGERS, "partner.read": ADMINS, "partner.admin": ADMINS,
    "status_page.read": EVERYBODY, "status_page.write": RESPONDERS, "status_page.edit": MANAGERS,
    # The document may say of each object what its own action permits, and nothing else.
    "configuration.read": MANAGERS, "configuration.apply": MANAGERS,
    # What is in shadow concerns everybody; of what would have left they see what concerns teams they may see.
    "shadow.read": EVERYBODY, "shadow.edit": ADMINS,
    "audit.read": MANAGERS, "admin": ADMINS, "scim": ADMINS,
}
# A person paged for, assigned to or requested on an incident is a responder there, for these actions only; and so is who
# was asked to review a postmortem, or owns an action item.
INVOLVED = frozenset({"incident.read", "incident.act", "postmortem.read", "postmortem.review", "action_item.change"})

# Which scopes of an API token open an action; "admin" opens all, and a token without scopes is its owner.
_READ_INCIDENTS = frozenset({"incidents:read", "incidents:write"})
_WRITE_INCIDENTS = frozenset({"incidents:write"})
_READ_SCHEDULES = frozenset({"schedules:read", "schedules:write", "config:read", "config:write"})
_READ_CONFIG = frozenset({"config:read", "config:write"})
_WRITE_CONFIG = frozenset({"config:write"})
NEEDED_SCOPES: dict[str, frozenset[str]] = {
    "incident.read": _READ_INCIDENTS, "incident.act": _WRITE_INCIDENTS,
    "incident.create": frozenset({"incidents:write", "alerts:write"}),
    "schedule.read": _READ_SCHEDULES, "schedule.override_self": frozenset({"schedules:write"}),
    "schedule.edit": frozenset({"schedules:write", "config:write"}),
    "shift.exchange": frozenset({"schedules:write"}),
    "policy.edit": _WRITE_CONFIG, "service.edit": _WRITE_CONFIG,
    "integration.read": _READ_CONFIG, "integration.secrets": _READ_CONFIG, "integration.edit": _WRITE_CONFIG,
    "connection.read": _READ_CONFIG, "connection.edit": _WRITE_CONFIG,
    "webhook.read": _READ_CONFIG, "webhook.edit": _WRITE_CONFIG,
    "workflow.read": _READ_CONFIG, "workflow.edit": _WRITE_CONFIG,
    "workflow.run": frozenset({"incidents:write", "config:write"}),
    "maintenance.edit": _WRITE_CONFIG, "silence.edit": frozenset({"incidents:write", "config:write"}),
    "secret.edit": _WRITE_CONFIG,
    "runbook.read": _READ_CONFIG | _READ_INCIDENTS, "runbook.run": frozenset({"incidents:write"}),
    "runbook.edit": _WRITE_CONFIG,
    "route.read": _READ_CONFIG, "route.edit": _WRITE_CONFIG,
    "shadow.read": _READ_CONFIG | _READ_INCIDENTS, "shadow.edit": _WRITE_CONFIG,
    "postmortem.read": _READ_INCIDENTS, "postmortem.write": _WRITE_INCIDENTS, "postmortem.review": _WRITE_INCIDENTS,
    "postmortem.manage": frozenset({"incidents:write", "config:write"}), "action_item.change": _WRITE_INCIDENTS,
    "team.read": _READ_CONFIG, "team.edit": _WRITE_CONFIG, "team.create": _WRITE_CONFIG,
    "status_page.read": _READ_CONFIG | _READ_INCIDENTS, "status_page.edit": _WRITE_CONFIG,
    "status_page.write": frozenset({"incidents:write", "config:write"}),
    "partner.edit": _WRITE_CONFIG, "partner.read": _READ_CONFIG, "partner.admin": _WRITE_CONFIG,
    "people.read": _READ_CONFIG, "people.edit": _WRITE_CONFIG, "own.read": frozenset(SCOPES),
    "configuration.read": _READ_CONFIG, "configuration.apply": _WRITE_CONFIG,
    "own.edit": _WRITE_CONFIG, "scim": frozenset({"scim"}),
}


def permitted(
    role_platform: str, role_in_team: str | None, action: str, *, team_private: bool = False, involved: bool = False,
) -> bool:
    """Whether a person with this platform role and this role in the owning team (None: none) may do it.

    `involved`: paged for, assigned to or requested on this very incident. Unknown actions and roles are refused.
    """
    if action not in TABLE:
        return False
    if role_platform == "admin" or (involved and action in INVOLVED):
        return True
    if team_private and role_in_team is None:
        return False
    return role_platform == "member" and (role_in_team or "other") in TABLE[action]


def scopes_permit(scopes: frozenset[str] | None, action: str) -> bool:
    """Whether an API token with these scopes (None: all of its owner's rights) opens the action."""
    if scopes is None or "admin" in scopes:
        return True
    return bool(scopes & NEEDED_SCOPES.get(action, frozenset()))


ENOUGH_RESPONDERS = 3
LOGIN_LASTS = timedelta(hours=24)
LOGIN_IDLE = timedelta(hours=12)
SEEN_EVERY, USED_EVERY = timedelta(minutes=5), timedelta(minutes=1)
LINK_LASTS = timedelta(hours=24)
WINDOW = timedelta(minutes=15)
ACCOUNT_TRIES, ACCOUNT_LOCK = 5, timedelta(minutes=60)
ADDRESS_TRIES, ADDRESS_LOCK = 20, timedelta(minutes=15)


def login_valid(created_at: datetime, last_seen_at: datetime, ended_at: datetime | None, now: datetime) -> bool:
    """Whether a login still opens the door: 24 h in all, 12 h without a request, and not ended."""
    return ended_at is None and now < created_at + LOGIN_LASTS and now < last_seen_at + LOGIN_IDLE


def locked_until(failures: Sequence[datetime], tries: int, lasts: timedelta) -> datetime | None:
    """When the lock that these failures (oldest first) caused ends; None when they caused none.

    `tries` failures within 15 minutes lock for `lasts`, counted from the last of them.
    """
    until = None
    for first, last in zip(failures, failures[tries - 1:], strict=False):
        if last - first <= WINDOW:
            until = last + lasts
    return until


CHALLENGE_LASTS = timedelta(minutes=10)
PROOF_LASTS = timedelta(minutes=15)
DEVICE_LASTS = timedelta(days=90)
CODE_SECONDS, RECOVERY_CODES, MOST_PASSKEYS = 30, 10, 10


def password_serves(mode: str, single_sign_on: bool, break_glass: bool) -> bool:
    """Whether a password signs this account in. `mode` is the setting; what it does not know means `break-glass`."""
    return break_glass or mode == "everyone" or (not mode and not single_sign_on)


def factor_required(setting: str, role: str) -> bool:
    """Whether a person of this platform role has to add a second factor to the password."""
    return setting == "everyone" or (setting == "admins" and role == "admin")


def device_valid(last_used_at: datetime, ended_at: datetime | None, now: datetime) -> bool:
    """Whether a kept device still begins logins: 90 days after its last use, unless it was ended."""
    return ended_at is None and now < last_used_at + DEVICE_LASTS


def proof_valid(proved_at: datetime | None, now: datetime) -> bool:
    """Whether the last proof of who somebody is still counts."""
    return proved_at is not None and now < proved_at + PROOF_LASTS


def steps_to_try(now: datetime, last_used: int) -> list[int]:
    """The time steps whose codes are taken (RFC 6238, 5.2): the present one and its neighbours, each only once."""
    step = int(now.timestamp()) // CODE_SECONDS
    return [tried for tried in (step, step - 1, step + 1) if tried > last_used]


def link_fault(verified: object, has_password: bool, break_glass: bool, bound: bool) -> str:
    """Why an identity must not be linked to the account that has its address (IDN-03); "" when it may be."""
    if verified is not True:
        return "the provider does not say that this address is verified"
    if break_glass or has_password:
        return "the account with this address is a local one, with a password"
    return "the account with this address belongs to another identity" if bound else ""


def password_fault(password: str, *, name: str, email: str, common: frozenset[str]) -> str:
    """Why this password can't be taken, as a sentence; "" when it can. `common` holds lower-case passwords."""
    plain = password.casefold()
    if len(password) < 12:
        return "The password needs at least 12 characters"
    if len(password) > 200:
        return "The password may have at most 200 characters"
    if plain in (name.casefold(), email.casefold()):
        return "The password must not be your name or e-mail address"
    if plain in common or len(set(plain)) < 5:
        return "This password is too common; choose another"
    return ""


def team_faults(*, managers: int, responders: int) -> list[tuple[str, str]]:
    """What is wrong with a team of so many active managers and people to page, each with what it means."""
    faults = []
    if responders < ENOUGH_RESPONDERS:
        faults.append((f"Only {responders} to page" if responders else "Nobody to page",
                       "A team that is on call needs at least three responders to sleep well"))
    if not managers:
        faults.append(("No manager", "Only platform admins can change this team"))
    return faults


def version_of(document: Mapping[str, Any]) -> str:
    """A short mark of a document's content: equal only while nobody changed it."""
    return sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:16]


def own_path(target: str | None) -> str:
    """`target` when it is a path on this site, else "/": `//host`, `\\host` and `https:host` lead elsewhere."""
    if not target or not target.startswith("/") or target[1:2] in ("/", "\\"):
        return "/"
    return "/" if any(ord(letter) < 33 or letter == "\\" for letter in target) else target
