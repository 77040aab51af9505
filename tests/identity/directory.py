"""A directory that provisions people: its calls as they stand in the documentation of those in use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask

from app.identity.models import User
from tests import build

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
PERSON = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


@dataclass
class Directory:
    """Calls /scim/v2 with its token."""

    app: Flask
    header: dict[str, str]

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """One request; its answer."""
        return self.app.test_client().open(f"/scim/v2{path}", method=method, json=body,
                                           headers={**self.header, **headers})

    def get(self, path: str, **query: str) -> Any:
        """The JSON of a GET."""
        return self.app.test_client().get(f"/scim/v2{path}", query_string=query, headers=self.header).json

    def patch(self, path: str, *operations: dict[str, Any], **headers: str) -> Any:
        """A PATCH of these operations."""
        return self.call("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)}, **headers)

    def person(self, name: str, **more: Any) -> Any:
        """POST a person as the larger directories do."""
        return self.call("POST", "/Users", {
            "schemas": [PERSON, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
            "userName": f"{name}@example.com", "externalId": f"ext-{name}", "active": True, "locale": "en-US",
            "name": {"givenName": name.title(), "familyName": "Example"}, "displayName": f"{name.title()} Example",
            "emails": [{"primary": True, "value": f"{name}@example.com", "type": "work"}], "groups": [],
            "password": "1mz050nq", "title": "Engineer",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "Ops"}, **more})

    def group(self, name: str, *members: User | str) -> Any:
        """POST a group."""
        keys = [str(member.id) if isinstance(member, User) else member for member in members]
        return self.call("POST", "/Groups", {"schemas": [GROUP], "displayName": name, "externalId": f"ext-{name}",
                                             "members": [{"value": key, "display": "x"} for key in keys]})


def directory(app: Flask) -> Directory:
    """A directory with a token made by the break-glass admin Root."""
    root = build.user("root", role="admin", break_glass=True)
    return Directory(app, {"Authorization": f"Bearer {build.token(root, scopes=['scim'])}"})


Deactivation = tuple[str, Callable[[Directory, str], Any]]
SHAPES: tuple[Deactivation, ...] = (
    ("pathless, boolean", lambda it, path: it.patch(path, {"op": "replace", "value": {"active": False}})),
    ("path and text, capital op", lambda it, path: it.patch(
        path, {"op": "Replace", "path": "active", "value": "False"})),
    ("pathless text", lambda it, path: it.patch(path, {"op": "replace", "value": {"active": "False"}})),
    ("all capitals", lambda it, path: it.patch(path, {"op": "REPLACE", "path": "active", "value": False})),
    ("add", lambda it, path: it.patch(path, {"op": "Add", "path": "Active", "value": "false"})),
    ("qualified path", lambda it, path: it.patch(path, {"op": "replace", "path": f"{PERSON}:active", "value": False})),
    ("PUT", lambda it, path: it.call("PUT", path, {**it.get(path), "active": False})),
)
