"""Makes issues in Linear, by its GraphQL API.

Sources: https://linear.app/developers/graphql (endpoint, keys, errors), https://linear.app/developers/rate-limiting; an
issue may be created under an id of one's own (IssueCreateInput.id), so that a repeat can be recognised.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from app.plugin_api import (
    Answer,
    Call,
    Done,
    Field,
    NoAccess,
    Order,
    Rejected,
    Retry,
    Ticket,
    hookimpl,
    mapping,
    sequence,
    text,
)

CREATE = ("mutation Create($input: IssueCreateInput!) "
          "{ issueCreate(input: $input) { success issue { id identifier url } } }")
LOOK = ("query Look($id: ID!) { issues(filter: { id: { eq: $id } }, first: 1) "
        "{ nodes { id identifier url state { type } } } }")
CHECK = "query { viewer { name } }"
OVER = ("completed", "canceled", "duplicate")
PRIORITIES = (("0", "None"), ("1", "Urgent"), ("2", "High"), ("3", "Medium"), ("4", "Low"))


class LinearIssue:
    """One issue for each order, under an id made from the order's mark, which stands in its description too."""

    slug, name, product = "linear_issue", "Create a Linear issue", "Linear"
    can = frozenset({"ticket"})
    fields = (
        Field("token", "API key", required=True, secret=True, help="A personal API key, or “Bearer ” and an OAuth token"),
        Field("api_url", "API address", kind="url", default="https://api.linear.app/graphql"),
    )
    params = (
        Field("team", "Team id", required=True, help="The UUID of the team: in Linear press Ctrl+K, “Copy model UUID”"),
        Field("title", "Title", required=True),
        Field("description", "Description", kind="area"),
        Field("priority", "Priority", kind="choice", choices=PRIORITIES, default="0"),
        Field("labels", "Label ids", help="UUIDs with commas between"),
    )

    def prepare(self, order: Order, config: Mapping[str, Any]) -> Call:
        """issueCreate."""
        said = order.params
        wanted: dict[str, Any] = {
            "id": _id(order), "teamId": text(said.get("team")), "title": " ".join(text(said.get("title")).split())[:512],
            "description": f"{text(said.get('description'))[:50_000]}\n\n`{order.mark}`".strip(),
            "priority": int(text(said.get("priority")) or 0)}
        labels = [part.strip() for part in text(said.get("labels")).split(",") if part.strip()]
        return _call(config, CREATE, input={**wanted, **({"labelIds": labels} if labels else {})})

    def read(self, answer: Answer, order: Order, config: Mapping[str, Any]) -> Done:
        """`{"data": {"issueCreate": {"success", "issue"}}}`; errors come with status 200 too."""
        return _done(mapping(_data(answer).get("issueCreate")).get("issue"))

    def look(self, order: Order, config: Mapping[str, Any]) -> Call:
        """The issue of this id."""
        return _call(config, LOOK, id=_id(order))

    def found(self, answer: Answer, order: Order, config: Mapping[str, Any]) -> Done | None:
        """It, if it is there."""
        nodes = sequence(mapping(_data(answer).get("issues")).get("nodes"))
        return _done(nodes[0]) if nodes else None

    def check(self, config: Mapping[str, Any]) -> Call:
        """Whose key it is."""
        return _call(config, CHECK)

    def checked(self, answer: Answer) -> str:
        """Their name."""
        return f"Linear knows us as {text(mapping(_data(answer).get('viewer')).get('name')) or 'nobody by name'}"

    def reason(self, answer: Answer) -> str:
        """`{"errors": [{"message", "extensions": {"code", "userPresentableMessage"}}]}`."""
        return _words(sequence(mapping(answer.json()).get("errors")))


def _id(order: Order) -> str:
    return str(uuid5(NAMESPACE_URL, f"oncall:{order.mark}"))


def _call(config: Mapping[str, Any], query: str, **variables: Any) -> Call:
    url = text(config.get("api_url")) or "https://api.linear.app/graphql"
    return Call("POST", url, {"Authorization": text(config.get("token"))}, json={"query": query, "variables": variables})


def _data(answer: Answer) -> dict[str, Any]:
    said = mapping(answer.json())
    faults = sequence(said.get("errors"))
    if not faults:
        return mapping(said.get("data"))
    codes = {text(mapping(mapping(fault).get("extensions")).get("code")) for fault in faults}
    if "RATELIMITED" in codes:
        raise Retry(_words(faults))
    raise NoAccess(_words(faults)) if "AUTHENTICATION_ERROR" in codes else Rejected(_words(faults))


def _words(faults: list[Any]) -> str:
    found = [mapping(fault) for fault in faults]
    return "; ".join(text(mapping(fault.get("extensions")).get("userPresentableMessage")) or text(fault.get("message"))
                     for fault in found) or "Linear refused it"


def _done(said: Any) -> Done:
    issue = mapping(said)
    key, url = text(issue.get("identifier")), text(issue.get("url"))
    if not key:
        raise Retry("Linear's answer names no issue")
    stands = text(mapping(issue.get("state")).get("type"))
    still = stands not in OVER if stands else None
    return Done({"key": key, "url": url, "id": text(issue.get("id"))}, Ticket(key, url, still))


@hookimpl
def workflow_actions() -> list[LinearIssue]:
    """Create an issue."""
    return [LinearIssue()]
