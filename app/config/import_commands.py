"""The command that moves in from another product: `oncall import`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click
import yaml
from flask import current_app

from app.cli import oncall, with_app
from app.config import importing
from app.config.tree import Unreadable, read
from app.core import clock
from app.core.importing import Importer, Line

FOLDER = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)


@oncall.command("import")
@click.argument("kind")
@click.option("--from", "folder", type=FOLDER, help="A folder of exported answers, one JSON file for each collection.")
@click.option("--token", help="Ask the product's API instead; a read-only token is enough, nothing is written there.")
@click.option("--url", default="", help="The address of the API, where it is not the usual one.")
@click.option("--keep", type=FOLDER, help="Where answers of the API are kept; a run that was cut goes on from there.")
@click.option("--out", type=FILE, help="Write the document to FILE instead of standard output.")
@click.option("--plan", "plan_file", type=FILE, help="Write the plan as JSON, too.")
@click.option("--map", "map_file", type=FILE, help="Whom and what their people and teams are here: YAML with people, teams.")
@click.option("--trust-verified", is_flag=True, help="Take contact methods as proven.")
@with_app
def import_(kind: str, folder: Path | None, token: str | None, url: str, keep: Path | None, out: Path | None,
            plan_file: Path | None, map_file: Path | None, trust_verified: bool) -> None:
    """Read another product's configuration (KIND) into our document. Look at it, then `oncall diff` and `apply` it."""
    importer = _importer(kind)
    if (folder is None) == (token is None):
        raise click.UsageError("Name a folder by --from, or say --token")
    if folder is not None:
        data = importing.read_folder(folder)
    else:
        kept = keep or Path(current_app.config["ONCALL_INSTANCE"]) / "imports" / kind
        data = importing.fetch(importer, token or "", kept, clock.now(), url=url,
                               progress=lambda text: click.echo(text, err=True))
    names = _names(map_file) if map_file is not None else None
    found = importing.converted(importer, data, clock.now(), trust=trust_verified, names=names)
    text = yaml.safe_dump({"version": 1, **found.document}, sort_keys=False, allow_unicode=True, width=120,
                          default_flow_style=None)
    if out is not None:
        out.touch(mode=0o600)  # it holds the keys of senders
        out.write_text(text, encoding="utf-8")
    else:
        click.echo(text, nl=False)
    if plan_file is not None:
        lines = json.dumps([asdict(line) for line in found.plan], indent=1, ensure_ascii=False)
        plan_file.write_text(lines, encoding="utf-8")
    _tell(found.plan)


def _names(path: Path) -> dict[str, dict[str, str]]:
    """Whom and what their people and teams are here."""
    try:
        said, _ = read(path.read_bytes())
    except OSError as fault:
        raise click.ClickException(f"{path} can't be read: {fault.strerror}") from None
    except Unreadable as fault:
        raise click.ClickException(f"{path}:{fault.line}:{fault.column} {fault.message}") from None
    names = {part: said.get(part) or {} for part in ("people", "teams")} if isinstance(said, dict) else {"": said}
    if not all(isinstance(some, dict) for some in names.values()):
        raise click.ClickException(f"{path} says people and teams, each as theirs: ours")
    return names


def _importer(kind: str) -> Importer:
    importers = current_app.extensions["plugins"].importers
    if kind not in importers:
        raise click.UsageError(f"There is no importer {kind}; there are {', '.join(sorted(importers))}")
    found: Importer = importers[kind]
    return found


def _tell(plan: Sequence[Line]) -> None:
    """One line for each object, and the sums, on standard error."""
    for line in plan:
        into = f" → {line.key}" if line.key else ""
        why = f": {line.reason}" if line.reason else ""
        then = f". {line.advice}" if line.advice and line.verdict != "carried" else ""
        click.echo(f"{line.verdict:<9}{line.kind} {line.name or line.id}{into}{why}{then}", err=True)
    sums = Counter((line.kind, line.verdict) for line in plan)
    for kind in dict.fromkeys(line.kind for line in plan):
        said = ", ".join(f"{sums[kind, verdict]} {verdict}" for verdict in ("carried", "changed", "skipped", "conflict")
                         if sums[kind, verdict])
        click.echo(f"{kind}: {said}", err=True)
