"""Action items: legal moves, whose they are, reminders at nine o'clock, what a leaver leaves, lists and CSV."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from sqlalchemy import insert, select

from app.core.db import session, transaction
from app.core.events import Event
from app.identity.service import deactivate_user
from app.notifications import compose
from app.notifications.models import Message
from app.postmortems import items, notices, rules
from app.postmortems.models import ActionItem, Postmortem
from tests import build
from tests.incidents.people import by
from tests.postmortems.stories import published


@pytest.fixture
def draft(payments, bob) -> Postmortem:
    """Bob's draft."""
    return build.postmortem(build.incident(team=payments), author=bob)


def again(item: ActionItem) -> ActionItem:
    """Fresh from the database."""
    session.expire_all()
    return session.get_one(ActionItem, item.id)


def facts(kind: str) -> list[Event]:
    """What was recorded of this kind."""
    return list(session.scalars(select(Event).where(Event.kind == kind)))


@pytest.mark.parametrize("before", rules.ITEM_STATES)
@pytest.mark.parametrize("after", rules.ITEM_STATES)
def test_every_move_is_allowed_with_one_fact_or_refused_with_those_that_are(app, client, token, bob, draft, before, after):
    """PM-21, QUAL-18: and `done_at` is set and cleared."""
    item = build.action_item(draft, bob)
    with transaction():
        again(item).state = before
    answer = client.patch(f"/api/v1/action-items/{item.id}", headers=token(bob), json={"state": after})
    if after in rules.ITEM_MOVES[before]:
        assert answer.status_code == 200 and len(facts("action_item.moved")) == 1
        assert (answer.json["done_at"] is not None) is (after == "done")
    else:
        assert answer.status_code == 409 and answer.json["state"]["allowed"] == list(rules.ITEM_MOVES[before])
        assert not facts("action_item.moved")


def test_owner_and_team_change_it_also_after_publication_and_no_version_is_made(app, client, token, ana, bob, charlie, draft):
    """PM-25: its owner from another team too; others 403."""
    item = build.action_item(draft, charlie)
    found = published(draft, bob, ana)
    dora = build.user("dora")
    for person, status in ((charlie, 200), (bob, 200), (ana, 200), (dora, 403)):
        answer = client.patch(f"/api/v1/action-items/{item.id}", headers=token(person), json={"title": f"By {person.name}"})
        assert answer.status_code == status
    assert again(item).title == "By Ana" and session.get_one(Postmortem, found.id).version == found.version


def test_an_owner_must_be_active_and_may_see_the_team(app, client, token, ana, bob, charlie, draft):
    """PM-22: 422 with the reason."""
    with transaction():
        session.get_one(type(charlie), charlie.id).state = "deactivated"
    values = {"title": "Try it", "owner": charlie.email, "due_on": "2026-03-31"}
    answer = client.post(f"/api/v1/postmortems/{draft.id}/action-items", headers=token(bob), json=values)
    assert answer.status_code == 422 and answer.json["errors"][0]["field"] == "owner"
    nobody = client.post(f"/api/v1/postmortems/{draft.id}/action-items", headers=token(bob), json=values | {"owner": "x@y.z"})
    assert nobody.status_code == 422


@pytest.mark.both_databases
def test_mine_are_ordered_by_date_and_then_by_rank(app, signed_in, ana, bob, draft):
    """PM-24: overdue before due; on one day high before medium before low, not by alphabet."""
    with time_machine.travel("2026-03-10T12:00:00+00:00", tick=False):
        for title, due, priority in (("low", "2026-03-20", "low"), ("medium", "2026-03-20", "medium"), ("late", "2026-03-01", "low"),
                                     ("high", "2026-03-20", "high"), ("soon", "2026-03-11", "low")):
            build.action_item(draft, bob, title=f"Item {title}", due_on=due, priority=priority)
        browser = signed_in(bob)
        page = browser.get("/action-items").text
        home = browser.get("/incidents").text
    places = [page.index(f"Item {name}<") for name in ("late", "soon", "high", "medium", "low")]
    assert places == sorted(places) and "overdue by 9 days" in page
    assert home.index("Item late") < home.index("Item soon") < home.index("Item high")


@pytest.mark.parametrize(("now", "expected"), [
    ("2026-03-27T12:00", "2026-03-28T09:00"), ("2026-03-28T08:00", "2026-03-30T09:00"),  # over the change of clocks
    ("2026-03-29T12:00", "2026-03-30T09:00"), ("2026-03-30T07:30", "2026-04-06T09:00"), ("2026-05-01T12:00", "2026-05-04T09:00")])
def test_reminders_come_a_day_before_a_day_after_and_weekly(now, expected):
    """PM-23: at nine on the owner's wall, in winter and in summer. Due on Sunday 29 March in Berlin."""
    found = rules.next_reminder(date(2026, 3, 29), "Europe/Berlin", datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert found == datetime.fromisoformat(expected).replace(tzinfo=ZoneInfo("Europe/Berlin"))


@pytest.fixture
def reminded(app, tick, smtp):
    """`reminded(at)`: the clock of that day, then how many reminders the mailbox has got since."""
    def days(at, *moments):
        got = []
        for moment in moments:
            at.move_to(datetime.fromisoformat(moment).replace(tzinfo=UTC))
            for path in ("app.postmortems.ticks.remind", "app.postmortems.ticks.remind", "app.notifications.ticks.send"):
                tick(path)
            got.append(len([mail for mail in smtp.to("bob@example.com") if "“" in mail.subject]))
        return got
    return days


def test_each_reminder_goes_out_once_until_it_is_done(app, reminded, smtp, bob, draft):
    """PM-23: by mail only, never by telephone; stops when done, begins anew with a new date."""
    with time_machine.travel("2026-03-02T12:00:00+00:00", tick=False) as at:
        build.contact(bob, "sms", "+4915112345678")
        item = build.action_item(draft, bob, due_on="2026-03-10")
        assert reminded(at, "2026-03-09T08:59", "2026-03-09T09:00", "2026-03-10T09:00", "2026-03-11T09:00",
                        "2026-03-17T09:00", "2026-03-18T09:01") == [0, 1, 1, 2, 2, 3]
        with transaction():
            items.move_item(again(item), "done", by=by(bob))
        assert reminded(at, "2026-03-25T09:00") == [3]
        with transaction():
            items.move_item(again(item), "open", by=by(bob))
            items.change_item(again(item), {"due_on": "2026-04-10"}, by=by(bob))
        assert reminded(at, "2026-04-01T09:00", "2026-04-09T09:00") == [3, 4]
    assert {one.channel for one in session.scalars(select(Message))} == {"email"}


def test_whoever_is_given_one_is_told_and_who_takes_it_is_not(app, tick, smtp, ana, bob, draft):
    """Assigning is never silent."""
    with transaction():
        found = session.get_one(Postmortem, draft.id)
        for owner in (ana, bob):
            items.add_item(found, {"title": "Try it", "owner": owner.email, "due_on": "2026-03-31"}, by=by(bob))
    tick("app.notifications.ticks.send")
    assert any("Bob gave you an action item until 31 March 2026" in mail.subject for mail in smtp.to("ana@example.com"))
    assert not smtp.to("bob@example.com")


def test_reminders_follow_their_owner_into_another_zone(app, run_jobs, bob, draft):
    """PM-23: nine in Tokyo is another moment."""
    with time_machine.travel("2026-03-02T12:00:00+00:00", tick=False):
        item = build.action_item(draft, bob, due_on="2026-03-10")
        before = again(item).remind_at
        from app.identity.service import save_user

        with transaction():
            save_user({"email": bob.email, "time_zone": "Asia/Tokyo"}, by=build.OPERATOR)
        run_jobs()
    assert before - again(item).remind_at == timedelta(hours=9)


def test_what_is_due_is_said_by_the_owners_calendar(app, reminded, smtp, bob, draft):
    """PM-23: nine in Auckland is the evening before in UTC."""
    with time_machine.travel("2026-03-02T12:00:00+00:00", tick=False) as at:
        with transaction():
            session.get_one(type(bob), bob.id).time_zone = "Pacific/Auckland"
        build.action_item(draft, bob, due_on="2026-03-10")
        assert reminded(at, "2026-03-08T20:00", "2026-03-10T20:00") == [1, 2]
    said = [mail.subject for mail in smtp.to("bob@example.com")]
    assert "is due tomorrow" in said[0] and "is overdue since 10 March" in said[1]


def test_what_a_leaver_leaves_is_named_and_handed_over_in_one_step(app, signed_in, run_jobs, tick, smtp, ana, bob, olga, draft):
    """PM-22."""
    first, second = (build.action_item(draft, bob, title=title) for title in ("One", "Two"))
    with transaction():
        deactivate_user(session.get_one(type(bob), bob.id), by=by(olga))
    run_jobs()
    tick("app.notifications.ticks.send")
    assert any("Bob is deactivated and leaves 2 open action items" in mail.subject for mail in smtp.to("ana@example.com"))
    browser = signed_in(ana)
    assert "Hand over what they left" in browser.get("/action-items?owner=bob@example.com").text
    answer = browser.post("/action-items/hand-over", data={"from": "bob@example.com", "to": "ana@example.com"})
    assert answer.status_code == 303 and {again(one).owner_id for one in (first, second)} == {ana.id}
    assert len(facts("action_item.handed_over")) == 2


def test_lists_are_filtered_and_taken_away_as_csv(app, signed_in, ana, bob, draft):
    """By team, state, priority; a text that a spreadsheet would compute is made plain."""
    build.action_item(draft, bob, title="=SUM(1)", priority="high")
    build.action_item(draft, ana, title="Other")
    browser = signed_in(ana)
    assert "Other" not in browser.get("/action-items?priority=high").text
    assert "Other" in browser.get("/action-items?team=payments&state=left").text
    lines = browser.get("/action-items.csv?priority=high").text.splitlines()
    assert len(lines) == 2 and ",'=SUM(1),bob@example.com,payments,open,high,2026-03-31," in lines[1]


def test_one_press_moves_it_and_a_wrong_form_keeps_what_was_typed(app, signed_in, bob, draft):
    """The page of one and the list."""
    item, browser = build.action_item(draft, bob), signed_in(bob)
    answer = browser.post(f"/action-items/{item.id}/move", data={"state": "done", "back": "/action-items?of=all"})
    assert answer.headers["Location"].endswith("/action-items?of=all") and again(item).done_at is not None
    refused = browser.post(f"/action-items/{item.id}/move", data={"state": "in_progress"})
    assert refused.status_code == 409 and "can become open" in refused.text
    wrong = browser.post(f"/action-items/{item.id}", data={"title": "Kept", "owner": bob.email, "due_on": "soon"})
    assert wrong.status_code == 422 and 'value="Kept"' in wrong.text and "A due date looks like" in wrong.text
    added = browser.post(f"/postmortems/{draft.id}/items", data={"title": "More", "owner": "", "due_on": "2026-04-01"})
    assert added.status_code == 422 and "An owner is needed" in added.text and 'value="More"' in added.text


def test_a_download_ends_with_the_last_one(app, signed_in, ana, bob, draft):
    """PM-24: the page shows the first 300, the table all."""
    first = build.action_item(draft, bob)
    columns = {column.name: getattr(first, column.name) for column in ActionItem.__table__.columns if column.name != "id"}
    with transaction():
        session.execute(insert(ActionItem), [columns] * 300)
    assert len(signed_in(ana).get("/action-items.csv").text.splitlines()) == 302


def test_a_link_to_what_a_leaver_left_survives_any_address(app, ana):
    """PM-22: a plus is a plus."""
    with transaction():
        notices.leaver("Bob", "bob+pager@example.com", [session.merge(ana)], team_id=None, number=1, cause="test")
    [message] = session.scalars(select(Message))
    assert compose._data(message)["url"].endswith("/action-items?owner=bob%2Bpager%40example.com")


def test_what_a_leaver_leaves_is_told_to_each_teams_managers_alone_and_stays_within_its_shadow(app, run_jobs, ana, olga, charlie, draft):
    """MIG-22, PM-24: a number and a scope for each team."""
    others = build.postmortem(build.incident(team=build.team("others", manager=charlie)), author=charlie)
    dora = build.user("dora")
    for postmortem in (draft, draft, others):
        build.action_item(postmortem, dora)
    with transaction():
        deactivate_user(session.merge(dora), by=by(olga))
    run_jobs()
    told = {(one.user.name, one.scope): one.reason for one in session.scalars(select(Message).where(Message.reason.contains("deactivated")))}
    assert told["Ana", draft.team.ref].endswith("2 open action items") and told["Charlie", others.team.ref].endswith("1 open action item")
    assert {name for name, _ in told} == {"Ana", "Charlie"}
