"""What the house asks other products to do: an action's call as data, sent here, and what came of it."""

from __future__ import annotations

import json as json_module
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, runtime_checkable

from app.core.exchange import NoAccess, Retry
from app.core.fields import Field
from app.core.http import Answer, ForbiddenAddress, Unreachable, request, retry_after
from app.core.masking import storable
from app.core.reading import Rejected

RETRIED = frozenset({408, 425, 429})
ATTEMPT_SECONDS = 30.0


@dataclass(frozen=True)
class Ticket:
    """Something that was made elsewhere and is followed by people: its name there, and where it stands."""

    key: str
    url: str
    open: bool | None = None  # whether it still is to be done there; None where the answer does not say


@dataclass(frozen=True)
class Order:
    """One thing that is wanted once. `mark` ([a-z0-9-], at most 60) is equal over all attempts of this order and of no
    other: whatever is made carries it. `params` are what the action's fields say, by name."""

    mark: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """One request, not sent yet: `json` or `body`. Its representation shows the method alone."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    json: Any = field(default=None, repr=False)
    body: bytes | None = field(default=None, repr=False)

    def content(self) -> bytes:
        """What goes out as the body."""
        if self.body is not None:
            return self.body
        return b"" if self.json is None else json_module.dumps(self.json, ensure_ascii=False).encode()


@dataclass(frozen=True)
class Done:
    """What came of an order: values that later steps may use, and the ticket where one was made."""

    output: Mapping[str, Any] = field(default_factory=dict)
    ticket: Ticket | None = None


@runtime_checkable
class Action(Protocol):
    """A verb ("Create an issue"): what workflows and others may order of a product. It sends nothing itself, so that a
    rehearsal shows the very request.

    `fields` are asked once for a connection (secrets among them), `params` for each order; params of kind text and area
    are templates. `can`: "ticket" (makes one; then `look` and `found` are there too, and its params hold `title` and
    `description`). No method may call anybody. Optional ones:

    - `look(order, config) -> Call` and `found(answer, order, config) -> Done | None`: whether an order whose outcome nobody
      knows was carried out;
    - `reason(answer) -> str`: the vendor's own words in an answer that is not 2xx.
    """

    slug: str
    name: str
    product: str
    fields: Sequence[Field]
    params: Sequence[Field]
    can: frozenset[str]

    def prepare(self, order: Order, config: Mapping[str, Any]) -> Call:
        """The request that does it. Raises ValueError with a sentence where the params can't be used."""

    def read(self, answer: Answer, order: Order, config: Mapping[str, Any]) -> Done:
        """What a 2xx answer says. Raises Rejected, Retry or NoAccess where it is a refusal all the same."""

    def check(self, config: Mapping[str, Any]) -> Call:
        """The call behind the button "Test" of a connection; it makes nothing that needs clearing up."""

    def checked(self, answer: Answer) -> str:
        """What a 2xx answer to that says, as a sentence. Raises like `read`."""


@dataclass
class Attempt:
    """One try: what was sent last, what was answered, and either `done` or `fault`.

    `unknown`: nobody can tell whether it took effect, so the next try has to look first.
    """

    call: Call | None = None
    answer: Answer | None = None
    done: Done | None = None
    fault: Exception | None = None
    unknown: bool = False

    @property
    def again(self) -> bool:
        """Whether another try makes sense."""
        return isinstance(self.fault, Retry)


def attempt(action: Action, order: Order, config: Mapping[str, Any], *, look: bool = False,
            timeout: float = ATTEMPT_SECONDS) -> Attempt:
    """Carry the order out once, at most `timeout` seconds a request. `look`: an earlier try may have taken effect.

    Never raises for what vendors and networks do. Call it with nothing open.
    """
    tried, unsure = Attempt(), look and hasattr(action, "look")
    try:
        if unsure:
            answer = _sent(tried, action.look(order, config), timeout, _words(action))  # type: ignore[attr-defined]
            tried.done, unsure = _read(tried, lambda: action.found(answer, order, config)), False  # type: ignore[attr-defined]
        if tried.done is None:
            made = _sent(tried, action.prepare(order, config), timeout, _words(action))
            tried.done = _read(tried, lambda: action.read(made, order, config))
    except ValueError as fault:
        tried.fault = Rejected(str(fault))
    except (Retry, Rejected, NoAccess) as fault:
        tried.fault = fault
    tried.unknown = tried.unknown or unsure  # a look without an answer says nothing of the earlier try
    return tried


def find(action: Action, order: Order, config: Mapping[str, Any], *, timeout: float = ATTEMPT_SECONDS) -> Attempt:
    """How the ticket of an order stands, and nothing else is done; neither `done` nor `fault` where it is not there.

    Never raises for what vendors and networks do. Call it with nothing open.
    """
    tried = Attempt()
    try:
        answer = _sent(tried, action.look(order, config), timeout, _words(action))  # type: ignore[attr-defined]
        tried.done = _read(tried, lambda: action.found(answer, order, config))  # type: ignore[attr-defined]
    except ValueError as fault:
        tried.fault = Rejected(str(fault))
    except (Retry, Rejected, NoAccess) as fault:
        tried.fault = fault
    return tried


def _read(tried: Attempt, read: Callable[[], Done | None]) -> Done | None:
    """What an answer says; one that can't be understood leaves the outcome unknown."""
    tried.unknown = True
    try:
        done = read()
    except ValueError:
        raise Retry("The answer can't be read") from None
    tried.unknown = False
    return None if done is None else _storable(done)


def _storable(done: Done) -> Done:
    """What a vendor calls things may hold what no database takes."""
    made = done.ticket and replace(done.ticket, key=storable(done.ticket.key), url=storable(done.ticket.url))
    return Done(storable(dict(done.output)), made)


def check(action: Action, config: Mapping[str, Any], *, timeout: float = ATTEMPT_SECONDS) -> str:
    """The button "Test" of a connection: a sentence. Raises Retry, Rejected or NoAccess. Call it with nothing open."""
    try:
        return action.checked(_sent(Attempt(), action.check(config), timeout, _words(action)))
    except ValueError as fault:
        raise Rejected(str(fault)) from None


def send(call: Call, *, timeout: float = ATTEMPT_SECONDS, words: Callable[[Answer], str] | None = None) -> Attempt:
    """Send a call that belongs to no action."""
    tried = Attempt()
    try:
        _sent(tried, call, timeout, words)
        tried.done = Done()
    except (Retry, Rejected, NoAccess) as fault:
        tried.fault = fault
    return tried


def _words(action: Action) -> Callable[[Answer], str] | None:
    """The vendor's own words, as far as an answer has the form of the vendor's."""
    reason = getattr(action, "reason", None)

    def words(answer: Answer) -> str:
        try:
            return str(reason(answer))  # type: ignore[misc]
        except ValueError:
            return ""
    return words if reason is not None else None


def _sent(tried: Attempt, call: Call, timeout: float, words: Callable[[Answer], str] | None) -> Answer:
    """The 2xx answer to `call`. Raises Retry for what may pass, Rejected or NoAccess for the rest."""
    tried.call, tried.answer, tried.unknown = call, None, False
    try:
        answer = request(call.method, call.url, headers=call.headers, timeout=timeout,
                         data=None if call.json is not None else call.body, json=call.json)
    except ForbiddenAddress as fault:
        raise Rejected(fault.reason) from None
    except Unreachable as fault:
        tried.unknown = True
        raise Retry(fault.reason) from None
    tried.answer = answer
    if 200 <= answer.status < 300:
        return answer
    tried.unknown = answer.status >= 500 or answer.status == 408
    said = ": ".join(part for part in (f"The answer was {answer.status}", words(answer)[:300] if words else "") if part)
    if answer.status in RETRIED or answer.status >= 500:
        raise Retry(said, after=retry_after(answer))
    raise NoAccess(said) if answer.status in (401, 403) else Rejected(said)
