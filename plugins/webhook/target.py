"""A runbook's request to any server: signed, with one key over all its tries, followed or reported back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from app.plugin_api import (
    Answer,
    Call,
    Field,
    Outcome,
    Rejected,
    Step,
    now,
    perform,
    sign,
    text,
)

METHODS = ("POST", "PUT", "PATCH", "GET", "DELETE")
BODILESS = ("GET", "DELETE")
LOOK_SECONDS = 10.0
STATES = {"succeeded": "succeeded", "failed": "failed", "running": "running"}


class WebhookTarget:
    """One HTTP request. Its end is the answer, a callback, or what its `Location` says when asked."""

    slug = "webhook"
    name = "Webhook"
    can = frozenset({"response", "callback", "follow", "cancel"})
    settings = ()
    fields = (
        Field("url", "Address", kind="url", required=True, help="https://, where the request goes"),
        Field("method", "Method", kind="choice", default="POST", choices=tuple((name, name) for name in METHODS)),
        Field("headers", "Headers", kind="json",
              help='An object such as {"Authorization": "Bearer {{ secret.ops }}"}'),
        Field("signing_secret", "Signing secret", secret=True,
              help="{{ secret.<name> }}: signs the request, and must sign each callback"),
    )

    def prepare(self, step: Step, config: Mapping[str, Any]) -> Call:
        """The request with its signature."""
        method = str(config.get("method") or "POST")
        body = b"" if method in BODILESS else json.dumps(_payload(step), ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json"} if body else {}
        headers |= {"Idempotency-Key": step.key, **_headers(config, body, step.key)}
        return Call(method, str(config.get("url")), headers, body=body)

    def run(self, step: Step, config: Mapping[str, Any]) -> Outcome:
        """Send it, once."""
        call = self.prepare(step, config)
        answer = perform(call, timeout=step.timeout)
        if step.wait == "response":
            return Outcome("succeeded", answer.text)
        if step.wait == "callback":
            return Outcome("running")
        return Outcome("running", handle={"url": _place(answer, call.url), "key": step.key})

    def follow(self, handle: Mapping[str, Any], config: Mapping[str, Any]) -> Outcome:
        """Ask the address that the first answer named: `{"status", "output", "progress"}`."""
        answer = perform(Call("GET", str(handle["url"]), _headers(config, b"", str(handle["key"]))), timeout=LOOK_SECONDS)
        try:
            said = answer.json()
        except ValueError:
            raise Rejected("Its state is not JSON") from None
        state = STATES.get(text(said.get("status"))) if isinstance(said, dict) else None
        if state is None:
            raise Rejected("Its state must be running, succeeded or failed")
        lines = said.get("progress")
        return Outcome(state, _output(said.get("output")), handle,  # type: ignore[arg-type]
                       [text(line) for line in (lines if isinstance(lines, list) else [lines]) if line])

    def cancel(self, handle: Mapping[str, Any], config: Mapping[str, Any]) -> None:
        """DELETE the address that is followed."""
        perform(Call("DELETE", str(handle["url"]), _headers(config, b"", str(handle["key"]))), timeout=LOOK_SECONDS)


def _payload(step: Step) -> Any:
    """What is sent; the way back stands in it, wherever the runbook put it or as `callback_url`."""
    if step.callback and isinstance(step.payload, dict) and step.callback not in json.dumps(step.payload):
        return {**step.payload, "callback_url": step.callback}
    return step.payload


def _headers(config: Mapping[str, Any], body: bytes, delivery: str) -> dict[str, str]:
    own = {str(name): str(value) for name, value in (config.get("headers") or {}).items()}
    secret = config.get("signing_secret")
    return {**own, **(sign(body, secret=str(secret), at=now(), delivery=delivery) if secret else {})}


def _place(answer: Answer, url: str) -> str:
    """Where its state can be asked; on the same server, since the headers go there too."""
    place = urljoin(url, answer.headers.get("location", ""))
    if not answer.headers.get("location"):
        raise Rejected("outcome unknown: the answer has no Location header to follow")
    if urlsplit(place)[:2] != urlsplit(url)[:2]:
        raise Rejected("outcome unknown: its Location is on another server, which is not followed")
    return place


def _output(said: Any) -> str:
    return said if isinstance(said, str) else "" if said is None else json.dumps(said, ensure_ascii=False)
