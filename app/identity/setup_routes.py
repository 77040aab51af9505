"""One-time links: the first admin, or a person who sets a password."""

from __future__ import annotations

from typing import Any

from flask import request

from app.core.access import access
from app.core.errors import Invalid, NotFound
from app.core.pages import go, page
from app.identity import pages, signin
from app.identity.door import blueprint, let_in, visitor
from app.identity.queries import setup_link

DEAD_LINK = "This link was used already or is older than 24 hours. Ask for a new one."


@blueprint.get("/setup/<token>")
@access("public")
def setup(token: str) -> Any:
    """The form behind a one-time link."""
    link = setup_link(token)
    if link is None:
        raise NotFound(DEAD_LINK)
    return page("identity/setup.html", pages.setup_page(link, {}))


@blueprint.post("/setup/<token>")
@access("public")
def complete_setup(token: str) -> Any:
    """Make the first admin, or set the person's password; then they are signed in."""
    link, by = setup_link(token), visitor()
    if link is None:
        raise NotFound(DEAD_LINK)
    try:
        user, login_token = signin.use_link(token, request.form, ip=by.ip, agent=by.agent)
    except Invalid as refusal:
        return page("identity/setup.html", pages.setup_page(link, request.form, refusal.problems), status=422)
    let_in(user, login_token)
    return go("/", f"Welcome, {user.name}.")
