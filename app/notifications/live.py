"""Which blocks of the notification pages refresh on which facts."""

from __future__ import annotations

from flask_login import current_user

from app.core.errors import NotFound
from app.core.feed import Feed
from app.notifications import channel_pages, pages


def _test(id: int) -> pages.TestPage:
    if current_user.id != id:
        raise NotFound("There is no such test.")
    return pages.test_page(current_user)


FEEDS = (
    Feed("/settings/channels", "notifications/channels.html", channel_pages.channels_page, topics=("providers",),
         regions={"channels": "provider.* channel_account.*"}),
    Feed("/me/test/<int:id>", "notifications/test.html", _test, topics=("user:{id}",),
         regions={"messages": "message.*"}, personal=True),
)
