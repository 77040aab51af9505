"""What can happen to people, teams, logins and API tokens."""

from __future__ import annotations

from app.core.events import Kind

SETUP_COMPLETED = Kind("setup.completed", "{actor} set the system up")
LINK_CREATED = Kind("user.link_created", "{actor} made a sign-in link for {name}", data=("name",))

USER_CREATED = Kind("user.created", "{actor} added {name}", data=("name", "after"))
USER_CHANGED = Kind("user.changed", "{actor} changed {name}", data=("name", "before", "after"))
PASSWORD_CHANGED = Kind("user.password_changed", "{actor} changed the password of {name}", data=("name",))
USER_DEACTIVATED = Kind("user.deactivated", "{actor} deactivated {name}", data=("name",))
USER_ACTIVATED = Kind("user.activated", "{actor} activated {name}", data=("name",))
USER_ERASED = Kind("user.erased", "{actor} erased the data of {name}", data=("name",))

USER_REMOVED = Kind("user.removed", "{actor} took {name} out of the directory", data=("name",))
ADDRESS_VOUCHED = Kind("user.address_vouched", "{actor} vouched for the address {email} of {name}",
                       data=("name", "email"))

SIGNED_IN = Kind("user.signed_in", "{actor} signed in")
SIGN_IN_FAILED = Kind("user.sign_in_failed", "A sign-in as {email} failed", data=("email",))
LOCKED = Kind("user.locked", "Sign-in as {email} is locked after too many wrong passwords", data=("email", "until"))
SIGNED_OUT = Kind("user.signed_out", "{actor} signed out")
LOGIN_ENDED = Kind("user.login_ended", "{actor} ended logins of {name}", data=("name", "count"))

TEAM_CREATED = Kind("team.created", "{actor} created the team {name}", data=("name", "after"))
TEAM_CHANGED = Kind("team.changed", "{actor} changed the team {name}", data=("name", "before", "after"))
TEAM_ARCHIVED = Kind("team.archived", "{actor} archived the team {name}", data=("name",))
TEAM_RESTORED = Kind("team.restored", "{actor} restored the team {name}", data=("name",))

TOKEN_CREATED = Kind("api_token.created", "{actor} created the API token {name} for {owner}",
                     data=("name", "owner", "scopes", "expires_at"))
TOKEN_REVOKED = Kind("api_token.revoked", "{actor} revoked the API token {name} of {owner}", data=("name", "owner"))

IDENTITY_LINKED = Kind("user.identity_linked", "{name} signs in by {issuer}", data=("name", "issuer", "verified"))
SSO_REFUSED = Kind("user.sso_refused", "A single sign-on was refused: {reason}", data=("reason", "email"))
SSO_CHANGED = Kind("single_sign_on.changed", "{actor} changed single sign-on", data=("before", "after", "secret"))
PROVED = Kind("user.proved", "{actor} proved who they are")
FACTOR_ADDED = Kind("second_factor.added", "{actor} set up one-time codes")
FACTOR_REMOVED = Kind("second_factor.removed", "{actor} removed the second factor of {name}", data=("name",))
RECOVERY_CODES_MADE = Kind("recovery_codes.made", "{actor} made new recovery codes")
RECOVERY_CODE_USED = Kind("recovery_code.used", "{actor} used a recovery code; {left} are left", data=("left",))
PASSKEY_ADDED = Kind("passkey.added", "{actor} added the passkey {name}", data=("name",))
PASSKEY_REMOVED = Kind("passkey.removed", "{actor} removed the passkey {name}", data=("name",))
PASSKEY_REFUSED = Kind("passkey.refused", "A passkey was refused: {reason}", data=("reason",))
BREAK_GLASS_CHANGED = Kind("user.break_glass_changed", "{actor} changed whether {name} is a break-glass account",
                           data=("name", "break_glass"))

DEVICE_KEPT = Kind("device.kept", "{actor} stays signed in on a device")
DEVICE_ENDED = Kind("device.ended", "{actor} ended a device of {name}", data=("name",))
DEVICE_COPIED = Kind("device.copied", "A copied token of {name}'s device was shown; the device was ended",
                     data=("name",))
