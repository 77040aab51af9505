"""What every action of a plugin must keep: it sends nothing, marks what it makes, hides secrets, and refuses by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from app.core.acting import Action, Done, Order
from app.core.exchange import NoAccess, Retry
from app.core.fields import Field
from app.core.http import Answer
from app.core.reading import Rejected

MARK, SECRET, SITE = "oncall-run-7-ticket", "a-secret-of-the-contract", "https://vendor.example"
ODD_ANSWERS = (b"", b"{", b"null", b"[]", b"3", b"{}", b'{"issues": [3], "errors": [3], "data": 3}')


def field_faults(hook: str, fields: Sequence[Field]) -> Iterator[str]:
    """Faults of declared fields."""
    names = [field.name for field in fields]
    yield from (f"{hook} declares the field {name!r} twice" for name in set(names) if names.count(name) > 1)
    for field in fields:
        if not field.label:
            yield f"{hook} field {field.name!r} has no label"
        if field.kind == "choice" and field.default not in (None, *(value for value, _ in field.choices)):
            yield f"{hook} field {field.name!r} has a default that is not among its choices"


def action_faults(action: Action, folder: Path) -> Iterator[str]:
    """Each breach by one action, as a sentence."""
    name = f"workflow_actions() {action.slug}"
    yield from field_faults(f"{name} fields", action.fields)
    yield from field_faults(f"{name} params", action.params)
    guide = folder / "README.md"
    written = guide.read_text(encoding="utf-8") if guide.is_file() else ""
    yield from (f"README.md says nothing of the field {field.name!r}" for field in action.fields
                if f"`{field.name}`" not in written)
    if "ticket" in action.can:
        yield from _ticket_faults(action, name)
    config, order = example(action.fields), Order(MARK, example(action.params))
    for what, call in (("prepare", action.prepare(order, config)), ("check", action.check(config))):
        if SECRET in repr(call):
            yield f"{name}: the representation of {what}()'s call shows a secret"
    for body in ODD_ANSWERS:
        answer = Answer(200, body=body)
        yield from _read_faults(f"{name}: read()", partial(action.read, answer, order, config))
        yield from _read_faults(f"{name}: checked()", partial(action.checked, answer))


def _ticket_faults(action: Action, name: str) -> Iterator[str]:
    missing = [hook for hook in ("look", "found") if not hasattr(action, hook)]
    yield from (f"{name} makes tickets and lacks {hook}()" for hook in missing)
    known = {field.name for field in action.params}
    yield from (f"{name} makes tickets and has no param {field!r}" for field in sorted({"title", "description"} - known))
    call = action.prepare(Order(MARK, example(action.params)), example(action.fields))
    if MARK.encode() not in call.content():
        yield f"{name}: what prepare() makes does not carry the mark"


def example(fields: Sequence[Field]) -> dict[str, Any]:
    """Values for declared fields."""
    return {field.name: SECRET if field.secret and field.kind != "url" else f"{SITE}/{SECRET if field.secret else ''}"
            if field.kind == "url" else "1" if field.kind in ("number", "choice") else "shop/web" for field in fields}


def _read_faults(what: str, read: Callable[[], Done | str]) -> Iterator[str]:
    try:
        read()
    except (ValueError, Retry, Rejected, NoAccess):
        return
    except Exception as fault:  # noqa: BLE001 - whatever a plugin raises is the finding
        yield f"{what} of an odd answer raised {fault!r}"
