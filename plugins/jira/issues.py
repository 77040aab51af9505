"""Makes issues in Jira Cloud and Data Center.

Sources: https://developer.atlassian.com/cloud/jira/platform/rest/v2/api-group-issues/ (create, search by JQL, myself);
https://developer.atlassian.com/server/jira/platform/rest/ (the same with a personal access token).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from app.plugin_api import (
    Answer,
    Call,
    Done,
    Field,
    Order,
    Retry,
    Ticket,
    mapping,
    sequence,
    text,
)

SUMMARY, DESCRIPTION = 255, 32_000


class JiraIssue:
    """One issue for each order; it carries the order's mark as a label."""

    slug, name, product = "jira_issue", "Create a Jira issue", "Jira"
    can = frozenset({"ticket"})
    fields = (
        Field("site", "Site", kind="url", required=True, help="Such as https://example.atlassian.net"),
        Field("email", "E-mail of the account", help="For Jira Cloud. Empty: Data Center, with a personal access token"),
        Field("token", "API token", required=True, secret=True),
    )
    params = (
        Field("project", "Project key", required=True, help="Such as SHOP"),
        Field("type", "Issue type", default="Task"),
        Field("title", "Summary", required=True),
        Field("description", "Description", kind="area"),
        Field("priority", "Priority", help="As Jira calls it, such as High"),
        Field("labels", "Labels", help="With commas between"),
        Field("assignee", "Assignee", help="The account id, or in Data Center the user name"),
    )

    def prepare(self, order: Order, config: Mapping[str, Any]) -> Call:
        """POST /rest/api/2/issue: this version takes the description as text, in Cloud too."""
        said = order.params
        labels = [label.strip().replace(" ", "-") for label in text(said.get("labels")).split(",") if label.strip()]
        fields: dict[str, Any] = {
            "project": {"key": text(said.get("project"))}, "issuetype": {"name": text(said.get("type")) or "Task"},
            "summary": " ".join(text(said.get("title")).split())[:SUMMARY],
            "description": text(said.get("description"))[:DESCRIPTION], "labels": [*labels, order.mark]}
        if said.get("priority"):
            fields["priority"] = {"name": text(said["priority"])}
        if said.get("assignee"):
            fields["assignee"] = {"accountId" if config.get("email") else "name": text(said["assignee"])}
        return self._call("POST", "/rest/api/2/issue", config, {"fields": fields})

    def read(self, answer: Answer, order: Order, config: Mapping[str, Any]) -> Done:
        """`{"id", "key", "self"}`."""
        return self._done(answer.json(), config)

    def look(self, order: Order, config: Mapping[str, Any]) -> Call:
        """Search for the label."""
        cloud = bool(config.get("email"))
        query = urlencode({"jql": f'labels = "{order.mark}"', "fields": "summary,status", "maxResults": 1}, quote_via=quote)
        return self._call("GET", f"/rest/api/{'3/search/jql' if cloud else '2/search'}?{query}", config)

    def found(self, answer: Answer, order: Order, config: Mapping[str, Any]) -> Done | None:
        """The first issue that was found."""
        issues = sequence(mapping(answer.json()).get("issues"))
        return self._done(issues[0], config) if issues else None

    def check(self, config: Mapping[str, Any]) -> Call:
        """Who we are there."""
        return self._call("GET", "/rest/api/2/myself", config)

    def checked(self, answer: Answer) -> str:
        """Their name."""
        return f"Jira knows us as {text(mapping(answer.json()).get('displayName')) or 'nobody by name'}"

    def reason(self, answer: Answer) -> str:
        """`{"errorMessages": [...], "errors": {field: sentence}}`."""
        said = mapping(answer.json())
        return "; ".join([*map(text, sequence(said.get("errorMessages"))),
                          *(f"{name}: {text(why)}" for name, why in mapping(said.get("errors")).items())])

    def _call(self, method: str, path: str, config: Mapping[str, Any], said: Any = None) -> Call:
        token, email = text(config.get("token")), text(config.get("email"))
        proof = f"Basic {b64encode(f'{email}:{token}'.encode()).decode()}" if email else f"Bearer {token}"
        headers = {"Authorization": proof, "Accept": "application/json"}
        return Call(method, text(config.get("site")).rstrip("/") + path, headers, json=said)

    def _done(self, said: Any, config: Mapping[str, Any]) -> Done:
        key = text(mapping(said).get("key"))
        if not key:
            raise Retry("Jira's answer names no issue")
        url = f"{text(config.get('site')).rstrip('/')}/browse/{quote(key)}"
        status = mapping(mapping(mapping(said).get("fields")).get("status"))
        stands = text(mapping(status.get("statusCategory")).get("key"))  # new, indeterminate or done
        return Done({"key": key, "url": url, "id": text(mapping(said).get("id"))},
                    Ticket(key, url, stands != "done" if stands else None))
