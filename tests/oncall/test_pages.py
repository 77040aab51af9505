"""The pages about duty as people see them: mine and everybody's, the lanes, the forms."""

from __future__ import annotations

from datetime import UTC, datetime
from html import unescape

import pytest
import time_machine
from sqlalchemy import select

from app.core.db import session, transaction
from app.core.feed import View
from app.oncall.live import FEEDS
from app.oncall.models import Override, Schedule
from app.oncall.queries import latest, schedule_document
from app.oncall.service import add_override
from tests import build
from tests.oncall.test_service import person

NOW = datetime(2026, 3, 24, 2, 12, tzinfo=UTC)
WEEKDAYS = [{"days": ["mon", "tue", "wed", "thu", "fri"], "from": "00:00", "to": "00:00"}]


@pytest.fixture(autouse=True)
def _night():
    """It is Tuesday 24 March 2026, 03:12 in Berlin; clocks go forward on Sunday."""
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def primary(payments, ana, bob) -> Schedule:
    """Ana and Bob by turns, a week each from Monday 09:00 in Berlin."""
    with transaction():
        session.merge(ana).time_zone = "Europe/Berlin"
    return build.schedule("primary", team=payments, turns=[[bob], [ana]], time_zone="Europe/Berlin")


def test_on_call_says_until_when_i_am_on_duty_who_follows_and_my_next_shifts(signed_in, primary, ana, bob):
    mine = signed_in(ana).get("/on-call").text
    assert "You are on duty" in mine and "2026-03-30T07:00:00Z" in mine and "then Bob" in mine
    assert "2026-04-06T07:00:00Z" in mine
    his = signed_in(bob).get("/on-call").text
    assert "You are not on duty" in his and "2026-03-30T07:00:00Z" in his


def test_what_a_private_team_does_is_not_there_for_others(signed_in, ana, charlie):
    build.schedule("secret", team=build.team("night", manager=ana, private=True), turns=[[ana]])
    browser = signed_in(charlie)
    assert "Secret" not in browser.get("/on-call").text + browser.get("/schedules").text
    assert browser.get("/schedules/secret").status_code == 404


def test_the_list_tells_who_is_on_duty_the_next_handoff_and_the_gaps(signed_in, primary, payments, ana, bob):
    """SCH-28: a gap in the next 30 days is visible on the list."""
    build.schedule("office", team=payments, turns=[[bob]], restrictions=WEEKDAYS)
    page = signed_in(ana).get("/schedules").text
    assert "Primary" in page and "Office" in page and "4 gaps" in page
    assert "No schedule fits" in signed_in(ana).get("/schedules?team=none").text


def test_the_lanes_show_who_is_paged_what_stands_above_and_the_change_of_clocks(signed_in, primary, ana, bob):
    with transaction():
        add_override(primary, starts=datetime(2026, 3, 25, 17, tzinfo=UTC), ends=datetime(2026, 3, 26, 8, tzinfo=UTC),
                     people=[bob], replaces=ana, reason="Dentist", by=person(ana))
    page = signed_in(ana).get("/schedules/primary").text
    assert "23 to 5 April" not in page and "23 March to 5 April 2026" in page and "Berlin time" in page
    assert "Bob, Wed 25 March, 18:00 to Thu 26 March, 09:00, 15 h" in page and "02:00 → 03:00" in page
    assert "to Mon 30 March, 09:00, 95 h" in page and "Bob for Ana" in page and "Dentist" in page


def test_a_gap_is_told_first_and_its_link_opens_the_form_filled_in(signed_in, payments, ana, bob):
    build.schedule("office", team=payments, turns=[[bob]], restrictions=WEEKDAYS)
    browser = signed_in(ana)
    page = browser.get("/schedules/office?zone=schedule").text
    assert "Gap from Sat 28 Mar, 00:00 to Mon 30 Mar, 00:00" in page and "fill it" in page
    link = "/schedules/office/overrides/new?starts=2026-03-28T00:00&ends=2026-03-30T00:00&replaces=&zone=UTC"
    assert link in unescape(page).replace("%3A", ":")
    form = browser.get(link).text
    assert 'value="2026-03-28T00:00"' in form and 'value="2026-03-30T00:00"' in form


@pytest.mark.parametrize("query", ["view=month", "view=week&from=2026-10-20&zone=utc", "view=year", "from=nonsense",
                                   "from=0001-01-01", "from=9999-12-31&view=month", "zone=Mars"])
def test_any_address_shows_a_page(signed_in, primary, ana, query):
    """SCH-40: no input leads to an error of ours."""
    assert signed_in(ana).get(f"/schedules/primary?{query}").status_code == 200


def test_an_empty_schedule_is_a_gap_and_no_error(signed_in, payments, ana):
    with transaction():
        session.add(Schedule(key="bare", name="Bare", team_id=payments.id, time_zone="UTC"))
    for path in ("/schedules/bare", "/schedules", "/on-call", "/schedules/bare/edit"):
        assert signed_in(ana).get(path).status_code == 200
    assert "nobody" in signed_in(ana).get("/schedules/bare").text


def test_an_override_is_saved_from_a_plain_form_and_taken_back_by_its_button(signed_in, primary, ana, bob):
    browser = signed_in(ana)
    sent = {"people": "bob@example.com", "replaces": "ana@example.com", "starts": "2026-03-25T18:00",
            "ends": "2026-03-26T09:00", "zone": "Europe/Berlin", "reason": "Dentist"}
    assert browser.post("/schedules/primary/overrides/new", data=sent).status_code == 303
    made = session.scalars(select(Override)).one()
    assert made.starts_at == datetime(2026, 3, 25, 17, tzinfo=UTC) and made.people == [bob.id]
    again = browser.post("/schedules/primary/overrides/new", data=sent)
    assert again.status_code == 409 and "overlaps the override Bob for Ana" in again.text
    assert browser.post(f"/schedules/primary/overrides/{made.id}/remove").status_code == 303
    assert session.scalars(select(Override)).all() == []


@pytest.mark.parametrize(("sent", "said"), [
    ({"ends": ""}, "Write a time like"), ({"starts": "2026-03-29T02:30"}, "01:59 and 03:00"),
    ({"people": ""}, "Leave nobody on duty"), ({"starts": "2026-03-01T10:00"}, "has been already")])
def test_what_is_wrong_with_an_override_stands_at_its_field_and_the_rest_stays(signed_in, primary, ana, sent, said):
    data = {"people": "bob@example.com", "replaces": "ana@example.com", "starts": "2026-03-25T18:00",
            "ends": "2026-03-29T09:00", "zone": "Europe/Berlin", "reason": "Dentist", **sent}
    answer = signed_in(ana).post("/schedules/primary/overrides/new", data=data)
    assert answer.status_code == 422 and said in answer.text and 'value="Dentist"' in answer.text
    assert session.scalars(select(Override)).all() == []


def test_of_a_time_that_occurs_twice_the_form_asks_which(signed_in, primary, ana):
    """Rule 6: a person entering a doubled clock time is asked which of the two is meant."""
    data = {"people": "bob@example.com", "starts": "2026-10-25T02:30", "ends": "2026-10-25T09:00",
            "zone": "Europe/Berlin"}
    browser = signed_in(ana)
    asked = browser.post("/schedules/primary/overrides/new", data=data)
    assert asked.status_code == 422 and "the second time" in asked.text
    assert browser.post("/schedules/primary/overrides/new", data={**data, "starts_which": "1"}).status_code == 303
    assert session.scalars(select(Override)).one().starts_at == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def layer(place: int, **fields: str) -> dict[str, str]:
    given = {"name": "base", "starts": "2026-01-05T09:00", "every": "1", "unit": "week",
             "participants": "ana@example.com\nbob@example.com, ana@example.com", **fields}
    return {f"layers-{place}-{name}": value for name, value in given.items()}


def test_a_manager_makes_a_schedule_with_two_layers_from_a_plain_form(signed_in, payments, ana, bob):
    sent = {"key": "primary", "name": "Primary", "team": "payments", "time_zone": "Europe/Berlin", **layer(0),
            **layer(1, name="office", unit="day", restrictions="mon-wed, fri 9:00 to 17:00", skip_inactive="1")}
    assert signed_in(ana).post("/schedules/-/new", data=sent).status_code == 303
    made = schedule_document(session.scalars(select(Schedule)).one())
    assert [one["name"] for one in made["layers"]] == ["base", "office"]
    assert made["layers"][0]["participants"] == [["ana@example.com"], ["bob@example.com", "ana@example.com"]]
    assert made["layers"][1]["restrictions"] == [{"days": ["mon", "tue", "wed", "fri"], "from": "09:00", "to": "17:00"}]
    taken = signed_in(ana).post("/schedules/-/new", data=sent)
    assert taken.status_code == 422 and "already" in taken.text


def test_a_fault_of_a_layer_stands_at_its_control_and_a_stale_form_saves_nothing(signed_in, primary, ana, bob):
    browser = signed_in(ana)
    form = browser.get("/schedules/primary/edit").text
    seen = form.partition('name="seen" value="')[2].partition('"')[0]
    sent = {"name": "Primary", "team": "payments", "time_zone": "Europe/Berlin", "seen": seen}
    bad = browser.post("/schedules/primary/edit", data={**sent, **layer(0, participants="eve@example.com")})
    assert bad.status_code == 422 and 'id="f-layers-0-participants-error"' in bad.text
    assert browser.post("/schedules/primary/edit", data={**sent, **layer(0, every="2")}).status_code == 303
    stale = browser.post("/schedules/primary/edit", data={**sent, **layer(0, every="3")})
    assert stale.status_code == 409 and "Somebody else changed" in stale.text
    session.expire_all()
    assert latest(primary)[0].every == 2


def test_layers_change_places_and_go_by_their_fields(signed_in, primary, ana):
    sent = {"name": "Primary", "team": "payments", "time_zone": "UTC"}
    browser = signed_in(ana)
    swapped = {**layer(0, position="2"), **layer(1, name="night", position="1")}
    browser.post("/schedules/primary/edit", data={**sent, **swapped})
    session.expire_all()
    assert [one.name for one in latest(primary)] == ["night", "base"]
    browser.post("/schedules/primary/edit", data={**sent, **layer(0, name="night", remove="1"), **layer(1)})
    session.expire_all()
    assert [one.name for one in latest(primary)] == ["base"]


def test_a_responder_sees_no_edit_and_a_schedule_is_deleted_only_by_a_manager(signed_in, primary, ana, bob, charlie):
    assert "Edit layers" not in signed_in(bob).get("/schedules/primary").text
    assert signed_in(bob).get("/schedules/primary/edit").status_code == 403
    assert signed_in(bob).post("/schedules/primary/remove").status_code == 403
    assert signed_in(charlie).get("/schedules/primary/overrides/new").status_code == 403
    assert signed_in(ana).post("/schedules/primary/remove").status_code == 303
    assert session.scalars(select(Schedule)).all() == []


def test_the_feed_of_a_page_hears_of_an_override_and_sends_its_lanes(primary, ana, bob):
    feeds = {feed.path: feed for feed in FEEDS}
    assert set(feeds) == {"/on-call", "/on-call/requests", "/schedules", "/schedules/<key>", "/me/calendars"}
    heard = View(feeds["/schedules/<key>"], {"key": "primary"})
    override = {"topics": [primary.ref], "kinds": ["schedule.override_added"]}
    assert heard.due([override]) == ["now", "lanes"]
    assert heard.due([{"topics": [bob.ref], "kinds": ["user.deactivated"]}]) == ["now", "lanes"]
    assert heard.due([{"topics": [primary.ref], "kinds": ["incident.opened"]}]) == []


@pytest.mark.parametrize("path", ["/on-call", "/schedules", "/schedules/primary"])
def test_each_live_region_can_be_drawn_alone(app, signed_in, primary, ana, path):
    feed = next(feed for feed in FEEDS if feed.path.replace("<key>", "primary") == path)
    browser = signed_in(ana)
    for name in feed.regions:
        part = browser.get(path, headers={"HX-Request": "true", "HX-Target": f"section#{name}"}).text
        assert f'id="{name}"' in part and "<html" not in part


def test_on_a_telephone_edit_history_and_override_stand_in_the_top_bar(signed_in, primary, ana, bob):
    def top(person):
        return signed_in(person).get("/schedules/primary").text.partition('<header class="topbar">')[2].partition("<main")[0]
    assert all(part in top(ana) for part in ("/primary/edit", "/primary/history", "/primary/overrides/new"))
    assert "/primary/edit" not in top(bob) and "/primary/overrides/new" in top(bob)
