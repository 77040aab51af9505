"""States and moves, what a version holds, three texts merged section by section, gaps filled in, when to remind. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

STATES = ("draft", "in_review", "published")
AUTOMATIC = {"off": (), "critical": ("critical",), "high": ("critical", "high")}
REVIEW = ("required", "optional")
TITLE, WORDS, HEADING, SECTIONS, INCIDENTS, ITEMS = 200, 200_000, 100, 40, 50, 100
OWN_ROWS = 500
SHARE_DAYS, NUDGE_AFTER, NUDGE_EVERY, NUDGES = (1, 90), timedelta(days=5), timedelta(days=7), 4

# command → state it may start from → state it leads to
TRANSITIONS: dict[str, dict[str, str]] = {
    "submit": {"draft": "in_review"}, "withdraw": {"in_review": "draft"}, "ask for changes to": {"in_review": "draft"},
    "approve": {"in_review": "in_review"}, "publish": {"in_review": "published"},
    "publish without review": {"draft": "published", "in_review": "published"}, "delete": {"draft": "", "in_review": ""},
}
ITEM_STATES = ("open", "in_progress", "done", "cancelled")
ITEM_MOVES: dict[str, tuple[str, ...]] = {
    "open": ("in_progress", "done", "cancelled"), "in_progress": ("open", "done", "cancelled"),
    "done": ("open",), "cancelled": ("open",),
}
LEFT = ("open", "in_progress")
PRIORITIES = ("high", "medium", "low")  # by rank
REMIND_AT = time(9)

DEFAULT_SECTIONS: tuple[tuple[str, str, str], ...] = (
    ("Summary", "What happened, in three sentences that somebody from another team understands.",
     "{{title}}. {{services}} was affected from {{impact_from}} to {{impact_to}} ({{duration}})."),
    ("Impact", "Who noticed what, how many, for how long.", ""),
    ("Detection", "What told us, and could it have told us earlier?", "{{signals}}"),
    ("Root cause", "What made it possible. Ask why until the answer is something we can change.", ""),
    ("Contributing factors", "What made it more likely, longer or worse.", ""),
    ("Response", "Who did what, and what they knew then.", ""),
    ("Recovery", "What ended it, and how we knew that it had ended.", "{{resolution}}"),
    ("What went well", "", ""), ("What went badly", "", ""), ("Where we were lucky", "", ""),
    ("Lessons", "What we know now that others should know.", ""),
)
VARIABLES = {
    "title": "the incident's title", "incidents": "their numbers", "services": "the services' names",
    "team": "the team's name", "severity": "the worst severity", "impact_from": "when it began",
    "impact_to": "when it ended", "detected": "when the first signal came", "acknowledged": "when somebody took it",
    "acknowledged_by": "who took it",
    "mitigated": "when it was mitigated", "resolved": "when it was resolved", "duration": "from begin to end",
    "people": "who took part", "signals": "what the senders said", "resolution": "the note at the resolution",
}
VARIABLE = re.compile(r"\{\{\s*([a-z_]+)\s*\}\}")
MOMENTS = ("impact_from", "impact_to", "mitigated_at")


@dataclass(frozen=True)
class Section:
    """A heading with its text; `guide` says to the author what belongs there."""

    heading: str
    body: str = ""
    guide: str = ""


@dataclass(frozen=True)
class Content:
    """What one version says. `impact` and the moments (RFC 3339, "" to follow the incidents) are facts that people
    decide; `hidden` are log entries not shown; `rows` are those that people added: id, at, text, by."""

    title: str
    sections: tuple[Section, ...] = ()
    impact: str = ""
    impact_from: str = ""
    impact_to: str = ""
    mitigated_at: str = ""
    hidden: tuple[int, ...] = ()
    rows: tuple[Mapping[str, Any], ...] = ()

    def document(self) -> dict[str, Any]:
        """As it is stored."""
        return {"title": self.title, "impact": self.impact, "impact_from": self.impact_from, "impact_to": self.impact_to,
                "mitigated_at": self.mitigated_at, "hidden": list(self.hidden), "rows": [dict(row) for row in self.rows],
                "sections": [{"heading": one.heading, "body": one.body, "guide": one.guide} for one in self.sections]}

    @property
    def length(self) -> int:
        """Characters over all sections."""
        return sum(len(one.heading) + len(one.body) for one in self.sections)


def content(stored: Mapping[str, Any]) -> Content:
    """What `document` wrote."""
    return Content(**{**stored, "hidden": tuple(stored["hidden"]), "rows": tuple(stored["rows"]),
                      "sections": tuple(Section(**one) for one in stored["sections"])})


def default_sections() -> list[dict[str, str]]:
    """The sections of a postmortem for which nobody wrote a template."""
    return [{"heading": heading, "guide": guide, "body": body} for heading, guide, body in DEFAULT_SECTIONS]


def filled(text: str, known: Mapping[str, str]) -> str:
    """`text` with its variables filled in; one without a value becomes a gap that can be seen."""
    return VARIABLE.sub(lambda found: known.get(found[1]) or f"**[fill in: {found[1].replace('_', ' ')}]**", text)


def unknown_variables(text: str) -> list[str]:
    """The names between double braces that stand for nothing."""
    return sorted({name for name in VARIABLE.findall(text) if name not in VARIABLES})


def summary_of(said: Content) -> str:
    """The section called Summary, else the first."""
    named = [one for one in said.sections if one.heading.strip().lower() == "summary"] or list(said.sections[:1])
    return named[0].body.strip() if named else ""


def after(command: str, state: str) -> str | None:
    """The state that `command` leads to, or None where it is not allowed."""
    return TRANSITIONS[command].get(state)


# --- three texts


@dataclass(frozen=True)
class Clash:
    """One part that two people changed otherwise: what both began with, and what each made of it."""

    part: str
    label: str
    base: str
    own: str
    other: str


@dataclass(frozen=True)
class Merged:
    """Both changes in one text. Where they `clash`, `content` has one's own words."""

    content: Content
    clashes: list[Clash] = field(default_factory=list)


FIELDS = {"title": "Title", "impact": "Impact in short", "impact_from": "Impact from", "impact_to": "Impact to",
          "mitigated_at": "Mitigated at"}


def _hidden(base: Content, own: Content, other: Content) -> tuple[int, ...]:
    """What both hid, without what either showed again."""
    shown = {*base.hidden} - {*own.hidden}
    fresh = [key for key in own.hidden if key not in {*base.hidden, *other.hidden}]
    return *(key for key in other.hidden if key not in shown), *fresh


def merge(base: Content, own: Content, other: Content) -> Merged:
    """What `own` makes of `base`, on top of `other`: who changed a part alone is right, section by section."""
    clashes: list[Clash] = []

    def one(part: str, label: str, said: tuple[str | None, str | None, str | None]) -> str | None:
        begun, mine, theirs = said
        if mine in (begun, theirs):
            return theirs
        if theirs != begun:
            clashes.append(Clash(part, label, begun or "", mine or "", theirs or ""))
        return mine if mine is not None or theirs == begun else theirs

    fields: dict[str, Any] = {name: one(name, label, (getattr(base, name), getattr(own, name), getattr(other, name)))
              for name, label in FIELDS.items()}
    bodies = [{s.heading: s.body for s in text.sections} for text in (base, own, other)]
    kept = [replace(section, body=body) for section in _ordered(own, other)
            if (body := one(f"section:{section.heading}", section.heading,
                            (bodies[0].get(section.heading), bodies[1].get(section.heading),
                             bodies[2].get(section.heading)))) is not None]
    merged = {**fields, **{name: "" for name, value in fields.items() if value is None}}
    return Merged(replace(other, sections=tuple(kept), hidden=_hidden(base, own, other), **merged), clashes)


def _ordered(own: Content, other: Content) -> list[Section]:
    """All sections of both: in the order of `other`, what only `own` has after what it follows there."""
    order = list(other.sections)
    before = ""
    for section in own.sections:
        headings = [one.heading for one in order]
        if section.heading not in headings:
            order.insert(headings.index(before) + 1 if before in headings else 0, section)
        before = section.heading
    return order


# --- action items


def next_reminder(due_on: date, zone: str, now: datetime) -> datetime:
    """The first moment after `now` at which the owner is reminded: 09:00 in their zone on the day before the due date,
    on the first day after it, and each week from then."""
    place = ZoneInfo(zone)
    day = due_on - timedelta(days=1)
    while _morning(day, place) <= now:
        day = due_on + timedelta(days=1) if day < due_on else day + timedelta(
            days=7 * max(1, (now.astimezone(place).date() - day).days // 7))
    return _morning(day, place)


def _morning(day: date, place: ZoneInfo) -> datetime:
    return datetime.combine(day, REMIND_AT, place)


def nudge_due(resolved: Iterable[datetime | None], now: datetime) -> datetime:
    """When the owner of an unpublished draft is first told: five days after the last resolution, or from now."""
    return max((at for at in resolved if at), default=now) + NUDGE_AFTER


def working_days(first: date, last: date) -> int:
    """How many Mondays to Fridays lie after `first`, up to and with `last`."""
    if last <= first:
        return 0
    weeks, rest = divmod((last - first).days, 7)
    return weeks * 5 + sum((first.weekday() + step) % 7 < 5 for step in range(1, rest + 1))


def median(values: Sequence[float]) -> float | None:
    """The middle one; between two middles their mean; None of nothing."""
    ordered = sorted(values)
    if not ordered:
        return None
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def span_text(seconds: float | None) -> str:
    """A duration as people say it: `45 s`, `22 min`, `3 h 5 min`, `2 d 4 h`; "" for none."""
    if seconds is None:
        return ""
    whole = int(seconds)
    for size, unit, smaller, word in ((86400, "d", 3600, "h"), (3600, "h", 60, "min")):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {unit}" + (f" {rest} {word}" if rest else "")
    return f"{whole // 60} min" if whole >= 60 else f"{whole} s"
