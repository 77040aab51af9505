"""All that could not be read is read again together, can be stopped, and pages nobody twice (ING-31)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.core.db import session, transaction
from app.incidents.models import Alert, Incident
from app.ingest.models import Delivery
from tests import build
from tests.pager import messages, pager

HOOK = "/in/token-of-hook-0123456789"


@pytest.fixture
def bad(app, client, run_jobs, monkeypatch):
    """Forty deliveries of four problems that a faulty plugin rejected; mended now."""
    house = pager()
    build.integration("hook", plugin="webhook", team=house.team)
    for at in range(40):
        client.post(HOOK, data=json.dumps({"id": f"p{at % 4}", "title": f"Problem {at % 4}", "n": at}))
    run_jobs()
    with transaction():
        session.query(Incident).update({"status": "resolved"})
        session.query(Delivery).update({"state": "rejected", "note": "unreadable"})
        session.query(Alert).update({"status": "resolved"})
    return house


def states() -> dict[str, int]:
    session.expire_all()
    found: dict[str, int] = {}
    for row in session.query(Delivery):
        found[row.state] = found.get(row.state, 0) + 1
    return found


def test_all_are_read_again_and_each_problem_pages_once(bad, client, token, run_jobs):
    """ING-31"""
    before = len(messages())
    answer = client.post("/api/v1/deliveries/replay", headers=token(bad.ana), json={"integration": "hook"})
    assert answer.json == {"replayed": 40, "waiting": 40}
    run_jobs()
    assert states() == {"processed": 40}
    assert len([one for one in messages()[before:] if one.kind == "page"]) == 4


def test_it_shows_its_progress_and_can_be_stopped(bad, signed_in):
    """ING-31: what is not yet read goes back."""
    browser = signed_in(bad.ana)
    assert "Replay all" in browser.get("/integrations/hook?state=rejected").text
    browser.post("/integrations/hook/replay")
    assert "40 still to be read again" in browser.get("/integrations/hook").text
    browser.post("/integrations/hook/replay", data={"stop": "1"})
    assert states() == {"rejected": 40}


def test_what_was_replayed_alone_goes_back_to_what_it_was_with_its_note(bad, client, token):
    """ING-31: one that was processed is no rejected one for it, and each keeps its reason."""
    with transaction():
        first = session.query(Delivery).order_by(Delivery.id).first()
        first.state, first.note, number = "processed", "opened #1", first.id
    assert client.post(f"/api/v1/deliveries/{number}/replay", headers=token(bad.ana)).status_code == 200
    client.post("/api/v1/deliveries/replay", headers=token(bad.ana), json={"integration": "hook"})
    answer = client.post("/api/v1/deliveries/replay", headers=token(bad.ana), json={"integration": "hook", "stop": True})
    assert answer.json == {"replayed": 40, "waiting": 0} and states() == {"processed": 1, "rejected": 39}
    assert {row.note for row in session.query(Delivery)} == {"opened #1", "unreadable"}


@pytest.mark.parametrize(("former", "then"), [
    (("rejected", "rejected", "rejected"), ["processed", "rejected", "rejected"]),
    (("rejected", "failed", "duplicate"), ["rejected", "processed", "duplicate"])])
def test_what_a_sender_retried_is_read_once(bad, client, token, run_jobs, former, then):
    """ING-31: the first of equal ones that could not be read, or the one that counts."""
    with transaction():
        rows = session.query(Delivery).order_by(Delivery.id).limit(3).all()
        for row, state in zip(rows, former, strict=True):
            row.delivery_key, row.body_hash, row.state = "one", "same", state
    client.post("/api/v1/deliveries/replay", headers=token(bad.ana), json={"integration": "hook"})
    run_jobs()
    session.expire_all()
    assert [row.state for row in session.query(Delivery).order_by(Delivery.id).limit(3)] == then


@pytest.mark.parametrize(("said", "status"), [({"state": ["processed"]}, 422), ({"integration": "nothing"}, 404)])
def test_only_what_could_not_be_read_is_replayed_together(bad, client, token, said: Any, status):
    header = token(bad.ana)
    assert client.post("/api/v1/deliveries/replay", headers=header, json={"integration": "hook", **said}).status_code == status
    assert client.post("/api/v1/deliveries/replay", headers=token(bad.bob), json={"integration": "hook"}).status_code == 403
