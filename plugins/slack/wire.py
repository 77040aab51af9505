"""How Slack is spoken to, what its errors mean, and how it signs what it calls here."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from app.plugin_api import (
    Answer,
    Connection,
    Inbound,
    NoAccess,
    Refused,
    Rejected,
    Retry,
    deliver,
    mapping,
    text,
)

# What the app asks for, and what is impossible without it.
SCOPES = {"chat:write": "nothing can be posted", "chat:write.public": "it must be invited to each channel",
          "commands": "there is no /oncall", "channels:manage": "no channel can be opened for an incident",
          "channels:history": "what is written below posts is not heard",
          "groups:history": "what is written below posts in private channels is not heard"}
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


def authorization(callback: str, state: str, config: Mapping[str, Any]) -> str:
    """Where a workspace is chosen (docs.slack.dev/authentication/installing-with-oauth)."""
    if not config.get("SLACK_CLIENT_ID") or not config.get("SLACK_CLIENT_SECRET"):
        raise Rejected("SLACK_CLIENT_ID and SLACK_CLIENT_SECRET are not set; the guide says where they are found")
    asked = {"client_id": config["SLACK_CLIENT_ID"], "scope": ",".join(SCOPES), "redirect_uri": callback, "state": state}
    return f"{str(config['SLACK_LOGIN_URL']).rstrip('/')}/oauth/v2/authorize?{urlencode(asked)}"


def exchanged(inbound: Inbound, callback: str, config: Mapping[str, Any]) -> Connection:
    """The token for the code that came back. Raises Rejected with what was refused or is missing."""
    if not inbound.query.get("code"):
        raise Rejected(f"Slack says {inbound.query.get('error', 'nothing')[:60]}")
    asked = {"client_id": config["SLACK_CLIENT_ID"], "client_secret": config["SLACK_CLIENT_SECRET"],
             "code": inbound.query["code"], "redirect_uri": callback}
    try:
        said = spoken(deliver(f"{str(config['SLACK_API_URL']).rstrip('/')}/oauth.v2.access", account=True, judge=judge,
                              data=asked))
    except (NoAccess, Refused) as fault:
        raise Rejected(fault.reason) from None
    granted, team = set(text(said.get("scope")).split(",")), mapping(said.get("team"))
    for scope, without in SCOPES.items():
        if scope not in granted:
            raise Rejected(f"Slack did not grant {scope}, and without it {without}. Add it to the app and connect again")
    return Connection(text(team.get("name")) or text(team.get("id")), {
        "SLACK_BOT_TOKEN": text(said.get("access_token")), "SLACK_TEAM_ID": text(team.get("id"))})
