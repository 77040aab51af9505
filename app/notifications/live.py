"""Which blocks of the notification pages refresh on which facts."""

from __future__ import annotations

from flask_login import current_user

from app.core.errors import NotFound
from app.core.feed import Feed
from app.notifications import pages


def _test(id: int) -> pages.TestPage:
    if current_user.id != id:
        raise NotFound("There is no such test.")
    return pages.test_page(current_user)


FEEDS = (
    Feed("/me/test/<int:id>", "notifications/test.html", _test, topics=("user:{id}",),
         regions={"messages": "message.*"}, personal=True),
)
