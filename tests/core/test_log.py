"""Lines of the log: JSON each, with the request that led to them, and nothing that nobody else may read."""

from __future__ import annotations

import io
import json
import logging

import pytest
import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.core import log as lines
from app.core.db import session
from app.core.events import Event
from app.core.isolation import each
from tests import build
from tests.pager import firing, pager, post

GIVEN = "given-by-the-proxy-0123"


@pytest.fixture
def written(app):
    """`written()`: what was logged so far, each line read as JSON."""
    out, before, root = io.StringIO(), structlog.get_config(), logging.getLogger()
    lines.init_log("INFO", to=out)
    mine = lines.handler(out)
    root.addHandler(mine)
    fresh = {name: structlog.get_logger() for name in ("app.core.web", "app.core.jobs", "app.core.isolation")}
    former = {name: vars(__import__(name, fromlist=["log"]))["log"] for name in fresh}
    for name, logger in fresh.items():
        vars(__import__(name, fromlist=["log"]))["log"] = logger
    yield lambda: [json.loads(line) for line in out.getvalue().splitlines()]
    for name, logger in former.items():
        vars(__import__(name, fromlist=["log"]))["log"] = logger
    root.removeHandler(mine)
    structlog.configure(**before)


def test_each_line_of_a_request_says_what_was_asked_by_whom_and_how_it_went(app, written, client, olga, token):
    """HRD-27: time, level, event, request id, actor, route, status, ms; the route and not the address."""
    answer = client.get("/api/v1/users/olga@example.com?token=abc", headers=token(olga))
    line = written()[-1]
    assert {name: line[name] for name in ("level", "event", "actor", "status", "method", "request_id")} == {
        "level": "info", "event": "request", "actor": olga.ref, "status": answer.status_code, "method": "GET",
        "request_id": answer.headers["X-Request-ID"]}
    assert line["time"].endswith("Z") and line["ms"] >= 0 and line["route"].startswith("/api/v1/users/<")


def test_neither_line_breaks_nor_secrets_come_through(app, written):
    """HRD-27: in our lines, in those of libraries, and in what a fault says."""
    secret = "oc_" + "aB3" * 12
    evil = f'x\n{{"event": "forged"}}\r\u2028 ana@example.com +49 151 12345678 Bearer {secret} /in/{secret} token={secret} oncall={secret}'
    structlog.get_logger().warning("said", reason=evil)
    logging.getLogger("some.library").warning("it said %s", evil)
    try:
        raise ValueError(evil)
    except ValueError:
        structlog.get_logger().exception("failed", path="/tap/" + secret)
    found = written()
    assert len(found) == 3 and [line["event"] for line in found if line["event"] == "forged"] == []
    said = json.dumps(found)
    assert not [word for word in ("ana@example.com", "12345678", secret) if word in said]
    assert "ValueError" in found[2]["exception"]


def test_a_database_fault_does_not_tell_what_was_stored(app, written, olga):
    """HRD-27: no bodies, no addresses."""
    def twice(_key: int) -> int:
        session.add(type(olga)(name="A very secret name", email="olga@example.com", role="member"))
        session.flush()
        return 1
    with pytest.raises(IntegrityError):
        each([1], twice)
    said = json.dumps(written())
    assert "IntegrityError" in said and "very secret name" not in said and "olga@example.com" not in said


def test_every_answer_names_its_request(app, client, signed_in, olga):
    """HRD-26: pages, files, redirects, refusals, faults and what is not there; and the page of an error shows it."""
    browser = signed_in(olga)
    build.status_page("shop")
    answers = [browser.get(path) for path in ("/incidents", "/nowhere", "/static/css/app.css", "/status/shop", "/status/shop", "/healthz")]
    answers += [client.get("/incidents"), client.get("/api/v1/me"), client.post("/in/nobody-knows-this-token"),
                client.get("/", headers={"Host": "elsewhere.example"}), client.put("/login")]
    ids = [answer.headers.get("X-Request-ID", "") for answer in answers]
    assert len(set(ids)) == len(ids) and all(len(one) == 32 for one in ids)
    assert ids[1] in answers[1].text


@pytest.mark.parametrize(("proxies", "given", "taken"), [
    ("1", GIVEN, True), ("0", GIVEN, False), ("1", "short", False), ("1", "x" * 65, False), ("1", "with_under_scores", False),
    ("1", "line-break-at-the-end\n", False), ("1", "ümlaut-ümlaut", False)])
def test_a_foreign_id_is_taken_from_a_trusted_proxy_alone(app, client, proxies, given, taken):
    """HRD-26: and only as 8 to 64 letters, digits and hyphens; also where a page comes straight from the shelf."""
    app.config["TRUSTED_PROXIES"] = proxies
    assert (lines.id_for(given, app.config) == given) is taken
    if "\n" not in given and given.isascii():
        assert (client.get("/login", headers={"X-Request-ID": given}).headers["X-Request-ID"] == given) is taken


@pytest.mark.both_databases
def test_what_a_delivery_leads_to_names_its_request(app, client, run_jobs, olga, token):
    """HRD-26: what the drain makes of each, what reactions make of that; two deliveries of one batch are told apart."""
    house = pager()
    ids = [post(client, house, firing(name)).headers["X-Request-ID"] for name in ("First", "Second")]
    run_jobs()
    found = session.execute(select(Event.subject, Event.kind, Event.request_id).where(Event.subject.like("incident:%"))).all()
    by_incident = {subject: {row.request_id for row in found if row.subject == subject and row.kind.startswith(("incident", "escal"))}
                   for subject, _, _ in found}
    assert by_incident == {"incident:1": {ids[0]}, "incident:2": {ids[1]}}
    told = client.get("/api/v1/events?subject=incident:1", headers=token(olga)).json["items"]
    assert {entry["request_id"] for entry in told if entry["kind"] == "incident.opened"} == {ids[0]}


def test_what_a_person_does_names_their_request_and_so_do_the_jobs_after_it(client, run_jobs, written, ana, payments, token, monkeypatch):
    """HRD-26: a reaction that fails says in its line because of which request it ran."""
    incident = build.incident(team=payments)
    answer = client.post(f"/api/v1/incidents/{incident.id}/acknowledge", headers=token(ana))
    made = session.scalars(select(Event.request_id).where(Event.kind == "incident.acknowledged")).all()
    assert made == [answer.headers["X-Request-ID"]]
    monkeypatch.setattr("app.escalation.reactions.watch_answer", lambda _: 1 / 0)
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        run_jobs()
    told = [line for line in written() if "ZeroDivisionError" in json.dumps(line)]
    assert told and {line["request_id"] for line in told} == set(made)
