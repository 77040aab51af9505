"""How another product and we fared with the same problems: which are the same, who was paged, and why they differ. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from app.core.importing import Paged

SAME_WITHIN, PAGE_WITHIN = timedelta(seconds=120), timedelta(seconds=60)
LONGEST = timedelta(days=31)


@dataclass(frozen=True)
class Case:
    """One problem on one side: what it is known by, when it began, who was paged when; `why` nobody was, if so; and when
    it was first answered, as far as that is known."""

    id: str
    title: str
    at: datetime
    keys: frozenset[str] = frozenset()
    titles: frozenset[str] = frozenset()
    pages: tuple[Paged, ...] = ()
    why: str = ""
    answered: datetime | None = None
    later: int = 0  # pages left out, since it was answered on the other side by then

    @property
    def first(self) -> datetime | None:
        """When the first page went out."""
        return min((page.at for page in self.pages), default=None)

    @property
    def people(self) -> dict[str, datetime]:
        """Who was paged, and when first."""
        found: dict[str, datetime] = {}
        for page in sorted(self.pages, key=lambda one: one.at):
            found.setdefault(page.email, page.at)
        return found


@dataclass(frozen=True)
class Pair:
    """One problem: as it was there and here, None where it was not; `cause` says why they differ, "" when they agree."""

    there: Case | None
    here: Case | None
    cause: str = ""

    @property
    def where(self) -> str:
        """`both`, `there` or `here`."""
        return "both" if self.there and self.here else "there" if self.there else "here"

    @property
    def at(self) -> datetime:
        """When it began."""
        return min(side.at for side in (self.there, self.here) if side is not None)

    @property
    def apart(self) -> int | None:
        """Seconds from the first page there until the first here; negative when ours was first."""
        firsts = [side.first if side else None for side in (self.there, self.here)]
        return None if firsts[0] is None or firsts[1] is None else round((firsts[1] - firsts[0]).total_seconds())

    @property
    def same_people(self) -> bool:
        """Whether the same people were paged."""
        return self.there is not None and self.here is not None and self.there.people.keys() == self.here.people.keys()


def paired(there: Sequence[Case], here: Sequence[Case], why: Callable[[Case], str]) -> list[Pair]:
    """Each problem once, oldest first: the nearest two that are the same belong together. `why` tells why one that was
    there is not here."""
    near = sorted(((not one.keys & other.keys, abs(one.at - other.at), at, number)
                   for at, one in enumerate(there) for number, other in _candidates(one, here)))
    taken: dict[int, int] = {}
    used: set[int] = set()
    for _, _, at, number in near:
        if at not in taken and number not in used:
            taken[at] = number
            used.add(number)
    pairs = []
    for at, one in enumerate(there):
        other = as_answered(here[taken[at]], one) if at in taken else None
        pairs.append(Pair(one, other, difference(one, other) if other is not None else why(one)))
    pairs += [Pair(None, one, _alone(one, there)) for number, one in enumerate(here) if number not in used]
    return sorted(pairs, key=lambda pair: pair.at)


def _candidates(one: Case, here: Sequence[Case]) -> Iterable[tuple[int, Case]]:
    return ((number, other) for number, other in enumerate(here)
            if abs(one.at - other.at) <= SAME_WITHIN and same(one, other))


def same(one: Case, other: Case) -> bool:
    """Whether they are known by the same key or the same title."""
    return bool(one.keys & other.keys or one.titles & other.titles)


def as_answered(here: Case, there: Case) -> Case:
    """Ours as if it had been answered when it was there: in shadow nobody answers here, and escalation goes on."""
    if there.answered is None or (here.answered is not None and here.answered <= there.answered):
        return here
    later = there.answered + max(here.at - there.at, timedelta())
    kept = tuple(page for page in here.pages if page.at <= later)
    return replace(here, pages=kept, later=len(here.pages) - len(kept), why=here.why or "it was answered there before")


def difference(there: Case, here: Case) -> str:
    """Why the two differ, in words; "" when the same people were paged, each first within a minute."""
    theirs, ours = there.people, here.people
    if theirs and not ours:
        return f"nobody was paged here: {here.why}" if here.why else "nobody was paged here"
    said = [f"{email} was paged there only" for email in theirs if email not in ours]
    said += [f"{email} was paged here only" for email in ours if email not in theirs]
    for email in theirs:
        seconds = round((ours[email] - theirs[email]).total_seconds()) if email in ours else 0
        if abs(seconds) > PAGE_WITHIN.total_seconds():
            said.append(f"{email} was paged {abs(seconds)} s {'later' if seconds > 0 else 'earlier'} here")
    return "; ".join(said)


def _alone(here: Case, there: Sequence[Case]) -> str:
    alike = [one for one in there if same(here, one)]
    if not alike:
        return "nothing of this key or title was there"
    nearest = min(alike, key=lambda one: abs(one.at - here.at))
    seconds = round((here.at - nearest.at).total_seconds())
    if abs(seconds) <= SAME_WITHIN.total_seconds():
        return f"{nearest.id} there was compared with another one of the same name"
    return f"{nearest.id} there began {abs(seconds)} s {'earlier' if seconds > 0 else 'later'}"


def percentage(pairs: Sequence[Pair]) -> float:
    """How many of all problems agree, in percent to a tenth; 100 when there are none. Rounded down, so that 100 is all."""
    agreeing = sum(not pair.cause for pair in pairs)
    return 100.0 if not pairs else agreeing * 1000 // len(pairs) / 10
