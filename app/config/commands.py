"""The commands of configuration as code: apply, diff, export, schema, demo."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click
import yaml
from flask import current_app

from app.cli import oncall, show, with_app
from app.config import service
from app.config.changes import Result
from app.config.demo import ADMIN, make
from app.config.document import Document, load
from app.config.insides import published
from app.core import clock
from app.core.errors import Invalid

FILES = click.argument("files", nargs=-1, required=True, metavar="FILE…")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@oncall.command()
@FILES
@click.option("--prune", is_flag=True, help="Remove what the document's kinds do not name.")
@click.option("--yes", is_flag=True, help="Remove even more than 20 objects or a fifth of a kind.")
@JSON
@with_app
def apply(files: Sequence[str], prune: bool, yes: bool, as_json: bool) -> None:
    """Make the system match the document in FILE… (YAML or JSON; - reads standard input)."""
    document = read_documents(files)
    with _listing():
        found = service.apply(document, prune=prune, yes=yes)
    _tell(found, as_json)


@oncall.command()
@FILES
@click.option("--prune", is_flag=True, help="Show what would be removed, too.")
@click.option("--exit-code", is_flag=True, help="Exit with 1 when there are changes.")
@JSON
@with_app
def diff(files: Sequence[str], prune: bool, exit_code: bool, as_json: bool) -> None:
    """Print what `apply` would do, without doing it."""
    document = read_documents(files)
    with _listing():
        found = service.diff(document, prune=prune)
    _tell(found, as_json)
    if exit_code and found.changes:
        sys.exit(1)


@oncall.command()
@JSON
@with_app
def export(as_json: bool) -> None:
    """Print the whole configuration, secrets left out; applying it changes nothing."""
    document = service.export()
    if as_json:
        return show(document)
    click.echo(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120, default_flow_style=None),
               nl=False)


@oncall.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as without it.")
@with_app
def schema(as_json: bool) -> None:
    """Print the JSON Schema (2020-12) of the document."""
    show(published(current_app.extensions["plugins"]))


@oncall.command()
@with_app
def demo() -> None:
    """Fill an empty system that is not running with an example organisation and its history."""
    click.echo(f"demo admin: {ADMIN} / password {make(clock.now())}")


@contextmanager
def _listing() -> Iterator[None]:
    """Each fault of a document becomes a line on standard error, and the exit code 1."""
    try:
        yield
    except Invalid as error:
        if not error.problems:
            raise
        for problem in error.problems:
            click.echo(f"{problem.field} {problem.message}".strip(), err=True)
        count = len(error.problems)
        click.echo(f"oncall: {count} fault{'s' if count > 1 else ''}, nothing was changed", err=True)
        sys.exit(1)


def read_documents(files: Sequence[str]) -> Document:
    """Files (- for standard input) as one document; each fault is a line on standard error, and the exit code 1."""
    sources = []
    for name in files:
        try:
            raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        except OSError as error:
            raise click.ClickException(f"{name} can't be read: {error.strerror}") from None
        sources.append(("standard input" if name == "-" else name, raw))
    with _listing():
        return load(sources)


def _tell(found: Result, as_json: bool) -> None:
    if as_json:
        return show({"changes": [asdict(change) for change in found.changes], "warnings": found.warnings})
    for change in found.changes:
        click.echo(str(change))
    if not found.changes:
        click.echo("nothing to change")
    for warning in found.warnings:
        click.echo(f"warning: {warning}", err=True)
