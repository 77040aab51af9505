"""How Teams is spoken to: a token for our bot, conversations, and what its errors mean.

Sources: learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-api-reference,
learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/send-proactive-messages (status codes).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from threading import Lock
from typing import Any
from urllib.parse import quote

from app.plugin_api import Answer, NoAccess, Refused, Rejected, Retry, deliver, mapping, text

SCOPE = "https://api.botframework.com/.default"
EARLY = 300
LATER = (408, 412, 429)
_tokens: dict[tuple[str, str, str], tuple[float, str]] = {}
_lock = Lock()


def call(config: Mapping[str, Any], method: str, path: str, said: Any) -> dict[str, Any]:
    """One call as our bot; a token that ran out early is renewed once, unseen. Raises Retry, Refused, Rejected, NoAccess."""
    url = f"{str(config['TEAMS_SERVICE_URL']).rstrip('/')}/v3/{path}"
    for fresh in (False, True):
        headers = {"Authorization": f"Bearer {token(config, fresh=fresh)}"}
        try:
            return object_of(deliver(url, method=method, account=True, judge=judge, json=said, headers=headers))
        except NoAccess:
            if fresh:
                raise
    raise NoAccess("Teams does not accept our bot")


def token(config: Mapping[str, Any], *, fresh: bool = False) -> str:
    """What proves our bot to Teams; kept until five minutes before it ends."""
    login = str(config["TEAMS_LOGIN_URL"]).rstrip("/")
    key = (login, str(config["TEAMS_APP_ID"]), str(config["TEAMS_APP_PASSWORD"]))
    with _lock:
        until, known = _tokens.get(key, (0.0, ""))
        if known and not fresh and time.monotonic() < until:
            return known
        answer = deliver(f"{login}/{quote(str(config['TEAMS_TENANT_ID']), safe='')}/oauth2/v2.0/token", account=True,
                         judge=_judge_login, data={"grant_type": "client_credentials", "client_id": key[1],
                                                   "client_secret": key[2], "scope": SCOPE})
        said = object_of(answer)
        if not text(said.get("access_token")):
            raise Retry("The answer to our sign-in can't be read")
        lasts = said.get("expires_in")
        _tokens[key] = (time.monotonic() + (lasts if isinstance(lasts, int) else 3600) - EARLY, text(said["access_token"]))
        return _tokens[key][1]


def object_of(answer: Answer) -> dict[str, Any]:
    """The answer as an object; empty when it is none."""
    try:
        return dict(mapping(answer.json()))
    except ValueError:
        return {}


def _judge_login(answer: Answer) -> Exception | None:
    if answer.status in (400, 401, 403):
        said = text(object_of(answer).get("error"))[:60]
        return NoAccess(f"Microsoft does not accept the bot's id, password or tenant ({said or answer.status})")
    return None


def judge(answer: Answer) -> Exception | None:
    """What an error of the service means: the conversation, our bot, or this message."""
    fault = mapping(object_of(answer).get("error"))
    code = text(fault.get("code"))[:60] or str(answer.status)
    if answer.status in LATER:
        wait = answer.headers.get("retry-after", "")
        return Retry(f"Teams asks to wait ({code})", after=float(wait) if wait.isdecimal() else None)
    if answer.status == 401:
        return NoAccess("Teams does not accept our bot")
    if answer.status in (403, 404, 410):
        return Refused(f"Teams can't reach this person or channel: the bot was removed or blocked ({code})")
    return Rejected(f"Teams refused it ({code})") if 400 <= answer.status < 500 else None


def conversation(config: Mapping[str, Any], member: str) -> str:
    """The conversation of our bot and a person, begun by us if it is the first message."""
    try:
        made = call(config, "POST", "conversations", {
            "bot": {"id": f"28:{config['TEAMS_APP_ID']}"}, "members": [{"id": member}], "isGroup": False,
            "tenantId": config["TEAMS_TENANT_ID"], "channelData": {"tenant": {"id": config["TEAMS_TENANT_ID"]}}})
    except Rejected as fault:
        raise Refused(f"Teams knows no such member: {fault.reason}") from None
    if not text(made.get("id")):
        raise Retry("The answer of Teams can't be read")
    return text(made["id"])


def in_conversation(name: str, activity: str = "") -> str:
    """The path of what is said in a conversation, or of one thing said there."""
    return f"conversations/{quote(name, safe='')}/activities" + (f"/{quote(activity, safe='')}" if activity else "")
