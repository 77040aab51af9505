"""A client that this project did not write walks the whole directory service."""

from __future__ import annotations

from contextvars import Context
from typing import Annotated

from scim2_client.engines.wsgi import WSGISCIMClient
from scim2_models import Required, ScimProvider
from scim2_tester import Status, check_server

from app.identity import scim_shapes
from tests.identity.directory import directory
from tests.test_architecture import nothing

# What it complains about, and why it may: each of these always has a value, and search by POST is not offered.
ALLOWED = ("did not remove attribute 'displayName'", "did not remove attribute 'timezone'",
           "active can't be removed: it is true or false", "There is no /scim/v2/.search")


class Email(scim_shapes.Email):
    """An address that is there: the client makes up words, and a person here needs one."""

    value: Annotated[str | None, Required.true] = None


class User(scim_shapes.User):
    """A person as the client makes them up: with an address."""

    emails: Annotated[list[Email] | None, Required.true] = None


def test_a_foreign_client_finds_nothing_to_complain_about(app):
    """Discovery, creation, queries, replacement, patches and deletion of people and teams."""
    def in_its_own_request(environ, start_response):
        return Context().run(lambda: list(app.wsgi_app(environ, start_response)))

    client = WSGISCIMClient(in_its_own_request, "http://localhost/scim/v2", headers=directory(app).header,
                            provider=ScimProvider(models=[User, scim_shapes.Group]))
    results = check_server(client)
    assert len(results) > 40
    nothing(f"{one.title}: {one.reason}" for one in results if one.status in (Status.ERROR, Status.CRITICAL)
            and not str(one.reason).endswith(ALLOWED))
