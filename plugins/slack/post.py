"""Posts of workflows in a channel of Slack.

Sources: https://docs.slack.dev/reference/methods/chat.postMessage, …/auth.test (both answer 200 with `ok`),
…/apis/web-api/rate-limits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.plugin_api import (
    Answer,
    Call,
    Done,
    Field,
    NoAccess,
    Order,
    Rejected,
    Retry,
    mapping,
    text,
)

ACCOUNT = frozenset({"invalid_auth", "account_inactive", "token_revoked", "token_expired", "not_authed", "missing_scope"})
PASSING = frozenset({"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable",
                     "request_timeout"})


class SlackPost:
    """One message in a channel; what an alert says never mentions anybody."""

    slug, name, product = "slack_post", "Post in Slack", "Slack"
    can = frozenset[str]()
    fields = (
        Field("token", "Bot token", required=True, secret=True, help="xoxb-…, with the scope chat:write"),
        Field("api_url", "API address", kind="url", default="https://slack.com/api"),
    )
    params = (
        Field("channel", "Channel", required=True, help="Its id, or #name; invite the bot into a private one"),
        Field("text", "Text", kind="area", required=True),
        Field("thread", "Thread", help="Answer to an earlier post: its `ts`, such as {{ steps.post.output.ts }}"),
    )

    def prepare(self, order: Order, config: Mapping[str, Any]) -> Call:
        """chat.postMessage."""
        said = order.params
        body = {"channel": text(said.get("channel")), "text": _escaped(text(said.get("text")))[:40_000],
                "unfurl_links": False, "metadata": {"event_type": "oncall", "event_payload": {"mark": order.mark}}}
        if said.get("thread"):
            body["thread_ts"] = text(said["thread"])
        return _call(config, "chat.postMessage", body)

    def read(self, answer: Answer, order: Order, config: Mapping[str, Any]) -> Done:
        """`{"ok": true, "channel", "ts"}`."""
        said = _said(answer)
        return Done({"channel": text(said.get("channel")), "ts": text(said.get("ts"))})

    def check(self, config: Mapping[str, Any]) -> Call:
        """auth.test."""
        return _call(config, "auth.test", {})

    def checked(self, answer: Answer) -> str:
        """Bot and workspace."""
        said = _said(answer)
        return f"Slack knows us as {text(said.get('user')) or 'a bot'} in {text(said.get('team')) or 'its workspace'}"


def _call(config: Mapping[str, Any], method: str, body: dict[str, Any]) -> Call:
    base = text(config.get("api_url")) or "https://slack.com/api"
    return Call("POST", f"{base.rstrip('/')}/{method}", {"Authorization": f"Bearer {text(config.get('token'))}"}, json=body)


def _said(answer: Answer) -> dict[str, Any]:
    said = mapping(answer.json())
    if said.get("ok") is True:
        return said
    fault = text(said.get("error")) or "no reason"
    if fault in PASSING:
        raise Retry(f"Slack said {fault}")
    raise NoAccess(f"Slack said {fault}") if fault in ACCOUNT else Rejected(f"Slack said {fault}")


def _escaped(words: str) -> str:
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
