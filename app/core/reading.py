"""Reading what strangers send: lenient about types and missing parts, strict only about what can't be read at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from email import message_from_bytes
from typing import Any, Literal, TypeVar
from urllib.parse import parse_qsl, urlsplit

T = TypeVar("T")
Severity = Literal["critical", "high", "medium", "low", "info"]

JSON_DEPTH = 64
LINK_CHARACTERS = 2048
FORM_FIELDS = 1000

_WORDS: dict[Severity, str] = {
    "critical": "critical crit p1 sev1 sev0 emergency emerg fatal disaster page",
    "high": "high p2 sev2 error err major average",
    "medium": "medium p3 sev3 warning warn minor",
    "low": "low p4 sev4 notice",
    "info": "info p5 sev5 debug informational information none",
}
_SEVERITIES = {word: severity for severity, words in _WORDS.items() for word in words.split()}
_SAFE = {code: "\N{REPLACEMENT CHARACTER}" for code in (0, *range(0xD800, 0xE000))}


class Rejected(Exception):
    """The request is not acceptable; `reason` is shown to people, `unauthenticated` answers 401 instead of 400.

    `errors` lists all the faults of the body, for senders that are told each of them.
    """

    def __init__(self, reason: str, *, unauthenticated: bool = False, errors: Iterable[str] = ()) -> None:
        super().__init__(reason)
        self.reason, self.unauthenticated, self.errors = reason, unauthenticated, tuple(errors)


def addressed(guide: str, url: str) -> str:
    """A set-up guide with `{url}`, the address to copy, and its parts: `{base}` before the path, `{token}` at its end."""
    base, _, token = url.rpartition("/in/")
    return guide.replace("{url}", url).replace("{base}", base or "{base}").replace("{token}", token if base else "{token}")


def parse_json(body: bytes) -> Any:
    """The body as JSON without what no database stores (NUL, lone surrogates). Raises Rejected with the position."""
    try:
        return _cleaned(json.loads(body, parse_constant=str), JSON_DEPTH)
    except (ValueError, RecursionError) as error:
        raise Rejected(f"The body is not JSON: {str(error)[:200]}") from None


def parse_form(body: bytes) -> dict[str, str]:
    """The body as the fields of a form (application/x-www-form-urlencoded). Raises Rejected when it has none."""
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True, max_num_fields=FORM_FIELDS)
    except ValueError:
        raise Rejected("The body is neither a JSON object nor a form") from None
    return {name.translate(_SAFE): value.translate(_SAFE) for name, value in pairs}


def parse_parts(body: bytes, kind: str) -> dict[str, str]:
    """The body as the text fields of a form in parts (multipart/form-data), files left out. Raises Rejected without any."""
    whole = b"Content-Type: " + kind.encode("latin-1", "replace").replace(b"\n", b" ") + b"\r\n\r\n" + body
    found: dict[str, str] = {}
    try:
        for part in message_from_bytes(whole).walk():
            name, raw = part.get_param("name", header="content-disposition"), part.get_payload(decode=True)
            if isinstance(name, str) and not part.get_filename() and isinstance(raw, bytes):
                found[name.translate(_SAFE)] = raw.decode("utf-8", "replace").removesuffix("\r\n").translate(_SAFE)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        found = {}
    if not found:
        raise Rejected("The body is no form in parts that can be read")
    return found


def _cleaned(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return value if value.isascii() and "\0" not in value else value.translate(_SAFE)
    if not isinstance(value, (dict, list)):
        return value
    if depth == 0:
        raise ValueError(f"it is nested more than {JSON_DEPTH} deep")
    if isinstance(value, list):
        return [_cleaned(item, depth - 1) for item in value]
    return {_cleaned(name, 1): _cleaned(item, depth - 1) for name, item in value.items()}


def severity_of(word: object) -> Severity | Literal[""]:
    """The severity a sender's word means, in any letter case, or "" when it is unknown."""
    return _SEVERITIES.get(text(word).lower(), "")


def words(**meanings: str) -> dict[str, str]:
    """A table from a vendor's words to ours: `words(firing="alarm, no data")`."""
    return {theirs.strip(): ours for ours, said in meanings.items() for theirs in said.split(",")}


def meaning(table: Mapping[str, str], word: object, otherwise: str = "") -> Any:
    """What a sender's word means in a table of `words`, in any letter case."""
    return table.get(text(word).lower(), otherwise)


def text(value: object) -> str:
    """`value` as text: numbers written out, a one-item list as its item; nothing and other structures are ""."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip() if isinstance(value, (str, int, float)) else ""


def first(*values: object) -> str:
    """The text of the first of `values` that has one."""
    return next((found for value in values if (found := text(value))), "")


def lines(*values: object) -> str:
    """The texts among `values`, one on each line."""
    return "\n".join(found for value in values if (found := text(value)))


def filled(**values: object) -> dict[str, str]:
    """Labels of those `values` that have a text."""
    return {name: found for name, value in values.items() if (found := text(value))}


def mapping(value: object) -> dict[str, Any]:
    """`value` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def sequence(value: object) -> list[Any]:
    """`value` if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def labels(value: object) -> dict[str, str]:
    """Labels from an object, a list of {key|name, value}, or a list or text of "key:value" and "key=value"."""
    if isinstance(value, dict):
        return {str(name): _written(item) for name, item in value.items() if item is not None}
    items = value.split(",") if isinstance(value, str) else sequence(value)
    return dict(pair for item in items if (pair := _pair(item))[0])


def _pair(item: object) -> tuple[str, str]:
    if isinstance(item, dict):
        return first(item.get("key"), item.get("name")), _written(item.get("value"))
    tag = text(item)
    cut = min((at for sign in ":=" if (at := tag.find(sign)) > 0), default=len(tag))
    return tag[:cut].strip(), tag[cut + 1:].strip()


def _written(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else text(value)


def web_link(value: object) -> str:
    """`value` if it is an http or https address that can be shown as a link, else ""."""
    link = text(value)
    if len(link) > LINK_CHARACTERS or not link.isprintable() or any(sign in link for sign in ' "<>\\'):
        return ""
    try:
        parts = urlsplit(link)
        return link if parts.scheme in ("http", "https") and parts.hostname else ""
    except ValueError:
        return ""


def host_of(address: str) -> str:
    """The host, with its port, of a web address; "" of what is none."""
    try:
        return urlsplit(address).netloc
    except ValueError:
        return ""


def moment(value: object) -> datetime | None:
    """The instant that RFC 3339 text or a number of seconds, milliseconds or microseconds names; year 1 means none."""
    said = text(value)
    try:
        number = float(said)
    except ValueError:
        return _moment_written(said)
    if not abs(number) < 1e20:  # not a number, or more than any clock counts
        return None
    while abs(number) >= 1e11:  # as seconds this would be after the year 5138: milli-, micro- or nanoseconds
        number /= 1000
    try:
        return datetime.fromtimestamp(number, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _moment_written(said: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(said)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return at if at.year > 1 else None


def stable_key(*parts: object) -> str:
    """A deduplication key from what identifies a problem: equal for equal parts, whatever the order of labels."""
    canonical = json.dumps(parts, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()


def labels_but(found: Mapping[str, str], *left_out: str) -> dict[str, str]:
    """The labels without those that change while a problem lasts, such as its severity."""
    return {name: value for name, value in found.items() if name not in left_out}


def read_each(items: Iterable[Any], read: Callable[[Any], T], *, what: str = "item") -> tuple[list[T], list[str]]:
    """What `read` makes of each item, and a sentence for each that it rejects. Raises Rejected when nothing is left."""
    done: list[T] = []
    faults: list[str] = []
    for number, item in enumerate(items):
        try:
            done.append(read(item))
        except Rejected as fault:
            faults.append(f"{what} {number}: {fault.reason}")
    if not done:
        raise Rejected(faults[0] if faults else f"There is no {what} in the body", errors=faults)
    return done, faults
