"""The command that plays a period again: `oncall replay`."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import click

from app.cli import oncall, show, with_app
from app.config.commands import read_documents
from app.config.replay import LONGEST_DAYS, Difference, Replay, replay
from app.core import clock
from app.core.forms import duration
from app.core.sheets import inert
from app.ingest.playing import Opened, Page

COLUMNS = ("delivery", "title", "route_before", "route_after", "change", "at", "level", "email", "channel", "cause")


@oncall.command("replay")
@click.option("--since", metavar="DURATION", help="The last so many hours or days, such as 7d.")
@click.option("--from", "begin", metavar="TIME", help="An instant like 2026-03-01T09:00:00Z.")
@click.option("--to", "end", metavar="TIME", help="Until then; now when left out.")
@click.option("--with", "files", multiple=True, metavar="FILE", help="The changed document; several are merged.")
@click.option("--answers", metavar="HOW", default="recorded", show_default=True,
              help="Pages end when somebody answered then (recorded), never, or after=5m.")
@click.option("--all", "everything", is_flag=True, help="Show the incidents that are the same, too.")
@click.option("--exit-code", is_flag=True, help="Exit with 2 when anything differs.")
@click.option("--csv", "as_csv", is_flag=True, help="Print the pages that differ as CSV.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_app
def replay_(since: str | None, begin: str | None, end: str | None, files: Sequence[str], **said: Any) -> None:
    """Play stored deliveries through a changed configuration: who would be paged otherwise. Without --with, beside what
    really happened. Sends and stores nothing."""
    first, last = _period(since, begin, end)
    found = replay(first, last, read_documents(files) if files else None, answers=said["answers"], progress=_progress,
                   everything=said["everything"])
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
    said = {"deliveries": found.deliveries, "purged": found.purged, "same": found.same, "really": found.really,
            "differences": [_said(one) for one in found.differences]}
    return said | ({"incidents": [_said(one) for one in found.incidents]} if found.incidents else {})


def _said(one: Difference) -> dict[str, Any]:
    return {"delivery": str(one.delivery), "title": one.title,
            "was": asdict(one.was) if one.was else None, "now": asdict(one.now) if one.now else None,
            "was_note": one.was_note, "now_note": one.now_note, "cause": one.cause,
            "added": [asdict(page) for page in one.added], "removed": [asdict(page) for page in one.removed]}


def _shown(found: Replay) -> list[Difference]:
    return found.incidents or found.differences


def _write(found: Replay) -> None:
    writer = csv.writer(sys.stdout)
    writer.writerow(COLUMNS)
    for one in _shown(found):
        added = set(one.added)
        same = [page for page in (one.now.pages if one.now else ()) if page not in added] if found.incidents else []
        for change, pages in (("added", one.added), ("removed", one.removed), ("same", same)):
            for page in pages:
                writer.writerow([one.delivery, *map(inert, (one.title, *_routes(one))), change, clock.rfc3339(page.at),
                                 page.level, page.email, page.channel, inert(one.cause)])


def _tell(found: Replay) -> None:
    for one in _shown(found):
        click.echo(f"delivery {one.delivery}: {one.title}")
        click.echo(f"  route: {_arrow(*_routes(one))}")
        click.echo(f"  people: {_arrow(_people(one.was), _people(one.now))}")
        for mark, pages in (("+", one.added), ("-", one.removed)):
            for page in pages:
                click.echo(f"  {mark} {clock.rfc3339(page.at)}  level {page.level}  {page.email} by {page.channel}")
        if found.really and not one.same:
            click.echo(f"  because {one.cause}" if one.cause else "  nothing explains it")
    click.echo(f"{found.deliveries} deliveries played: {found.same} incidents the same, "
               f"{len(found.differences)} paged otherwise{' than really happened' if found.really else ''}")
    for email, count in sorted(_sums(found.differences).items()):
        click.echo(f"{email}: {count:+d} pages")
    if found.purged:
        click.echo(f"{found.purged} deliveries could not be played: their bodies are no longer kept", err=True)


def _sums(differences: Iterable[Difference]) -> Counter[str]:
    people: Counter[str] = Counter()
    for one in differences:
        for pages, sign in ((one.added, 1), (one.removed, -1)):
            for page in pages:
                people[page.email] += sign
    return people


def _routes(one: Difference) -> tuple[str, str]:
    """Where the delivery goes on each side, and why there."""
    return _route(one.was, one.was_note), _route(one.now, one.now_note)


def _route(side: Opened | None, note: str) -> str:
    if side is None:
        return f"opens nothing{f' ({note})' if note else ''}"
    place = f"{side.service or 'no service'}, {side.policy or 'no policy'}"
    return f"{place} ({side.route})" if side.route else place


def _people(side: Opened | None) -> str:
    pages: Sequence[Page] = side.pages if side else ()
    return ", ".join(dict.fromkeys(page.email for page in pages)) or "nobody"


def _arrow(before: str, after: str) -> str:
    return before if before == after else f"{before} → {after}"
