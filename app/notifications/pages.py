"""What the pages about contact methods, rules, tests and one-tap links show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from app.core import clock
from app.core.db import session
from app.core.errors import NotFound, Problem
from app.identity.models import User
from app.incidents.models import Incident
from app.notifications import duty_wishes, queries, quiet, rules
from app.notifications.forms import SPANS, TypedRule
from app.notifications.models import ContactMethod, Message, NotificationRule

Errors = Mapping[str, str]
URGENCIES = {"high": "High urgency", "low": "Low urgency"}


@dataclass(frozen=True)
class MethodRow:
    """A contact method; `address` is masked in other people's eyes, `last` is when a message last went out by it."""

    method: ContactMethod
    kind: str
    address: str
    last: datetime | None


@dataclass(frozen=True)
class ContactsPanel:
    """A person's contact methods, and the form that adds one."""

    methods: list[MethodRow]
    reachable: bool
    channels: list[tuple[str, str]]
    form: Mapping[str, str] = field(default_factory=dict)
    errors: Errors = field(default_factory=dict)
    template: str = "panels/profile-contacts.html"


@dataclass(frozen=True)
class UrgencyRules:
    """The rules for an urgency: rows to edit, and what they mean as (for what, sentence)."""

    urgency: str
    label: str
    rows: Sequence[TypedRule]
    says: list[tuple[str, str]]
    errors: Errors = field(default_factory=dict)


@dataclass(frozen=True)
class RulesPanel:
    """A person's own rules; without any the defaults count."""

    urgencies: list[UrgencyRules]
    choices: list[tuple[str, str]]
    reachable: bool
    template: str = "panels/profile-rules.html"


@dataclass(frozen=True)
class BrowsersPanel:
    """The browsers that page a person; `possible` once the installation has a key."""

    browsers: list[MethodRow]
    possible: bool
    template: str = "panels/profile-browsers.html"


Panel = ContactsPanel | RulesPanel | BrowsersPanel


@dataclass(frozen=True)
class PagingPage:
    """All of it on a page of its own, where forms that were refused come back."""

    panels: list[Panel]


@dataclass(frozen=True)
class OthersPanel:
    """How somebody else can be reached, addresses masked."""

    methods: list[MethodRow]
    reachable: bool
    name: str
    template: str = "panels/person-contacts.html"


def contacts_panel(user: User, form: Mapping[str, str] | None = None,
                   problems: Iterable[Problem] = ()) -> ContactsPanel:
    """The contact methods of oneself."""
    registry = current_app.extensions["plugins"]
    channels = sorted((channel.name, slug) for slug, channel in registry.channels.items()
                      if slug != "webpush" and registry.is_on("channel", slug))
    methods = _rows(user, masked=False)
    return ContactsPanel([row for row in methods if row.method.channel != "webpush"],
                         any(row.method.usable for row in methods), [(slug, name) for name, slug in channels],
                         form or {}, {problem.field: problem.message for problem in problems})


def browsers_panel(user: User) -> BrowsersPanel:
    """The browsers that page oneself."""
    browsers = [row for row in _rows(user, masked=False) if row.method.channel == "webpush"]
    return BrowsersPanel(browsers, bool(current_app.config["VAPID_PUBLIC_KEY"]))


def rules_panel(user: User, typed: Mapping[str, Sequence[TypedRule]] | None = None,
                problems: Iterable[Problem] = ()) -> RulesPanel:
    """The rules of oneself, as saved or, for an urgency that was refused, as typed."""
    usable = queries.usable([user.id]).get(user.id, [])
    choices = [(str(method.id), method.name if method.usable else f"{method.name} (can't be used)")
               for method in queries.methods_of(user)]
    errors = {problem.field: problem.message for problem in problems}
    found = [UrgencyRules(urgency, label, (typed or {}).get(urgency) or _saved(user, urgency),
                          _says(user, urgency, usable), errors if urgency in (typed or {}) else {})
             for urgency, label in URGENCIES.items()]
    return RulesPanel(found, choices, bool(usable))


def others_panel(user: User) -> OthersPanel:
    """How somebody can be reached, for those who read about them."""
    methods = _rows(user, masked=True)
    return OthersPanel(methods, any(row.method.usable for row in methods), user.name)


def _rows(user: User, *, masked: bool) -> list[MethodRow]:
    methods = queries.methods_of(user)
    last: dict[int, datetime | None] = {method: at for method, at in session.execute(
        select(Message.method_id, func.max(Message.sent_at)).where(
            Message.method_id.in_([method.id for method in methods])).group_by(Message.method_id))}
    channels = current_app.extensions["plugins"].channels
    return [MethodRow(method, channels[method.channel].name if method.channel in channels else method.channel,
                      rules.masked(method.channel, method.address) if masked else method.address,
                      last.get(method.id)) for method in methods]


def _saved(user: User, urgency: str) -> list[TypedRule]:
    found = session.scalars(select(NotificationRule).where(
        NotificationRule.user_id == user.id, NotificationRule.urgency == urgency).order_by(
        NotificationRule.after, NotificationRule.position))
    return [TypedRule(f"{rule.after / 60:g}", str(rule.method_id)) for rule in found]


def _says(user: User, urgency: str, usable: Sequence[ContactMethod]) -> list[tuple[str, str]]:
    """What will happen, in words; critical incidents have a line of their own where they differ."""
    own = queries.rules_of([user.id], urgency).get(user.id, [])
    methods, names = [rules.Method(one.id, one.channel) for one in usable], {one.id: one.name for one in usable}
    severities = {"Critical": "critical", "High": "high"} if urgency == "high" else {"Low and medium": "low"}
    said = [(label, rules.in_words(rules.plan(own, methods, severity=severity, urgency=urgency), names))
            for label, severity in severities.items()]
    return [("Critical and high", said[0][1])] if len(said) == 2 and said[0][1] == said[1][1] else said


@dataclass(frozen=True)
class TestPage:
    """The newest test of a person: each message with its state."""

    person: User
    messages: list[Message]
    names: Mapping[str, str]


def test_page(user: User) -> TestPage:
    """The messages of the newest test."""
    newest = session.scalar(select(func.max(Message.queued_at)).where(Message.user_id == user.id,
                                                                      Message.kind == "test"))
    if newest is None:
        raise NotFound("You have sent no test yet.")
    found = session.scalars(select(Message).where(
        Message.user_id == user.id, Message.kind == "test", Message.queued_at > newest - timedelta(seconds=30)).options(
        joinedload(Message.method)).order_by(Message.id))
    names = {slug: channel.name for slug, channel in current_app.extensions["plugins"].channels.items()}
    return TestPage(user, list(found), names)


@dataclass(frozen=True)
class TapPage:
    """A one-tap link: what it is about, and whether the button is there; `said` is what the press did, or why not."""

    incident: Incident | None = None
    token: str = ""
    open: bool = False
    said: str = ""
    done: bool = False
    others: Sequence[Incident] = ()


@dataclass(frozen=True)
class DutyNoticesPanel:
    """Which notices of hand-offs the reader wants."""

    chosen: Mapping[str, bool]
    template: str = "panels/profile-duty-notices.html"
    rail: bool = False


def duty_notices_panel(user: User) -> DutyNoticesPanel:
    """The choices of oneself."""
    return DutyNoticesPanel(duty_wishes.choices([user.id])[user.id])


@dataclass(frozen=True)
class LinkPage:
    """An address at a channel that somebody signed in may make their own."""

    token: str
    channel: str
    name: str


@dataclass(frozen=True)
class QuietPanel:
    """When low urgency waits for oneself: rows of (choice of days, from, to), and whether it is quiet now."""

    rows: list[tuple[str, str, str]]
    choices: list[tuple[str, str]]
    zone: str
    until: datetime | None
    template: str = "panels/profile-quiet.html"


def quiet_panel(user: User) -> QuietPanel:
    """The quiet hours of oneself."""
    words = {tuple(days): word for word, days in SPANS.items()}
    rows = [(words.get(tuple(one["days"]), "every"), one["from"], one["to"]) for one in quiet.documents([user.id])[user.id]]
    names = {"every": "Every night", "work": "Monday to Friday", "weekend": "Saturday and Sunday", "mon": "Monday",
             "tue": "Tuesday", "wed": "Wednesday", "thu": "Thursday", "fri": "Friday", "sat": "Saturday", "sun": "Sunday"}
    return QuietPanel(rows, list(names.items()), user.time_zone,
                      rules.quiet_until(quiet.quiet_of([user.id]).get(user.id, ()), clock.now()))
