"""What people read when something failed: plain words, the number of the request and a way on; never a trace."""

from __future__ import annotations

import pytest
from flask import abort
from sqlalchemy.exc import OperationalError

from app.core.errors import Conflict, Forbidden, Invalid, NotFound, RateLimited


def failing(fault):
    """A view that fails like this."""
    def view():
        raise fault
    view.access = "public"
    return view


def aborting(status):
    """A view that aborts."""
    def view():
        abort(status)
    view.access = "public"
    return view


FAULTS = {
    400: aborting(400), 401: aborting(401), 403: failing(Forbidden()), 404: failing(NotFound()), 409: failing(Conflict()),
    413: aborting(413), 422: failing(Invalid()), 429: failing(RateLimited()), 500: failing(KeyError("/secret/path.py")),
    503: failing(OperationalError("SELECT secret", {}, Exception("away"))),
}


@pytest.mark.parametrize("status", FAULTS)
def test_each_failure_has_a_page_in_plain_words_with_its_number_and_a_way_on(app, client, monkeypatch, status):
    """12, Errors: as a person sees it, and the same as problem+json for machines."""
    app.config["PROPAGATE_EXCEPTIONS"] = False
    monkeypatch.setitem(app.view_functions, "identity.login", FAULTS[status])
    answer = client.get("/login", headers={"Accept": "text/html"})
    text = answer.text
    assert answer.status_code == status and answer.mimetype == "text/html"
    assert f"Request <code>{answer.headers['X-Request-ID']}</code>" in text and 'class="btn primary lg"' in text
    assert "<h1" in text and "The server gave no reason" not in text and "This did not work" not in text
    assert not [word for word in ("Traceback", "secret", "KeyError", "OperationalError", "SELECT", "None") if word in text]
    told = client.get("/login", headers={"Accept": "application/json"})
    assert told.mimetype == "application/problem+json" and told.json["status"] == status and told.json["title"]
