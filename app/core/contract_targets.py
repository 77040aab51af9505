"""What every runbook target must keep: its words and methods agree, it prepares without sending, it hides secrets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.core.acting import Call
from app.core.contract_actions import field_faults
from app.core.fields import Field
from app.core.reading import Rejected
from app.core.targets import RunbookTarget, Step

TARGET_CAN = frozenset({"response", "callback", "follow", "cancel", "dry_run"})


def target_faults(target: RunbookTarget, folder: Path) -> Iterator[str]:
    """Each breach by one target, as a sentence."""
    where, guide = f"runbook_targets() {target.slug}", folder / "README.md"
    yield from field_faults("runbook_targets()", tuple(target.fields))
    yield from (f"{where} can {word!r}, which means nothing" for word in sorted(target.can - TARGET_CAN))
    if not target.can & {"response", "callback", "follow"}:
        yield f"{where} does not say how the end of a run is known"
    yield from (f"{where}: {word} in `can` and {word}() belong together" for word in ("follow", "cancel", "dry_run")
                if (word in target.can) != hasattr(target, word))
    names = {field.name for field in target.fields}
    if "callback" in target.can and "signing_secret" not in names:
        yield f"{where}: a callback needs the field signing_secret"
    written = guide.read_text(encoding="utf-8") if guide.is_file() else ""
    yield from (f"README.md says nothing of the field {name!r}" for name in sorted(names) if f"`{name}`" not in written)
    yield from (f"README.md says nothing of the setting {name}" for name in target.settings if name not in written)
    yield from _prepared(target, where)


def _prepared(target: RunbookTarget, where: str) -> Iterator[str]:
    """`prepare` sends nothing and tells no secret but where it goes out: what it gives is shown to people, masked."""
    config = {field.name: field.default if field.default is not None else _entered(field) for field in target.fields}
    config |= dict.fromkeys(target.settings, "")
    try:
        call = target.prepare(Step({"pod": "web-1"}, "one-key", 10.0), config)
    except Rejected:
        return
    except Exception as fault:  # noqa: BLE001 - whatever a plugin raises is the finding
        yield f"{where}: prepare() raised {fault!r}"
        return
    if not isinstance(call, Call) or not call.url.startswith("https://") or "a-secret" in repr(call):
        yield f"{where}: prepare() must give a Call to an https address that shows no secret"


def _entered(field: Field) -> Any:
    if field.kind == "url":
        return "https://example.com/"
    return "a-secret" if field.secret else {"text": "some", "number": 1, "lines": ["some"]}.get(field.kind)
