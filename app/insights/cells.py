"""The incidents of many days in cells, those of one team, service, severity and urgency each: how many, and their seconds in
order, so that times of a year are told without looking at every incident. Packed as bytes and back. Pure."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from struct import Struct

from app.insights.columns import AUTOMATIC, ESCALATED, LEVEL_1, NEVER, NONE, URGENCIES, Chosen, Columns, Pair
from app.insights.rules import SEVERITIES

Key = tuple[int | None, int | None, int]
"""Team, service, and twice the place of the severity with that of the urgency."""
KINDS: dict[str, Callable[[Key], Key]] = {
    "cells": lambda key: key, "services": lambda key: (*key[:2], key[2] & 1), "levels": lambda key: (key[0], None, key[2]),
    "teams": lambda key: (key[0], None, key[2] & 1)}
"""Cells as they are; those together that differ in severity alone, in service alone, in both."""
COUNTED = (NEVER, AUTOMATIC, LEVEL_1, ESCALATED)
LANE, LANES = 64, len(COUNTED) + 3
"""A sum is one number that holds several in lanes of so many bits, so that all are added at once: how many incidents there
are, how many of them are each of `COUNTED`, and the seconds until all answers and ends."""
SUMS = [sum(1 << LANE * lane for lane, flag in enumerate(COUNTED, 1) if flags & flag) + 1 for flags in range(256)]
"""What an incident with such flags adds."""
ANSWERS, ENDS = LANE * (LANES - 2), LANE * (LANES - 1)
HEAD, ROW = Struct("<3I"), Struct(f"<2q3I{LANE // 8 * LANES}s")
"""How many cells, answers and ends; then of each cell the team and service (-1 for none), the rest of its key, how many
answers and ends it has, and its sum."""


@dataclass(slots=True)
class Cell:
    """The sum of some incidents, and after how many seconds they were answered and ended: in runs, each in order."""

    sum: int = 0
    answers: list[Sequence[int]] = field(default_factory=list)
    ends: list[Sequence[int]] = field(default_factory=list)

    def lanes(self) -> list[int]:
        """Incidents, those that are each of `COUNTED`, seconds until all answers, seconds until all ends."""
        return [self.sum >> LANE * lane & (1 << LANE) - 1 for lane in range(LANES)]


Cells = dict[Key, Cell]


def of_columns(days: Iterable[Columns]) -> Cells:
    """The incidents of days in cells, their seconds in no order."""
    found: dict[int, tuple[Cell, list[int], list[int]]] = {}
    pairs: dict[Pair, int] = {}
    for day in days:
        places = [pairs.setdefault(pair, len(pairs)) << 4 for pair in day.pairs]
        for place, level, urgency, answer, end, flags in zip(
                day["pair"], day["severity"], day["urgency"], day["acknowledged"], day["resolved"], day["flags"],
                strict=True):
            at = places[place] | level << 1 | urgency
            entry = found.get(at)
            if entry is None:
                entry = found[at] = Cell(), [], []
            cell, answers, ends = entry
            cell.sum += SUMS[flags]
            if answer != NONE:
                answers.append(answer)
            if end != NONE:
                ends.append(end)
    known = list(pairs)
    return {(*known[at >> 4], at & 15): _closed(*entry) for at, entry in found.items()}


def _closed(cell: Cell, answers: list[int], ends: list[int]) -> Cell:
    return Cell(cell.sum + (sum(answers) << ANSWERS) + (sum(ends) << ENDS), [answers], [ends])


def grouped(parts: Iterable[Cells], kind: str = "cells") -> Cells:
    """The cells of all parts, those together that are one for this kind, with all their runs."""
    found, key_of = Cells(), KINDS[kind]
    for part in parts:
        for key, one in part.items():
            cell = found.get(key_of(key)) or found.setdefault(key_of(key), Cell())
            cell.sum += one.sum
            cell.answers += one.answers
            cell.ends += one.ends
    return found


def merged(parts: Iterable[Cells], kind: str = "cells") -> Cells:
    """The same with one run of answers and one of ends in each; those of the parts need no order."""
    return {key: Cell(one.sum, [sorted(chain(*one.answers))], [sorted(chain(*one.ends))])
            for key, one in grouped(parts, kind).items()}


def told_by(kind: str, chosen: Chosen) -> str:
    """The kind of the fewest cells of which those of this kind can be made, narrowed to what is chosen."""
    services = kind in ("cells", "services") or chosen.services is not None
    levels = kind in ("cells", "levels") or bool(chosen.severity)
    if levels:
        return "cells" if services else "levels"
    return "services" if services else "teams"


def _level_fits(code: int, chosen: Chosen) -> bool:
    return (chosen.severity in ("", SEVERITIES[code >> 1])) and chosen.urgency in ("", URGENCIES[code & 1])


def packed(found: Cells) -> bytes:
    """Cells whose seconds are one run each, as bytes."""
    rows, answers, ends = bytearray(), array("i"), array("i")
    for (team, service, code), one in found.items():
        rows += ROW.pack(-1 if team is None else team, -1 if service is None else service, code, *map(
            len, (*one.answers, *one.ends)), one.sum.to_bytes(LANE // 8 * LANES, "little"))
        answers.extend(*one.answers)
        ends.extend(*one.ends)
    return HEAD.pack(len(found), len(answers), len(ends)) + rows + answers.tobytes() + ends.tobytes()


def unpacked(data: bytes, chosen: Chosen | None = None) -> Cells:
    """The cells of some bytes, of those alone that are chosen."""
    view = memoryview(data)
    number, answered, _ = HEAD.unpack_from(view)
    start = HEAD.size + number * ROW.size
    answers, ends = array("i"), array("i")
    answers.frombytes(view[start:start + 4 * answered])
    ends.frombytes(view[start + 4 * answered:])
    found: Cells = {}
    answered = ended = 0
    fits: dict[tuple[int, int], bool] = {}
    codes = [chosen is None or _level_fits(code, chosen) for code in range(2 * len(SEVERITIES))]
    for team, service, code, some, over, numbers in ROW.iter_unpack(view[HEAD.size:start]):
        if codes[code]:
            pair = None if team < 0 else team, None if service < 0 else service
            if pair not in fits:
                fits[pair] = chosen is None or chosen.fits(pair)
            if fits[pair]:
                found[(*pair, code)] = Cell(int.from_bytes(numbers, "little"), [answers[answered:answered + some]],
                                            [ends[ended:ended + over]])
        answered, ended = answered + some, ended + over
    return found
