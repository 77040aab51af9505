"""Runbooks as commands of AWS Systems Manager (Run Command) on managed nodes.

Source: docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendCommand.html, …/API_ListCommands.html,
…/API_GetCommandInvocation.html, …/API_CancelCommand.html.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from app.plugin_api import (
    Call,
    Field,
    NoAccess,
    Outcome,
    Rejected,
    Retry,
    Step,
    mapping,
    now,
    perform,
    said_in,
    sequence,
    text,
    written,
)

LOOK_SECONDS = 10.0
ENDED = {"Success": "succeeded", "Cancelled": "failed", "Failed": "failed", "TimedOut": "failed",
         "DeliveryTimedOut": "failed", "ExecutionTimedOut": "failed", "Undeliverable": "failed", "Terminated": "failed"}
MOST_NODES = 50
UNKNOWN = "outcome unknown"
Signed = Callable[..., dict[str, str]]


class SystemsManager:
    """One document, run on nodes that are named or tagged; the payload becomes its parameters."""

    slug, name = "aws-ssm", "AWS Systems Manager"
    can = frozenset({"follow", "cancel", "dry_run"})
    settings = ("AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL")
    fields = (
        Field("document", "Document", default="AWS-RunShellScript", required=True,
              help="Its name, such as AWS-RunShellScript"),
        Field("instances", "Nodes", kind="lines", help="Ids such as i-0123456789abcdef0, one on each line"),
        Field("tag", "Tag", help="In place of ids: key=value of the nodes"),
        Field("region", "Region", help="Left empty: the setting AWS_REGION"),
        Field("key_id", "Access key", help="Left empty: the setting AWS_ACCESS_KEY_ID"),
        Field("key", "Its secret", secret=True, help="{{ secret.<name> }}; left empty: the setting AWS_SECRET_ACCESS_KEY"),
    )

    def __init__(self, signed: Signed) -> None:
        self.signed = signed

    def prepare(self, step: Step, config: Mapping[str, Any]) -> Call:
        """SendCommand, signed. The execution's key stands in its comment."""
        given = step.payload if isinstance(step.payload, dict) else {"commands": step.payload}
        body: dict[str, Any] = {
            "DocumentName": str(config.get("document")), "Comment": f"oncall {step.key}",
            "Parameters": {name: _texts(value) for name, value in given.items()},
            "TimeoutSeconds": min(max(int(step.timeout), 30), 2_592_000)}
        if config.get("instances"):
            body["InstanceIds"] = list(config["instances"])
        elif (tag := str(config.get("tag") or "").partition("="))[1]:
            body["Targets"] = [{"Key": f"tag:{tag[0].strip()}", "Values": [tag[2].strip()]}]
        else:
            raise Rejected("It names neither nodes nor a tag")
        return self._call("SendCommand", body, config)

    def run(self, step: Step, config: Mapping[str, Any]) -> Outcome:
        """Send it. SendCommand takes no idempotency key, so where nobody knows what came of it, it is looked for once
        and never sent again."""
        try:
            sent = mapping(self._asked(self.prepare(step, config), step.timeout, once=True).get("Command"))
        except Rejected as fault:
            found = self._sent_before(step.key, config) if fault.reason.startswith(UNKNOWN) else ""
            if not found:
                raise
            sent = {"CommandId": found}
        command = text(sent.get("CommandId"))
        if not command:
            raise Rejected(f"{UNKNOWN}: Amazon did not say which command it took")
        return Outcome("running", handle={"command": command}, progress=[f"Command {command}"])

    def _sent_before(self, key: str, config: Mapping[str, Any]) -> str:
        try:
            said = self._asked(self._call("ListCommands", {"MaxResults": 50}, config), LOOK_SECONDS)
        except (Retry, Rejected, NoAccess):
            return ""
        return next((text(one.get("CommandId")) for one in map(mapping, sequence(said.get("Commands")))
                     if text(one.get("Comment")) == f"oncall {key}"), "")

    def follow(self, handle: Mapping[str, Any], config: Mapping[str, Any]) -> Outcome:
        """How the command stands on all of its nodes; what each one said once it has ended."""
        asked = {"CommandId": str(handle["command"])}
        said = self._asked(self._call("ListCommands", asked, config), LOOK_SECONDS)
        command = mapping(next(iter(sequence(said.get("Commands"))), {}))
        status = text(command.get("Status"))
        if status not in ENDED:
            return Outcome("running", handle=handle)
        nodes = [text(node) for node in sequence(command.get("InstanceIds"))][:MOST_NODES]
        output = "\n".join(self._output(node, asked, config) for node in nodes)
        reason = "" if ENDED[status] == "succeeded" else text(command.get("StatusDetails")) or status
        return Outcome(ENDED[status], output, handle, reason=reason)  # type: ignore[arg-type]

    def _output(self, node: str, asked: Mapping[str, Any], config: Mapping[str, Any]) -> str:
        try:
            said = self._asked(self._call("GetCommandInvocation", {**asked, "InstanceId": node}, config), LOOK_SECONDS)
        except Rejected:
            return f"{node}: nothing is known of it"
        parts = [text(said.get(name)).strip() for name in ("StandardOutputContent", "StandardErrorContent")]
        return "\n".join([f"{node}: {text(said.get('Status'))}", *filter(None, parts)])

    def cancel(self, handle: Mapping[str, Any], config: Mapping[str, Any]) -> None:
        """Ask the nodes to stop it, as far as they have not ended."""
        self._asked(self._call("CancelCommand", {"CommandId": str(handle["command"])}, config), LOOK_SECONDS)

    def dry_run(self, step: Step, config: Mapping[str, Any]) -> Outcome:
        """See that the document is there and the key may see it."""
        self.prepare(step, config)
        said = self._asked(self._call("DescribeDocument", {"Name": str(config.get("document"))}, config), step.timeout)
        found = mapping(said.get("Document"))
        known = {text(one.get("Name")) for one in map(mapping, sequence(found.get("Parameters")))}
        stray = sorted(set(step.payload if isinstance(step.payload, dict) else ()) - known) if known else []
        if stray:
            return Outcome("failed", reason=f"The document knows no {', '.join(stray)}")
        return Outcome("succeeded", f"The document {text(found.get('Name'))} can be run")

    def _call(self, action: str, body: Mapping[str, Any], config: Mapping[str, Any]) -> Call:
        region = str(config.get("region") or config.get("AWS_REGION") or "us-east-1")
        base = str(config.get("AWS_ENDPOINT_URL") or f"https://ssm.{region}.amazonaws.com").rstrip("/")
        own = (config.get("key_id"), config.get("key"))
        keys = own if all(own) else (config.get("AWS_ACCESS_KEY_ID", ""), config.get("AWS_SECRET_ACCESS_KEY", ""))
        raw = json.dumps(dict(body), ensure_ascii=False).encode()
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"AmazonSSM.{action}"}
        return Call("POST", f"{base}/", self.signed(f"{base}/", raw, headers, scope=(region, "ssm"), at=now(),
                                                   keys=(str(keys[0]), str(keys[1]))), body=raw)

    def _asked(self, call: Call, timeout: float, *, once: bool = False) -> dict[str, Any]:
        try:
            answer = perform(call, timeout=timeout, once=once)
            return said_in("Amazon", answer, begins=once) if answer.body.strip() else {}
        except Rejected as refusal:
            raise _meaning(refusal) from None


def _meaning(refusal: Rejected) -> Exception:
    """Amazon's errors of credentials and of load come as 400."""
    said = refusal.reason
    if said.startswith(UNKNOWN):
        return refusal
    if any(word in said for word in ("Throttl", "TooManyUpdates", "InternalServerError")):
        return Retry(said)
    words = ("UnrecognizedClient", "InvalidSignature", "AccessDenied", "ExpiredToken", "InvalidClientTokenId",
             "SignatureDoesNotMatch", "IncompleteSignature")
    return NoAccess(said) if any(word in said for word in words) else refusal


def _texts(value: Any) -> list[str]:
    """Parameters of a document are lists of texts."""
    return [written(one) for one in (value if isinstance(value, list) else [value])]
