"""The command that plays a period again: `oncall replay`."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import click

from app.cli import oncall, show, with_app
from app.config.commands import read_documents
from app.config.replay import LONGEST_DAYS, Difference, Replay, replay
from app.core import clock
from app.core.forms import duration


@oncall.command("replay")
@click.option("--since", metavar="DURATION", help="The last so many hours or days, such as 7d.")
@click.option("--from", "begin", metavar="TIME", help="An instant like 2026-03-01T09:00:00Z.")
@click.option("--to", "end", metavar="TIME", help="Until then; now when left out.")
@click.option("--with", "files", multiple=True, metavar="FILE", help="The changed document; several are merged.")
@click.option("--answers", type=click.Choice(["recorded", "never"]), default="recorded", show_default=True,
              help="Pages end when somebody answered then, or never.")
@click.option("--exit-code", is_flag=True, help="Exit with 2 when anything differs.")
@click.option("--csv", "as_csv", is_flag=True, help="Print the pages that differ as CSV.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_app
def replay_(since: str | None, begin: str | None, end: str | None, files: Sequence[str], **said: Any) -> None:
    """Play stored deliveries through a changed configuration: who would be paged otherwise. Sends and stores nothing."""
    first, last = _period(since, begin, end)
    found = replay(first, last, read_documents(files) if files else None, answers=said["answers"], progress=_progress)
    if said["as_json"]:
        show(_document(found))
    elif said["as_csv"]:
        _write(found)
    else:
        _tell(found)
    if said["exit_code"] and found.differences:
        sys.exit(2)


def _period(since: str | None, begin: str | None, end: str | None) -> tuple[datetime, datetime]:
    if since and begin:
        raise click.UsageError("Say --since or --from, not both")
    now = clock.now()
    try:
        last = clock.parse_instant(end) if end else now
        first = clock.parse_instant(begin) if begin else last - timedelta(seconds=duration(since or "7d"))
    except ValueError as fault:
        raise click.UsageError(str(fault)) from None
    if not first < last or last - first > timedelta(days=LONGEST_DAYS):
        raise click.UsageError(f"A period begins before it ends, and has at most {LONGEST_DAYS} days")
    return first, last


def _progress(done: int, of: int) -> None:
    if of > 200 and done % 200 == 0:
        click.echo(f"played {done} of {of}", err=True)


def _document(found: Replay) -> dict[str, Any]:
    return {"deliveries": found.deliveries, "purged": found.purged, "same": found.same, "differences": [
        {"delivery": str(one.delivery), "title": one.title,
         "was": asdict(one.was) if one.was else None, "now": asdict(one.now) if one.now else None,
         "added": [asdict(page) for page in one.added], "removed": [asdict(page) for page in one.removed]}
        for one in found.differences]}


def _write(found: Replay) -> None:
    writer = csv.writer(sys.stdout)
    writer.writerow(["delivery", "title", "change", "at", "level", "email", "channel"])
    for one in found.differences:
        for change, pages in (("added", one.added), ("removed", one.removed)):
            for page in pages:
                title = f"'{one.title}" if one.title[:1] in "=+-@\t\r" else one.title
                writer.writerow([one.delivery, title, change, clock.rfc3339(page.at), page.level, page.email, page.channel])


def _tell(found: Replay) -> None:
    for one in found.differences:
        click.echo(f"delivery {one.delivery}: {one.title}{_moved(one)}")
        for mark, pages in (("+", one.added), ("-", one.removed)):
            for page in pages:
                click.echo(f"  {mark} {clock.rfc3339(page.at)}  level {page.level}  {page.email} by {page.channel}")
    click.echo(f"{found.deliveries} deliveries played: {found.same} incidents the same, "
               f"{len(found.differences)} paged otherwise")
    people = Counter({page.email: 0 for one in found.differences for page in (*one.added, *one.removed)})
    for one in found.differences:
        people.update(page.email for page in one.added)
        people.subtract(page.email for page in one.removed)
    for email, count in sorted(people.items()):
        click.echo(f"{email}: {count:+d} pages")
    if found.purged:
        click.echo(f"{found.purged} deliveries could not be played: their bodies are no longer kept", err=True)


def _moved(one: Difference) -> str:
    before, after = (f"{side.service or 'no service'}, {side.policy or 'no policy'}" if side else "opens nothing"
                     for side in (one.was, one.now))
    return "" if before == after else f" ({before} → {after})"
