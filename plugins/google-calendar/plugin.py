"""Google Calendar: a person's shifts as entries of a calendar they choose, through OAuth.

Sources: developers.google.com/identity/protocols/oauth2/web-server,
developers.google.com/workspace/calendar/api/v3/reference/events, …/guides/extended-properties, …/guides/errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from app.plugin_api import (
    Access,
    Answer,
    CalendarEntry,
    Grant,
    Inbound,
    NoAccess,
    Refused,
    Rejected,
    Retry,
    Setting,
    deliver,
    grant_of,
    hookimpl,
    object_in,
    tokens_from,
)

SCOPES = ("https://www.googleapis.com/auth/calendar.events",
          "https://www.googleapis.com/auth/calendar.calendarlist.readonly")
TOO_OFTEN = ("rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded")
SETTINGS = ("GOOGLE_CALENDAR_CLIENT_ID", "GOOGLE_CALENDAR_CLIENT_SECRET", "GOOGLE_CALENDAR_LOGIN_URL",
            "GOOGLE_CALENDAR_TOKEN_URL", "GOOGLE_CALENDAR_API_URL")
MOST_PAGES = 20
Config = Mapping[str, Any]


class GoogleCalendar:
    """The calendars of one Google account."""

    slug, name = "google-calendar", "Google Calendar"
    settings, needs = SETTINGS, SETTINGS

    def authorize(self, callback: str, state: str, config: Config) -> str:
        """Google's page of consent; it asks each time, since only then there is a token that renews."""
        return f"{config['GOOGLE_CALENDAR_LOGIN_URL']}?" + urlencode({
            "client_id": config["GOOGLE_CALENDAR_CLIENT_ID"], "redirect_uri": callback, "response_type": "code",
            "scope": " ".join(SCOPES), "access_type": "offline", "prompt": "consent", "state": state})

    def granted(self, inbound: Inbound, callback: str, config: Config) -> Grant:
        """The tokens for the code, and whose they are. Raises Rejected when the person said no."""
        if not inbound.query.get("code"):
            raise Rejected(f"Google answered {inbound.query.get('error') or 'without a code'}"[:200])
        said = token(config, grant_type="authorization_code", code=inbound.query["code"], redirect_uri=callback)
        if not said.get("refresh_token"):
            raise Rejected("Google gave no token that can be renewed")
        grant = grant_of(said)
        main = call(config, grant, "GET", "/users/me/calendarList/primary")
        return Grant(grant.access, grant.refresh, grant.expires_at, str(main.get("id") or ""))

    def renewed(self, grant: Grant, config: Config) -> Grant:
        """A new access token; the one that renews stays."""
        said = token(config, grant_type="refresh_token", refresh_token=grant.refresh)
        return grant_of(said, grant.refresh, grant.account)

    def revoke(self, grant: Grant, config: Config) -> None:
        """Take the consent back at Google; one that is gone is fine."""
        deliver(f"{config['GOOGLE_CALENDAR_TOKEN_URL']}/revoke", data={"token": grant.refresh}, account=True,
                judge=lambda answer: NoAccess("It is gone already") if answer.status == 400 else None)

    def calendars(self, grant: Grant, config: Config) -> list[tuple[str, str]]:
        """Those the person may write, the main one first."""
        found = pages(config, grant, "/users/me/calendarList", {"minAccessRole": "writer", "maxResults": "250"})
        ordered = sorted(found, key=lambda one: not one.get("primary"))
        return [(str(one["id"]), str(one.get("summaryOverride") or one.get("summary") or one["id"])) for one in ordered]

    def entries(self, access: Access, since: datetime, config: Config) -> list[CalendarEntry]:
        """Ours by their private property, which nobody else's entries have."""
        asked = {"privateExtendedProperty": f"oncall={access.mark}", "timeMin": moment(since), "singleEvents": "true",
                 "maxResults": "250"}
        return [CalendarEntry(
            datetime.fromisoformat(one["start"]["dateTime"]), datetime.fromisoformat(one["end"]["dateTime"]),
            digest=one.get("extendedProperties", {}).get("private", {}).get("oncallDigest", ""), id=one["id"])
            for one in pages(config, access.grant, events(access), asked) if "dateTime" in one.get("start", {})]

    def put(self, access: Access, entry: CalendarEntry, config: Config) -> None:
        """Free time, so that being on duty keeps nobody from meetings."""
        body = {"summary": entry.title, "description": entry.text, "transparency": "transparent",
                "start": {"dateTime": moment(entry.start)}, "end": {"dateTime": moment(entry.end)},
                "source": {"title": "OnCall", "url": entry.url},
                "extendedProperties": {"private": {"oncall": access.mark, "oncallDigest": entry.digest}}}
        if entry.id:
            try:
                call(config, access.grant, "PATCH", f"{events(access)}/{quote(entry.id, safe='')}", json=body)
                return
            except Refused:
                pass  # deleted by hand a moment ago: it is added anew
        call(config, access.grant, "POST", events(access), json=body)

    def remove(self, access: Access, entry: CalendarEntry, config: Config) -> None:
        """Delete it; 404 and 410 say that it is gone."""
        try:
            call(config, access.grant, "DELETE", f"{events(access)}/{quote(entry.id, safe='')}")
        except Refused:
            return


def events(access: Access) -> str:
    """The path of a calendar's entries."""
    return f"/calendars/{quote(access.calendar, safe='')}/events"


def moment(at: datetime) -> str:
    """RFC 3339 in UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def token(config: Config, **form: str) -> dict[str, Any]:
    """Ask for tokens."""
    body = {"client_id": config["GOOGLE_CALENDAR_CLIENT_ID"],
            "client_secret": config["GOOGLE_CALENDAR_CLIENT_SECRET"], **form}
    return tokens_from(f"{config['GOOGLE_CALENDAR_TOKEN_URL']}/token", "Google", body)


def pages(config: Config, grant: Grant, path: str, asked: Mapping[str, str]) -> list[dict[str, Any]]:
    """All items of a list, page by page."""
    found: list[dict[str, Any]] = []
    more: dict[str, str] = {}
    for _ in range(MOST_PAGES):
        said = call(config, grant, "GET", f"{path}?{urlencode({**asked, **more})}")
        found += said.get("items", [])
        if not said.get("nextPageToken"):
            break
        more = {"pageToken": said["nextPageToken"]}
    return found


def call(config: Config, grant: Grant, method: str, path: str, **more: Any) -> dict[str, Any]:
    """One call of the API. Raises Refused for what is not there, Retry when we ask too often."""
    answer = deliver(f"{config['GOOGLE_CALENDAR_API_URL']}{path}", method=method, account=True, judge=refused_call,
                     most=2_000_000, headers={"Authorization": f"Bearer {grant.access}"}, **more)
    return object_in(answer) if answer.body else {}


def refused_call(answer: Answer) -> Exception | None:
    """A 403 may mean "too often"; 404 and 410 a calendar or an entry that is not there."""
    if answer.status == 403 and any(reason in answer.text for reason in TOO_OFTEN):
        return Retry("Google asks us to call less often", after=60)
    return Refused("It is not there any more") if answer.status in (404, 410) else None


@hookimpl
def calendars() -> list[GoogleCalendar]:
    """Kept in step."""
    return [GoogleCalendar()]


@hookimpl
def settings() -> list[Setting]:
    """Written GOOGLE_CALENDAR_… in the environment."""
    return [
        Setting("CLIENT_ID", help="OAuth client of your Google Cloud project; without it people subscribe to an address"),
        Setting("CLIENT_SECRET", help="Its secret", secret=True),
        Setting("LOGIN_URL", "https://accounts.google.com/o/oauth2/v2/auth", "Where people agree"),
        Setting("TOKEN_URL", "https://oauth2.googleapis.com", "Where tokens are given and revoked"),
        Setting("API_URL", "https://www.googleapis.com/calendar/v3", "Address of the API"),
    ]
