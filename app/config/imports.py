"""Moving in from the page: another product's export or API, read, converted and told; nothing here is changed."""

from __future__ import annotations

import io
import lzma
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from flask import current_app

from app.config import errands, importing, renaming
from app.config.models import Errand
from app.core import clock
from app.core.access import Actor
from app.core.db import transaction
from app.core.errors import Failure, Invalid
from app.core.importing import Imported, Importer
from app.core.jobs import wake
from app.core.reading import Rejected, parse_json

TICK = "app.config.ticks.work"
MOST_FILES, MOST_BYTES = 20_000, 200 * 1024 * 1024
BROKEN = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError)
PREVIEW, MOST_SPANS = timedelta(days=14), 60


def importers() -> dict[str, Importer]:
    """What can be read, by its slug."""
    found: dict[str, Importer] = current_app.extensions["plugins"].importers
    return found


def data_of(files: Iterable[tuple[str, bytes]]) -> importing.Data:
    """The answers in JSON files or zips of them, by their path without the ending. Raises Invalid naming what is wrong."""
    data: importing.Data = {}
    for name, raw in files:
        if zipfile.is_zipfile(io.BytesIO(raw)):
            data |= _unzipped(name, raw)
        else:
            data[_path(name)] = _json(name, raw)
    if not data:
        raise Invalid("There is no JSON file in it.")
    return data


def _unzipped(name: str, raw: bytes) -> importing.Data:
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as opened:
            inside = [one for one in opened.infolist() if one.filename.endswith(".json") and "__MACOSX" not in one.filename]
            if len(inside) > MOST_FILES or sum(one.file_size for one in inside) > MOST_BYTES:
                raise Invalid(f"{name} holds more than {MOST_FILES} files or {MOST_BYTES // 1024 // 1024} MB.")
            found = {one.filename: _json(one.filename, opened.read(one)) for one in inside}
    except RuntimeError as fault:  # encrypted, or a compression that Python lacks
        raise Invalid(f"{name} can't be read: {fault}. Zip it again without a password, or bring its JSON files.") from None
    except BROKEN as fault:
        raise Invalid(f"{name} is a damaged zip: {fault}") from None
    folder = _shared(list(found))
    return {_path(path[len(folder):]): answer for path, answer in found.items()}


def _shared(names: list[str]) -> str:
    """The folder that a zip of one folder puts before everything."""
    first = names[0].partition("/")[0] + "/" if names else ""
    single = len(names) > 1 and all(one.startswith(first) for one in names)
    collections = any(one.count("/") == 1 for one in names)
    return first if single and collections else ""


def _path(name: str) -> str:
    return name.replace("\\", "/").strip("/").removesuffix(".json")


def _json(name: str, raw: bytes) -> Any:
    try:
        return parse_json(raw)
    except Rejected as fault:
        raise Invalid(f"{name} can't be read: {fault.reason}") from None


def uploaded(slug: str, files: Iterable[tuple[str, bytes]], *, by: Actor) -> Errand:
    """Read what was brought. Raises Invalid with what is wrong."""
    return brought(slug, data_of(files), by=by)


def brought(slug: str, data: importing.Data, *, by: Actor) -> Errand:
    """The same with the answers at hand, by their path."""
    importer = _importer(slug)
    found, secret = told(importer, data, {})
    title = f"Import from {importer.name}"
    with transaction():
        return errands.keep("import", title, by=by, said={"source": slug}, secret=secret, found=found)


def connected(slug: str, url: str, token: str, *, by: Actor) -> Errand:
    """Begin to read from the product's API: a worker does it. Raises Invalid."""
    importer = _importer(slug)
    if not token.strip():
        raise Invalid("A token is needed.")
    with transaction():
        one = errands.keep("import", f"Import from {importer.name}", by=by, said={"source": slug, "url": url.strip()},
                           secret={"token": token.strip()})
        wake(TICK, "default")
        return one


def work(errand: Errand, progress: Callable[[str], None]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read it: what to keep openly and what encrypted. A run that was cut goes on where it ended, on the same machine."""
    importer, secret = _importer(errand.said["source"]), errands.secret_of(errand)
    folder, url = kept_in() / errand.key, errand.said.get("url", "")
    try:
        data = importing.fetch(importer, secret["token"], folder, clock.now(), url=url, progress=progress)
        found, kept = told(importer, data, {})
    except Failure:  # it is told, and not tried again
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)
    return found, kept


def kept_in() -> Path:
    """Where the answers of imports that were cut are kept on this machine, each under its key."""
    return Path(current_app.config["ONCALL_INSTANCE"]) / "errands"


def tidy(keys: set[str]) -> None:
    """Remove the answers of all imports but these."""
    for folder in kept_in().glob("*"):
        if folder.name not in keys:
            shutil.rmtree(folder, ignore_errors=True)


def mapped(errand: Errand, names: Mapping[str, Any]) -> None:
    """Convert it again with our names for their people and teams. Raises Invalid."""
    found, secret = told(_importer(errand.said["source"]), errands.secret_of(errand)["data"], names)
    with transaction():  # nobody waits for the conversion itself
        errand.found = found
        errands.conceal(errand, secret)


def told(importer: Importer, data: importing.Data, names: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What an import came to: lines, who is not here, and duty beside the source's; and the document, which holds keys."""
    now = clock.now()
    imported = importing.converted(importer, data, now, names=names)
    people, teams = renaming.unknown(imported)
    found = {"lines": [asdict(line) for line in imported.plan], "people": people, "teams": teams, "names": dict(names),
             "duty": {key: _spans(imported, key, now) for key in imported.proofs}}
    return found, {"data": data, "document": document_text(imported)}


def document_text(imported: Imported) -> str:
    """The document as YAML."""
    return yaml.safe_dump({"version": 1, **imported.document}, sort_keys=False, allow_unicode=True, width=120,
                          default_flow_style=None)


def _spans(imported: Imported, key: str, now: datetime) -> list[list[Any]]:
    duties = imported.proofs[key]
    first = max(now, min(duty.start for duty in duties))
    spans = importing.compared(imported.document.get("schedules", []), key.split("+"), duties, now, until=first + PREVIEW)
    return [[clock.rfc3339(start), clock.rfc3339(end), sorted(theirs), sorted(here)]
            for start, end, theirs, here in spans][:MOST_SPANS]


def _importer(slug: str) -> Importer:
    found = importers().get(slug)
    if found is None:
        raise Invalid("Choose what to import from.")
    return found
