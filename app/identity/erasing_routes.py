"""The way by which an admin erases a person: typed on their page, and proven."""

from __future__ import annotations

from typing import Any

from flask import request, url_for

from app.core.access import access
from app.core.errors import Invalid
from app.core.pages import go, page
from app.core.web import actor
from app.identity import pages, reauth
from app.identity.door import blueprint
from app.identity.erasing import erase_typed


@blueprint.post("/people/<int:user_id>/erase")
@access("people.erase")
@reauth.needs_proof
def erase_person(user_id: int) -> Any:
    """Replace a deactivated person by "Former person n", for ever."""
    user, by = pages.person_of(user_id), actor()
    try:
        erased = erase_typed(user, request.form.get("typed", ""), by=by)
    except Invalid as refusal:
        return page("identity/person.html", pages.person_page(user, by, problems=refusal.problems), status=422)
    return go(url_for("identity.person", user_id=user.id), f"This is {erased.name} from now on")
