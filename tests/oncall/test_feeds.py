"""Calendar addresses: what a calendar program reads there, when it reads anew, and when it finds nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import ics
import pytest
import time_machine

from app.core.access import Actor
from app.core.db import session, transaction
from app.escalation.models import Policy
from app.identity.models import Membership
from app.identity.service import deactivate_user
from app.notifications.models import Message
from app.oncall.feeds import address_of, make_feed
from app.oncall.queries import shifts
from app.oncall.service import add_override
from tests import build
from tests.oncall.test_service import person

NOW = datetime(2026, 2, 10, 12, tzinfo=UTC)
KHAL = """[calendars]
[[shifts]]
path = {folder}/shifts
[sqlite]
path = {folder}/khal.db
[locale]
local_timezone = America/New_York
default_timezone = America/New_York
timeformat = %H:%M
dateformat = %Y-%m-%d
longdateformat = %Y-%m-%d
datetimeformat = %Y-%m-%d %H:%M
longdatetimeformat = %Y-%m-%d %H:%M
"""
WEEKDAYS = [{"days": ["mon", "tue", "wed", "thu", "fri"], "from": "08:30", "to": "17:15"}]


@pytest.fixture(autouse=True)
def _february():
    with time_machine.travel(NOW, tick=False) as travel:
        yield travel


@pytest.fixture
def primary(payments, ana, bob):
    """Ana and Bob by turns, daily, in New York; a higher layer of Bob's in office hours."""
    return build.schedule("primary", team=payments, turns=[[ana], [bob]], time_zone="America/New_York", unit="day")


def address(what: str, user) -> str:
    """The path that this person subscribes to."""
    with transaction():
        return address_of(make_feed(what, by=person(user))).removeprefix("http://localhost")


def opened(client, path: str) -> ics.Calendar:
    """The calendar as another library than the one that wrote it reads it."""
    answer = client.get(path)
    assert answer.status_code == 200 and answer.content_type == "text/calendar; charset=utf-8"
    return ics.Calendar(answer.text)


def test_the_feed_of_a_schedule_says_for_every_minute_what_on_duty_says(client, primary, ana, bob, payments):
    """SCH-01, SCH-31, SCH-32: over 90 days and the change of clocks, gaps and overrides included."""
    office = build.schedule("office", team=payments, turns=[[ana]], time_zone="Europe/Berlin", restrictions=WEEKDAYS)
    for schedule in (primary, office):
        with transaction():
            add_override(schedule, starts=NOW + timedelta(days=3), ends=NOW + timedelta(days=3, minutes=77),
                         people=[ana], by=person(ana))
        found = opened(client, address(schedule.ref, ana)).events
        names = {ana.id: "Ana", bob.id: "Bob"}
        for shift in shifts(schedule, NOW, NOW + timedelta(days=90)):
            [event] = [one for one in found if one.begin.datetime <= shift.start < one.end.datetime]
            assert event.end.datetime >= shift.end
            assert event.name == (", ".join(names[one] for one in shift.people) or "Nobody on duty: Office")


def test_my_feed_holds_my_shifts_alone_and_a_team_feed_all_of_its_schedules(client, primary, payments, ana, bob):
    """SCH-31"""
    build.schedule("backup", team=payments, turns=[[bob]])
    mine = opened(client, address("me", ana))
    assert {one.name for one in mine.events} == {"On duty: Primary"}
    assert all(one.duration == timedelta(days=1) for one in mine.events if one.begin.month == 2)
    team = {one.name for one in opened(client, address(payments.ref, ana)).events}
    assert {"Primary: Ana", "Primary: Bob", "Backup: Bob"} == team


def test_an_edit_stands_in_the_feed_at_once_and_keeps_the_identity_of_the_shifts(client, primary, ana, bob):
    """SCH-31: stable UIDs, fresh within a minute."""
    path = address(primary.ref, ana)
    before = {one.uid: one.name for one in opened(client, path).events}
    with transaction():
        add_override(primary, starts=NOW + timedelta(days=2, hours=2), ends=NOW + timedelta(days=3, hours=2),
                     people=[bob], by=person(ana))
    after = {one.uid: one.name for one in opened(client, path).events}
    assert before.items() - after.items() and len(before.keys() & after.keys()) >= len(before) - 1
    assert all(re.fullmatch(r"schedule-\d+-\d{8}T\d{6}Z-all@oncall", one) for one in after)


def test_who_has_the_calendar_already_is_told_that_nothing_changed(client, primary, ana, bob, _february):
    path = address("me", ana)
    first = client.get(path)
    known = {"If-None-Match": first.headers["ETag"]}, {"If-Modified-Since": first.headers["Last-Modified"]}
    _february.shift(40)
    assert [client.get(path, headers=one).status_code for one in known] == [304, 304]
    with transaction():
        add_override(primary, starts=None, ends=NOW + timedelta(days=1), people=[ana], by=person(ana))
    assert [client.get(path, headers=one).status_code for one in known] == [200, 200]


def test_a_revoked_or_renewed_address_opens_no_more(signed_in, client, primary, ana):
    """SCH-31: revoking gives 404 at once."""
    browser, old = signed_in(ana), address("me", ana)
    assert browser.post("/me/calendars", data={"of": "me"}).status_code == 303
    assert client.get(old).status_code == 404
    page = browser.get("/me/calendars").text
    new = re.search(r"http://localhost(/calendar/[\w-]{43}\.ics)", page)[1]
    assert client.get(new).status_code == 200 and "not read yet" in page
    assert "last read" in browser.get("/me/calendars").text
    [key] = re.findall(r"/me/calendars/(\d+)/revoke", page)
    assert browser.post(f"/me/calendars/{key}/revoke").status_code == 303 and client.get(new).status_code == 404


def test_the_feed_of_a_private_team_dies_with_membership_and_every_feed_with_its_owner(client, ana, bob, olga):
    """SCH-31"""
    night = build.team("night", manager=ana, responders=[bob], private=True)
    build.schedule("secret", team=night, turns=[[bob]])
    paths = [address(night.ref, bob), address("me", bob)]
    assert [client.get(one).status_code for one in paths] == [200, 200]
    with transaction():
        session.delete(session.query(Membership).filter_by(team_id=night.id, user_id=bob.id).one())
    session.expire_all()
    assert [client.get(one).status_code for one in paths] == [404, 200]
    with transaction():
        deactivate_user(bob, by=Actor(olga.ref, olga.name, user_id=olga.id))
    assert [client.get(one).status_code for one in paths] == [404, 404]


def test_nobody_gets_an_address_for_what_they_may_not_see(signed_in, ana, charlie):
    night = build.team("night", manager=ana, private=True)
    secret = build.schedule("secret", team=night, turns=[[ana]])
    browser = signed_in(charlie)
    for what in (night.ref, secret.ref, "schedule:999", "team:", "nonsense"):
        assert browser.post("/me/calendars", data={"of": what}).status_code == 404
    assert "secret" not in browser.get(f"/me/calendars?of={secret.ref}").text.lower().replace("csrf", "")


def test_machines_make_list_and_revoke_addresses(client, token, primary, ana, bob):
    made = client.post("/api/v1/me/calendars", headers=token(ana), json={"of": "schedule:primary"})
    assert made.status_code == 201 and client.get(made.json["url"]).status_code == 200
    assert [one["id"] for one in client.get("/api/v1/me/calendars", headers=token(ana)).json] == [made.json["id"]]
    there = f"/api/v1/me/calendars/{made.json['id']}"
    assert client.delete(there, headers=token(bob)).status_code == 404
    assert client.delete(there, headers=token(ana)).status_code == 204
    assert client.get(made.json["url"]).status_code == 404


def test_profile_team_and_schedule_lead_to_the_address(signed_in, primary, payments, ana):
    browser = signed_in(ana)
    assert "Get the address" in browser.get("/me").text
    for page in ("/teams/payments", "/schedules/primary/calendars"):
        link = re.search(r'href="(/me/calendars\?of=[\w%:]+)"', browser.get(page).text)[1]
        assert browser.get(link).text.count("Get the address") == 3


def test_khal_lists_the_shifts(client, primary, ana, tmp_path: Path):
    """SCH-31: a real client opens it."""
    (tmp_path / "shifts.ics").write_bytes(client.get(address("me", ana)).data)
    (tmp_path / "khal.conf").write_text(KHAL.format(folder=tmp_path))
    khal = [str(Path(sys.executable).parent / "khal"), "-c", str(tmp_path / "khal.conf")]
    subprocess.run([*khal, "import", "--batch", "-a", "shifts", str(tmp_path / "shifts.ics")], check=True, timeout=60)
    wanted = ["list", "--format", "{start-long}/{end-long} {title}", "2026-02-12", "1d"]
    found = subprocess.run([*khal, *wanted], capture_output=True, text=True, timeout=60, check=True).stdout
    assert "2026-02-12 09:00/2026-02-13 09:00 On duty: Primary" in found


def test_people_who_share_a_turn_are_named_everywhere_and_all_are_paged(payments, client, token, ana, bob, run_jobs, signed_in):
    """SCH-07: page, API, feed and pages; Bob, whom the policy names as well, appears once."""
    both = build.schedule("both", team=payments, turns=[[ana, bob]])
    build.policy("payments", (60, [both, bob]), team=payments)
    service = build.service("checkout", team=payments, policy=session.query(Policy).one())
    headers = token(ana)
    asked = client.get("/api/v1/schedules/both/on-duty", headers=headers).json
    assert [one["name"] for one in asked["people"]] == ["Ana", "Bob"]
    feed = client.get(address(both.ref, ana)).text
    assert "SUMMARY:Ana\\, Bob" in feed.replace("\r\n ", "")
    assert "Ana, Bob" in signed_in(ana).get("/schedules").text
    assert client.post("/api/v1/incidents", json={"title": "Down", "service": service.key}, headers=headers).status_code == 201
    run_jobs()
    assert sorted(one.user.name for one in session.query(Message).filter_by(kind="page")) == ["Ana", "Bob"]
