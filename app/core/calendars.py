"""What crosses the border between the house and a calendar outside: consent, and entries in a person's calendar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol, runtime_checkable

from app.core import clock
from app.core.inbound import Inbound


@dataclass(frozen=True)
class Grant:
    """A person's consent at the vendor's: the token that opens their calendars until `expires_at` (aware), the one that
    renews it, and whose account it is."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires_at: datetime
    account: str = ""


def grant_of(said: Mapping[str, Any], refresh: str = "", account: str = "") -> Grant:
    """What a token endpoint answered (RFC 6749, 5.1), as a grant; without another one, the token that renews stays."""
    lasts = timedelta(seconds=int(said.get("expires_in") or 0))
    return Grant(str(said["access_token"]), str(said.get("refresh_token") or refresh), clock.now() + lasts, account)


@dataclass(frozen=True)
class Access:
    """One calendar of one person. `mark` stands in each entry that is ours."""

    grant: Grant
    calendar: str
    mark: str


@dataclass(frozen=True)
class CalendarEntry:
    """One entry, from `start` until just before `end` (aware). `digest` is kept with it: another means other words.
    `id` is the vendor's, empty for one that is not there yet."""

    start: datetime
    end: datetime
    title: str = ""
    text: str = ""
    url: str = ""
    digest: str = ""
    id: str = ""


@runtime_checkable
class Calendar(Protocol):
    """A calendar outside that is kept in step with a person's shifts, by OAuth. `settings` names what it reads, `needs`
    those without which it can't be connected.

    Nothing runs inside a transaction. Each method raises Retry, NoAccess when the person's consent is gone, Refused when
    the chosen calendar is, or Rejected. Only entries that carry the mark are ever listed, changed or removed.
    """

    slug: str
    name: str
    settings: Sequence[str]
    needs: Sequence[str]

    def authorize(self, callback: str, state: str, config: Mapping[str, Any]) -> str:
        """The address at which a person agrees; the vendor leads back to `callback` with `state`."""

    def granted(self, inbound: Inbound, callback: str, config: Mapping[str, Any]) -> Grant:
        """What the vendor gives for the code that it sent along."""

    def renewed(self, grant: Grant, config: Mapping[str, Any]) -> Grant:
        """The grant with a new access token."""

    def revoke(self, grant: Grant, config: Mapping[str, Any]) -> None:
        """Give the consent back, where the vendor has a call for that."""

    def calendars(self, grant: Grant, config: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Id and name of each calendar that can be written, the main one first."""

    def entries(self, access: Access, since: datetime, config: Mapping[str, Any]) -> list[CalendarEntry]:
        """All entries with the mark that end after `since`, with their ids."""

    def put(self, access: Access, entry: CalendarEntry, config: Mapping[str, Any]) -> None:
        """Change the entry with this id, or add it where the id is empty or was deleted. It keeps nobody from meetings."""

    def remove(self, access: Access, entry: CalendarEntry, config: Mapping[str, Any]) -> None:
        """Delete the entry; one that is gone is fine."""
