"""The weekly digest: when it comes, what it says, whom it goes to, and how it ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from app.core.db import session, transaction
from app.insights.digests import due
from app.insights.models import Digest, DigestCopy
from app.insights.ticks import write_digests
from app.notifications.models import Message
from tests import build
from tests.insights.test_figures import NOW, happened, message

WRITE, SEND = "app.insights.ticks.write_digests", "app.notifications.ticks.send"
DAY = timedelta(days=1)


@pytest.fixture
def mails(tick, smtp):
    """The digests that go out in the next turn of the clock, to whom they go."""
    def turn(wait: int = 0):
        tick(WRITE)
        tick(SEND)
        if wait:
            smtp.wait("ana@example.com", count=wait)
        return {mail.to: mail.message for mail in smtp.mails if "week of" in mail.message["Subject"]}
    return turn


def test_it_is_due_at_nine_on_mondays_for_a_day_also_where_clocks_are_moved():
    """INS-19: at 09:00 of the team's own clock, before and after the changes of March and October."""
    berlin = ZoneInfo("Europe/Berlin")
    for at in ("2026-03-23T08:00", "2026-03-30T07:00", "2026-10-19T07:00", "2026-10-26T08:00"):
        nine = datetime.fromisoformat(f"{at}+00:00")
        assert due(nine, berlin) == due(nine + DAY - timedelta(seconds=1), berlin) == nine.date()
        assert due(nine - timedelta(seconds=1), berlin) is None and due(nine + DAY, berlin) is None
    assert due(datetime(2026, 7, 19, 19, tzinfo=UTC), ZoneInfo("Pacific/Kiritimati")) == NOW.date()


def test_managers_get_one_mail_with_both_weeks_and_what_is_wrong_ahead(checkout, payments, ana, bob, mails):
    """INS-19: incidents, times, load, noise, gaps, unreachable people, overdue action items, each beside the week before."""
    with transaction():
        weeks = [[happened(checkout, NOW - DAY * (back + 2), answer=60 * (back + 1), end=900) for _ in range(count)]
                 for back, count in ((0, 3), (7, 1))]
        message(weeks[0][0], session.merge(bob), NOW - 2 * DAY)
    build.schedule("primary", team=payments, turns=[[build.user("eve", reachable=False)]])
    build.action_item(build.postmortem(weeks[0][0], author=ana), bob, due_on=(NOW - DAY).date().isoformat())
    found = mails(1)
    assert list(found) == ["ana@example.com"]
    said = found["ana@example.com"].get_body(("plain",)).get_content()
    for line in ("Incidents: 3 (the week before: 1)", "Median to acknowledge: 1 min (the week before: 8 min)",
                 "Pages: 1 (the week before: 0)", "Noise: 0, 0 % (", "Can't be paged ahead: 1",
                 "Eve is on duty within two weeks", "Overdue action items: 1", "Uncovered hours ahead: 0"):
        assert line in said, line


def test_nothing_to_tell_is_one_line(checkout, payments, mails):
    """INS-19"""
    mails(1)
    only = session.scalar(select(Digest))
    assert only.text == "A quiet week, Payments, 2026-07-13 to 2026-07-19 (UTC): nothing to tell."


@pytest.mark.race(rounds=3)
@pytest.mark.both_databases
def test_two_clocks_and_restarts_write_it_once_for_each_week(app, checkout, now, tick):
    """INS-19: both look at the same moment, again and again, for many teams."""
    for number in range(20):
        build.team(f"team-{number}")
    start = Barrier(2)

    def clock() -> None:
        with app.app_context():
            start.wait()
            write_digests()
    for _ in range(3):
        both = [Thread(target=clock) for _ in range(2)]
        [one.start() for one in both]
        [one.join() for one in both]
    session.rollback()
    assert session.query(Digest).count() == 21 and session.query(Message).filter_by(kind="digest").count() == 1
    session.rollback()
    now.shift(7 * DAY)
    tick(WRITE)
    assert session.query(Digest).count() == 42


def test_one_post_without_login_ends_it_and_a_look_does_not(app, checkout, payments, ana, mails, now):
    """INS-19: `List-Unsubscribe` with one click; the second time too."""
    mail = mails(1)["ana@example.com"]
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    path, anybody = mail["List-Unsubscribe"].strip(" <>").replace(app.config["BASE_URL"], ""), app.test_client()
    assert path.startswith("/digest/") and "<button" in anybody.get(path).text
    assert session.query(DigestCopy).count() == 1
    for _ in range(2):
        answer = anybody.post(path, data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200 and "no more digests of Payments" in answer.text
    assert anybody.post("/digest/nothing").status_code == 404
    now.shift(7 * DAY)
    mails()
    assert session.query(DigestCopy).count() == 1 and session.query(Digest).count() == 2


def test_responders_subscribe_on_the_page_and_others_see_nothing_of_it(checkout, payments, bob, charlie, signed_in, mails):
    """INS-19: preview, recipients and past ones."""
    browser, page = signed_in(bob), "/insights/digests?team=payments"
    assert "Subscribe me" in browser.get(page).text
    with browser.session_transaction() as cookie:
        sent = {"wanted": "1", "csrf_token": cookie["csrf"]}
    assert browser.post("/teams/payments/digest", data=sent).status_code == 303
    mails(1)
    shown = browser.get(page).text
    assert "Unsubscribe me" in shown and "to Ana, Bob" in shown and "week of 2026-07-13" in shown
    outside = signed_in(charlie)
    assert outside.get(page).status_code == 404 and "No digest is yours" in outside.get("/insights/digests").text
