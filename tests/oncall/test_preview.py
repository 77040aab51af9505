"""Looking at an edit before it is made, making it from a chosen instant, and putting a version back."""

from __future__ import annotations

from datetime import datetime, timedelta
from html import unescape

import pytest
import time_machine
from sqlalchemy import select

from app.core.access import OPERATOR
from app.core.clock import rfc3339
from app.core.db import session, transaction
from app.core.errors import Invalid
from app.core.events import Event
from app.oncall import preview
from app.oncall.models import Layer, Schedule, ScheduleVersion
from app.oncall.queries import on_duty, schedule_document, shifts
from app.oncall.rules import Shift
from app.oncall.service import preview_schedule, put_back, save_schedule
from tests import build
from tests.oncall.test_service import at, person, saved

WEEKS = timedelta(weeks=8)
NOW = at(5)


@pytest.fixture(autouse=True)
def _monday():
    """It is Monday 20 July 2026, 14:00 UTC: five hours into Ana's turn."""
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def dee(app):
    return build.user("dee")


@pytest.fixture
def primary(payments, ana, bob, dee) -> Schedule:
    """Ana, Bob and Dee by turns, a day each from Monday 09:00 UTC, since two weeks."""
    return saved({"key": "primary", "name": "Primary", "team": "payments", "time_zone": "UTC",
                  "layers": [layer("ana", "bob", "dee", starts="2026-07-05T09:00")]})


def layer(*people: str, **more) -> dict:
    return {"name": "base", "starts": "2026-07-05T09:00", "rotation": {"every": 1, "unit": "day"},
            "participants": [[f"{name}@example.com"] for name in people], **more}


def seen(schedule: Schedule, first: datetime = NOW, last: datetime = NOW + WEEKS) -> list[Shift]:
    session.expire_all()
    return shifts(schedule, first, last)


def who(schedule: Schedule, *hours: float) -> list[str]:
    names = {1: "ana", 2: "bob", 3: "dee"}
    session.expire_all()
    return ["+".join(names[one] for one in on_duty(schedule, at(hour)).people) for hour in hours]


EDITS = [
    ({"layers": [layer("bob", "dee")]}, None), ({"layers": [layer("bob", "dee")]}, "now"),
    ({"layers": [layer("ana", "bob")]}, at(30)), ({"time_zone": "Europe/Berlin"}, "next"), ({"layers": []}, "now"),
    ({"layers": [layer("ana", "bob", "dee"), layer("bob", name="office", restrictions=[
        {"days": ["mon"], "from": "09:00", "to": "17:00"}])]}, "next"),
    ({"layers": [layer("ana", "bob", "dee", name="night", ends="2026-08-01T00:00")]}, None),
    ({"overrides": [{"starts": "2026-07-22T09:00", "ends": "2026-07-22T12:00", "people": ["ana@example.com"]}]}, None)]


@pytest.mark.both_databases
@pytest.mark.parametrize(("values", "when"), EDITS)
def test_a_preview_is_the_difference_that_saving_makes_and_stores_nothing(primary, ana, values, when):
    """SCH-23: after saving, the difference of `shifts` before and after equals the preview."""
    was, past = seen(primary), seen(primary, at(-400), NOW)
    found = preview_schedule(primary, values, by=person(ana), when=when)
    session.rollback()
    assert seen(primary) == was and session.scalar(select(Layer.id).where(Layer.until.is_not(None))) is None
    with transaction():
        save_schedule({"key": "primary", **values}, by=person(ana), when=when)
    assert found.differences == list(preview.differences(was, seen(primary))) != []
    assert seen(primary, at(-400), NOW) == past


@pytest.mark.both_databases
def test_the_one_on_duty_stays_until_the_handoff_unless_it_is_to_be_now(primary, ana):
    """SCH-21 and SCH-22: removed from the next hand-off on, or at once."""
    assert who(primary, 5, 25, 49) == ["ana", "bob", "dee"]
    saved({"key": "primary", "layers": [layer("bob", "dee")]})
    assert who(primary, 5, 23.9, 25, 49, 73) == ["ana", "ana", "bob", "dee", "bob"]
    with transaction():
        save_schedule({"key": "primary", "layers": [layer("bob", "dee", "ana")]}, by=person(ana), when="now")
        save_schedule({"key": "primary", "layers": [layer("dee", "bob")]}, by=person(ana), when="now")
    assert who(primary, 4.9, 5, 25, 49) == ["ana", "bob", "dee", "bob"]


def test_applying_what_was_exported_changes_nothing_not_even_after_an_edit(primary):
    """SCH-22: `export` then `apply` changes nothing, and a copy elsewhere has the same people on duty."""
    saved({"key": "primary", "layers": [layer("dee", "bob", "ana", "bob")]})
    rows = session.scalars(select(Layer.id)).all()
    document = schedule_document(primary)
    saved(document)
    assert session.scalars(select(Layer.id)).all() == rows
    copy = saved({**document, "key": "copy"})
    assert [one.people for one in seen(copy, at(24), at(400))] == [one.people for one in seen(primary, at(24), at(400))]
    assert len(session.scalars(select(ScheduleVersion).where(ScheduleVersion.schedule_id == primary.id)).all()) == 2


def test_the_past_is_refused_as_the_time_from_which_an_edit_counts(primary, ana):
    for act in (preview_schedule, lambda one, values, **more: save_schedule({"key": one.key, **values}, **more)):
        with pytest.raises(Invalid) as refused, transaction():
            act(primary, {"layers": [layer("bob")]}, by=person(ana), when=at(4))
        assert [one.field for one in refused.value.problems] == ["from"]


@pytest.mark.both_databases
def test_a_version_is_put_back_from_now_on_and_what_was_between_stays(primary, ana):
    """SCH-24: every version can be seen and put back; putting back never rewrites the past."""
    saved({"key": "primary", "layers": [layer("bob", "dee")]})
    with time_machine.travel(at(50), tick=False):
        past = seen(primary, at(-400), at(50))
        with transaction():
            put_back(primary, 1, by=person(ana))
        assert seen(primary, at(-400), at(50)) == past
        assert who(primary, 50, 73, 97) == ["dee", "ana", "bob"]
    kept = session.scalars(select(ScheduleVersion).order_by(ScheduleVersion.number)).all()
    assert [(one.number, one.made_by) for one in kept] == [(1, "Operator"), (2, "Operator"), (3, "Ana")]
    assert kept[1].note == "base from 2026-07-21 09:00"


def test_one_persons_spans_are_added_removed_or_moved_with_hours_and_gaps(ana):
    was = [Shift(at(0), at(24), (1,), "base"), Shift(at(24), at(48), (2,), "base"), Shift(at(48), at(72), (1,), "base")]
    will = [Shift(at(0), at(30), (1,), "base"), Shift(at(30), at(48), (2,), "base"), Shift(at(48), at(72), (), "")]
    mine = preview.share(1, was, will)
    assert (mine.changed, mine.removed, mine.added) == ([((at(0), at(24)), (at(0), at(30)))], [(at(48), at(72))], [])
    assert (mine.before, mine.after) == (timedelta(hours=48), timedelta(hours=30))
    assert [(one.before, one.after) for one in preview.differences(was, will)] == [((2,), (1,)), ((1,), ())]


@pytest.fixture
def api(client, token):
    """Call as a person's machine."""
    def call(someone, path: str, body: dict, status: int = 200):
        answer = client.post(f"/api/v1/schedules/primary{path}", json=body, headers=token(someone))
        assert answer.status_code == status, answer.text
        return answer.json
    return call


def test_machines_look_at_an_edit_make_it_and_put_it_back(api, client, token, primary, ana):
    edit = {"from": "2026-07-20T18:00", "layers": [layer("bob")]}
    found = api(ana, "/preview", edit)
    assert found["differences"][0] == {"start": rfc3339(at(9)), "end": rfc3339(at(24)), "before": ["ana@example.com"],
                                       "after": ["bob@example.com"], "layer_before": "base", "layer_after": "base"}
    assert {"person": "dee@example.com", "before": 437, "after": 0} in found["hours"]
    assert api(ana, "/edit", edit)["takes_effect"] == "base from 2026-07-20 18:00"
    assert who(primary, 8.9, 9, 49) == ["ana", "bob", "bob"]
    assert api(ana, "/versions/1/put-back", {})["number"] == 3 and who(primary, 9, 25) == ["ana", "bob"]
    versions = client.get("/api/v1/schedules/primary/versions", headers=token(ana)).json
    assert [one["number"] for one in versions] == [3, 2, 1] and versions[1]["layers"][0]["participants"] == [[
        "bob@example.com"]]
    assert api(ana, "/versions/9/put-back", {}, 404)["status"] == 404


def test_a_second_editor_gets_both_versions_and_others_may_not_even_look(api, client, token, primary, ana, charlie):
    """SCH-24 for machines, and SCH-23: a manager of another team cannot ask for a preview."""
    build.team("other", manager=charlie)
    for path in ("/preview", "/edit", "/versions/1/put-back"):
        api(charlie, path, {"nonsense": 1}, 403)
    mark = client.get("/api/v1/schedules/primary/versions", headers=token(ana)).json[0]["mark"]
    api(ana, "/edit", {"seen": mark, "layers": [layer("bob")]})
    refused = api(ana, "/edit", {"seen": mark, "layers": [layer("dee")]}, 409)
    assert refused["state"]["current"]["layers"][0]["participants"] == [["bob@example.com"]]
    assert refused["state"]["yours"]["layers"][0]["participants"] == [["dee@example.com"]]
    assert api(ana, "/preview", {"from": "2026-07-01T00:00"}, 422)["errors"][0]["field"] == "from"
    assert api(ana, "/preview", {"layers": [layer("eve")]}, 422)["errors"][0]["field"] == (
        "layers[0].participants[0][0]")


def fields(*people: str, **more: str) -> dict[str, str]:
    given = {"name": "base", "starts": "2026-07-05T09:00", "every": "1", "unit": "day",
             "participants": "\n".join(f"{name}@example.com" for name in people)}
    return {"name": "Primary", "team": "payments", "time_zone": "UTC",
            **{f"layers-0-{name}": value for name, value in given.items()}, **more}


def test_the_form_shows_what_would_change_keeps_what_was_typed_and_saves_from_when_it_is_told(signed_in, primary, ana):
    browser = signed_in(ana)
    sent = fields("bob", "dee", from_when="date", from_date="2026-07-21T18:00")
    shown = unescape(browser.post("/schedules/primary/preview", data=sent).text)
    assert "It would begin on Thu 23 Jul, 09:00" in shown and "Added" in shown and "Hours before" in shown
    assert 'value="2026-07-21T18:00"' in shown and "bob@example.com\ndee@example.com</textarea>" in shown
    assert len(seen(primary, at(0), at(72))) == 3 and session.scalar(select(Event.id).where(
        Event.kind == "schedule.changed")) is None
    late = browser.post("/schedules/primary/preview", data={**sent, "from_date": "2026-07-01T09:00"})
    assert late.status_code == 422 and "has been already" in late.text
    assert browser.post("/schedules/primary/edit", data={**sent, "from_when": "now"}).status_code == 303
    assert who(primary, 4.9, 5, 25) == ["ana", "bob", "dee"]


def test_people_are_added_as_turns_of_their_own_or_to_the_last_and_the_rotation_is_told_in_words(signed_in, primary,
                                                                                                ana, bob):
    browser, person = signed_in(ana), {"layers-0-person": "bob@example.com"}
    for step, turns in (("0-turn", "ana@example.com\nbob@example.com"), ("0-join", "ana@example.com, bob@example.com"),
                        ("1-turn", "ana@example.com")):
        shown = browser.post("/schedules/primary/preview", data={**fields("ana"), **person, "step": step}).text
        assert f">\n{turns}</textarea>" in shown or f">{turns}</textarea>" in shown
    assert "Hands over every day at 09:00, UTC time" in shown


def test_the_history_tells_who_changed_what_and_puts_a_version_back(signed_in, primary, ana, bob):
    browser = signed_in(ana)
    browser.post("/schedules/primary/edit", data=fields("bob", "dee", from_when="now"))
    shown = unescape(browser.get("/schedules/primary/history").text)
    assert "base: Ana, Bob, Dee became Bob, Dee" in shown and "Ana changed the schedule Primary" in shown
    assert "base from 2026-07-20 14:00" in shown and "Put back from now on" in shown
    assert "Put back" not in signed_in(bob).get("/schedules/primary/history").text
    assert signed_in(bob).post("/schedules/primary/versions/1/put-back").status_code == 403
    assert browser.post("/schedules/primary/versions/1/put-back").status_code == 303
    assert who(primary, 5, 25, 49) == ["ana", "bob", "dee"]


def test_of_two_editors_the_second_sees_both_and_nothing_is_half_saved(signed_in, primary, ana):
    """SCH-24 on the page."""
    browser = signed_in(ana)
    mark = browser.get("/schedules/primary/edit").text.partition('name="seen" value="')[2].partition('"')[0]
    browser.post("/schedules/primary/edit", data=fields("bob", seen=mark))
    refused = browser.post("/schedules/primary/edit", data=fields("dee", seen=mark))
    assert refused.status_code == 409 and "What stands now" in refused.text
    assert "dee@example.com</textarea>" in refused.text and "daily, 09:00: Bob" in refused.text
    assert who(primary, 5, 25, 49, 73) == ["ana", "bob", "bob", "bob"]


def test_a_lane_shows_all_versions_of_its_layer_and_one_that_went_only_where_it_was(signed_in, primary, ana):
    with transaction():
        save_schedule({"key": "primary", "layers": [layer("bob", "dee")]}, by=OPERATOR, when="now")
        save_schedule({"key": "primary", "layers": []}, by=OPERATOR, when=at(48))
    shown = signed_in(ana).get("/schedules/primary?view=week&zone=utc").text
    assert shown.count('aria-label="Layer base"') == 1 and "Ana, Mon 20 July, 09:00 to 14:00" in shown
    later = signed_in(ana).get("/schedules/primary?view=week&from=2026-08-10").text
    assert 'aria-label="Layer base"' not in later
