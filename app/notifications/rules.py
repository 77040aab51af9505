"""When a person is paged by what, how long failures wait, and how message states move. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

LOUD = ("sms", "voice")
SELF_TEST = "self-test"  # the kind of a message that reaches nobody
CHAT_SECONDS, SMS_SECONDS, VOICE_SECONDS = 0, 60, 180
WAITS = (5, 15, 45, 120)
ATTEMPTS = 5
FALLBACK_AFTER = 2
LONGEST_WAIT = 300

# message state → states it may move to; a state never goes backwards
MOVES: dict[str, frozenset[str]] = {
    "queued": frozenset({"sending", "cancelled", "expired", "failed", "unsent"}),
    "sending": frozenset({"sent", "delivered", "queued", "failed", "cancelled"}),
    "sent": frozenset({"delivered", "failed"}),
    "delivered": frozenset(), "failed": frozenset(), "cancelled": frozenset(), "expired": frozenset(),
    "unsent": frozenset(),  # in shadow it would have been sent now
}


@dataclass(frozen=True)
class Method:
    """A contact method as far as planning needs it."""

    id: int
    channel: str


@dataclass(frozen=True)
class Rule:
    """`after` seconds by this method."""

    after: int
    method_id: int


def plan(own: Sequence[Rule], usable: Sequence[Method], *, severity: str, urgency: str) -> list[Rule]:
    """Who is reached how: the person's own rules over usable methods, or the defaults; the first is always at 0.

    A rule whose method can't be used gives its time to the next one, so nobody waits for a dead telephone.
    """
    known = {method.id for method in usable}
    kept = [rule.method_id for rule in own if rule.method_id in known]
    if kept:
        return [Rule(rule.after, method) for rule, method in zip(own, kept, strict=False)]
    return defaults(usable, severity=severity, urgency=urgency)


def defaults(usable: Iterable[Method], *, severity: str, urgency: str) -> list[Rule]:
    """Chat, push and mail at once, SMS after 1 min, a call after 3; critical all at once; low never loud if avoidable."""
    methods = list(usable)
    quiet = [method for method in methods if method.channel not in LOUD]
    if urgency == "low" and quiet:
        return [Rule(0, method.id) for method in quiet]
    waits = {"sms": SMS_SECONDS, "voice": VOICE_SECONDS}
    found = [Rule(0 if severity == "critical" else waits.get(method.channel, CHAT_SECONDS), method.id)
             for method in methods]
    found.sort(key=lambda rule: rule.after)
    first = found[0].after if found else 0
    return [Rule(0 if rule.after == first else rule.after, rule.method_id) for rule in found]


def wait_after(attempt: int, wish: float | None = None) -> float:
    """Seconds until the next attempt after `attempt` failed ones; the provider's wish counts up to 5 minutes."""
    if wish is not None:
        return max(1.0, min(wish, LONGEST_WAIT))
    return float(WAITS[min(attempt, len(WAITS)) - 1])


def gives_up(attempt: int) -> bool:
    """Whether this was the last attempt."""
    return attempt >= ATTEMPTS


def in_words(steps: Sequence[Rule], names: Mapping[int, str]) -> str:
    """`At once by mail and push, after 5 minutes by phone`; "" for no steps."""
    groups: dict[int, list[str]] = {}
    for step in steps:
        groups.setdefault(step.after, []).append(names[step.method_id])
    parts = [f"{_moment(after)} by {_listed(methods)}" for after, methods in sorted(groups.items())]
    return ", ".join(parts)[:1].upper() + ", ".join(parts)[1:]


def _moment(seconds: int) -> str:
    if seconds == 0:
        return "at once"
    count, unit = (seconds // 60, "minute") if seconds % 60 == 0 else (seconds, "second")
    return f"after {count} {unit}{'' if count == 1 else 's'}"


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def masked(channel: str, address: str) -> str:
    """An address as others may see it: enough to recognise, not to use."""
    if channel == "email":
        name, _, domain = address.partition("@")
        return f"{name[:1]}…@{domain}"
    if address.startswith(("http://", "https://")):
        return "/".join(address.split("/")[:3]) + "/…"
    return f"…{address[-3:]}"


@dataclass(frozen=True)
class Quiet:
    """A span in which low urgency waits: weekdays (Monday is 0) on which it begins, and local times; past midnight
    where it ends no later than it begins."""

    days: tuple[int, ...]
    starts: time
    ends: time
    zone: str

    def begun(self, day: date) -> tuple[datetime, datetime] | None:
        """Its beginning and end where it begins on this local day."""
        if day.weekday() not in self.days:
            return None
        over = day + timedelta(days=1) if self.ends <= self.starts else day
        return tuple(datetime.combine(on, at, ZoneInfo(self.zone)).astimezone(UTC)  # type: ignore[return-value]
                     for on, at in ((day, self.starts), (over, self.ends)))


LONGEST_QUIET = 14  # spans that follow each other without a gap are one silence, up to this many


def quiet_until(spans: Iterable[Quiet], at: datetime) -> datetime | None:
    """When the silence ends in which `at` lies; None when it lies in none."""
    known, until = list(spans), at
    for _ in range(LONGEST_QUIET):
        later = max((end for span in known for end in _ends(span, until)), default=until)
        if later == until:
            break
        until = later
    return until if until > at else None


def _ends(span: Quiet, at: datetime) -> Iterator[datetime]:
    today = at.astimezone(ZoneInfo(span.zone)).date()
    for day in (today - timedelta(days=1), today):
        found = span.begun(day)
        if found is not None and found[0] <= at < found[1]:
            yield found[1]


def reach_problems(methods: Sequence[tuple[str, str]], *, on_duty: bool) -> Iterator[str]:
    """Why a person with these methods (name and state) can't be relied on to be reached, as sentences."""
    good = [name for name, state in methods if state == "proven"]
    if not methods:
        yield "No contact method at all"
    elif not good and all(state in ("unproven", "disabled") for _, state in methods):
        yield "No contact method is proven"
    for name, state in methods:
        if state == "failing":
            yield f"The last two messages by {name} failed"
        elif state == "disabled":
            yield f"{name} is switched off"
        elif state == "unproven" and good:
            yield f"{name} is not proven"
    if on_duty and len(good) == 1:
        yield "On duty within two weeks, and only one way to reach them works"


IN_A_ROW = 3


def opens(failures: int, *, credentials: bool) -> bool:
    """Whether an account with so many failures in a row is left out; one that is not let in is so at once."""
    return credentials or failures >= IN_A_ROW


def free_code(taken: Collection[str], random: Random) -> str:
    """A number of two digits that is not taken; of more where all of those are."""
    for first, last in ((10, 99), (100, 999), (1000, 9999)):
        free = [str(number) for number in range(first, last + 1) if str(number) not in taken]
        if free:
            return random.choice(free)
    raise ValueError("all codes are taken")
