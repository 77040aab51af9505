"""The command that asks who would be paged."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from app.cli import oncall, show, with_app
from app.core.access import OPERATOR
from app.core.errors import Invalid


@oncall.command()
@click.option("--integration", metavar="KEY", help="Play a payload at this integration.")
@click.option("--payload", metavar="FILE", help="What a sender would post; - reads standard input.")
@click.option("--delivery", metavar="ID", help="Play a stored delivery.")
@click.option("--service", metavar="KEY", help="Play an incident of this service.")
@click.option("--severity", default="critical", show_default=True)
@click.option("--at", metavar="TIME", help="An instant like 2026-03-01T09:00:00Z; now when left out.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_app
def simulate(payload: str | None, as_json: bool, **asked: str | None) -> None:
    """Say who would be paged, when and by what; send and store nothing."""
    from app.ingest import simulation

    if payload:
        asked["payload"] = _read(payload)
    try:
        answer = simulation.simulate(simulation.supposed(asked, by=OPERATOR), by=OPERATOR)
    except Invalid as refusal:
        raise click.ClickException("; ".join(f"{one.field}: {one.message}" for one in refusal.problems)) from None
    if as_json:
        return show(answer)
    _tell(answer)


def _read(name: str) -> str:
    try:
        return sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{name} can't be read: {getattr(error, 'strerror', 'not UTF-8')}") from None


def _tell(answer: dict[str, Any]) -> None:
    incident, number = answer["incident"], answer["incident"]["number"]
    click.echo(f"route:    {answer['route']['reason']}")
    click.echo(f"service:  {answer['service']['key'] if answer['service'] else 'none'}")
    click.echo(f"policy:   {answer['policy'] or 'none'}")
    click.echo(f"incident: {incident['action']}{f' #{number}' if number else ''}")
    if answer["held"]:
        click.echo(f"held:     {answer['held']['reason']} until {answer['held']['until']}")
    for one in answer["pages"]:
        click.echo(f"{one['at']}  level {one['level']}  {one['user']['name']} <{one['user']['email']}> by {one['channel']}")
    for one in answer["posts"]:
        what = f"a post in {one['room']}" if "room" in one else f"a call of {one['webhook']}"
        click.echo(f"{one['at']}  level {one['level']}  {what}")
    for one in answer["skipped"]:
        click.echo(f"{one['at']}  level {one['level']}  skipped: {one['reason']}")
    for note in answer["notes"]:
        click.echo(f"note: {note}", err=True)
