"""The incidents of a day as columns, so that very many are counted in one go; packed as bytes and back. Pure."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, compress
from typing import Any

from app.insights.rules import SEVERITIES, SOON

NONE = -1
"""Seconds of what never happened."""
AUTOMATIC, NOISE, MARKED, FLAPPING, LEVEL_1, ESCALATED, NEVER = (1 << place for place in range(7))
"""What an incident counts as, a bit each of the column `flags`."""
KINDS = {"opened": "I", "pair": "I", "acknowledged": "i", "resolved": "i", "integration": "I", "key": "I", "pages": "H",
         "severity": "B", "urgency": "B", "flags": "B"}
"""The columns in the order in which they are packed, and how long each value is."""
URGENCIES = ("high", "low")
SIZES = {name: array(kind).itemsize for name, kind in KINDS.items()}
PLACES = dict(zip(SIZES, accumulate(SIZES.values(), initial=0), strict=False))
"""How many bytes of an incident are in each column, and in those before it."""
MASKS = {bit: bytes(bool(value & bit) for value in range(256)) for bit in (
    AUTOMATIC, NOISE, MARKED, FLAPPING, LEVEL_1, ESCALATED, NEVER)}
Pair = tuple[int | None, int | None]


@dataclass(frozen=True)
class Chosen:
    """Whose incidents count: instants in seconds, the teams that the reader may see (None for all, those of no team are
    seen by everybody), and ids to which it is narrowed. `others`: those of other teams are meant instead."""

    since: int
    until: int
    teams: frozenset[int] | None = None
    team: int | None = None
    services: frozenset[int] | None = None
    integration: int | None = None
    severity: str = ""
    urgency: str = ""
    others: bool = False

    @property
    def columns(self) -> list[str]:
        """The columns by which it is chosen."""
        told = {"pair": (self.teams, self.team, self.services), "integration": (self.integration,)}
        return [*(name for name, among in told.items() if any(one is not None for one in among)),
                *(name for name in ("severity", "urgency") if getattr(self, name))]

    def fits(self, pair: Pair) -> bool:
        """Whether incidents of this team and service count."""
        team, service = pair
        seen = self.teams is None or team is None or team in self.teams
        return seen is not self.others and self.team in (None, team) and (self.services is None or service in self.services)


@dataclass(frozen=True)
class Columns:
    """Columns of the same length, in the order of opening. `pair` and `key` are places in `pairs` (team and service) and in
    `keys`, severity and urgency places in their lists, an integration of 0 is none."""

    pairs: Sequence[Pair]
    keys: Sequence[str]
    held: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        return self.held[name]

    def __len__(self) -> int:
        return len(self.held["opened"])

    def bit(self, bit: int) -> bytes:
        """For each whether it counts as that: 1 or 0."""
        return bytes(self.held["flags"]).translate(MASKS[bit])

    def narrowed(self, chosen: Chosen, names: Collection[str] = KINDS) -> Columns:
        """Those alone that count, in these columns."""
        opened = self.held["opened"]
        low, high = bisect_left(opened, chosen.since), bisect_left(opened, chosen.until)
        cut = self if (low, high) == (0, len(opened)) else Columns(
            self.pairs, self.keys, {name: column[low:high] for name, column in self.held.items()})
        masks = list(cut._masks(chosen))
        if not masks:
            return cut
        whole = int.from_bytes(masks[0], "little")
        for one in masks[1:]:
            whole &= int.from_bytes(one, "little")
        mask = whole.to_bytes(len(cut), "little")
        if 8 * mask.count(1) > len(mask):
            return Columns(self.pairs, self.keys, {name: array(KINDS[name], compress(column, mask))
                                                   for name, column in cut.held.items() if name in names})
        places = list(compress(range(len(mask)), mask))
        return Columns(self.pairs, self.keys, {name: array(KINDS[name], map(column.__getitem__, places))
                                               for name, column in cut.held.items() if name in names})

    def _masks(self, chosen: Chosen) -> Iterable[bytes]:
        fits = bytes(map(chosen.fits, self.pairs))
        if not all(fits):
            yield self._pair_mask(fits)
        if chosen.integration is not None:
            yield bytes(map(chosen.integration.__eq__, self.held["integration"]))
        for name, among in (("severity", SEVERITIES), ("urgency", URGENCIES)):
            if value := getattr(chosen, name):
                yield bytes(self.held[name]).translate(bytes(place == among.index(value) for place in range(256)))

    def _pair_mask(self, fits: bytes) -> bytes:
        if len(fits) > 256:
            return bytes(map(fits.__getitem__, self.held["pair"]))
        return self.held["pair"].tobytes()[::SIZES["pair"]].translate(fits.ljust(256, b"\0"))  # their lowest bytes


def of_facts(rows: Iterable[Any], names: Iterable[str] = KINDS) -> Columns:
    """Facts of incidents, in the order of opening, in some columns."""
    some, pairs, keys = list(rows), dict[Pair, int](), dict[str, int]()
    told: dict[str, Callable[[Any], int]] = {
        "opened": lambda row: row.opened, "pair": lambda row: pairs.setdefault((row.team_id, row.service_id), len(pairs)),
        "acknowledged": lambda row: _or_none(row.acknowledged), "resolved": lambda row: _or_none(row.resolved),
        "integration": lambda row: row.integration_id or 0, "key": lambda row: keys.setdefault(row.dedup_key, len(keys)),
        "pages": lambda row: min(row.pages, 65535), "severity": lambda row: SEVERITIES.index(row.severity),
        "urgency": lambda row: URGENCIES.index(row.urgency), "flags": _flags}
    held = {name: array(KINDS[name], map(told[name], some)) for name in names}
    return Columns(list(pairs), list(keys), held)


def _or_none(seconds: int | None) -> int:
    return NONE if seconds is None else seconds


def _flags(row: Any) -> int:
    noise = row.noise or (row.unaided and row.resolved is not None and row.resolved < SOON)
    never = row.acknowledged is None and row.resolved is not None
    return (AUTOMATIC * row.automatic | NOISE * noise | MARKED * row.noise | FLAPPING * row.flapping
            | LEVEL_1 * (row.answered_level == 1) | ESCALATED * (row.level > 1) | NEVER * never)


def packed(day: Columns) -> bytes:
    """All columns, one behind the other, as this machine writes numbers (the lowest byte first, on all that we run on)."""
    return b"".join(day[name].tobytes() for name in KINDS)


def unpacked(name: str, data: bytes) -> array[int]:
    """A column of its part of these bytes."""
    return array(KINDS[name], data)
