"""What a signal means: its key, severity, limits, and the order in which a service is chosen. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from app.core.secrets import digest
from app.plugin_api import Signal

TITLE, BODY, KEY, LABELS, LABEL_NAME, LABEL_VALUE = 1024, 65_536, 512, 64, 128, 1024
KEY_LABELS = ("service", "service_key", "routing_key")
WAITS = (1, 5, 15, 60)
ATTEMPTS, ATTEMPTS_OF_A_DAY = 5, 86_400 // WAITS[-1]
FATES = ("resolve", "leave")  # what becomes of alerts that are open when others are made of their problems
ASK = "ask"  # what forms and the API say where nobody did; a document leaves them

# delivery state → states it may move to
MOVES: dict[str, frozenset[str]] = {
    "received": frozenset({"processed", "rejected", "failed", "held"}), "processed": frozenset({"received"}),
    "rejected": frozenset({"received"}), "failed": frozenset({"received"}), "held": frozenset({"received", "processed"}),
    "duplicate": frozenset(),
}


@dataclass(frozen=True)
class Reading:
    """A signal within our limits, with a severity we know and sentences about what was changed."""

    key: str
    status: str
    severity: str
    title: str
    body: str
    url: str
    labels: dict[str, str]
    notes: tuple[str, ...]
    service_keys: tuple[str, ...]
    happened_at: datetime | None


def reading(signal: Signal, *, integration: str, default_severity: str, service: str = "",
            token_hash: str = "") -> Reading:
    """The signal as we take it: nothing is refused, what is too long is cut with a note.

    A sender whose routing key is the integration's token does not name a service by it: that key is dropped.
    """
    notes = list(signal.notes)
    title = _one_line(signal.title)
    if not title:
        title = f"Alert from {integration}"
        notes.append("The sender gave no title")
    severity = signal.severity or default_severity
    if not signal.severity:
        notes.append(f"The sender gave no severity that is known: {default_severity} is this integration's default")
    labels = _labels(signal.labels, notes)
    keys = (service, signal.service_key, *(labels.get(name, "") for name in KEY_LABELS))
    return Reading(
        key=dedup_key(signal.dedup_key or title), status=signal.status, severity=severity,
        title=_cut(title, TITLE, "title", notes), body=_cut(signal.body, BODY, "text", notes),
        url=signal.url if len(signal.url) <= 2000 else "", labels=labels, notes=tuple(notes[:20]),
        service_keys=tuple(dict.fromkeys(key.strip() for key in keys if key.strip() and digest(key.strip()) != token_hash)),
        happened_at=signal.happened_at)


def dedup_key(text: str) -> str:
    """The key under which a problem is counted; longer than 512 characters: its SHA-256."""
    clean = text.replace("\0", "")
    return clean if len(clean) <= KEY else hashlib.sha256(clean.encode("utf-8", "replace")).hexdigest()


def _one_line(text: str) -> str:
    return " ".join(text.replace("\0", "").split())


def _cut(text: str, most: int, name: str, notes: list[str]) -> str:
    text = text.replace("\0", "")
    if len(text) <= most:
        return text
    notes.append(f"The {name} was cut to {most} characters")
    return text[: most - 1] + "…"


def _labels(given: Mapping[str, str], notes: list[str]) -> dict[str, str]:
    if len(given) > LABELS:
        notes.append(f"Only the first {LABELS} labels were kept")
    kept = list(given.items())[:LABELS]
    if any(len(value) > LABEL_VALUE or len(name) > LABEL_NAME for name, value in kept):
        notes.append("Long labels were cut")
    return {name.replace("\0", "")[:LABEL_NAME]: value.replace("\0", "")[:LABEL_VALUE] for name, value in kept}


@dataclass(frozen=True)
class Places:
    """What routing can choose from: ids by lower-case key and tag; archived ones are not in it. `names`: of teams, by id."""

    services: Mapping[str, int] = field(default_factory=dict)
    teams_by_tag: Mapping[str, Sequence[int]] = field(default_factory=dict)
    names: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Origin:
    """What an integration contributes: its name, default service and own team, as ids or None."""

    name: str
    service_id: int | None = None
    team_id: int | None = None


@dataclass(frozen=True)
class Decision:
    """Where a signal goes and why; `considered` are the steps that chose nothing. All None: the catch-all."""

    step: str
    reason: str
    service_id: int | None = None
    team_id: int | None = None
    considered: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ruled:
    """The service that a route names (key in lower case), the route's name, and whether it outranks all else."""

    route: str
    service: str
    override: bool = False


def route(reading_: Reading, origin: Origin, places: Places, ruled: Ruled | None = None) -> Decision:
    """Service key, then the integration's default, then a route, then a tag of one team, then its own team, then the
    catch-all. A route that overrides comes first."""
    missed: list[str] = []
    if ruled and ruled.override and (found := _by_route(ruled, places, missed)):
        return found
    for key in reading_.service_keys:
        if (service_id := places.services.get(key.lower())) is not None:
            return Decision("service key", f"Routed by the service key {key} of the signal", service_id,
                            considered=tuple(missed))
        missed.append(f"there is no active service {key}")
    if not reading_.service_keys:
        missed.append("the signal names no service")
    if origin.service_id is not None:
        return Decision("default", f"Routed to the default service of {origin.name}", origin.service_id,
                        considered=tuple(missed))
    missed.append(f"{origin.name} has no default service")
    if ruled is None:
        missed.append("no route names a service")
    elif not ruled.override and (found := _by_route(ruled, places, missed)):
        return found
    return _by_team(reading_, origin, places, missed)


def _by_route(ruled: Ruled, places: Places, missed: list[str]) -> Decision | None:
    service_id = places.services.get(ruled.service)
    if service_id is None:
        missed.append(f"the route {ruled.route} names {ruled.service}, which is no active service")
        return None
    return Decision("rule", f"Routed by the route {ruled.route}", service_id, considered=tuple(missed))


def _by_team(reading_: Reading, origin: Origin, places: Places, missed: list[str]) -> Decision:
    matches = {(value, team) for value in reading_.labels.values() for team in places.teams_by_tag.get(value.lower(), ())}
    teams = {team for _, team in matches}
    if len(teams) == 1:
        tag, team_id = next(iter(matches))
        return Decision("tag", f"Routed to the team with the tag {tag}", team_id=team_id, considered=tuple(missed))
    several = ", ".join(sorted(places.names.get(team, "another") for team in teams))
    missed.append(f"its labels are tags of several teams: {several}" if teams else "no label is a team's tag")
    if origin.team_id is not None:
        return Decision("team", f"Routed to the team of {origin.name}", team_id=origin.team_id,
                        considered=tuple(missed))
    missed.append(f"{origin.name} has no team")
    return Decision("catch-all", "Unrouted: " + ", ".join(missed), considered=tuple(missed))


def wait_after(attempt: int) -> int:
    """Seconds until a delivery that failed through a fault of ours is tried again."""
    return WAITS[min(attempt, len(WAITS)) - 1]
