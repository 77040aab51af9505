"""What was planted is found nowhere, and a library of a thousand stays quick."""

from __future__ import annotations

import json
import time

from sqlalchemy import text

from app.core.db import Base, session, transaction
from app.runbooks import executions, library_pages
from app.runbooks.models import Execution, Runbook
from tests import build
from tests.fakes import Reply

PLANTED = "planted-secret-0123456789"


def dump():
    """Everything that the database holds, as text."""
    return "".join(str(row) for table in Base.metadata.sorted_tables for row in session.execute(text(f"SELECT * FROM {table.name}")))


def test_a_planted_secret_is_in_no_table_log_or_page(restart, bob, payments, work, http_sink, signed_in, olga, capfd, caplog):
    """RB-18, HRD-23: echoed by the target, in its error, its output and its own address."""
    build.secret("ops", PLANTED, team=payments)
    schema = {"type": "object", "properties": {"pin": {"type": "string", "writeOnly": True}}}
    runbook = restart(parameters=schema, payload={"pin": "{{ params.pin }}", "ops": "{{ secret.ops }}"}, retries=0)
    for status in (200, 400, 500):
        http_sink.answer = Reply(status, json.dumps({"you said": [PLANTED, "swordfish-42"]}).encode())
        with transaction():
            executions.start(runbook, parameters={"pin": "swordfish-42"}, by=build.actor(bob))
        work()
    assert http_sink.calls[0].json() == {"pin": "swordfish-42", "ops": PLANTED}
    admin, said = signed_in(olga), dump() + caplog.text + "".join(capfd.readouterr())
    said += "".join(admin.get(f"/executions/{number}").text for number in (1, 2, 3)) + admin.get("/runbooks/restart").text
    said += admin.get("/audit").text + admin.get("/runbooks/restart/export").text
    assert PLANTED not in said and "swordfish" not in said and "•••" in said


def test_a_library_of_a_thousand_is_quick(app, payments, olga):
    """13, numbers: p95 < 100 ms; here the page's reads, with room for a busy machine."""
    with transaction():
        first = build.runbook("restart", team=payments)
        session.bulk_insert_mappings(Runbook, [
            {"key": f"r-{at}", "name": f"Runbook {at}", "team_id": payments.id, "target": "webhook", "config": {"url": "https://x"},
             "payload": None, "parameters": {}, "version": 1, "state": "approved"} for at in range(999)])
        session.bulk_insert_mappings(Execution, [
            {"key": str(at), "token_hash": str(at), "runbook_id": first.id + at % 1000, "version": 1, "started": "user:1",
             "started_name": "Ana", "state": "succeeded"} for at in range(5000)])
    began = time.monotonic()
    page = library_pages.library(build.actor(olga), {})
    assert len(page.rows) == 50 and page.total == 1000 and time.monotonic() - began < 0.5
