"""Makes issues in a repository.

Sources: https://docs.github.com/en/rest/issues/issues (create, list by label), …/rest/users/users (the authenticated one).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

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

REPOSITORY = re.compile(r"[\w.-]{1,100}/[\w.-]{1,100}")


class GitHubIssue:
    """One issue for each order; it carries the order's mark as a label."""

    slug, name, product = "github_issue", "Create a GitHub issue", "GitHub"
    can = frozenset({"ticket"})
    fields = (
        Field("token", "Access token", required=True, secret=True, help="With the right to write issues of the repository"),
        Field("api_url", "API address", kind="url", default="https://api.github.com",
              help="Of GitHub Enterprise Server: https://HOST/api/v3"),
    )
    params = (
        Field("repository", "Repository", required=True, help="Such as example/shop"),
        Field("title", "Title", required=True),
        Field("description", "Description", kind="area"),
        Field("labels", "Labels", help="With commas between"),
        Field("assignees", "Assignees", help="Logins, with commas between"),
    )

    def prepare(self, order: Order, config: Mapping[str, Any]) -> Call:
        """POST /repos/{owner}/{repo}/issues."""
        said = order.params
        body: dict[str, Any] = {
            "title": " ".join(text(said.get("title")).split())[:256], "body": text(said.get("description"))[:65_000],
            "labels": [*_listed(said.get("labels")), order.mark]}
        if _listed(said.get("assignees")):
            body["assignees"] = _listed(said["assignees"])
        return self._call("POST", f"/repos/{_repository(order)}/issues", config, body)

    def read(self, answer: Answer, order: Order, config: Mapping[str, Any]) -> Done:
        """`{"number", "html_url", …}`."""
        return _done(answer.json(), order)

    def look(self, order: Order, config: Mapping[str, Any]) -> Call:
        """The issues that carry the mark, closed ones too."""
        return self._call("GET", f"/repos/{_repository(order)}/issues?labels={order.mark}&state=all&per_page=1", config)

    def found(self, answer: Answer, order: Order, config: Mapping[str, Any]) -> Done | None:
        """The first of them."""
        issues = sequence(answer.json())
        return _done(issues[0], order) if issues else None

    def check(self, config: Mapping[str, Any]) -> Call:
        """Whose token it is."""
        return self._call("GET", "/user", config)

    def checked(self, answer: Answer) -> str:
        """Their login."""
        return f"GitHub knows us as {text(mapping(answer.json()).get('login')) or 'nobody by name'}"

    def reason(self, answer: Answer) -> str:
        """`{"message", "errors": [{"field", "code"}]}`."""
        said = mapping(answer.json())
        faults = [f"{text(mapping(one).get('field'))} {text(mapping(one).get('code'))}".strip()
                  for one in sequence(said.get("errors"))]
        return "; ".join(part for part in (text(said.get("message")), *faults) if part)

    def _call(self, method: str, path: str, config: Mapping[str, Any], said: Any = None) -> Call:
        base = text(config.get("api_url")) or "https://api.github.com"
        return Call(method, base.rstrip("/") + path, {
            "Authorization": f"Bearer {text(config.get('token'))}", "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28"}, json=said)


def _repository(order: Order) -> str:
    name = text(order.params.get("repository"))
    if not REPOSITORY.fullmatch(name):
        raise ValueError("A repository is written owner/name")
    return name


def _listed(value: Any) -> list[str]:
    return [part.strip() for part in text(value).split(",") if part.strip()]


def _done(said: Any, order: Order) -> Done:
    number, url = text(mapping(said).get("number")), text(mapping(said).get("html_url"))
    if not number:
        raise Retry("GitHub's answer names no issue")
    key = f"{_repository(order).partition('/')[2]}#{number}"
    stands = text(mapping(said).get("state"))
    return Done({"key": key, "url": url, "number": number}, Ticket(key, url, stands == "open" if stands else None))
