"""Moving in: another product's data from a folder or its API, converted, proven against what it says of duty, and
compared with what is here. Nothing is written but files."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

from app.config.kinds import BY_NAME
from app.config.renaming import renamed, renaming
from app.core.errors import Failure, Invalid
from app.core.http import Answer, ForbiddenAddress, Unreachable, request, retry_after
from app.core.importing import Duty, Imported, Importer
from app.oncall import rules
from app.oncall.documents import plan_of

PROOF = timedelta(days=90)
PER_SECOND, MOST_TRIES, MOST_WAIT = 5, 6, 120
ANSWER_BYTES = 32 * 1024 * 1024
SHOWN = 5
DAMAGED = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)
"""What comes of data that is not what its product exports."""
NOT_COMPARED = "not compared: the export holds no shifts that the source computed"
Span = tuple[datetime, datetime, set[str], set[str]]
Data = dict[str, Any]
Progress = Callable[[str], None]


def read_folder(folder: Path) -> Data:
    """Every JSON file below a folder, by its path without the ending. Raises Invalid naming a file that can't be read."""
    if not folder.is_dir():
        raise Invalid(f"{folder} is no folder")
    data: Data = {}
    for path in sorted(folder.rglob("*.json")):
        try:
            data[path.relative_to(folder).with_suffix("").as_posix()] = json.loads(path.read_bytes())
        except (ValueError, OSError) as fault:
            raise Invalid(f"{path} can't be read: {fault}") from None
    if not data:
        raise Invalid(f"There is no JSON file in {folder}")
    return data


def fetch(importer: Importer, token: str, folder: Path, now: datetime, *, url: str = "",
          progress: Progress = lambda _: None) -> Data:
    """Ask the source, and keep each answer in `folder`: a run that was cut goes on where it ended; one after a whole run,
    or of another address, begins anew. Raises Failure with one sentence when the source does not answer."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    ask, cut = _Asking(url or importer.base, importer.headers(token)), folder / "unfinished"
    if not cut.is_file() or cut.read_text() != ask.base:
        for path in folder.rglob("*.json"):
            path.unlink()
    cut.write_text(ask.base)
    have = read_folder(folder) if any(folder.rglob("*.json")) else {}
    for name, answer in importer.fetch(ask.get, have, now):
        _keep(folder / f"{name}.json", answer)
        progress(f"read {name}")
    cut.unlink()
    return read_folder(folder)


def _keep(path: Path, answer: Any) -> None:
    """Whole or not at all, and for its owner alone: it holds numbers of people and keys of senders."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    unfinished.touch(mode=0o600)
    unfinished.write_text(json.dumps(answer))
    unfinished.replace(path)


class _Asking:
    """Reads from the source: GET alone, at most five a second, patient when it asks for patience."""

    def __init__(self, base: str, headers: Mapping[str, str]) -> None:
        self.base, self.headers, self.next_at = base.rstrip("/"), headers, 0.0

    def get(self, path: str, **query: Any) -> Any:
        """The answer as JSON."""
        said = urlencode({name: value for name, value in query.items() if value not in ("", None)}, doseq=True)
        address = f"{self.base}/{path}{'?' + said if said else ''}"
        for _ in range(MOST_TRIES):
            answer = self._once(address)
            wait = retry_after(answer)
            if answer.status == 429 or (answer.status == 503 and wait is not None):
                time.sleep(min(wait or 1.0, MOST_WAIT))
                continue
            return self._read(path, answer)
        raise Failure(f"The source is too busy: {path} was refused {MOST_TRIES} times. A later run goes on from here.")

    def _once(self, address: str) -> Answer:
        time.sleep(max(0.0, self.next_at - time.monotonic()))
        self.next_at = time.monotonic() + 1 / PER_SECOND
        try:
            return request("GET", address, headers=self.headers, timeout=30, most=ANSWER_BYTES)
        except (ForbiddenAddress, Unreachable) as fault:
            raise Failure(f"The source can't be asked: {fault.reason}") from None

    def _read(self, path: str, answer: Answer) -> Any:
        if answer.status in (401, 403):
            raise Failure(f"The source refuses the token (it answered {answer.status} for {path})")
        if answer.status != 200:
            raise Failure(f"The source answered {answer.status} for {path}")
        try:
            return answer.json()
        except ValueError:
            raise Failure(f"The source's answer for {path} is no JSON") from None


def converted(importer: Importer, data: Mapping[str, Any], now: datetime, *, trust: bool = False,
              names: Mapping[str, Any] | None = None) -> Imported:
    """The document and the plan: schedules proven, conflicts with what is here named. `names` says what their people and
    teams are called here (see `renaming`). Raises Invalid for data that is not this product's."""
    try:
        imported = importer.convert(data, now)
    except DAMAGED as fault:
        raise Invalid(f"This is no export of {importer.name}, or a damaged one: {fault}") from None
    imported.proofs = {key: duties for key, duties in imported.proofs.items() if duties}
    if not imported.plan:
        raise Invalid(f"There is nothing of {importer.name} in it")
    if names:
        imported = renamed(imported, renaming(names))
    if trust:
        for user in imported.document.get("users", []):
            user["contact_methods"] = [{**method, "verified": True} for method in user.get("contact_methods", [])]
    _prove(imported, now)
    _compare(imported)
    return imported


def _prove(imported: Imported, now: datetime) -> None:
    """A schedule whose duty differs from what the source says, within 90 days, is changed: the plan says where. One of which
    the source says nothing is not compared, and the plan says that."""
    proven = {part for key in imported.proofs for part in key.split("+")}
    imported.plan[:] = [replace(line, reason="; ".join(filter(None, [line.reason, NOT_COMPARED])))
                        if line.into == "schedules" and line.key not in proven else line for line in imported.plan]
    for key, duties in imported.proofs.items():
        differing = differences(imported.document.get("schedules", []), key.split("+"), duties, now)
        if differing:
            more = f" and {len(differing) - SHOWN} more" if len(differing) > SHOWN else ""
            said = "; ".join(differing[:SHOWN]) + more
            imported.plan[:] = [replace(line, verdict="changed", reason="; ".join(filter(None, [
                line.reason, f"duty differs: {said}"]))) if line.into == "schedules" and line.key in key.split("+") else line
                for line in imported.plan]


def differences(schedules: list[dict[str, Any]], keys: list[str], duties: list[Duty], now: datetime) -> list[str]:
    """The spans in which our schedules together say otherwise than the source, in words; to the second."""
    spans = list(compared(schedules, keys, duties, now, until=now + PROOF))
    if not spans:
        return ["the shifts that the source gave are over, so nothing could be compared"]
    return [f"{start:%Y-%m-%d %H:%M} to {end:%m-%d %H:%M} UTC {_who(theirs)} there, {_who(here)} here"
            for start, end, theirs, here in spans if theirs != here]


def compared(schedules: Sequence[dict[str, Any]], keys: Sequence[str], duties: Sequence[Duty], now: datetime, *,
             until: datetime) -> Iterator[Span]:
    """Who is on duty there and in our schedules of these keys together, span by span, as far as the source says."""
    people = {email: SimpleNamespace(id=number, email=email) for number, email in enumerate(sorted(
        {email for item in schedules for email in _people_in(item)} | {email for duty in duties for email in duty.people}))}
    names = {person.id: email for email, person in people.items()}
    first = max(now, min(duty.start for duty in duties))
    last = min(until, max(duty.end for duty in duties))
    if last <= first:
        return
    plans = [plan_of(item, people, now) for item in schedules if item["key"] in keys]
    ours = [[Duty(shift.start or first, shift.end or last, tuple(names[one] for one in shift.people))
             for shift in rules.shifts(plan, first, last)] for plan in plans]
    edges = sorted({first, last} | {edge for duty in [*duties, *(one for shifts in ours for one in shifts)]
                                    for edge in (duty.start, duty.end) if first < edge < last})
    for start, end in zip(edges, edges[1:], strict=False):
        yield start, end, _at(duties, start), set().union(*(_at(shifts, start) for shifts in ours)) if ours else set()


def _at(duties: Sequence[Duty], at: datetime) -> set[str]:
    return {email for duty in duties if duty.start <= at < duty.end for email in duty.people}


def _who(emails: set[str]) -> str:
    return ", ".join(sorted(emails)) or "nobody"


def _people_in(item: Mapping[str, Any]) -> set[str]:
    turns = [email for layer in item.get("layers", []) for turn in layer["participants"] for email in turn]
    return {*turns, *(email for one in item.get("overrides", []) for email in one.get("people") or ())}


def _compare(imported: Imported) -> None:
    """What is here already under the same key with other content is a conflict: apply would change it."""
    taken: dict[tuple[str, str], str] = {}
    for name, items in imported.document.items():
        kind = BY_NAME[name]
        for item in items:
            there = kind.find(item[kind.id])
            if there is not None and _differs(item, kind.document(there)):
                taken[name, str(item[kind.id])] = f"there is another {kind.noun} {item[kind.id]} here already"
    imported.plan[:] = [replace(line, verdict="conflict", reason="; ".join(filter(None, [
        line.reason, taken[line.into, line.key]])), advice="Look at `oncall diff` before you apply")
        if (line.into, line.key) in taken else line for line in imported.plan]


def _differs(item: Mapping[str, Any], there: Mapping[str, Any]) -> bool:
    return any(there.get(name) != value for name, value in item.items() if name in there)
