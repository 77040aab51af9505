"""What the library, a runbook's page and the approval queue show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup
from sqlalchemy import func, or_, select

from app.catalog.models import Service
from app.core.access import Actor
from app.core.db import session
from app.core.events import Event
from app.core.plugins import Registry
from app.identity.models import Team
from app.identity.queries import may, may_anywhere, may_see, visible_teams
from app.incidents import markdown
from app.runbooks import queries, rules
from app.runbooks.models import Execution, Runbook, RunbookVersion
from app.runbooks.parameters import label
from app.runbooks.secret_uses import missing_secrets

FILTERS = ("team", "state", "target", "service")
SHOWN = 50


@dataclass(frozen=True)
class Row:
    """A runbook in the library with how it fared."""

    runbook: Runbook
    stats: rules.Stats
    last: Execution | None

    @property
    def id(self) -> int:
        """The runbook's."""
        return self.runbook.id


@dataclass(frozen=True)
class Library:
    """The runbooks that fit the filters, by name."""

    rows: list[Row]
    total: int
    text: str
    filters: Mapping[str, str]
    choices: Mapping[str, list[tuple[str, str]]]
    waiting: int
    may_add: bool
    next: str = ""

    def url(self, **changes: str) -> str:
        """The library with other filters."""
        said = {"q": self.text, **self.filters, **changes}
        return "/runbooks?" + urlencode({name: value for name, value in said.items() if value})


def library(by: Actor, args: Mapping[str, str]) -> Library:
    """The list, narrowed by team, state, target, service and text."""
    filters = {name: args.get(name, "").replace("\0", "") for name in FILTERS}
    text = args.get("q", "").replace("\0", "").strip()[:200]
    query = queries.visible(by).where(*_conditions(filters, text))
    total = session.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
    page = _number(args.get("page", ""))
    found = list(session.scalars(query.limit(SHOWN).offset(page * SHOWN)))
    stats, last = queries.stats_of(one.id for one in found), _last(found, by)
    rows = [Row(one, stats.get(one.id, rules.stats(())), last.get(one.id)) for one in found]
    waiting = len(queries.waiting_for_approval(by)) if may_anywhere(by, "runbook.approve") else 0
    return Library(rows, total, text, filters, _choices(by), waiting, may_anywhere(by, "runbook.edit"),
                   str(page + 1) if (page + 1) * SHOWN < total else "")


def _number(text: str) -> int:
    """A number of an address; 0 for what is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else 0


def _conditions(filters: Mapping[str, str], text: str) -> list[Any]:
    found: list[Any] = []
    if filters["team"]:
        found.append(Runbook.team_id.is_(None) if filters["team"] == "-" else
                     Runbook.team.has(Team.key == filters["team"]))
    found.append(Runbook.state == filters["state"] if filters["state"] in rules.STATES else Runbook.state != "deprecated")
    if filters["target"]:
        found.append(Runbook.target == filters["target"])
    if filters["service"]:
        found.append(Runbook.services.any(Service.key == filters["service"]))
    if text:
        like = "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        found.append(or_(*(column.ilike(like, escape="\\") for column in (Runbook.name, Runbook.key, Runbook.description))))
    return found


def _choices(by: Actor) -> dict[str, list[tuple[str, str]]]:
    teams, seen = visible_teams(by), select(Team).where(Team.archived_at.is_(None)).order_by(Team.name)
    shown = session.scalars(seen if teams is None else seen.where(Team.id.in_(teams)))
    registry: Registry = queries.registry()
    return {"team": [("-", "Every team’s"), *((team.key, team.name) for team in shown)],
            "state": [(state, state.capitalize()) for state in rules.STATES],
            "target": sorted((slug, target.name) for slug, target in registry.targets.items())}


def _last(found: Sequence[Runbook], by: Actor) -> dict[int, Execution]:
    """The newest of each that the actor may know of."""
    newest = select(func.max(Execution.id)).where(Execution.runbook_id.in_([one.id for one in found])).group_by(
        Execution.runbook_id)
    if (teams := visible_teams(by)) is not None:
        newest = newest.where(Execution.team_id.in_(teams) | Execution.team_id.is_(None))
    return {one.runbook_id: one for one in session.scalars(select(Execution).where(Execution.id.in_(newest)))}


@dataclass(frozen=True)
class Parameter:
    """A parameter as the page lists it."""

    name: str
    label: str
    kind: str
    needed: bool
    rules: str
    help: str


@dataclass(frozen=True)
class RunbookPage:
    """One runbook."""

    runbook: Runbook
    description: Markup
    target: str
    wait: str
    parameters: list[Parameter]
    written: list[tuple[str, Any]]
    versions: list[RunbookVersion]
    reviews: list[Event]
    executions: list[Execution]
    stats: rules.Stats
    used_by: list[str]
    services: list[Service]
    missing: list[str]
    may_edit: bool
    may_run: bool
    may_approve: bool
    shown: int = 0
    changes: list[tuple[str, str]] = field(default_factory=list)


REVIEWS = ("runbook.approved", "runbook.sent_back", "runbook.deprecated", "runbook.revived")
WAITS = {"response": "the answer to the call", "callback": "a signed callback", "follow": "asking the target"}


def runbook_page(key: str, by: Actor, args: Mapping[str, str]) -> RunbookPage:
    """The page of one; `version` shows what that version changed. Raises NotFound."""
    found = queries.runbook_for(key, by)
    target = queries.registry().targets.get(found.target)
    versions, shown = queries.versions(found), _number(args.get("version", ""))
    reviews = list(session.scalars(select(Event).where(Event.subject == found.ref, Event.kind.in_(REVIEWS)).order_by(
        Event.id.desc()).limit(20)))
    return RunbookPage(
        runbook=found, description=markdown.html(found.description), target=target.name if target else found.target,
        wait=WAITS[found.wait_for], parameters=parameters_of(found.parameters), written=_written(found), versions=versions,
        reviews=reviews, executions=queries.executions_of(found, by), stats=queries.stats_of([found.id]).get(
            found.id, rules.stats(())), missing=missing_secrets(found),
        used_by=queries.used_by(found, by), services=_services(found, by),
        may_edit=may(by, "runbook.edit", team_id=found.team_id),
        may_approve=may(by, "runbook.approve", team_id=found.team_id),
        may_run=may(by, "runbook.run", team_id=found.team_id) and found.state == "approved",
        shown=shown, changes=_changes(versions, shown))


def _services(runbook: Runbook, by: Actor) -> list[Service]:
    """Those it is offered first for, as far as the actor may know of them."""
    return [one for one in runbook.services if may_see(by, one.team_id)]


def _changes(versions: Sequence[RunbookVersion], number: int) -> list[tuple[str, str]]:
    documents = {one.number: one.document for one in versions}
    return rules.difference(documents.get(number - 1, {}), documents[number]) if number in documents else []


def _written(runbook: Runbook) -> list[tuple[str, Any]]:
    """The target's fields as they are written, and the payload."""
    target = queries.registry().targets.get(runbook.target)
    labels = {one.name: one.label for one in target.fields} if target else {}
    return [(labels.get(name, name), value) for name, value in runbook.config.items()]


def parameters_of(schema: Mapping[str, Any]) -> list[Parameter]:
    """Each parameter with its rules in words."""
    needed = schema.get("required") or []
    return [Parameter(name, label(name, one), str(one.get("type", "choice")), name in needed, _in_words(one),
                      str(one.get("description", ""))) for name, one in (schema.get("properties") or {}).items()]


def _in_words(one: Mapping[str, Any]) -> str:
    words = {"enum": "one of {}", "minimum": "at least {}", "maximum": "at most {}", "minLength": "{} characters or more",
             "maxLength": "at most {} characters", "pattern": "like {}", "format": "{}"}
    said = [text.format(", ".join(map(str, one[name])) if name == "enum" else one[name])
            for name, text in words.items() if name in one]
    said += [f"{one['default']} if left out"] if "default" in one else []
    return ", ".join([*said, *(["secret"] if one.get("writeOnly") else [])])
