"""Calendars outside: kept in step with the shifts, and left as they were found."""

from __future__ import annotations

from datetime import timedelta

from app.core import clock, secrets
from app.core.db import session, transaction
from app.identity.service import deactivate_user
from app.oncall import links
from app.oncall.calendar_models import CalendarLink
from app.oncall.queries import schedule_by_key
from app.oncall.service import add_override, remove_override
from app.shadow import service as shadows
from tests import build
from tests.oncall.linked import HOUR, NOW, SYNC, agree, connect, link, mine
from tests.oncall.test_service import person


def test_the_calendar_holds_exactly_my_shifts_and_what_others_wrote_stays(linking, vendor, tick, ana):
    """SCH-33, SCH-34: page by page, and a second time nothing is written."""
    vendor.entries["main"]["lunch"] = before = vendor.foreign(NOW + HOUR)
    connect(linking, vendor)
    tick(SYNC)
    assert vendor.spans() == mine(ana) and len(mine(ana)) > vendor.page
    assert vendor.entries["main"]["lunch"] == before and vendor.entries["work/1"] == {}
    assert "last in step" in linking.get("/me/calendars").text
    vendor.calls.clear()
    with transaction():
        links.look_soon(None)
    tick(SYNC)
    assert {method for method, _ in vendor.calls} == {"GET"}


def test_an_override_is_there_within_minutes_and_a_shift_taken_away_is_gone(linking, vendor, tick, run_jobs, ana, bob):
    """SCH-33, SCH-34: the change wakes the calendars of those it concerns."""
    connect(linking, vendor)
    tick(SYNC)
    with transaction():
        made = add_override(schedule_by_key("primary"), starts=NOW + 5 * HOUR, ends=NOW + 300 * HOUR, people=[bob],
                            by=person(ana))
    run_jobs()
    assert vendor.spans() == mine(ana)
    with transaction():
        remove_override(session.merge(made), by=person(ana))
    run_jobs()
    assert vendor.spans() == mine(ana)


def test_what_was_moved_or_deleted_by_hand_is_put_right_at_the_next_turn(linking, google, tick, now, ana):
    """SCH-33: the calendar itself is asked, so that a crash in between leaves nothing behind either."""
    connect(linking, google)
    tick(SYNC)
    first, second, *_ = [key for key in google.entries["main"]]
    del google.entries["main"][first]
    google.entries["main"]["twin"] = {**google.entries["main"][second], "id": "twin"}
    now.move_to(NOW + timedelta(hours=6, minutes=1))
    tick(SYNC)
    assert google.spans() == mine(ana)


def test_another_calendar_takes_over_and_the_former_is_cleared(linking, google, tick, ana):
    """SCH-33."""
    key = connect(linking, google).id
    tick(SYNC)
    linking.post(f"/me/calendars/outside/{key}", data={"calendar": "work/1"})
    tick(SYNC)
    assert google.spans("work/1") == mine(ana) and google.spans("main") == []
    linking.post(f"/me/calendars/outside/{key}", data={"calendar": "somebody's"})
    assert link().calendar == "work/1"


def test_disconnecting_removes_what_lies_ahead_and_the_tokens(linking, vendor, tick, signed_in, ana, now):
    """SCH-36: what has been stays in the calendar, as do entries of others; Google's consent is given back."""
    vendor.entries["main"]["lunch"] = vendor.foreign(NOW + HOUR)
    key = connect(linking, vendor).id
    tick(SYNC)
    now.move_to(NOW + timedelta(days=30))
    past = [one for one in vendor.spans() if one[1] <= NOW + timedelta(days=30)]
    linking = signed_in(ana)
    linking.post(f"/me/calendars/outside/{key}/disconnect")
    assert ">Connect<" in linking.get("/me/calendars").text
    tick(SYNC)
    assert vendor.spans() == past and "lunch" in vendor.entries["main"]
    assert session.query(CalendarLink).count() == 0
    assert vendor.revoked == (["renews"] if vendor.slug == "google-calendar" else [])


def test_a_consent_that_is_gone_is_said_at_once_and_not_tried_again(linking, vendor, tick, now, ana, signed_in):
    """SCH-36: connecting again goes on with the same calendar."""
    connect(linking, vendor)
    tick(SYNC)
    vendor.consent = False
    now.move_to(NOW + timedelta(hours=7))
    tick(SYNC)
    assert "Connect again" in linking.get("/me/calendars").text and link().grant_sealed == ""
    vendor.calls.clear()
    now.move_to(NOW + timedelta(days=2))
    tick(SYNC)
    assert vendor.calls == []
    vendor.consent = True
    linking = signed_in(ana)
    agree(linking, vendor)
    tick(SYNC)
    assert (link().state, link().error, link().calendar) == ("on", "", "main")


def test_a_vendor_who_is_busy_is_asked_again_later_and_later(linking, google, tick, now, ana):
    """SCH-36: 429, 5xx and Google's own 403 are waited for, twice as long each time, and then all is as it should be."""
    connect(linking, google)
    waits = []
    for refusal in ((429, b"{}"), (503, b""), (403, b'{"reason": "rateLimitExceeded"}'), (500, b"oh")):
        google.refusals = [refusal]
        tick(SYNC)
        assert link().error and google.spans() == []
        waits.append((link().next_at - clock.now()).total_seconds())
        now.move_to(link().next_at)
    assert waits == [120, 240, 480, 960]
    tick(SYNC)
    assert (link().failures, link().error, google.spans()) == (0, "", mine(ana))


def test_tokens_are_sealed_and_renewed_five_minutes_before_they_end(linking, vendor, tick, now, ana):
    """SCH-36: nothing of a token can be read in the database."""
    connect(linking, vendor)
    row = link()
    assert "token-1" not in row.grant_sealed and "renews" not in row.grant_sealed
    assert secrets.open_(row.grant_sealed, bound_to=f"calendar_link:{row.mark}/{row.plugin}").count("token-1") == 1
    now.shift(3600 - 299)
    tick(SYNC)
    assert vendor.tokens == ["token-1", "token-2"] and links.grant_of(link()).access == "token-2"
    assert vendor.spans()[1:] == mine(ana)[1:]


def test_whoever_is_deactivated_is_let_go(linking, google, tick, run_jobs, ana, olga):
    """SCH-36: their entries to come go, and their tokens."""
    connect(linking, google)
    tick(SYNC)
    with transaction():
        deactivate_user(session.merge(ana), by=person(olga))
    run_jobs()
    assert google.spans() == [] and session.query(CalendarLink).count() == 0


def test_a_calendar_that_was_deleted_is_asked_for_anew(linking, google, tick, ana, now):
    """SCH-36."""
    connect(linking, google, "work/1")
    tick(SYNC)
    del google.entries["work/1"]
    now.move_to(NOW + timedelta(hours=7))
    tick(SYNC)
    assert "Choose another calendar" in linking.get("/me/calendars").text
    linking.post(f"/me/calendars/outside/{link().id}", data={"calendar": "main"})
    tick(SYNC)
    assert google.spans() == mine(ana)


def offer(app):
    return app.extensions["plugins"].calendars["google-calendar"]


def test_a_calendar_with_a_fault_stops_no_turn(app, linking, google, tick, monkeypatch):
    """SCH-36: what a plugin raises is said at its calendar; tokens that can't be read end the consent."""
    connect(linking, google)
    entries = offer(app).entries
    monkeypatch.setattr(offer(app), "entries", lambda *_: {}["id"])
    tick(SYNC)
    assert (link().error, link().state, link().lease_until) == ("The calendar has a fault (KeyError)", "on", None)
    monkeypatch.setattr(offer(app), "entries", entries)
    with transaction():
        row = link()
        row.grant_sealed, row.next_at = "k1:altered", clock.now()
    tick(SYNC)
    assert (link().state, link().next_at, link().lease_until) == ("broken", None, None)
    assert "Connect again" in linking.get("/me/calendars").text


def test_a_consent_given_during_a_turn_is_not_overwritten(app, linking, google, tick, now, monkeypatch, ana):
    """SCH-36: neither by tokens renewed from the former one, nor by its end."""
    connect(linking, google)
    now.shift(3600 - 299)
    renewed = offer(app).renewed

    def meanwhile(grant, config):
        made = renewed(grant, config)
        now.shift(1)
        agree(linking, google)
        return made
    monkeypatch.setattr(offer(app), "renewed", meanwhile)
    tick(SYNC)
    assert (link().state, link().error, links.grant_of(link()).access) == ("on", "", "token-3")
    tick(SYNC)
    assert google.spans()[1:] == mine(ana)[1:]


def test_in_shadow_no_calendar_is_looked_at_and_afterwards_it_is_as_it_should_be(linking, vendor, tick, ana, olga):
    """MIG-22: a change of duty writes, reads and renews nothing at the vendor's until the system is live."""
    connect(linking, vendor)
    with transaction():
        begun = shadows.begin("system", "", reason="Moving in", by=person(olga))
    vendor.calls.clear()
    with transaction():
        add_override(schedule_by_key("primary"), starts=NOW + 5 * HOUR, ends=NOW + 300 * HOUR, people=[ana], by=person(ana))
        links.look_soon(None)
    tick(SYNC)
    assert vendor.calls == [] and vendor.spans() == []
    with transaction():
        shadows.end(begun, by=person(olga))
    tick(SYNC)
    assert vendor.spans() == mine(ana)


def test_shifts_of_a_team_in_shadow_stay_as_they_stand_outside_and_those_of_others_are_written(linking, vendor, tick, run_jobs, ana, olga):
    """MIG-22: what was written stays, what changes is written when the team is live."""
    connect(linking, vendor)
    tick(SYNC)
    before = vendor.spans()
    with transaction():
        begun = shadows.begin("team", "payments", reason="Moving in", by=person(olga))
        add_override(schedule_by_key("primary"), starts=NOW + 5 * HOUR, ends=NOW + 300 * HOUR, people=[ana], by=person(ana))
    other = build.schedule("other", team=build.team("others", manager=ana), turns=[[ana], [olga]], starts="2026-02-12T01:00")
    run_jobs()
    assert {(start, end) for start, end in before if start < NOW} <= set(vendor.spans())
    assert set(vendor.spans()) - set(before) == set(mine(ana, other.key))
    with transaction():
        shadows.end(begun, by=person(olga))
    run_jobs()
    assert vendor.spans() == sorted(mine(ana) + mine(ana, other.key))
