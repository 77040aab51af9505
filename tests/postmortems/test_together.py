"""Several at once: a third who saves while two texts are put together, and what a form does not know of."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from app.core import clock
from app.core.db import session
from app.postmortems import edit_routes, queries
from app.postmortems.models import Postmortem, Unsaved
from tests import build
from tests.postmortems.stories import form_of, written
from tests.postmortems.test_editing import body, build_row, draft, typed  # noqa: F401


def test_what_a_third_saves_before_the_merge_page_stands_is_not_lost(app, signed_in, ana, bob, draft, monkeypatch):  # noqa: F811
    """PM-09: the merged text belongs to the version that it was merged with."""
    his, real = signed_in(bob), edit_routes._clash
    form = typed(his, draft, Impact="Bob's text")
    written(draft, ana, Impact="Ana's text")

    def late(id, stale):
        written(draft, ana, Lessons="Saved in between")
        return real(id, stale)
    monkeypatch.setattr(edit_routes, "_clash", late)
    answer = his.post(f"/postmortems/{draft.id}/edit", data=form)
    assert answer.status_code == 409 and "Ana saved version 2" in answer.text
    assert his.post(f"/postmortems/{draft.id}/edit", data=form_of(answer.text)).status_code == 303
    assert (body(draft, "Impact"), body(draft, "Lessons")) == ("Bob&#39;s text", "Saved in between")


@pytest.mark.parametrize("wrong", ["impact_from", "mitigated_at"])
def test_one_moment_that_is_none_leaves_the_others(app, signed_in, bob, draft, wrong):  # noqa: F811
    """PM-09: the wrong one is as it was before, the others as they were typed."""
    browser = signed_in(bob)
    right = {name: "2026-03-02T10:15" for name in ("impact_from", "impact_to", "mitigated_at")}
    browser.post(f"/postmortems/{draft.id}/edit", data=typed(browser, draft) | right)
    assert queries.content_of(session.get_one(Postmortem, draft.id, populate_existing=True)).impact_from
    form = typed(browser, draft) | {name: "2026-03-02T11:45" for name in right} | {wrong: "yesterday"}
    shown = form_of(browser.post(f"/postmortems/{draft.id}/edit", data=form).text)
    assert {name: shown[name] for name in right} == {name: "2026-03-02T11:45" for name in right} | {wrong: "2026-03-02T10:15"}


def test_what_was_sent_before_saving_and_comes_after_it_is_not_kept(app, signed_in, bob, draft):  # noqa: F811
    """PM-11: the next editor does not begin with a text that is saved already."""
    browser = signed_in(bob)
    form = typed(browser, draft, Impact="Half a sen")
    browser.post(f"/postmortems/{draft.id}/edit", data=typed(browser, draft, Impact="Half a sentence"))
    assert browser.post(f"/postmortems/{draft.id}/unsaved", data=form).status_code == 409
    assert session.scalar(select(Unsaved.id)) is None
    assert browser.post(f"/postmortems/{draft.id}/unsaved", data=typed(browser, draft, Impact="More")).status_code == 204


def test_rows_that_came_after_the_page_stay_as_they_are(app, signed_in, bob, draft):  # noqa: F811
    """PM-04: hidden is what one saw and did not tick."""
    browser = signed_in(bob)
    build_row(draft, bob)
    [seen] = re.findall(r'name="seen" value="([^"]*)"', browser.get(f"/postmortems/{draft.id}/timeline").text)
    build_row(draft, bob)
    browser.post(f"/postmortems/{draft.id}/timeline", data={"seen": seen})
    page = browser.get(f"/postmortems/{draft.id}").text
    assert page.count("Bob wrote a note") == 1 and "1 of " in page


@pytest.mark.both_databases
def test_postmortems_are_found_by_a_whole_tag_whatever_its_letters(app, signed_in, bob, payments):
    """The same rows on either database; a sign of a pattern is a sign."""
    for key, tag in (("till", "für_alle"), ("shop", "fürxalle")):
        build.postmortem(build.incident(f"{key} fails", service=build.service(key, team=payments, tags=[tag])), author=bob)
    browser = signed_in(bob)
    found = browser.get("/postmortems?tag=für_alle").text.split("<tbody")[1]
    assert "till fails" in found and "shop fails" not in found
    assert "till fails" not in browser.get("/postmortems?tag=%25&state=draft").text


def test_a_moment_or_a_period_that_no_clock_reaches_is_refused_or_asks_for_nothing(app, client, token, signed_in, bob, draft):  # noqa: F811
    """Kept, such a moment could be shown in no other zone: the page of the document would be gone for good."""
    for at in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
        body = {"version": 1, "impact_from": at}
        assert client.patch(f"/api/v1/postmortems/{draft.id}", headers=token(bob), json=body).status_code == 422
    browser = signed_in(bob)
    for days in ("from=0001-01-01", "to=0001-01-01", "from=9999-12-31&to=9999-12-31", "to=9999-12-31"):
        assert browser.get(f"/postmortems?{days}").status_code == 200
        assert client.get(f"/api/v1/postmortems?{days}", headers=token(bob)).status_code in (200, 422)
        assert browser.get(f"/postmortems/-/metrics?{days}").status_code == 422
        assert client.get(f"/api/v1/postmortem-metrics?{days}", headers=token(bob)).status_code == 422


def test_rows_that_two_people_hide_and_show_are_hidden_and_shown(app, client, token, ana, bob, draft):  # noqa: F811
    """PM-10: each from the same version, by a machine; what both did holds."""
    def patch(who, version, *hidden):
        answer = client.patch(f"/api/v1/postmortems/{draft.id}", headers=token(who), json={
            "version": version, "hidden": [*hidden], "merge": True})
        assert answer.status_code == 200, answer.text
        session.expire_all()
        return queries.content_of(session.get_one(Postmortem, draft.id)).hidden
    assert patch(bob, 1, 1, 2) == (1, 2)
    patch(ana, 2, 1, 2, 3)
    assert patch(bob, 2, 2) == (2, 3)


def test_what_opened_in_shadow_is_in_no_figure(app, client, token, ana, bob, payments):
    """INS-04: nobody was paged of it, and nobody has to learn from it."""
    for shadow in (True, False):
        build.incident(team=payments, severity="critical", status="resolved", resolved_at=clock.now(), in_shadow=shadow)
    assert client.get("/api/v1/postmortem-metrics", headers=token(ana)).json["incidents"] == 1
