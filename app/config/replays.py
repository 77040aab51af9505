"""A replay that somebody asked for on the page: played in a process of its own, so that nothing live waits for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from flask import current_app

from app.config import errands, imports, plans, service
from app.config.answers import answers_of
from app.config.document import load
from app.config.models import Errand
from app.config.replay import LONGEST_DAYS
from app.core import clock
from app.core.access import Actor
from app.core.db import transaction
from app.core.errors import Failure, Invalid
from app.core.jobs import wake
from app.core.settings import SETTINGS

MOST_KEPT, LONGEST = 1000, 3600
COMMAND = [sys.executable, "-c", "from app.cli import main; main()", "replay", "--json"]


def begun(since: datetime, until: datetime, sources: Sequence[plans.Source], *, answers: str, by: Actor) -> Errand:
    """Begin: a worker does it. Raises Invalid with every fault of the period and of the document."""
    if not since < until or until - since > timedelta(days=LONGEST_DAYS):
        raise Invalid(f"A period begins before it ends, and has at most {LONGEST_DAYS} days.")
    answers_of(answers)
    if sources:
        service.diff(load(sources, fetching=False), by=by)
    texts = [[name, raw.decode("utf-8", "replace")] for name, raw in sources]
    named = ", ".join(name for name, _ in sources) or "today's configuration"
    with transaction():
        one = errands.keep("replay", f"Replay with {named}", by=by, said={
            "since": clock.rfc3339(since), "until": clock.rfc3339(until), "answers": answers}, secret={"sources": texts})
        wake(imports.TICK, "default")
        return one


def work(errand: Errand, progress: Callable[[str], None]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Play it. Raises Failure with what the command said when it fails."""
    sources = errands.secret_of(errand)["sources"]
    said = errand.said
    with tempfile.TemporaryDirectory(prefix="oncall-replay-") as folder:
        files = []
        for number, (_, text) in enumerate(sources):
            files.append(os.path.join(folder, f"{number}.yaml"))
            with open(files[-1], "w", encoding="utf-8") as opened:
                opened.write(text)
        command = [*COMMAND, "--from", said["since"], "--to", said["until"], "--answers", said["answers"],
                   *(part for name in files for part in ("--with", name))]
        return summed(json.loads(_run(command, folder, progress))), {}


def _run(command: Sequence[str], folder: str, progress: Callable[[str], None]) -> str:
    environ = os.environ | {one.name: str(current_app.config[one.name]) for one in SETTINGS
                            if current_app.config.get(one.name) not in (None, "")}
    last = ""
    with (open(os.path.join(folder, "found.json"), "w+", encoding="utf-8") as found,
          subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=found, stderr=subprocess.PIPE, text=True, env=environ,
                           cwd=os.path.dirname(current_app.root_path)) as process):
        patience = threading.Timer(LONGEST, process.kill)
        patience.start()
        try:
            for line in process.stderr or ():
                last = line.strip() or last
                progress(last)
            process.wait()
        finally:
            patience.cancel()
            process.kill()
        if process.returncode < 0:
            raise Failure("The replay was stopped: it took more than an hour, or the memory ran out.")
        if process.returncode != 0:
            raise Failure(last.removeprefix("oncall: ") or "The replay failed.")
        found.seek(0)
        return found.read()


def summed(found: Mapping[str, Any]) -> dict[str, Any]:
    """What to keep: each difference with its pages added, removed and moved, and the sums of each person."""
    people: Counter[tuple[str, str]] = Counter()
    shown = []
    for one in found["differences"]:
        added, removed, moved = told_apart(one["added"], one["removed"])
        for word, pages in (("added", added), ("removed", removed), ("moved", [page for page, _ in moved])):
            people.update((page["email"], word) for page in pages)
        people.update((page["email"], "same") for page in (one["was"] or {"pages": []})["pages"]
                      if page not in one["removed"])
        shown.append({**one, "added": added, "removed": removed, "moved": moved})
    emails = sorted({email for email, _ in people})
    return {**{name: found[name] for name in ("really", "deliveries", "purged", "same")}, "differing": len(shown),
            "differences": shown[:MOST_KEPT], "people": [
                {"email": email, **{word: people[email, word] for word in ("added", "removed", "moved", "same")}}
                for email in emails]}


def told_apart(added: Sequence[dict[str, Any]], removed: Sequence[dict[str, Any]]) -> tuple[Any, Any, Any]:
    """Added, removed and moved pages: the same person by the same channel at another time has only moved."""
    left, gone, moved = list(added), [], []
    for page in removed:
        other = next((one for one in left if (one["email"], one["channel"]) == (page["email"], page["channel"])), None)
        if other is None:
            gone.append(page)
        else:
            left.remove(other)
            moved.append([page, other])
    return left, gone, moved
