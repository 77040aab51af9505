"""Outlook: a person's shifts as entries of a calendar they choose, through Microsoft Graph and OAuth.

Sources: learn.microsoft.com/graph/auth-v2-user, …/graph/api/calendar-list-events, …/graph/api/resources/event,
…/graph/api/resources/extended-properties-overview, …/graph/throttling.
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
    Refused,
    Rejected,
    Setting,
    deliver,
    grant_of,
    hookimpl,
    object_in,
    tokens_from,
)

SCOPES = "offline_access User.Read Calendars.ReadWrite"
PROPERTY = "String {a4d1a0a5-6a0b-4f0e-9b53-6f3a0c9d5c11} Name "
SETTINGS = ("OUTLOOK_CLIENT_ID", "OUTLOOK_CLIENT_SECRET", "OUTLOOK_LOGIN_URL", "OUTLOOK_API_URL")
MOST_PAGES = 50
Config = Mapping[str, Any]


class Outlook:
    """The calendars of one Microsoft account."""

    slug, name = "outlook", "Outlook"
    settings, needs = SETTINGS, SETTINGS

    def authorize(self, callback: str, state: str, config: Config) -> str:
        """Microsoft's page of consent."""
        return f"{config['OUTLOOK_LOGIN_URL']}/authorize?" + urlencode({
            "client_id": config["OUTLOOK_CLIENT_ID"], "redirect_uri": callback, "response_type": "code",
            "response_mode": "query", "scope": SCOPES, "prompt": "select_account", "state": state})

    def granted(self, inbound: Inbound, callback: str, config: Config) -> Grant:
        """The tokens for the code, and whose they are. Raises Rejected when the person said no."""
        if not inbound.query.get("code"):
            raise Rejected(f"Microsoft answered {inbound.query.get('error') or 'without a code'}"[:200])
        said = token(config, grant_type="authorization_code", code=inbound.query["code"], redirect_uri=callback)
        if not said.get("refresh_token"):
            raise Rejected("Microsoft gave no token that can be renewed")
        grant = grant_of(said)
        me = call(config, grant, "GET", "/me?$select=mail,userPrincipalName")
        return Grant(grant.access, grant.refresh, grant.expires_at,
                     str(me.get("mail") or me.get("userPrincipalName") or ""))

    def renewed(self, grant: Grant, config: Config) -> Grant:
        """New tokens; the one that renews may be another as well."""
        said = token(config, grant_type="refresh_token", refresh_token=grant.refresh, scope=SCOPES)
        return grant_of(said, grant.refresh, grant.account)

    def revoke(self, grant: Grant, config: Config) -> None:
        """Microsoft has no call for that: the tokens are forgotten here, and people can take the consent back there."""

    def calendars(self, grant: Grant, config: Config) -> list[tuple[str, str]]:
        """Those the person may write, the main one first."""
        found = pages(config, grant, "/me/calendars", {"$top": "100", "$select": "id,name,canEdit,isDefaultCalendar"})
        ordered = sorted((one for one in found if one.get("canEdit")), key=lambda one: not one.get("isDefaultCalendar"))
        return [(str(one["id"]), str(one.get("name") or one["id"])) for one in ordered]

    def entries(self, access: Access, since: datetime, config: Config) -> list[CalendarEntry]:
        """Ours by their extended property, which nobody else's entries have."""
        mark = access.mark.replace("'", "''")
        found = pages(config, access.grant, events(access), {
            "$filter": "singleValueExtendedProperties/Any("
                       f"ep: ep/id eq '{PROPERTY}oncall' and ep/value eq '{mark}')",
            "$expand": f"singleValueExtendedProperties($filter=id eq '{PROPERTY}oncallDigest')",
            "$select": "id,start,end", "$top": "100"})
        read = [CalendarEntry(instant(one["start"]), instant(one["end"]), digest=digest(one), id=one["id"])
                for one in found]
        return [one for one in read if one.end > since]

    def put(self, access: Access, entry: CalendarEntry, config: Config) -> None:
        """Shown as free, so that being on duty keeps nobody from meetings."""
        kept = {"oncall": access.mark, "oncallDigest": entry.digest}
        body = {"subject": entry.title, "body": {"contentType": "text", "content": f"{entry.text}\n{entry.url}"},
                "start": moment(entry.start), "end": moment(entry.end), "showAs": "free", "isReminderOn": False,
                "singleValueExtendedProperties": [{"id": PROPERTY + name, "value": value} for name, value in kept.items()]}
        if entry.id:
            try:
                call(config, access.grant, "PATCH", f"{events(access)}/{quote(entry.id, safe='')}", json=body)
                return
            except Refused:
                pass  # deleted by hand a moment ago: it is added anew
        call(config, access.grant, "POST", events(access), json=body)

    def remove(self, access: Access, entry: CalendarEntry, config: Config) -> None:
        """Delete it; 404 says that it is gone."""
        try:
            call(config, access.grant, "DELETE", f"{events(access)}/{quote(entry.id, safe='')}")
        except Refused:
            return


def events(access: Access) -> str:
    """The path of a calendar's entries."""
    return f"/me/calendars/{quote(access.calendar, safe='')}/events"


def moment(at: datetime) -> dict[str, str]:
    """A time as Graph writes it: without an offset, in a zone that is named."""
    return {"dateTime": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"), "timeZone": "UTC"}


def instant(said: Mapping[str, str]) -> datetime:
    """The instant of such a time; we ask for UTC. Graph writes seven digits of a second."""
    return datetime.fromisoformat(said["dateTime"].rstrip("Z")[:19]).replace(tzinfo=UTC)


def digest(one: Mapping[str, Any]) -> str:
    """The digest that was kept with an entry."""
    kept = {str(each["id"]).lower(): str(each["value"]) for each in one.get("singleValueExtendedProperties", [])}
    return kept.get(f"{PROPERTY}oncallDigest".lower(), "")


def token(config: Config, **form: str) -> dict[str, Any]:
    """Ask for tokens."""
    body = {"client_id": config["OUTLOOK_CLIENT_ID"], "client_secret": config["OUTLOOK_CLIENT_SECRET"], **form}
    return tokens_from(f"{config['OUTLOOK_LOGIN_URL']}/token", "Microsoft", body)


def pages(config: Config, grant: Grant, path: str, asked: Mapping[str, str]) -> list[dict[str, Any]]:
    """All items of a list, page by page; the token goes to no other server than the API's."""
    said = call(config, grant, "GET", f"{path}?{urlencode(asked)}")
    found = list(said.get("value", []))
    for _ in range(MOST_PAGES):
        more, base = str(said.get("@odata.nextLink") or ""), str(config["OUTLOOK_API_URL"])
        if not more.startswith(f"{base}/"):
            break
        said = call(config, grant, "GET", more.removeprefix(base))
        found += said.get("value", [])
    return found


def call(config: Config, grant: Grant, method: str, path: str, **more: Any) -> dict[str, Any]:
    """One call of Graph. Raises Refused for what is not there."""
    answer = deliver(f"{config['OUTLOOK_API_URL']}{path}", method=method, account=True, judge=refused_call,
                     most=2_000_000,
                     headers={"Authorization": f"Bearer {grant.access}", "Prefer": 'outlook.timezone="UTC"'}, **more)
    return object_in(answer) if answer.body else {}


def refused_call(answer: Answer) -> Exception | None:
    """404 and 410: a calendar or an entry that is not there."""
    return Refused("It is not there any more") if answer.status in (404, 410) else None


@hookimpl
def calendars() -> list[Outlook]:
    """Kept in step."""
    return [Outlook()]


@hookimpl
def settings() -> list[Setting]:
    """Written OUTLOOK_… in the environment."""
    return [
        Setting("CLIENT_ID", help="Application (client) id of your app; without it people subscribe to an address"),
        Setting("CLIENT_SECRET", help="A client secret of it", secret=True),
        Setting("LOGIN_URL", "https://login.microsoftonline.com/common/oauth2/v2.0",
                "Where people agree and tokens are given; name your tenant in the place of common to admit it only"),
        Setting("API_URL", "https://graph.microsoft.com/v1.0", "Address of Microsoft Graph"),
    ]
