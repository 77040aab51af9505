"""What people see of policies, and how they change them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import select

from app.catalog.models import Service
from app.core.access import OPERATOR
from app.core.db import session, transaction
from app.escalation import service
from app.escalation.models import Policy, TeamPolicy
from app.identity.models import Team
from tests import build
from tests.pager import firing, pager, post, run

TWO = {"action": "save", "name": "Payments", "team": "payments", "repeat": "2", "version": "1", "levels": "2",
       "timeout-0": "5m", "target-0": ["schedule:primary", "user:ana@example.com"], "timeout-1": "1h",
       "target-1": "team:payments"}


def save(browser, key="payments", **changes):
    """Send the form with some fields changed."""
    return browser.post(f"/policies/{key}/edit", data=TWO | changes)


def kept():
    """The first policy as it is stored."""
    session.expire_all()
    return session.scalars(select(Policy).order_by(Policy.id)).first()


def test_the_list_warns_of_what_will_not_work(app, signed_in):
    """Empty, meaning nobody now, a person without proven method; and who uses each."""
    house = pager()
    hana = build.user("hana", reachable=False)
    build.policy("empty", team=house.team, default=False)
    build.policy("mute", (30, [hana]), (60, [hana, house.bob]), team=house.team, default=False)
    page = signed_in(house.bob).get("/policies").text
    for words in ("It has no level", "Level 1 means nobody right now: Hana has no proven contact method",
                  "Level 2: Hana has no proven contact method", "Level 1 has less than a minute", "team Payments"):
        assert words in page.replace("&#39;", "'"), words
    assert "New policy" not in page


def test_the_page_says_whom_each_level_means_now_and_what_would_happen(app, signed_in):
    """Bob is on duty; a minute later Ana; once more; then the catch-all."""
    house = pager()
    page = signed_in(house.bob).get("/policies/payments").text
    for words in ("now Bob", "then wait 1m", "after 1m", "1:00", "from level 1 again, once more", "6:00",
                  "the catch-all policy", "Used by team Payments"):
        assert words in page, words
    assert "Edit" not in page and "Delete" not in page


def test_a_manager_saves_levels_from_plain_forms(app, signed_in):
    """The form's fields become the document's, and the next incident uses them."""
    house = pager()
    assert save(signed_in(house.ana)).status_code == 303
    policy = kept()
    assert [level["timeout"] for level in policy.levels] == [300, 3600]
    assert [[next(iter(target)) for target in level["targets"]] for level in policy.levels] == [
        ["schedule", "user"], ["team"]]
    assert (policy.repeat, policy.version) == (2, 2)


@pytest.mark.parametrize(("action", "order"), [
    ("down:0", ["team:payments", "schedule:primary"]), ("up:1", ["team:payments", "schedule:primary"]),
    ("remove-level:0", ["team:payments"]), ("remove-target:0:0", ["user:ana@example.com", "team:payments"]),
    ("add-level", ["schedule:primary", "team:payments", None]), ("nonsense:99:x", ["schedule:primary", "team:payments"]),
])
def test_levels_come_go_and_move_without_script_and_nothing_is_saved_meanwhile(app, signed_in, action, order):
    """Each press shows the form again as it would be."""
    house = pager()
    page = save(signed_in(house.ana), action=action).text
    first = [page.find(f'name="target-{at}" value="{target}"') for at, target in enumerate(order) if target]
    assert all(place > 0 for place in first) and first == sorted(first)
    assert f'name="levels" value="{len(order)}"' in page
    assert kept().version == 1


def test_a_target_that_is_chosen_counts_although_nobody_pressed_add(app, signed_in):
    """Choosing and saving is enough."""
    house = pager()
    save(signed_in(house.ana), **{"add-1": "user:bob@example.com"})
    assert kept().levels[1]["targets"] == [{"team": house.team.id}, {"user": house.bob.id}]


@pytest.mark.parametrize(("field", "value", "words"), [
    ("repeat", "10", "0 to 9 times"), ("repeat", "many", "0 to 9 times"), ("timeout-0", "4s", "5 seconds to 24 hours"),
    ("timeout-0", "25h", "5 seconds to 24 hours"), ("timeout-0", "soon", "Write a duration like"),
    ("target-1", "", "1 to 20 targets"), ("target-1", "user:nobody@example.com", "There is no user"),
    ("levels", "0", "1 to 10 levels"), ("name", "", "A name is needed"),
])
def test_numbers_outside_the_limits_are_refused_beside_their_field(app, signed_in, field, value, words):
    """ESC-32: 422 with the sentence; the stored policy is as it was."""
    house = pager()
    answer = save(signed_in(house.ana), **{field: value})
    assert answer.status_code == 422 and words in answer.text
    policy = kept()
    assert (policy.version, policy.repeat, len(policy.levels)) == (1, 1, 2)


def test_eleven_levels_are_refused(app, signed_in):
    """ESC-32: ten is the most."""
    house = pager()
    more = {f"timeout-{at}": "5m" for at in range(11)} | {f"target-{at}": "team:payments" for at in range(11)}
    answer = save(signed_in(house.ana), levels="11", **more)
    assert answer.status_code == 422 and "1 to 10 levels" in answer.text


@pytest.mark.parametrize("path", ["payments/edit", "payments/delete", "payments/default", "-/new"])
def test_only_managers_of_the_team_and_admins_change_policies(app, signed_in, charlie, olga, path):
    """ESC-32: a responder and an outsider get 403 and nothing changes; an admin may."""
    house = pager()
    for person in (house.bob, charlie):
        answer = signed_in(person).post(f"/policies/{path}", data=TWO | {"key": "new"})
        assert answer.status_code == 403
    assert kept().version == 1 and session.query(Policy).count() == 1
    assert save(signed_in(olga)).status_code == 303


def test_a_manager_elsewhere_cannot_take_a_policy_over(app, signed_in, charlie):
    """ESC-32: neither by its page nor by making a new one with its key."""
    house = pager()
    build.team("search", manager=charlie)
    browser = signed_in(charlie)
    assert save(browser, team="search").status_code == 403
    answer = browser.post("/policies/-/new", data=TWO | {"key": "payments", "team": "search"})
    assert answer.status_code == 422 and "Another policy has this key" in answer.text
    assert kept().team_id == house.team.id


def test_saving_over_somebody_elses_change_is_said_first(app, signed_in):
    """The form of an older version is not saved silently; a second save of the same form is."""
    house = pager()
    browser = signed_in(house.ana)
    save(browser, name="Theirs")
    answer = save(browser, name="Mine")
    assert answer.status_code == 409 and "Somebody saved" in answer.text and 'value="Mine"' in answer.text
    assert kept().name == "Theirs"
    save(browser, name="Mine", version="2")
    assert kept().name == "Mine"


def test_a_page_in_flight_keeps_the_policy_it_began_with(app, client, signed_in, run_jobs):
    """ESC-27: the run's levels stay; the page says that it pages by an older version."""
    house = pager()
    post(client, house, firing())
    run_jobs()
    before, browser = run().levels, signed_in(house.ana)
    save(browser)
    page = browser.get("/policies/payments").text
    assert run().levels == before != kept().levels
    assert "1 incident is paging by this policy now, 1 of them by an older version" in page


def test_a_policy_in_use_is_not_deleted_and_the_page_says_by_whom(app, signed_in):
    """A sentence, not an error page; once nothing uses it, it goes."""
    house = pager()
    browser = signed_in(house.ana)
    answer = browser.post("/policies/payments/delete")
    assert answer.status_code == 409 and "Payments is used by team Payments" in answer.text
    browser.post("/policies/payments/default", data={"team": "payments", "off": "1"})
    assert browser.post("/policies/payments/delete").status_code == 303
    assert session.query(Policy).count() == 0


def test_the_catch_all_cannot_be_deleted(app, signed_in, olga):
    """ESC-30."""
    build.policy("catch-all", (300, [olga]))
    answer = signed_in(olga).post("/policies/catch-all/delete")
    assert answer.status_code == 409 and "catch-all policy can" in answer.text


def test_a_manager_switches_the_teams_default(app, signed_in):
    """ESC-32: one default, the later one."""
    house = pager()
    build.policy("night", (300, [house.ana]), team=house.team, default=False)
    signed_in(house.ana).post("/policies/night/default", data={"team": "payments"})
    assert [row.policy.key for row in session.scalars(select(TeamPolicy))] == ["night"]


def test_a_manager_lets_a_policy_count_for_one_service(app, signed_in):
    """MIG-02, ESC-16: and takes it away again; somebody outside finds neither."""
    house = pager()
    night = build.policy("night", (300, [house.ana]), team=house.team, default=False)
    browser, path = signed_in(house.ana), "/policies/night/service"
    answers = [browser.post(path, data={"service": key}).status_code for key in ("nothing", "checkout")]
    assert answers == [422, 303] and session.query(Service).one().policy_id == night.id
    assert "from Checkout" in browser.get("/policies/night").text
    assert signed_in(build.user("charlie")).post(path, data={"service": "checkout", "off": "1"}).status_code == 403
    browser.post(path, data={"service": "checkout", "off": "1"})
    session.expire_all()
    assert session.query(Service).one().policy_id is None


@pytest.mark.race
@pytest.mark.both_databases
def test_two_defaults_saved_at_once_leave_one(app):
    """ESC-32: also by two saves at the same moment."""
    house = pager()
    build.policy("night", (300, [house.ana]), team=house.team, default=False)
    with transaction():
        service.set_team_policy(house.team, None, by=OPERATOR)
    team_id, gate = house.team.id, Barrier(2)

    def choose(key):
        with app.app_context():
            gate.wait()
            with transaction():
                service.set_team_policy(session.get_one(Team, team_id), key, by=OPERATOR)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(choose, ("night", "payments")))
    assert session.query(TeamPolicy).count() == 1


def test_a_private_teams_policy_is_hidden(app, signed_in, charlie):
    """Neither listed nor found, nor offered as a target."""
    ana = build.user("ana")
    team = build.team("vault", manager=ana, private=True)
    build.policy("vault", (300, [ana]), team=team)
    build.team("search", manager=charlie)
    browser = signed_in(charlie)
    assert browser.get("/policies/vault").status_code == 404
    assert "vault" not in (browser.get("/policies").text + browser.get("/policies/-/new").text).lower()


def test_who_may_not_know_of_a_team_reads_no_name_of_it_at_a_policy_that_it_uses(app, signed_in):
    """USER-06: neither in the list, nor on the page, nor where the policy can't be deleted; a number says that there are more."""
    house = pager()
    hidden = build.team("hidden", private=True, manager=build.user("mallory"))
    build.service("vault", team=hidden, policy=house.policy)
    with transaction():
        session.add(TeamPolicy(team_id=hidden.id, policy_id=house.policy.id))
    browser = signed_in(house.ana)
    shown = [browser.get("/policies").text, browser.get("/policies/payments").text, browser.post("/policies/payments/delete").text]
    assert [("Vault" in one, "Hidden" in one, "2 of teams that you can" in one) for one in shown] == [(False, False, True)] * 3
    assert "service Vault" in signed_in(build.user("root", role="admin")).get("/policies/payments").text
