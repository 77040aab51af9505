"""A schedule that is no longer needed is put away, and whoever was paged by one may answer whatever became of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.core import clock
from app.core.access import OPERATOR
from app.core.db import session, transaction
from app.core.errors import Invalid
from app.escalation.policies import save_policy
from app.oncall import covers
from app.oncall.models import CoverRequest, Schedule
from app.oncall.queries import schedule_by_key, schedule_document
from app.oncall.service import remove_schedule, save_schedule
from tests.config.documents import apply
from tests.oncall.test_service import facts, person
from tests.pager import firing, incident, messages, pager, post

PAGE, HOUR = "/schedules/primary", timedelta(hours=1)


def level(target: dict[str, str]) -> dict:
    return {"key": "payments", "levels": [{"timeout": "1m", "targets": [target]}]}


def replaced(target: dict[str, str]) -> None:
    """The policy names this target instead."""
    with transaction():
        save_policy(level(target), by=OPERATOR)


@pytest.fixture
def house(app):
    return pager()


@pytest.fixture
def ana(house, signed_in):
    """Ana's browser."""
    return signed_in(house.ana)


def test_a_schedule_that_pages_is_archived_only_when_something_took_its_place(house, ana):
    """SCH-26: 409 naming the policies, by page and API; once replaced it can be archived."""
    refused = ana.post(f"{PAGE}/archive")
    assert refused.status_code == 409 and "is used by payments" in refused.text.lower()
    assert ana.post(f"{PAGE}/remove").status_code == 409
    replaced({"user": "bob@example.com"})
    assert ana.post(f"{PAGE}/archive").status_code == 303
    shown = ana.get(PAGE).text
    assert "This schedule is archived" in shown and "Restore" in shown and "Edit layers" not in shown
    listed = ana.get("/schedules").text
    assert 'id="archived"' in listed and "row-1" not in listed


def test_machines_archive_and_restore(house, client, token):
    """SCH-26"""
    key, path = token(house.ana), "/api/v1/schedules/primary"
    used = client.post(f"{path}/archive", headers=key)
    assert used.status_code == 409 and used.json["state"]["used_by"]
    replaced({"user": "bob@example.com"})
    assert client.post(f"{path}/archive", headers=key).status_code == 204
    assert client.get("/api/v1/teams/payments/on-duty", headers=key).json["schedules"] == []
    assert client.post(f"{path}/overrides", json={"ends": "2099-01-01T00:00:00Z"}, headers=key).status_code == 409
    assert client.post(f"{path}/restore", headers=key).status_code == 204
    assert len(client.get("/api/v1/teams/payments/on-duty", headers=key).json["schedules"]) == 1


def test_machines_change_an_archived_schedule_only_after_they_restored_it(archived, house, client, token):
    """SCH-26: neither a part of it nor the whole, and it stays where it is."""
    key, path = token(house.ana), "/api/v1/schedules/primary"
    whole = client.get(path, headers=key).json
    assert client.patch(path, json={"name": "New"}, headers=key).status_code == 409
    assert client.put(path, json=whole, headers=key).status_code == 409
    assert archived().name == "Primary" and archived().archived_at is not None
    assert client.post(f"{path}/restore", headers=key).status_code == 204
    assert client.patch(path, json={"name": "New"}, headers=key).json["name"] == "New"


@pytest.fixture
def archived(house, ana):
    replaced({"user": "bob@example.com"})
    ana.post(f"{PAGE}/archive")
    session.expire_all()
    return lambda: schedule_by_key("primary")


def test_nothing_new_pages_by_an_archived_schedule_and_nothing_in_it_changes(archived, ana):
    """SCH-26"""
    with pytest.raises(Invalid, match="is archived"):
        replaced({"schedule": "primary"})
    assert ana.get(f"{PAGE}/edit").status_code == 409
    assert ana.get(f"{PAGE}/overrides/new").status_code == 409
    assert "schedule:primary" not in ana.get("/policies/payments/edit").text
    ana.post(f"{PAGE}/restore")
    replaced({"schedule": "primary"})
    assert facts()[-1] == "schedule.restored" and archived().archived_at is None


def test_an_archived_schedule_states_no_hand_off_and_no_gap(house, ana, tick):
    tick("app.oncall.ticks.hand_over")
    replaced({"user": "bob@example.com"})
    with transaction():
        save_schedule({"key": "primary", "layers": []}, by=OPERATOR, when="now")
    ana.post(f"{PAGE}/archive")
    before = facts()
    tick("app.oncall.ticks.hand_over")
    tick("app.oncall.ticks.watch_gaps")
    assert facts() == before


def test_what_waits_for_an_answer_is_withdrawn_with_the_schedule(house, ana):
    replaced({"user": "bob@example.com"})
    schedule = session.query(Schedule).one()
    with transaction():
        covers.ask(schedule, house.bob, (clock.now() + HOUR, clock.now() + 2 * HOUR), by=person(house.bob))
    ana.post(f"{PAGE}/archive")
    session.expire_all()
    assert session.query(CoverRequest).one().state == "withdrawn"


def test_what_a_deleted_schedule_paged_stays_readable_in_the_incident(house, client, ana, run_jobs):
    """SCH-26"""
    post(client, house, firing())
    run_jobs()
    replaced({"user": "bob@example.com"})
    with transaction():
        remove_schedule(schedule_by_key("primary"), by=OPERATOR)
    told = ana.get(f"/incidents/{incident().id}")
    assert told.status_code == 200 and "Bob" in told.text and "on duty in Primary" in told.text


def test_whoever_is_taken_out_of_the_schedule_may_still_acknowledge_what_they_were_paged_for(house, client, signed_in, run_jobs):
    """SCH-27"""
    post(client, house, firing())
    run_jobs()
    assert messages()[0].user_id == house.bob.id
    with transaction():
        turns = [{"name": "base", "starts": "2026-01-05T09:00", "rotation": {"unit": "week"}, "participants": [["ana@example.com"]]}]
        save_schedule({"key": "primary", "layers": turns}, by=OPERATOR, when="now")
    assert signed_in(house.bob).post(f"/incidents/{incident().id}/acknowledge").status_code == 303
    assert incident().status == "acknowledged"


def test_a_document_that_names_an_archived_schedule_takes_it_back_into_use(archived):
    assert archived().archived_at is not None
    apply({"schedules": [schedule_document(archived())]}, by=OPERATOR)
    session.expire_all()
    assert archived().archived_at is None and facts()[-1] == "schedule.restored"
