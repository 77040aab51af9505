"""Several at once: a third who saves while two texts are put together, and what a form does not know of."""

from __future__ import annotations

import pytest

from app.core.db import session
from app.postmortems import edit_routes, queries
from app.postmortems.models import Postmortem
from tests.postmortems.stories import form_of, written
from tests.postmortems.test_editing import body, draft, typed  # noqa: F401


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
