"""What the list of alerts shows: all that senders reported, whether it paged or not."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlencode

from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from app.core.access import Actor
from app.core.db import session
from app.core.errors import Invalid
from app.identity.queries import allow, visible_teams
from app.incidents import alert_queries, pages
from app.incidents.models import INTEGRATIONS, Alert

FILTERS = ("status", "severity", "team", "service", "integration", "paged", "label", "from", "to", "q")
NAMES = {"q": "Text", "from": "From", "to": "Until", "paged": "In an incident"}
ROWS = "50"


@dataclass(frozen=True)
class AlertList:
    """The alerts that the address asks for; `problems` name what in it means nothing."""

    alerts: list[Alert]
    arguments: dict[str, str]
    choices: dict[str, list[tuple[str, str]]]
    next: str = ""
    problems: list[str] = field(default_factory=list)

    @property
    def chips(self) -> list[tuple[str, str]]:
        """Each filter in words, and the address without it."""
        return [(f"{NAMES.get(name, name.capitalize())}: {value}", _url({key: text for key, text in self.arguments.items()
                                                                      if key != name}))
                for name, value in self.arguments.items()]


def alert_list(by: Actor, args: MultiDict[str, str]) -> AlertList:
    """The newest first. A value that means nothing is named, and the list stays empty."""
    allow(by, "incident.read")
    wanted = {name: args[name].strip() for name in FILTERS if args.get(name, "").strip()}
    try:
        asked = MultiDict({**wanted, "limit": ROWS, "cursor": args.get("cursor", "")})
        found = alert_queries.listed(by, asked, lambda alert: alert)
    except Invalid as invalid:
        return AlertList([], wanted, _choices(by), problems=[problem.message for problem in invalid.problems])
    following = _url({**wanted, "cursor": found["next"]}) if found["next"] else ""
    return AlertList(found["items"], wanted, _choices(by), following)


def _url(arguments: dict[str, str]) -> str:
    return "/alerts" + (f"?{urlencode(arguments)}" if arguments else "")


def _choices(by: Actor) -> dict[str, list[tuple[str, str]]]:
    """What the filter form offers; the address takes any."""
    known, teams = pages.choices(by), visible_teams(by)
    senders = select(INTEGRATIONS.c.key, INTEGRATIONS.c.name).order_by(INTEGRATIONS.c.name).limit(200)
    if teams is not None:
        senders = senders.where(INTEGRATIONS.c.team_id.is_(None) | INTEGRATIONS.c.team_id.in_(teams))
    return {name: known[name] for name in ("severity", "team", "service")} | {
        "status": [("firing", "Firing"), ("resolved", "Resolved")], "paged": [("yes", "Yes"), ("no", "No")],
        "integration": [(key, name or key) for key, name in session.execute(senders)]}
