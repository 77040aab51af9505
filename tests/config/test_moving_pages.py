"""Moving in from the page: an export or an API is read, told, named, and goes on to the plan."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
import time_machine
import yaml
from sqlalchemy import select

from app.catalog.queries import service_by_key
from app.config import importing, imports
from app.config.models import Errand
from app.core import clock
from app.core.db import session, transaction
from tests import build
from tests.config.exports.source import Source
from tests.config.test_importing import EXPORTS, NOW, ROADS, pagerduty

WORK = "app.config.ticks.work"
ACCOUNT = "pagerduty"


@pytest.fixture(autouse=True)
def then():
    with time_machine.travel(NOW, tick=False):
        yield


def zipped(export, folder="export/"):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as opened:
        for path, answer in export.items():
            opened.writestr(f"{folder}{path}.json", json.dumps(answer))
    return held.getvalue()


def upload(browser, raw, name="export.zip", source=ACCOUNT):
    return browser.post("/configuration/import", data={"source": source, "files": (io.BytesIO(raw), name)})


def test_an_export_is_uploaded_told_and_applied_through_the_plan(signed_in, olga):
    """MIG-13, MIG-14, MIG-19: nothing is here before the plan is applied."""
    browser = signed_in(olga)
    answer = upload(browser, zipped(EXPORTS[ACCOUNT]))
    assert answer.status_code == 303, answer.text
    address = answer.headers["Location"]
    page = browser.get(address).text
    assert "Payments primary" in page and "The same in both" in page and service_by_key("checkout") is None
    written = yaml.safe_load(browser.get(f"{address}/document.yaml").text)
    assert written["services"][0]["key"] == "checkout"
    plan = browser.post(f"{address}/plan").headers["Location"]
    assert browser.post(f"{plan}/apply").status_code == 303 and service_by_key("checkout") is not None


def broken(how):
    raw = zipped(EXPORTS[ACCOUNT])
    if how == "directory":
        return raw.replace(b"PK\x01\x02", b"PK\x01\x03", 1)
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("users.json", "[]" * 100)
    raw = bytearray(held.getvalue())
    if how == "bytes":
        raw[40:46] = b"\xff" * 6
    else:  # Deflate64, as some zip on Windows
        for mark, after in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
            raw[raw.index(mark) + after] = 9
    return bytes(raw)


@pytest.mark.parametrize(("raw", "name", "said"), [
    (broken("directory"), "export.zip", "is a damaged zip"), (broken("bytes"), "export.zip", "is a damaged zip"),
    (broken("compression"), "export.zip", "Zip it again"), (b"[" * 100_000, "users.json", "can&#39;t be read")])
def test_a_file_that_cannot_be_read_is_said_and_nothing_fails(signed_in, olga, raw, name, said):
    answer = upload(signed_in(olga), raw, name)
    assert answer.status_code == 422 and said in answer.text, answer.text


@pytest.mark.both_databases
def test_what_no_database_stores_is_left_out_of_an_import(signed_in, olga):
    export = {**EXPORTS[ACCOUNT], "teams": [{"id": "T9", "name": "Odd\0name"}]}
    assert upload(signed_in(olga), zipped(export)).status_code == 303


def test_the_lines_are_filtered_by_verdict_and_kind(signed_in, olga):
    """MIG-14."""
    browser = signed_in(olga)
    address = upload(browser, zipped(EXPORTS[ACCOUNT])).headers["Location"]
    page = browser.get(f"{address}?verdict=skipped").text
    assert "response play" in page and "<b>Payments primary</b>" not in page
    assert "<b>Payments primary</b>" in browser.get(f"{address}?kind=schedule").text


def test_people_and_teams_who_are_here_under_other_names_are_named(signed_in, olga, ana):
    """MIG-17: who is mapped is not created, and is whoever the source means everywhere."""
    build.user("bo", email="bo@example.com")
    browser = signed_in(olga)
    address = upload(browser, zipped(EXPORTS[ACCOUNT])).headers["Location"]
    wrong = browser.post(f"{address}/map", data={"people.bob@example.com": "nobody@example.com"})
    assert wrong.status_code == 422 and "There is nobody with the address nobody@example.com" in wrong.text
    assert browser.post(f"{address}/map", data={"people.bob@example.com": "bo@example.com"}).status_code == 303
    text = browser.get(f"{address}/document.yaml").text
    assert "bo@example.com" in text and "bob@example.com" not in text
    assert "bo@example.com" not in [user["email"] for user in yaml.safe_load(text)["users"]]
    assert "is bo@example.com here" in browser.get(address).text and "The same in both" in browser.get(address).text


def test_the_api_is_asked_by_a_worker_and_the_token_is_forgotten(app, signed_in, olga, tick, monkeypatch):
    """MIG-13, MIG-20: progress is told, nothing is written there."""
    monkeypatch.setattr(importing, "PER_SECOND", 10_000)
    there = Source(EXPORTS[ACCOUNT], ROADS[ACCOUNT])
    browser = signed_in(olga)
    address = browser.post("/configuration/import", data={
        "source": ACCOUNT, "token": "read-only-token", "url": there.url}).headers["Location"]
    assert "It begins in a moment" in browser.get(address).text
    tick(WORK)
    there.stop()
    errand = session.scalar(select(Errand))
    assert (errand.state, errand.error, there.written) == ("done", "", [])
    assert "The same in both" in browser.get(address).text
    assert "token" not in json.dumps(errand.found) and "read-only-token" not in errand.sealed


def test_a_source_that_refuses_or_a_private_address_is_said(app, signed_in, olga, tick):
    """MIG-20: and no address inside is called."""
    browser = signed_in(olga)
    address = browser.post("/configuration/import", data={
        "source": ACCOUNT, "token": "x", "url": "http://10.1.2.3/"}).headers["Location"]
    tick(WORK)
    assert "can&#39;t be asked" in (page := browser.get(address).text) or "can’t be asked" in page
    assert session.scalar(select(Errand.state)) == "failed" and not any(imports.kept_in().glob("*"))


def test_work_that_was_cut_goes_on_and_in_the_end_is_given_up(signed_in, olga, tick):
    browser = signed_in(olga)
    browser.post("/configuration/import", data={"source": ACCOUNT, "token": "x", "url": "http://10.1.2.3/"})
    with transaction():
        errand = session.scalar(select(Errand))
        errand.state, errand.tries, errand.lease_until = "running", 3, clock.now()
    tick(WORK)
    assert session.scalar(select(Errand.state)) == "running"  # its lease is not over
    with time_machine.travel(NOW.replace(hour=23), tick=False):
        tick(WORK)
    assert "cut three times" in session.scalar(select(Errand.error))


@pytest.mark.parametrize(("raw", "name", "said"), [
    (b"{", "users.json", "users.json can"), (zipped({}), "e.zip", "no JSON file"), (b'{"users": []}', "users.json", "nothing of")])
def test_a_broken_or_foreign_file_is_one_clear_line(signed_in, olga, raw, name, said):
    """MIG-20."""
    answer = upload(signed_in(olga), raw, name)
    assert answer.status_code == 422 and said in answer.text


def test_only_administrators_import(signed_in, ana, payments):
    assert signed_in(ana).get("/configuration/import").status_code == 403


def test_a_schedule_without_rendered_shifts_is_said_to_be_not_compared(app):
    """MIG-16: what could not be proven is not called proven."""
    export = json.loads(json.dumps(EXPORTS[ACCOUNT]))
    export["schedules/PSCH"]["schedule"]["final_schedule"] = {}
    imported = importing.converted(app.extensions["plugins"].importers[ACCOUNT], export, NOW)
    line = next(line for line in imported.plan if line.name == "Payments primary")
    assert line.verdict == "carried" and "not compared" in line.reason


def test_machines_import_and_read_what_it_came_to(client, token, olga):
    head = token(olga)
    begun = client.post("/api/v1/imports", json={"source": ACCOUNT, "data": pagerduty.EXPORT}, headers=head)
    assert begun.status_code == 202, begun.text
    shown = client.get(f"/api/v1/imports/{begun.json['id']}", headers=head).json
    assert shown["state"] == "done" and "checkout" in shown["document"] and shown["lines"]
