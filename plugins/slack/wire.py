"""How Slack is spoken to, what its errors mean, and how it signs what it calls here."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from app.plugin_api import Answer, Inbound, NoAccess, Refused, Rejected, Retry, deliver

WINDOW = 300
ANSWER_SECONDS = 2.0
# What Slack says in a 200 with "ok": false (docs.slack.dev/reference/methods/chat.postMessage, Errors).
ADDRESS = {"channel_not_found", "is_archived", "user_not_found", "users_not_found", "user_disabled", "not_in_channel",
           "cannot_dm_bot", "messages_tab_disabled", "user_not_visible"}
ACCOUNT = {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "missing_scope",
           "no_permission", "org_login_required", "ekm_access_denied", "team_access_not_granted", "access_denied",
           "not_allowed_token_type", "enterprise_is_restricted"}
LATER = {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout",
         "team_added_to_org", "accesslimited", "message_limit_exceeded"}


def call(method: str, said: Mapping[str, Any], config: Mapping[str, Any], **how: Any) -> dict[str, Any]:
    """Call a method of the web API as our bot. Raises Retry, Refused, Rejected or NoAccess."""
    answer = deliver(f"{config['SLACK_API_URL'].rstrip('/')}/{method}", account=True, judge=judge, json=dict(said),
                     headers={"Authorization": f"Bearer {config['SLACK_BOT_TOKEN']}"}, **how)
    return spoken(answer)


def spoken(answer: Answer) -> dict[str, Any]:
    """The answer as an object; empty when it is none."""
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def judge(answer: Answer) -> Exception | None:
    """What an answer of 200 that is no success means; other statuses speak for themselves."""
    said = spoken(answer)
    if not 200 <= answer.status < 300 or said.get("ok") is True:
        return None
    error = str(said.get("error") or "no reason")[:60]
    if error in LATER or not said:
        wait = answer.headers.get("retry-after", "")
        return Retry(f"Slack can't take it now ({error})", after=float(wait) if wait.isdecimal() else None)
    if error in ADDRESS:
        return Refused(f"Slack can't reach this member or channel ({error})")
    if error in ACCOUNT:
        scope = f", needs {said['needed']}" if said.get("needed") else ""
        return NoAccess(f"Slack does not accept our app ({error}{scope})")
    return Rejected(f"Slack refused it ({error})")


def check(inbound: Inbound, config: Mapping[str, Any]) -> None:
    """Raise Rejected unless Slack signed this request in the last five minutes: v0, HMAC-SHA256 over time and body."""
    secret, moment = str(config.get("SLACK_SIGNING_SECRET") or ""), inbound.headers.get("x-slack-request-timestamp", "")
    if not secret:
        raise Rejected("SLACK_SIGNING_SECRET is not set, so nothing can be checked", unauthenticated=True)
    if not (moment.isascii() and moment.isdecimal() and len(moment) < 12
            and abs(inbound.received_at.timestamp() - int(moment)) <= WINDOW):
        raise Rejected("Slack's timestamp is missing or more than five minutes off", unauthenticated=True)
    right = "v0=" + hmac.new(secret.encode(), f"v0:{moment}:".encode() + inbound.body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(right.encode(), inbound.headers.get("x-slack-signature", "").encode()):
        raise Rejected("Slack's signature is wrong", unauthenticated=True)
