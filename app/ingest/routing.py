"""The table of routes: which rules fit a signal, what they make of it, and why the others do not. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from app.core.forms import duration
from app.core.matching import Hours, PatternIndex, Wanted, compiled, hours
from app.ingest.rules import Reading, dedup_key

HOURS = ("days", "from", "to", "time_zone")
PLAIN = ("severity", "status", "title", "body", "url", "key", "service", "integration", "plugin")
FIELD = re.compile(rf"({'|'.join(PLAIN)}|labels\.[^{{}}]{{1,128}}|raw\.[^{{}}]{{1,128}})")
COMMON = {"integration", "plugin", "severity", "status"}
TEMPLATE = re.compile(r"\{([^{}]+)\}")
TOLD = 50
Fields = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Then:
    """What a route makes of a signal. `service` is a key in lower case; `delay` seconds before the first page."""

    service: str = ""
    override: bool = False
    severity: str = ""
    urgency: str = ""
    dedup_key: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    suppress: bool = False
    delay: int = 0


@dataclass(frozen=True)
class Rule:
    """One route, compiled."""

    id: int
    name: str
    when: tuple[tuple[str, Wanted], ...]
    then: Then
    hours: Hours | None = None
    goes_on: bool = False


@dataclass(frozen=True)
class Table:
    """All routes in their order, with indexes that name those which may fit a signal.

    `questions` are the conditions of all, each once; `asked` are those of each rule, by their places.
    """

    rules: tuple[Rule, ...] = ()
    exact: Mapping[tuple[str, str], tuple[int, ...]] = field(default_factory=dict)
    patterns: Mapping[str, PatternIndex] = field(default_factory=dict)
    always: tuple[int, ...] = ()
    questions: tuple[tuple[str, Wanted] | Hours, ...] = ()
    asked: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True)
class Ruling:
    """What the routes made of a signal: the changed reading, and the places of the rules that fit, in their order."""

    reading: Reading
    matched: tuple[int, ...] = ()
    then: Then = Then()
    by: str = ""


def rule(values: Mapping[str, Any], id: int = 0) -> Rule:
    """A route of the document, compiled. Raises ValueError (args: message, path) for what can't be used."""
    when = values.get("when") or {}
    conditions = []
    for name, value in when.items():
        if name in HOURS:
            continue
        if not FIELD.fullmatch(name):
            raise ValueError(f"There is no field {name}; there are {', '.join(PLAIN)}, labels.… and raw.…", f"when.{name}")
        try:
            conditions.append((name, compiled(value)))
        except ValueError as fault:
            raise ValueError(str(fault), f"when.{name}") from None
    said = [when.get(name) for name in HOURS]
    then = dict(values.get("then") or {})
    then["service"] = str(then.get("service") or "").lower()
    then["delay"] = duration(then.get("delay") or "0m")
    return Rule(id, str(values.get("name", "")), tuple(conditions), Then(**then), hours(*said) if any(said) else None,
                bool(values.get("continue")))


def table(rules: Iterable[Rule]) -> Table:
    """The rules with their indexes: each is found by its most telling condition."""
    kept = tuple(rules)
    exact: dict[tuple[str, str], list[int]] = {}
    patterns: dict[str, PatternIndex] = {}
    always, questions = [], dict[tuple[str, Wanted] | Hours, int]()
    asked = [tuple(questions.setdefault(question, len(questions)) for question in (
        *one.when, *([one.hours] if one.hours else []))) for one in kept]
    for place, one in enumerate(kept):
        name, wanted = min(one.when, key=_rank, default=("", None))
        if wanted is None or wanted.absent or (wanted.exact and wanted.patterns):
            always.append(place)
        elif wanted.exact:
            for word in wanted.exact:
                exact.setdefault((name, word), []).append(place)
        else:
            for text in wanted.patterns:
                patterns.setdefault(name, PatternIndex()).add(text, place)
    return Table(kept, {key: tuple(places) for key, places in exact.items()},
                 {name: index.close() for name, index in patterns.items()}, tuple(always), tuple(questions), tuple(asked))


def _rank(condition: tuple[str, Wanted]) -> int:
    """How little a condition tells: exact words of rare fields tell most."""
    name, wanted = condition
    if wanted.absent or (wanted.exact and wanted.patterns):
        return 3
    return 2 if name in COMMON else 1 if wanted.patterns else 0


def fields(reading: Reading, *, integration: str, plugin: str, raw: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """What conditions can ask about a signal, by field; empty ones are left out."""
    plain = {"severity": reading.severity, "status": reading.status, "title": reading.title, "body": reading.body,
             "url": reading.url, "key": reading.key, "integration": integration, "plugin": plugin}
    found = {name: (value,) for name, value in plain.items() if value}
    if reading.service_keys:
        found["service"] = reading.service_keys
    found.update((f"labels.{name}", (value,)) for name, value in reading.labels.items() if value)
    found.update(_raw("raw", raw, 0))
    return found


def _raw(path: str, value: Any, depth: int) -> Iterable[tuple[str, tuple[str, ...]]]:
    if isinstance(value, Mapping) and depth < 4:
        for name, inner in list(value.items())[:100]:
            yield from _raw(f"{path}.{name}", inner, depth + 1)
    elif isinstance(value, (list, tuple)):
        yield path, tuple(str(one) for one in value[:20] if isinstance(one, (str, int, float)))
    elif value not in (None, ""):
        yield path, (("true" if value else "false") if isinstance(value, bool) else str(value),)


def judge(known: Table, reading: Reading, said: Fields, at: datetime) -> Ruling:
    """Top to bottom; the first that fits ends it unless it goes on. What a rule changes, later ones see changed."""
    if not known.rules:
        return Ruling(reading)
    now, ruling, place = dict(said), Ruling(reading), -1
    while (place := _next(known, now, at, place)) >= 0:
        one = known.rules[place]
        ruling = _applied(ruling, one, place, now)
        if not one.goes_on:
            break
        now |= fields(ruling.reading, integration="", plugin="", raw={})
    return ruling


def _next(known: Table, said: Fields, at: datetime, after: int) -> int:
    """The place of the next rule that fits, or -1. No question is answered twice."""
    places = {place for place in known.always if place > after}
    for name, values in said.items():
        for value in values:
            places.update(known.exact.get((name, value.lower()), ()))
            if name in known.patterns:
                places |= known.patterns[name].found(value)
    answers: dict[int, bool] = {}
    for place in sorted(place for place in places if place > after):
        for question in known.asked[place]:
            answer = answers.get(question)
            if answer is None:
                answer = answers[question] = _holds(known.questions[question], said, at)
            if not answer:
                break
        else:
            return place
    return -1


def _holds(question: tuple[str, Wanted] | Hours, said: Fields, at: datetime) -> bool:
    if isinstance(question, Hours):
        return question.hold(at)
    name, wanted = question
    return wanted.fits(said.get(name, ()))


def _applied(before: Ruling, one: Rule, place: int, said: Fields) -> Ruling:
    then, reading = one.then, before.reading
    labels = {**reading.labels, **{name: _filled(text, said) for name, text in then.labels.items()}}
    key = _filled(then.dedup_key, said).strip() if then.dedup_key else ""
    reading = replace(reading, severity=then.severity or reading.severity, labels=labels,
                      key=dedup_key(key) if key else reading.key)
    sums = before.then
    merged = replace(sums, service=then.service or sums.service, urgency=then.urgency or sums.urgency,
                     override=then.override if then.service else sums.override,
                     suppress=then.suppress or sums.suppress, delay=max(then.delay, sums.delay))
    by = one.name if then.service or then.suppress or not before.by else before.by
    return Ruling(reading, (*before.matched, place), merged, by)


def _filled(text: str, said: Fields) -> str:
    return TEMPLATE.sub(lambda found: (said.get(found[1]) or ("",))[0], text)


def considered(known: Table, said: Fields, at: datetime, matched: Sequence[int]) -> list[dict[str, Any]]:
    """Each rule up to the one that ended it, with the reason why it fits or not; at most 50, then how many more."""
    ended = bool(matched) and not known.rules[matched[-1]].goes_on
    asked = known.rules[:matched[-1] + 1] if ended else known.rules
    chosen = [place for place in range(len(asked)) if place in matched or place < TOLD - len(matched)]
    told = [{"rule": asked[place].name, "matched": place in matched,
             "reason": _why(asked[place]) if place in matched else _why_not(asked[place], said, at)} for place in chosen]
    if len(asked) > len(chosen):
        told.append({"rule": "", "matched": False, "reason": f"{len(asked) - len(chosen)} more do not match"})
    return told


def _why(one: Rule) -> str:
    """The conditions that hold, in words."""
    words = [f"{_name(name)} is {wanted.said}" for name, wanted in one.when]
    return ", ".join([*words, *(["it is within its hours"] if one.hours else [])]) or "it fits every signal"


def _why_not(one: Rule, said: Fields, at: datetime) -> str:
    for name, wanted in one.when:
        values = said.get(name, ())
        if not wanted.fits(values):
            has = f"is “{values[0][:60]}”" if values else "is absent"
            return f"{_name(name)} {has}, not {wanted.said}"
    return "it is outside of its hours" if one.hours and not one.hours.hold(at) else "it does not fit"


def _name(name: str) -> str:
    return f"label {name.removeprefix('labels.')}" if name.startswith("labels.") else name
