"""What an edit makes of a schedule's layers: what has been stays, and the order goes on with the next person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from app.oncall.rules import Layer, local_instant, next_handoff, turn_number

When = datetime | Literal["next", "now"] | None
"""From when an edit counts: the next hand-off of each layer, now, or an instant. None is what documents mean: the
next hand-off too, but a layer that is new counts from its `starts`, even in the past."""

Turn = tuple[int, ...]


@dataclass(frozen=True)
class Draft:
    """A layer as it shall be. Its `first_turn` counts only when it is new: else the order goes on. `at` is its place in
    the list, `moves` whether it gets another place among the others; `edited` fills them in."""

    layer: Layer
    at: int = 0
    moves: bool = False


@dataclass(frozen=True)
class Version:
    """A layer from one edit to the next. `lane` is the same for all versions of a layer, None for a new one; `id` is
    None for what is not stored yet; `place` orders by precedence; `draft` is the place of what it was made from."""

    lane: int | None
    id: int | None
    place: int
    layer: Layer
    draft: int | None = None


def edited(versions: Iterable[Version], drafts: Sequence[Draft], when: When, now: datetime) -> list[Version]:
    """The versions after an edit that asks for `drafts`, lowest precedence first, from `when` on.

    Nothing that is in force before the edit counts is changed; versions that were never to be in force go.
    """
    lanes: dict[int | None, list[Version]] = {}
    for version in sorted(versions, key=lambda one: begin(one.layer)):
        lanes.setdefault(version.lane, []).append(version)
    lane_of = _matched(lanes, drafts)
    stay = _in_order([lanes[lane_of[at]][-1].place if at in lane_of else None for at in range(len(drafts))])
    found: list[Version] = []
    for at, draft in enumerate(drafts):
        if at in lane_of:
            wish = replace(draft, at=at, moves=at not in stay)
            found += _changed(lanes.pop(lane_of[at]), wish, when, now)
        else:
            found.append(Version(None, None, 0, _added(draft, when, now), at))
    for rest in lanes.values():
        found += _removed(rest, when, now)
    return _placed(found, stay, len(drafts))


def begin(layer: Layer) -> datetime:
    """The first instant at which this version of a layer can have anybody."""
    starts = local_instant(layer.starts, layer.zone)
    return max(starts, layer.since) if layer.since else starts


def same(one: Layer, other: Layer) -> bool:
    """Whether two versions of a layer say the same, but for the time in which they count and whose turn is first."""
    return _bare(one) == _bare(other)


def _bare(layer: Layer) -> Layer:
    return replace(layer, since=None, until=None, first_turn=0)


def _matched(lanes: dict[int | None, list[Version]], drafts: Sequence[Draft]) -> dict[int, int | None]:
    """Which layer each draft means: that of the same name, else the one at its place, else one removed before."""
    present = sorted((lane for lane in lanes if lanes[lane][-1].layer.until is None),
                     key=lambda lane: lanes[lane][-1].place)
    removed = [lane for lane in reversed(lanes) if lane not in present]
    found: dict[int, int | None] = {}

    def match(candidates: list[int | None], by_place: bool) -> None:
        for at, draft in enumerate(drafts):
            for lane in candidates if at not in found else ():
                alike = present[at:at + 1] == [lane] if by_place else lanes[lane][-1].layer.name == draft.layer.name
                if alike and lane not in found.values():
                    found[at] = lane
                    break
    match(present, False)
    match(present, True)
    match(removed, False)
    return found


def _in_order(places: Sequence[int | None]) -> set[int]:
    """The largest set of drafts whose layers stand in this order already; those need not move."""
    best: list[list[int]] = [[]]
    for at, place in enumerate(places):
        if place is not None:
            below = [run for run in best if not run or (places[run[-1]] or 0) < place]
            best.append([*sorted(below, key=len)[-1], at])
    return set(sorted(best, key=len)[-1])


def _changed(lane: list[Version], wish: Draft, when: When, now: datetime) -> list[Version]:
    """The versions of a layer after it was changed as wished; the same ones when there is nothing to change."""
    last, cut = lane[-1], _cut(lane, wish.layer, when, now)
    later = [one for one in lane if one.layer.until is None or one.layer.until > cut]
    judged = [last] if when in (None, "next") else later
    if last.layer.until is None and not wish.moves and all(same(one.layer, wish.layer) for one in judged):
        return [*lane[:-1], replace(last, draft=wish.at)]
    kept = _until(lane, cut)
    old = kept[-1].layer if kept else None
    new = replace(wish.layer, until=None, first_turn=_first_turn(old, wish.layer, cut),
                  since=None if cut <= local_instant(wish.layer.starts, wish.layer.zone) else cut)
    if old and old.until == cut and not wish.moves and same(old, new) and old.first_turn == new.first_turn:
        return [*kept[:-1], replace(kept[-1], layer=replace(old, until=None), draft=wish.at)]
    return [*kept, Version(last.lane, None, last.place, new, wish.at)]


def _added(draft: Draft, when: When, now: datetime) -> Layer:
    """A layer that was not there before."""
    layer = draft.layer
    starts = local_instant(layer.starts, layer.zone)
    if when is None or starts >= now and not isinstance(when, datetime):
        return layer
    since = when if isinstance(when, datetime) else now if when == "now" else next_handoff(layer, now) or now
    return replace(layer, since=since if since > starts else None)


def _removed(lane: list[Version], when: When, now: datetime) -> list[Version]:
    if lane[-1].layer.until is not None:
        return lane
    return _until(lane, _cut(lane, None, when, now))


def _until(lane: list[Version], cut: datetime) -> list[Version]:
    """The versions that are in force before `cut`, until then."""
    return [replace(one, layer=replace(one.layer, until=min(one.layer.until or cut, cut)))
            for one in lane if begin(one.layer) < cut]


def _cut(lane: list[Version], new: Layer | None, when: When, now: datetime) -> datetime:
    """The instant from which a change of this layer counts; `new` is what it shall be, None when it goes."""
    now = now.astimezone(UTC)
    cut = when.astimezone(UTC) if isinstance(when, datetime) else now
    old = next((one.layer for one in lane if one.layer.until is None or one.layer.until > now), lane[-1].layer)
    starts = local_instant(new.starts, new.zone) if new else None
    if when in (None, "next"):
        cut = _by_itself((old, lane[-1].layer), new, when, now)
    if new and starts and (new.starts, new.zone) != (old.starts, old.zone):
        cut = max(cut, starts)
    return cut


def _by_itself(present: tuple[Layer, Layer], new: Layer | None, when: When, now: datetime) -> datetime:
    """The next hand-off; sooner where the layer, as it is now or was to be, begins or ends before that."""
    old, last = present
    if when is None and old.until is not None and old.until <= now:
        return now  # what a document brings back is new to it, but the past stays
    if begin(old) > now:
        return max(now, min(begin(old), begin(new))) if new else now
    moments = [next_handoff(old, now) or now]
    ends = {_end(old), _end(last), _end(new)} if new else set()
    if len(ends) > 1:
        moments += [end for end in ends if end and end > now]
    return min(moments)


def _end(layer: Layer) -> datetime | None:
    return local_instant(layer.ends, layer.zone) if layer.ends else None


def _first_turn(old: Layer | None, new: Layer, cut: datetime) -> int:
    """The place in the wished turns of the one that begins at `starts`, such that at `cut` the right one runs."""
    if old is None:
        return new.first_turn
    if same(old, new):
        return old.first_turn
    if (old.starts, old.zone) != (new.starts, new.zone) and local_instant(new.starts, new.zone) >= cut:
        return 0  # the rotation begins anew then, as the document says
    return (_place_at(old, new.turns, cut) - turn_number(new, cut)) % len(new.turns)


def _place_at(old: Layer, turns: tuple[Turn, ...], cut: datetime) -> int:
    """The place in the new turns of the one that runs at `cut`: who is on duty before stays until a hand-off; who
    follows is next after them in the new order, or in the old order when they are gone."""
    running = turn_number(old, cut - datetime.resolution)
    hands_over = turn_number(old, cut) != running
    for step in range(len(old.turns)):
        place = _found(old.turns, (old.first_turn + running + step) % len(old.turns), turns)
        if place is not None:
            return place + (step == 0 and hands_over)
    return 0


def _found(old: tuple[Turn, ...], at: int, new: tuple[Turn, ...]) -> int | None:
    """Where an old turn stands among the new ones: the same people, of several the one with the same neighbour, then
    the one at the same place among its like; else the new turn that shares people with it."""
    turn = old[at]
    alike = [place for place, one in enumerate(new) if one == turn]
    if alike:
        earlier = old[:at].count(turn)
        follows = old[(at + 1) % len(old)]
        return min(alike, key=lambda place: (new[(place + 1) % len(new)] != follows, alike.index(place) != earlier))
    shared = [place for place, one in enumerate(new) if one not in old and set(one) & set(turn)]
    return shared[0] if shared else None


def _placed(versions: list[Version], stay: set[int], drafts: int) -> list[Version]:
    """The versions with places that keep the order of all there ever were, and put the drafts in theirs."""
    slots: list[tuple[str, int]] = [("old", place) for place in sorted({one.place for one in versions
                                                            if one.lane is not None})]
    by_draft = {one.draft: one for one in versions if one.draft is not None}
    below = 0
    for at in range(drafts):
        mark = ("old", by_draft[at].place) if at in stay else ("new", at)
        if at not in stay:
            slots.insert(below, mark)
        below = slots.index(mark) + 1
    number = {mark: place for place, mark in enumerate(slots)}
    return [replace(one, place=number["new", one.draft] if one.draft is not None and one.draft not in stay
                    else number["old", one.place]) for one in versions]
