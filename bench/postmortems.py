"""How long a very long postmortem takes to read, write and publish: `python -m bench.postmortems`."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from urllib.parse import urlencode

from flask import Flask
from sqlalchemy import insert
from werkzeug.test import TestResponse

from app.core import clock
from app.core.db import session, transaction
from app.core.events import Event
from app.core.limits import limiter
from app.core.schema import migrate
from app.incidents.models import Incident
from app.postmortems import pages, queries, rules, service, ticks
from app.postmortems.models import Habits, Postmortem
from bench.insights import signed_in
from bench.load import percentile
from bench.program import Bench, run
from bench.report import Figure
from bench.search import application
from tests import build
from tests.application import Client
from tests.servers import Redis

EACH, ROWS, SECTIONS = 20, 2000, 10
READ, SAVED = 300, 500
PARAGRAPH = ("At {at} the **queue** of `checkout-{at}` held [{at} orders](https://example.com/{at}), and nobody had "
             "*looked* at it yet.\n\n- what we saw: latency\n- what we thought: the database\n\n")


@dataclass(frozen=True)
class Press:
    """What is asked for, its target in milliseconds, how, and what has to be done before, which is not measured."""

    what: str
    target: float
    press: Callable[[], TestResponse]
    before: Callable[[], object] = lambda: None


async def measure(bench: Bench) -> list[Figure]:
    """Each page and each press some times, as an administrator; a page also as a process shows it for the first time."""
    server, times = Redis(), int(bench.of(3, EACH, EACH))
    try:
        app = application(bench.address, server.url)
        with app.app_context():
            migrate()
            number = _filled(int(bench.of(200, ROWS, ROWS)))
        gc.collect()
        gc.freeze()
        return [figure for one in Writer(app, number).presses() for figure in _asked(app, one, times)]
    finally:
        server.stop()


def _filled(rows: int) -> int:
    """An incident with so many entries, one in five a note, and a document about it that is as long as one may be; its
    number."""
    person = build.user("olga", role="admin")
    incident = build.incident(team=build.team("payments", manager=person), status="resolved")
    began = clock.now() - timedelta(days=1)
    with transaction():
        session.execute(insert(Event.__table__), [{
            "kind": "incident.note_added" if at % 5 == 0 else "escalation.level_reached", "actor": person.ref,
            "at": began + timedelta(seconds=10 * at), "actor_name": "Olga", "subject": incident.ref, "also": [], "depth": 0,
            "data": {"note": at, "body": f"Looked at **host-{at}**: fine."} if at % 5 == 0 else {
                "level": at % 3 + 1, "round": 1, "targets": [f"person {at}"]}} for at in range(rows)])
    made = build.postmortem(session.get_one(Incident, incident.id), author=person)
    with transaction():
        found = session.get_one(Postmortem, made.id)
        service.change(found, rules.Content(queries.content_of(found).title, _sections(0)), by=build.actor(person),
                       what="saved")
        session.add(Habits(team_id=found.team_id, review="optional"))
    ticks.keep_html()
    return made.id


def _sections(change: int) -> tuple[rules.Section, ...]:
    """Ten sections, together as long as a document may be; the number of the change stands in the first."""
    each = rules.WORDS // SECTIONS - 20
    long = "".join(PARAGRAPH.format(at=at) for at in range(each // 100))[:each - 20]
    return tuple(rules.Section("Summary" if at == 0 else f"Section {at}", f"Change {change} of part {at}.\n\n{long}"[:each])
                 for at in range(SECTIONS))


class Writer:
    """Somebody who reads, writes and publishes the document of this number, each time with another text."""

    def __init__(self, app: Flask, number: int) -> None:
        app.test_client_class = Client
        self.app, self.browser, self.address = app, signed_in(app), f"/postmortems/{number}"
        self.number, self.changes, self.form = number, 0, b""

    def typed(self) -> None:
        """Another text in the form, on top of the newest version."""
        self.changes += 1
        with self.app.app_context():
            version = session.get_one(Postmortem, self.number).version
        said = {"version": str(version), "title": "A very long day"}
        for at, one in enumerate(_sections(self.changes)):
            said |= {f"heading-{at}": one.heading, f"body-{at}": one.body}
        self.form = urlencode(said).encode()

    def saved(self) -> None:
        """Another version."""
        self.typed()
        self.send("edit")

    def send(self, what: str) -> TestResponse:
        """The form, to be kept or to be saved."""
        return self.browser.post(f"{self.address}/{what}", data=self.form, content_type="application/x-www-form-urlencoded")

    def publish(self) -> TestResponse:
        """What was saved is what readers see."""
        return self.browser.post(f"{self.address}/publish", data={"reason": "We know more"})

    def presses(self) -> Iterator[Press]:
        """What is asked for."""
        read = {"the page, shown again": "", "the editor": "/edit", "the choice of rows": "/timeline",
                "versions and what differs": "/versions", "Markdown": "/export/md", "the print view": "/export/html"}
        yield Press("the page, shown by a process for the first time", READ, lambda: self.browser.get(self.address),
                    pages.forget)
        for what, path in read.items():
            yield Press(what, READ, partial(self.browser.get, self.address + path))
        yield Press("what is typed is kept", SAVED, partial(self.send, "unsaved"), self.typed)
        yield Press("it is saved", SAVED, partial(self.send, "edit"), self.typed)
        yield Press("it is published", SAVED, self.publish, self.saved)
        yield Press("the page of what is published", READ, partial(self.browser.get, self.address))


def _asked(app: Flask, one: Press, times: int) -> Iterator[Figure]:
    """Milliseconds of each answer by the clock, and of this process's own work; but for two to warm up."""
    wall, own = [], []
    for _ in range(times + 2):
        one.before()
        with app.app_context():
            limiter.reset()  # nobody presses so often in a minute
        began, worked = time.perf_counter(), time.process_time()
        answer = one.press()
        own.append((time.process_time() - worked) * 1000)
        wall.append((time.perf_counter() - began) * 1000)
        assert answer.status_code in (200, 204, 303), f"{one.what}: {answer.status_code} {answer.text[:300]}"
    yield Figure(f"{one.what}, p95", percentile(wall[2:], .95), "ms", one.target)
    yield Figure(f"{one.what}, its own work, p95", percentile(own[2:], .95), "ms")


if __name__ == "__main__":
    run("postmortems", measure)
