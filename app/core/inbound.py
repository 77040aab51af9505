"""What comes in, and what plugins make of it: requests, signals, and the protocol of a way in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, Protocol, get_args, runtime_checkable

from app.core.fields import Field
from app.core.reading import Rejected, Severity, parse_form, parse_json, parse_parts, stable_key

SignalStatus = Literal["firing", "acknowledged", "resolved", "suppressed"]


@dataclass(frozen=True)
class Inbound:
    """One request from outside as it came: header names in lower case, the body as raw bytes after decompression.

    `packed` is the body as it came, where it was compressed: a sender may have signed either. `parts` are the named parts of
    the address where a Door has some, and `door`, the address as the Door writes it; `delivery` is the id under which it is
    stored, once it is. A channel's callback has its `purpose`, the last part of the
    path, and `url`, the address as the vendor called it: signatures cover it.
    """

    method: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    received_at: datetime
    parts: Mapping[str, str] = field(default_factory=dict)
    delivery: str = ""
    url: str = ""
    purpose: str = ""
    packed: bytes = b""

    def json(self) -> Any:
        """The body as JSON. Raises Rejected naming the position when it is not."""
        return parse_json(self.body)

    def object(self) -> dict[str, Any]:
        """The body as one JSON object. Raises Rejected when it is another thing, or has no fields."""
        found = self.json()
        if not isinstance(found, dict) or not found:
            raise Rejected("The body must be an object with at least one field")
        return found

    def form(self) -> dict[str, Any]:
        """The fields of a form or a JSON object, whichever it is, whatever the content type says. Raises Rejected."""
        kind = self.headers.get("content-type", "")
        if kind.lower().startswith("multipart/form-data"):
            return parse_parts(self.body, kind)
        return self.object() if self.body.lstrip()[:1] in (b"{", b"[", b'"', b"") else parse_form(self.body)


@dataclass(frozen=True)
class Ask:
    """What a sender wants done: on the incident of its signal's alert, or (`change`) written down at its service.

    `people` are pairs of "user", "team", "schedule" or "policy" and an address, key or name. Who or what is not known
    here is noted, never refused.
    """

    kind: Literal["note", "unacknowledge", "snooze", "escalate", "assign", "respond", "change"]
    text: str = ""
    until: datetime | None = None
    people: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Signal:
    """What a sender says about one problem. Empty strings mean "not said"; times are aware and in UTC.

    `started_at` is when the problem began, `happened_at` when this status came to be; both are the sender's words and
    never decide whether it is heard. `notes` are sentences for people; `raw` are fields of the sender without a place.
    `alert` is the id of our own alert, where the sender names that in place of its key.
    """

    dedup_key: str
    status: SignalStatus
    title: str = ""
    severity: Severity | Literal[""] = ""
    body: str = ""
    url: str = ""
    service_key: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    started_at: datetime | None = None
    happened_at: datetime | None = None
    notes: tuple[str, ...] = ()
    raw: Mapping[str, Any] = field(default_factory=dict)
    alert: str = ""
    asks: tuple[Ask, ...] = ()


def noted(signals: list[Signal], notes: Sequence[str]) -> list[Signal]:
    """The signals, the first of which carries what has to be said about the delivery as a whole."""
    head = replace(signals[0], notes=(*notes, *signals[0].notes))
    return [head, *signals[1:]]


def as_group(signals: Sequence[Signal], *, name: str, **said: Any) -> Signal:
    """One signal for several: firing while any of them fires, as severe as the worst that does.

    `said` are the fields that the sender gives to the group itself; without `name` it is called as the first of them.
    """
    firing = [signal for signal in signals if signal.status == "firing"]
    severity: Severity | Literal[""] = min((signal.severity for signal in firing or signals if signal.severity),
                   key=get_args(Severity).index, default="")
    return Signal(
        status="firing" if firing else "resolved", severity=severity,
        title=f"{name or signals[0].title} ({len(firing)} of {len(signals)} firing)",
        body="\n".join(f"{signal.title}: {signal.body}" for signal in firing),
        started_at=min((signal.started_at for signal in firing if signal.started_at), default=None),
        happened_at=max((signal.happened_at for signal in signals if signal.happened_at), default=None), **said)


def ignored(reason: str) -> list[Signal]:
    """For a delivery that tells of no problem (a greeting, a cancelled run): it changes nothing, and says why."""
    return [Signal(stable_key("ignored", reason), "suppressed", title=reason, notes=(reason,))]


@dataclass(frozen=True)
class Door:
    """A further address at which a vendor's senders knock, such as `/v2/enqueue`, written as Flask's rules are.

    Parts in `<…>` are named; one called `token` is the credential. A slash at the end may be left out. `does` is
    "deliver", "look" (the sender asks, nothing is stored) or "ping" (a heartbeat is alive).
    """

    path: str
    methods: tuple[str, ...] = ("POST",)
    does: Literal["deliver", "look", "ping"] = "deliver"


@dataclass(frozen=True)
class Wanted:
    """What a sender asks about: one of its deliveries, or one of its alerts by our id or by its own key."""

    delivery: str = ""
    alert: str = ""
    key: str = ""


@dataclass(frozen=True)
class AlertView:
    """An alert as its sender may see it."""

    id: str
    key: str
    title: str
    body: str
    status: str
    severity: str
    count: int
    first_seen: datetime
    last_seen: datetime
    labels: Mapping[str, str]
    incident: str
    acknowledged: bool
    snoozed_until: datetime | None = None


@dataclass(frozen=True)
class Told:
    """The answer to Wanted: the state of the delivery ("received", "processed", …, "" without one), what was noted
    about it, and the alert, if there is one."""

    state: str = ""
    note: str = ""
    processed_at: datetime | None = None
    alert: AlertView | None = None


@runtime_checkable
class Integration(Protocol):
    """A way in. `can` may hold "open" (works without a signature), "resolve" (the sender reports recovery), "proven" (its
    signature is one that only the vendor can make) and "mail" (the built-in receiver takes mail for it).

    Senders that know only the vendor's addresses are served by optional `doors` (a sequence of Door) together with
    `credential(inbound) -> str`: the integration token or service key in such a request, "" when it holds none. What
    came by such a door is read by this plugin, whatever the integration is, or by the one that an optional
    `reader(inbound) -> str` names. A sender that wants its own answer gets it from an optional `respond(inbound, fault)
    -> Answer`: `fault` is the Rejected that `verify` raised, or None. A Door that does "look" needs `wanted(inbound) ->
    Wanted` and `told(inbound, Told | None) -> Answer`; one that does "ping" `heartbeat(inbound) -> str`, the key of the
    heartbeat. "inside" in `can` keeps it out of the gallery: the house itself makes such integrations.

    Also optional: `category`, the heading in the gallery under which it stands; `delivery_key(inbound) -> str`, the
    vendor's name of one delivery, by which a repeat is known; `same(inbound) -> bytes`, what repeats have in common
    where that is not the whole body; `most`, the bytes a body may have where that is more than usual; `sign(body,
    config, at) -> headers` that `verify` accepts, for tests; `greet(inbound) -> Answer` to OPTIONS; `learns(inbound) ->
    {field: value}`, fields which the first genuine request decides; `settings`, the names of the settings its `config`
    holds; `confirm(inbound, config)`, which runs once a delivery is stored, may call out, and raises Retry when the
    sender should knock again. `verify` may raise that too, when it had to ask and got no answer.
    """

    slug: str
    name: str
    fields: Sequence[Field]
    can: frozenset[str]

    def verify(self, inbound: Inbound, config: Mapping[str, Any]) -> None:
        """Raise Rejected when the vendor's own signature or the form of the body is wrong. Runs in the request."""

    def normalize(self, inbound: Inbound, config: Mapping[str, Any]) -> list[Signal]:
        """The signals of one delivery, in its order. Raises Rejected when it can't be read. Pure."""
