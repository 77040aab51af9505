"""News that no reader hears, since what they tell of stands in shadow."""

from __future__ import annotations

from app.core.db import session
from app.core.shadow import Shadow, covering, standing
from app.shadow import queries as shadows
from app.shadow.service import Held, note
from app.status_pages.maintenance_models import Announcement
from app.status_pages.models import Component


def withheld(news: Announcement) -> Shadow | None:
    """The shadow of its page's team, or of every service that the components follow of which it tells."""
    if not standing(news.created_at):
        return None
    found = shadows.of_team(news.page.team_id, news.created_at)
    services = [one for component in news.components if (made := session.get(Component, component)) is not None
                for one in made.services]
    theirs = [covering((one.ref, f"team:{one.team_id}"), news.created_at) for one in services]
    return found or (theirs[0] if theirs and all(theirs) else None)


def held_back(news: Announcement, readers: int) -> bool:
    """Whether these readers are not told, since it stands in shadow; it is listed then."""
    shadow = withheld(news)
    if shadow is not None:
        number = f"{readers} {'reader' if readers == 1 else 'readers'}"
        note(shadow, Held(f"readers:{news.id}", news.created_at, "readers", "status page", news.subject,
                          whom=f"{number} of {news.page.name}", team_id=news.page.team_id))
    return shadow is not None
