"""What the pages about calendars show: the addresses at which people read their shifts, and calendars outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import httpx
from flask import current_app
from sqlalchemy import select

from app.core.access import Actor
from app.core.db import session
from app.core.errors import NotFound
from app.identity.models import Team, User
from app.identity.queries import allow, may
from app.oncall import feeds, links, pages
from app.oncall.calendar_models import CalendarFeed, CalendarLink
from app.oncall.feed_texts import subject_of
from app.oncall.imports import LOCKED, url_of
from app.oncall.models import CalendarImport, Schedule
from app.oncall.queries import all_schedules, schedule_by_key


@dataclass(frozen=True)
class Address:
    """One calendar that a person may subscribe to; `url` is empty until they made an address. `alive` is whether it
    still opens."""

    what: str
    name: str
    sub: str
    url: str = ""
    feed: CalendarFeed | None = None
    alive: bool = True


@dataclass(frozen=True)
class Outside:
    """A calendar outside: connected when there is a `link`, else it could be."""

    slug: str
    name: str
    link: CalendarLink | None = None


@dataclass(frozen=True)
class CalendarsPage:
    """The reader's addresses, theirs first, what further ones can be made for, and calendars outside. `asked` is what an
    address names."""

    addresses: list[Address]
    choices: list[tuple[str, str]]
    asked: str = ""
    outside: list[Outside] = field(default_factory=list)
    panels: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class ProfilePanel:
    """The calendar of oneself on one's profile."""

    mine: Address
    others: int
    template: str = "panels/profile-calendars.html"


@dataclass(frozen=True)
class TeamPanel:
    """Where to get the calendar of a team."""

    what: str
    template: str = "panels/team-calendar.html"


def profile_panel(user: User) -> ProfilePanel:
    """The address of one's own shifts."""
    own = feeds.feeds_of(user.id)
    return ProfilePanel(_address("me", user, own), sum(one.what != "me" for one in own))


def team_panel(team: Team) -> TeamPanel:
    """A link to the page that makes the team's address for whoever asks."""
    return TeamPanel(team.ref)


def calendars_page(by: Actor, asked: str = "") -> CalendarsPage:
    """All of the reader's addresses, and the one that the link they came by asks for."""
    allow(by, "own.read")
    user = session.get_one(User, by.user_id)
    own = feeds.feeds_of(user.id)
    shown = list(dict.fromkeys(["me", *([asked] if _known(asked, user) else []), *(one.what for one in own)]))
    choices = [(one.ref, f"{one.name} (schedule)") for one in all_schedules(by)]
    choices += [(f"team:{key}", f"{name} (team)") for key, name in _teams(by)]
    return CalendarsPage([_address(what, user, own) for what in shown],
                         [one for one in choices if one[0] not in shown], asked, _outside(user.id))


def _outside(user_id: int) -> list[Outside]:
    """What the person connected, also where it can't be connected any more, and what they could."""
    names = {slug: one.name for slug, one in current_app.extensions["plugins"].calendars.items()}
    mine = {one.plugin: one for one in links.links_of(user_id) if one.state != "leaving"}
    return [Outside(slug, names.get(slug, slug), mine.get(slug)) for slug in sorted({*mine, *links.offers()})]


def _known(what: str, user: User) -> bool:
    try:
        subject_of(what, user)
    except NotFound:
        return False
    return True


def _teams(by: Actor) -> list[tuple[int, str]]:
    keys = [key for key, _ in pages.team_choices(by)]
    found = session.execute(select(Team.id, Team.name).where(Team.key.in_(keys)).order_by(Team.name))
    return [(row.id, row.name) for row in found]


def _address(what: str, user: User, own: Sequence[CalendarFeed]) -> Address:
    feed = next((one for one in own if one.what == what), None)
    try:
        name = subject_of(what, user).name
    except NotFound:
        return Address(what, "No longer there", "You may not see this any more", "", feed, False)
    sub = {"me": "everything you are on duty for", "schedule": "schedule", "team": "all schedules of the team"}
    return Address(what, name, sub[what.partition(":")[0]], feeds.address_of(feed) if feed else "", feed)


def what_of(text: str) -> str:
    """`me`, `schedule:primary` or `team:payments`, as machines write it, with the id in place of the key.
    Raises NotFound."""
    kind, _, key = text.partition(":")
    if kind == "me":
        return "me"
    found: Schedule | Team | None = schedule_by_key(key) if kind == "schedule" else None
    if kind == "team":
        found = session.scalar(select(Team).where(Team.key == key))
    if found is None:
        raise NotFound
    return found.ref


@dataclass(frozen=True)
class Import:
    """A calendar that a schedule is read from, or could be: `where` is what may be shown of its address."""

    use: str
    label: str
    hint: str
    row: CalendarImport | None
    where: str = ""


@dataclass(frozen=True)
class ImportsPage:
    """The calendars of a schedule, with what was typed where it was refused."""

    schedule: Schedule
    imports: list[Import]
    may_edit: bool
    typed: Mapping[str, str] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)


USES = {"primary": ("Primary calendar", "Below all layers: where they have nobody, its events say who is on duty."),
        "override": ("Calendar for overrides", "Above all layers: its events stand in the place of whoever has the turn."),
        "holidays": ("Holidays", "Each day of its events is a holiday: shaded in the timeline, and counted for fairness.")}


def imports_page(schedule: Schedule, by: Actor, *, typed: Mapping[str, str] | None = None,
                 faults: Mapping[str, str] | None = None) -> ImportsPage:
    """The calendars that the schedule is read from."""
    rows = {row.use: row for row in schedule.calendars}
    return ImportsPage(schedule, [Import(use, *words, rows.get(use), _shown(rows[use]) if use in rows else "")
                                  for use, words in USES.items()],
                       may(by, "schedule.edit", team_id=schedule.team_id), typed or {}, faults or {})


def typed_calendars(form: Mapping[str, str], schedule: Schedule) -> list[dict[str, str]]:
    """The posted addresses as the document's `calendars`; an empty field leaves the stored one, a tick removes it."""
    rows = {row.use for row in schedule.calendars}
    given = {use: form.get(use, "").strip() for use in USES}
    return [{"use": use, "url": url} for use, url in given.items()
            if url or (use in rows and not form.get(f"{use}-remove"))]


def _shown(row: CalendarImport) -> str:
    url = httpx.URL(url_of(row))
    return f"{url.host}/…{str(url)[-4:]}" if url.host else LOCKED
