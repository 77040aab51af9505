"""Calendars outside, played over real HTTP: Google's and Microsoft's documented protocols on one set of entries each."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


class Vendor:
    """A vendor with one account and two calendars; `entries` by calendar id, then entry id. `refusals` are statuses given
    once each to the next calls of the API, `consent` false means that the grant was revoked."""

    slug = ""
    calendars = {"main": "Ana Smith", "work/1": "Work"}

    def __init__(self) -> None:
        self.entries: dict[str, dict[str, Any]] = {one: {} for one in self.calendars}
        self.refusals: list[tuple[int, bytes]] = []
        self.consent, self.lasts, self.page = True, 3600, 3
        self.tokens: list[str] = []
        self.calls: list[tuple[str, str]] = []
        self.revoked: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, target: str, auth: str, body: bytes) -> tuple[int, Any]:
        """Status and JSON for one call."""
        parts = urlsplit(target)
        path, query = unquote(parts.path), {name: one[0] for name, one in parse_qs(parts.query).items()}
        if path.endswith(("/token", "/revoke")):
            return self.granted(path, {name: one[0] for name, one in parse_qs(body.decode()).items()})
        self.calls.append((method, path))
        if self.refusals:
            return self.refusals.pop(0)
        if not self.consent or auth.removeprefix("Bearer ") not in self.tokens[-1:]:
            return 401, {"error": {"code": 401}}
        return self.api(method, path, query, json.loads(body or b"{}"))

    def granted(self, path: str, form: dict[str, str]) -> tuple[int, Any]:
        """The token endpoint (RFC 6749, 4.1.3 and 6)."""
        if path.endswith("/revoke"):
            self.revoked.append(form["token"])
            return 200, {}
        good = form.get("code") == "good-code" or (form.get("refresh_token") in ("renews", f"renews-{len(self.tokens)}"))
        if (form.get("client_id"), form.get("client_secret")) != ("client", "secret"):
            return 401, {"error": "invalid_client"}
        if not self.consent or not good:
            return 400, {"error": "invalid_grant"}
        self.tokens.append(f"token-{len(self.tokens) + 1}")
        return 200, {"access_token": self.tokens[-1], "expires_in": self.lasts, "token_type": "Bearer", **self.renewal(form)}

    def renewal(self, form: dict[str, str]) -> dict[str, str]:
        """The token that renews; Google gives it once, Microsoft a new one each time."""
        return {"refresh_token": "renews"} if form["grant_type"] == "authorization_code" else {}

    def api(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        """The calls of the vendor."""
        raise NotImplementedError

    def change(self, method: str, calendar: str, key: str, body: Any) -> tuple[int, Any]:
        """Add, change or delete one entry."""
        held = self.entries.get(calendar)
        if held is None or (key and key not in held):
            return 404, {"error": {"code": 404}}
        if method == "DELETE":
            del held[key]
            return 204, None
        key = key or f"e{sum(map(len, self.entries.values())) + len(self.calls)}"
        held[key] = {**held.get(key, {}), **body, "id": key}
        return (200 if method == "PATCH" else 201), held[key]

    def spans(self, calendar: str = "main") -> list[tuple[datetime, datetime]]:
        """When the entries of ours are, in order."""
        raise NotImplementedError


class Google(Vendor):
    """developers.google.com/workspace/calendar/api/v3/reference."""

    slug = "google-calendar"
    settings = {"CLIENT_ID": "client", "CLIENT_SECRET": "secret"}

    def config(self) -> dict[str, str]:
        """The settings that lead here."""
        base = {"LOGIN_URL": f"{self.url}/auth", "TOKEN_URL": self.url, "API_URL": f"{self.url}/calendar/v3"}
        return {f"GOOGLE_CALENDAR_{name}": value for name, value in {**self.settings, **base}.items()}

    def api(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if path.endswith("/users/me/calendarList/primary"):
            return 200, {"id": "ana@gmail.example", "summary": "Ana Smith", "primary": True}
        if path.endswith("/users/me/calendarList"):
            return 200, {"items": [{"id": one, "summary": name, "primary": one == "main"}
                                   for one, name in reversed(self.calendars.items())]}
        calendar, _, key = path.partition("/calendars/")[2].partition("/events")
        if method == "GET":
            return self.listed(calendar, query)
        return self.change(method, calendar, key.strip("/"), body)

    def listed(self, calendar: str, query: dict[str, str]) -> tuple[int, Any]:
        """Filtered by the private property and by the end of entries, page by page."""
        if calendar not in self.entries:
            return 404, {"error": {"code": 404}}
        name, _, value = query["privateExtendedProperty"].partition("=")
        since = datetime.fromisoformat(query["timeMin"])
        found = [one for one in self.entries[calendar].values()
                 if one.get("extendedProperties", {}).get("private", {}).get(name) == value
                 and datetime.fromisoformat(one["end"]["dateTime"]) > since]
        start = int(query.get("pageToken", 0))
        more = {"nextPageToken": str(start + self.page)} if start + self.page < len(found) else {}
        return 200, {"items": found[start:start + self.page], **more}

    def spans(self, calendar: str = "main") -> list[tuple[datetime, datetime]]:
        return sorted(tuple(datetime.fromisoformat(one[edge]["dateTime"]) for edge in ("start", "end"))  # type: ignore[misc]
                      for one in self.entries[calendar].values() if "extendedProperties" in one)

    def foreign(self, at: datetime) -> dict[str, Any]:
        """Somebody's own entry."""
        return {"id": "lunch", "summary": "Lunch", "start": {"dateTime": at.isoformat()},
                "end": {"dateTime": (at + timedelta(hours=1)).isoformat()}}


class Microsoft(Vendor):
    """learn.microsoft.com/graph/api/resources/event."""

    slug = "outlook"

    def config(self) -> dict[str, str]:
        """The settings that lead here."""
        return {"OUTLOOK_CLIENT_ID": "client", "OUTLOOK_CLIENT_SECRET": "secret",
                "OUTLOOK_LOGIN_URL": f"{self.url}/oauth2/v2.0", "OUTLOOK_API_URL": f"{self.url}/v1.0"}

    def renewal(self, form: dict[str, str]) -> dict[str, str]:
        return {"refresh_token": f"renews-{len(self.tokens)}"}

    def api(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if path.endswith("/me"):
            return 200, {"mail": None, "userPrincipalName": "ana@outlook.example"}
        if path.endswith("/me/calendars"):
            return 200, {"value": [{"id": one, "name": name, "canEdit": True, "isDefaultCalendar": one == "main"}
                                   for one, name in reversed(self.calendars.items())]
                         + [{"id": "theirs", "name": "Shared", "canEdit": False}]}
        calendar, _, key = path.partition("/me/calendars/")[2].partition("/events")
        if method == "GET":
            return self.listed(calendar, query)
        return self.change(method, calendar, key.strip("/"), body)

    def listed(self, calendar: str, query: dict[str, str]) -> tuple[int, Any]:
        """Filtered by the extended property, of which one is expanded, page by page."""
        if calendar not in self.entries:
            return 404, {"error": {"code": "ErrorItemNotFound"}}
        asked = re.fullmatch(r"singleValueExtendedProperties/Any\(ep: ep/id eq '(.+)' and ep/value eq '(.+)'\)",
                             query["$filter"])
        assert asked is not None
        wanted = re.fullmatch(r"singleValueExtendedProperties\(\$filter=id eq '(.+)'\)", query["$expand"])
        assert wanted is not None
        found = [one for one in self.entries[calendar].values() if _kept(one).get(asked[1]) == asked[2]]
        start = int(query.get("$skip", 0))
        shown = [{"id": one["id"], **{edge: {"dateTime": f"{one[edge]['dateTime']}.0000000", "timeZone": "UTC"}
                                      for edge in ("start", "end")},
                  "singleValueExtendedProperties": [{"id": wanted[1], "value": _kept(one)[wanted[1]]}]}
                 for one in found[start:start + self.page]]
        link = (f"{self.url}/v1.0/me/calendars/{calendar.replace('/', '%2F')}/events?$skip={start + self.page}"
                f"&$filter={query['$filter']}&$expand={query['$expand']}".replace(" ", "%20"))
        return 200, {"value": shown, **({"@odata.nextLink": link} if start + self.page < len(found) else {})}

    def spans(self, calendar: str = "main") -> list[tuple[datetime, datetime]]:
        return sorted(tuple(datetime.fromisoformat(f"{one[edge]['dateTime']}Z") for edge in ("start", "end"))  # type: ignore[misc]
                      for one in self.entries[calendar].values() if "singleValueExtendedProperties" in one)

    def foreign(self, at: datetime) -> dict[str, Any]:
        """Somebody's own entry."""
        return {"id": "lunch", "subject": "Lunch", "start": {"dateTime": f"{at:%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"},
                "end": {"dateTime": f"{at + timedelta(hours=1):%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"}}


def _kept(one: dict[str, Any]) -> dict[str, str]:
    return {each["id"]: each["value"] for each in one.get("singleValueExtendedProperties", [])}


def _handler(vendor: Vendor) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, said = vendor.answer(self.command, self.path, self.headers.get("Authorization", ""), body)
            text = said if isinstance(said, bytes) else b"" if said is None else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler
