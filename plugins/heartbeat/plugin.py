"""What a heartbeat here says when it stops, and when it is back. It is written by the house itself."""

from __future__ import annotations

from typing import Any

from app.plugin_api import Field, Inbound, Rejected, Signal, first, hookimpl, moment, text


def said(inbound: Inbound) -> dict[str, Any]:
    """The body, checked for its form. Raises Rejected."""
    body = inbound.json()
    if not isinstance(body, dict) or not text(body.get("heartbeat")):
        raise Rejected('The body must be an object that names a "heartbeat"')
    if text(body.get("status")) not in ("firing", "resolved"):
        raise Rejected('"status" must be firing or resolved')
    return body


class Heartbeat:
    """A dead-man switch."""

    slug = "heartbeat"
    name = "Heartbeat"
    can = frozenset({"inside", "resolve"})
    fields: tuple[Field, ...] = ()

    def verify(self, inbound: Inbound, config: Any) -> None:
        """The form is all there is to check."""
        said(inbound)

    def normalize(self, inbound: Inbound, config: Any) -> list[Signal]:
        """The one signal: it stopped, or it is back."""
        body = said(inbound)
        status, at, output = text(body["status"]), moment(body.get("at")), text(body.get("output"))
        name = first(body.get("name"), body.get("heartbeat"))
        verb = "failed" if "failed" in text(body.get("reason")) else "did not report in time"
        return [Signal(
            dedup_key=f"heartbeat:{text(body['heartbeat'])}", status="resolved" if status == "resolved" else "firing",
            title=f"{name} {verb}", severity="high", happened_at=at, started_at=at,
            body="\n\n".join(part for part in (text(body.get("reason")), output and f"Last output:\n{output}") if part),
            labels={"heartbeat": text(body["heartbeat"])})]


@hookimpl
def integrations() -> list[Heartbeat]:
    """The way in."""
    return [Heartbeat()]
