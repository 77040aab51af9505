"""Places where a runbook can act: what a target is given, what it answers, and the one call it makes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from app.core.acting import Call
from app.core.exchange import NoAccess, Retry
from app.core.fields import Field
from app.core.http import Answer, ForbiddenAddress, Unreachable, request
from app.core.reading import Rejected, mapping, text

OutcomeState = Literal["running", "succeeded", "failed"]
SHOWN = 4096


@dataclass(frozen=True)
class Step:
    """What to do. `payload` is what the runbook sends, rendered; `key` stays equal over retries of one execution.

    `timeout` is what is left of the execution's time in seconds, `callback` the address at which the target may report,
    `delivery` an id of the execution for people and logs, `wait` how its end is known.
    """

    payload: Any
    key: str
    timeout: float
    callback: str = ""
    delivery: str = ""
    wait: str = "response"


@dataclass(frozen=True)
class Outcome:
    """How it stands. `handle` is what `follow` and `cancel` need (plain JSON), `progress` new lines since the last look."""

    state: OutcomeState
    output: str = ""
    handle: Mapping[str, Any] = field(default_factory=dict)
    progress: Sequence[str] = ()
    reason: str = ""


@runtime_checkable
class RunbookTarget(Protocol):
    """A place where a runbook can act.

    `fields` are what a runbook says about it; the values may hold templates, and those of `secret` fields must name a
    secret. `can`: response (the answer to the call is the end), callback (it reports by itself, signed with the field
    `signing_secret`), follow, cancel, dry_run. `settings` names what it reads beside. `config` holds both, rendered.

    Optional, each with the word in `can`; none runs inside a transaction, all raise Retry, Rejected or NoAccess:

    - `follow(handle, config) -> Outcome`: how it stands now;
    - `cancel(handle, config) -> None`: ask to stop it;
    - `dry_run(step, config) -> Outcome`: check without doing it.
    """

    slug: str
    name: str
    fields: Sequence[Field]
    can: frozenset[str]
    settings: Sequence[str]

    def prepare(self, step: Step, config: Mapping[str, Any]) -> Call:
        """The request that `run` would send; it sends nothing. Raises Rejected for what never can be sent."""

    def run(self, step: Step, config: Mapping[str, Any]) -> Outcome:
        """Start it, once. Raises Retry where the same call may be made again, Rejected or NoAccess where not."""


def perform(call: Call, *, timeout: float, once: bool = False) -> Answer:
    """Make the call and return its answer when that is 2xx. Raises Retry for network errors, 429 and 5xx, NoAccess for
    401 and 403, Rejected for the rest; each keeps the first 4 KiB of what was answered.

    `once`: the other side knows no idempotency key. Then whatever may have taken effect (no answer to a request that
    left, or a 5xx other than 503) raises Rejected with "outcome unknown", so that it is never made twice.
    """
    said: dict[str, Any] = {"json": call.json} if call.json is not None else {"data": call.body}
    try:
        answer = request(call.method, call.url, headers=call.headers, timeout=max(timeout, 0.05), **said)
    except ForbiddenAddress as fault:
        raise Rejected(fault.reason) from None
    except Unreachable as fault:
        if once and fault.left:
            raise Rejected(f"outcome unknown: {fault.reason}") from None
        raise Retry(fault.reason) from None
    if 200 <= answer.status < 300:
        return answer
    reason = f"The answer was {answer.status}"
    if shown := answer.text.strip()[:SHOWN]:
        reason = f"{reason}: {shown}"
    if answer.status in (401, 403):
        raise NoAccess(reason)
    if answer.status in (429, 503) or (answer.status >= 500 and not once):
        raise Retry(reason)
    if answer.status >= 500:
        raise Rejected(f"outcome unknown: {reason}")
    raise Rejected(reason)


def said_in(who: str, answer: Answer, *, begins: bool = False) -> dict[str, Any]:
    """The object that a 2xx answer of `who` holds. Raises Rejected where it is none; where the call was to begin something
    (`begins`), nobody knows then whether it has."""
    try:
        return mapping(answer.json())
    except ValueError:
        before = "outcome unknown: " if begins else ""
        raise Rejected(f"{before}{who} did not answer with JSON; is the address right?") from None


def base_of(config: Mapping[str, Any], setting: str, api: str = "") -> str:
    """The address in the field `url`, else in the setting; the path `api` is added where it names none of the kind. Raises
    Rejected where there is none."""
    url = str(config.get("url") or config.get(setting) or "").rstrip("/")
    if not url:
        raise Rejected(f"There is no address: fill the field in, or set {setting}")
    return f"{url}/{api}" if api and "/api/" not in url else url


def written(value: Any) -> str:
    """A parameter where each is one text: lists and objects as JSON."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else text(value)
