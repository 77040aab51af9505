"""Everything a plugin may import from the application: hooks, frozen dataclasses, errors, HTTP and form fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

import pluggy

from app.core.acting import Action, Call, Done, Order, Ticket
from app.core.calendars import Access, Calendar, CalendarEntry, Grant, grant_of
from app.core.clock import now
from app.core.exchange import (
    Address,
    Answered,
    Connection,
    Link,
    Message,
    NoAccess,
    Receipt,
    Refused,
    Reply,
    Report,
    Retry,
)
from app.core.fields import Field, Setting
from app.core.http import Answer, ForbiddenAddress, Unreachable, request, retry_after
from app.core.importing import (
    Duty,
    Get,
    Happened,
    Imported,
    Importer,
    Keys,
    Line,
    Paged,
    grouped,
    listed,
    minutes_of,
    restrictions_of,
    settled,
    span_text,
    zone_of,
)
from app.core.inbound import (
    AlertView,
    Ask,
    Door,
    Inbound,
    Integration,
    Signal,
    SignalStatus,
    Told,
    Wanted,
    as_group,
    ignored,
    noted,
)
from app.core.mail import is_mail_address, mail_of, one_line
from app.core.mail_reading import FIELDS as MAIL_FIELDS
from app.core.mail_reading import Letter, letter
from app.core.mail_reading import from_headers as letter_of
from app.core.mail_reading import plain_of as plain_html
from app.core.mail_sources import MailSource, Posted, tag_of
from app.core.reading import (
    Rejected,
    Severity,
    filled,
    first,
    labels,
    labels_but,
    lines,
    mapping,
    meaning,
    moment,
    parse_json,
    read_each,
    sequence,
    severity_of,
    stable_key,
    text,
    web_link,
    words,
)
from app.core.signatures import sign
from app.core.sources import Signature, Source, check_signature
from app.core.targets import Outcome, RunbookTarget, Step, base_of, perform, said_in, written
from app.core.texting import gsm, read_reply, spoken, text_message

__all__ = [
    "API_VERSION", "Access", "Action", "Address", "AlertView", "Answer", "Answered", "Ask", "Calendar",
    "CalendarEntry", "Call", "Channel", "Connection", "Done", "Door", "Duty", "EventView", "Field",
    "ForbiddenAddress", "Get", "Grant", "Happened", "Imported", "Importer", "Inbound", "Integration", "Keys",
    "Letter", "Line", "Link", "MAIL_FIELDS", "MailSource", "Message", "NoAccess", "Order", "Outcome", "Paged",
    "Posted", "Receipt", "Refused", "Rejected", "Reply", "Report", "Retry", "RunbookTarget", "Setting", "Severity",
    "Signal", "SignalStatus", "Signature", "Source", "Step", "Ticket", "Told", "Unreachable", "Wanted", "as_group",
    "base_of", "check_signature", "deliver", "filled", "first", "grant_of", "grouped", "gsm", "hookimpl", "ignored",
    "is_mail_address", "labels", "labels_but", "letter", "letter_of", "lines", "listed", "mail_of", "mapping",
    "meaning", "minutes_of", "moment", "noted", "now", "object_in", "one_line", "parse_json", "perform", "plain_html",
    "read_each", "read_reply", "request", "restrictions_of", "said_in", "sequence", "settled", "severity_of", "sign",
    "span_text", "spoken", "stable_key", "tag_of", "text", "text_message", "tokens_from", "web_link", "words",
    "written", "zone_of",
]

API_VERSION = 1
hookimpl = pluggy.HookimplMarker("oncall")


@dataclass(frozen=True)
class EventView:
    """A committed fact, read-only, as plugins hear it."""

    id: int
    kind: str
    at: datetime
    actor: str
    subject: str
    data: Mapping[str, Any]


@runtime_checkable
class Channel(Protocol):
    """A way to reach somebody. `can`: verify (a code proves an address), reply, status (receipts come later), code
    (replies are text that names a code), room, loud, update, sign, thread, own, single (never several incidents in one),
    hook (outsiders subscribe a room by its incoming webhook). `settings` names what it reads.

    Several plugins may offer the same slug: each is a provider of that channel, tried in order (`rank`, lower first).
    Optional: `needs`, the settings without which it is not tried, and whose plugin is then left out after failures in a
    row; `callbacks`, the purposes it hears at /plugins/<plugin>/callback/<purpose>; `refusal`, the status for a wrong
    signature (403); and these methods, none of which runs inside a transaction:

    - `receive(inbound, config) -> list[Reply | Report]`: raises Rejected when the vendor's signature is wrong;
    - `respond(inbound, answers, config) -> Answer`: the vendor's own answer; without it the house sends a text back;
    - `update(message, address, receipt, config) -> Receipt | None`: make what was sent agree with `message`;
    - `say(lines, receipt, config)`: write below a post that was made (thread);
    - `open(message, people, config) -> Receipt`: a channel for one incident, these members invited, the post in it (own);
    - `authorize(callback, state, config) -> str` and `connected(inbound, callback, config) -> Connection`: OAuth.
    """

    slug: str
    name: str
    address: Field
    can: frozenset[str]
    settings: Sequence[str]

    def send(self, message: Message, address: Address, config: Mapping[str, Any]) -> Receipt:
        """Hand the message to the provider once. Raises Retry, Refused, NoAccess, or Rejected when this message never
        will be taken although the address is good; anything else counts as a fault of ours."""


def deliver(
    url: str, *, method: str = "POST", account: bool = False, judge: Callable[[Answer], Exception | None] | None = None,
    **call: Any,
) -> Answer:
    """Call a provider (as `request` does) and turn what is not 2xx into Retry, Refused or Rejected.

    `account`: the address is the provider's own, so 401 and 403 raise NoAccess and 404 speaks of no dead address.
    `judge` looks at every answer first: the exception it gives is raised.
    """
    try:
        answer = request(method, url, **call)
    except ForbiddenAddress as fault:
        raise Rejected(fault.reason) from None
    except Unreachable as fault:
        raise Retry(fault.reason) from None
    if judge is not None and (refusal := judge(answer)) is not None:
        raise refusal
    if 200 <= answer.status < 300:
        return answer
    said = f"The answer was {answer.status}"
    if account and answer.status in (401, 403):
        raise NoAccess(f"{said}: our account is not accepted")
    if answer.status in (404, 410) and not account:
        raise Refused(f"{said}: the address does not exist")
    if answer.status in (408, 429) or not 400 <= answer.status < 500:
        raise Retry(said, after=retry_after(answer))
    raise Rejected(said)


def object_in(answer: Answer) -> dict[str, Any]:
    """The object that an answer holds. Raises Retry for anything else."""
    try:
        said = answer.json()
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise Retry("The answer was not JSON")
    return said


def tokens_from(url: str, who: str, form: Mapping[str, str]) -> dict[str, Any]:
    """What a token endpoint gives for this form. Raises NoAccess when the person's consent is gone, Retry when our client is
    not accepted: `invalid_grant` is the consent, anything else of this kind our client (RFC 6749, 5.2)."""
    def judge(answer: Answer) -> Exception | None:
        if answer.status not in (400, 401, 403):
            return None
        gone = b"invalid_grant" in answer.body
        return NoAccess("The consent was taken back or ran out") if gone else Retry(f"{who} does not accept our client")
    return object_in(deliver(url, data=form, judge=judge))
