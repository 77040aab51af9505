"""Templates, a team's habits, nudges, and figures that a count over the documents confirms."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import pytest
import time_machine
from sqlalchemy import select

from app.core import clock
from app.core.db import session, transaction
from app.incidents import markdown
from app.incidents.models import Incident
from app.postmortems import editing, items, pages, patterns, queries, rules, service
from app.postmortems.metrics import metrics
from app.postmortems.models import Postmortem, PostmortemVersion
from tests import build
from tests.incidents.people import by
from tests.postmortems.stories import published, written
from tests.workflows.stories import statements


def test_a_template_fills_in_what_is_known_and_marks_what_is_not(app, signed_in, ana, bob, payments):
    """PM-30: a variable without a value is a gap that can be seen."""
    template = build.postmortem_template("Short", team=payments, body="{{title}} in {{services}}, mitigated {{mitigated}}")
    found = build.postmortem(build.incident("Down", team=payments), author=bob, template=template)
    page = signed_in(bob).get(f"/postmortems/{found.id}").text
    assert "Down in <strong>[fill in: services]</strong>, mitigated <strong>[fill in: mitigated]</strong>" in page


def test_changing_a_template_changes_no_document(app, client, token, ana, bob, payments):
    """PM-30."""
    template = build.postmortem_template("Short", team=payments, body="As it was")
    found = build.postmortem(build.incident(team=payments), author=bob, template=template)
    body = {"name": "Shorter", "sections": [{"heading": "Other", "body": "Changed"}]}
    path = f"/api/v1/postmortem-templates/{template.id}"
    assert client.put(path, headers=token(ana), json=body).json["name"] == "Shorter"
    assert [one.body for one in queries.content_of(session.get_one(Postmortem, found.id)).sections] == ["As it was"]
    assert client.delete(path, headers=token(bob)).status_code == 403
    assert client.delete(path, headers=token(ana)).status_code == 204


def test_a_manager_writes_a_template_on_its_page_and_the_team_uses_it(app, signed_in, ana, bob, payments):
    """Unknown variables are named; a responder may not; new drafts begin with it."""
    browser = signed_in(ana)
    form = {"name": "Short", "team": "payments", "heading-0": "What", "guide-0": "In a word", "body-0": "{{nonsense}}"}
    answer = browser.post("/postmortems/-/templates/-/new", data=form)
    assert answer.status_code == 422 and "there is no variable nonsense" in answer.text and "In a word" in answer.text
    assert browser.post("/postmortems/-/templates/-/new", data=form | {"body-0": "{{title}}"}).status_code == 303
    habits = {"automatic": "high", "review": "optional", "template": "Short"}
    assert browser.post("/teams/payments/postmortem-settings", data=habits).status_code == 303
    assert signed_in(bob).post("/teams/payments/postmortem-settings", data=habits).status_code == 403
    found = build.postmortem(build.incident(team=payments), author=bob)
    assert [one.heading for one in queries.content_of(session.get_one(Postmortem, found.id)).sections] == ["What"]


def test_everybodys_templates_are_the_admins(app, client, token, ana, olga, payments):
    """A team's manager adds theirs only; machines read all."""
    body = {"name": "House", "sections": [{"heading": "What", "body": ""}]}
    assert client.post("/api/v1/postmortem-templates", headers=token(ana), json=body).status_code == 403
    assert client.post("/api/v1/postmortem-templates", headers=token(olga), json=body).status_code == 201
    assert client.post("/api/v1/postmortem-templates", headers=token(ana), json=body | {"team": "payments"}).status_code == 201
    assert [one["team"] for one in client.get("/api/v1/postmortem-templates", headers=token(ana)).json] == [None, "payments"]
    changed = client.patch("/api/v1/teams/payments/postmortem-settings", headers=token(ana), json={"automatic": "off"})
    assert changed.json == {"automatic": "off", "review": "required", "template": None}


def test_the_owner_of_an_old_draft_is_told_four_times_at_most(app, tick, smtp, ana, bob, payments):
    """Five days after the resolution, then weekly; once it is published never again."""
    with time_machine.travel("2026-03-02T10:00:00+00:00", tick=False) as at:
        for title in ("One", "Two"):
            incident = build.incident(title, team=payments, status="resolved", resolved_at=clock.now())
            found = build.postmortem(incident, author=bob, owner=bob)
        published(found, bob, ana)
        told = []
        for _ in range(50):
            at.shift(timedelta(days=1))
            for path in ("app.postmortems.ticks.nudge", "app.postmortems.ticks.nudge", "app.notifications.ticks.send"):
                tick(path)
            told.append(len([mail for mail in smtp.to("bob@example.com") if "not published yet" in mail.subject]))
    assert (told[3], told[4], told[10], told[11], told[-1]) == (0, 1, 1, 2, 4)


@pytest.fixture
def years_work(ana, bob, charlie, payments):
    """Thirty incidents of two teams with postmortems sooner, later or never, and what follows from them."""
    others, chance = build.team("others", manager=charlie, responders=[bob]), random.Random(7)
    places = [build.service(f"s{at}", team=team, tags=[f"t{at % 2}"]) for at, team in enumerate((payments, others, payments))]
    for number in range(30):
        day = datetime(2026, 1, 5, 12, tzinfo=UTC) + timedelta(days=chance.randrange(120))
        with time_machine.travel(day, tick=False) as at:
            incident = build.incident(f"I{number}", service=chance.choice(places), status="resolved", resolved_at=day,
                                      severity=chance.choice(("critical", "high", "low")))
            if chance.random() < 0.7:
                learned(incident, bob, ana if incident.team_id == payments.id else charlie, chance, at)


def learned(incident: Incident, author, manager, chance, at) -> None:
    """A postmortem, published sooner or later or never, and one action item, done or not."""
    found = build.postmortem(incident, author=author)
    build.action_item(found, author, due_on=(clock.now() + timedelta(days=20)).date().isoformat())
    at.shift(timedelta(days=chance.randrange(14)))
    if chance.random() < 0.7:
        published(found, author, manager)
    if chance.random() < 0.5:
        with transaction():
            items.move_item(session.get_one(Postmortem, found.id).items[0], "done", by=by(author))


def first(found: Postmortem) -> datetime | None:
    """When it was published first."""
    return session.scalar(select(PostmortemVersion.at).where(PostmortemVersion.postmortem_id == found.id,
                                                             PostmortemVersion.publication == 1))


@pytest.mark.both_databases
def test_the_figures_equal_a_count_over_the_documents(app, years_work, bob, payments):
    """PM-27: for several periods and teams."""
    everything = list(session.scalars(select(Postmortem)))
    for team, since, until in (("", "2026-01-01", "2026-12-31"), ("payments", "2026-02-01", "2026-03-31"),
                               ("others", "2026-01-01", "2026-02-15")):
        said = metrics(by(bob), {"team": team, "from": since, "to": until})
        mine = [one for one in everything if not team or one.team.key == team]
        severe = [one for one in session.scalars(select(Incident)) if one.severity != "low" and (
            not team or one.team.key == team) and since <= one.resolved_at.date().isoformat() <= until]
        in_time = [one for one in severe for found in mine if one in found.incidents and first(found)
                   and rules.working_days(one.resolved_at.date(), first(found).date()) <= 5]
        days = [(first(one) - one.incidents[0].resolved_at).total_seconds() / 86400 for one in mine
                if first(one) and since <= first(one).date().isoformat() <= until]
        assert (said.incidents, said.in_time, said.published) == (len(severe), len(in_time), len(days))
        assert said.median_days == rules.median(days)
        due = [item for one in mine for item in one.items if since <= item.due_on.isoformat() <= until]
        assert said.items_due == len(due) and said.open == len([i for one in mine for i in one.items if i.state == "open"])


def test_figures_are_a_table_and_a_picture_that_can_be_read_aloud(app, signed_in, years_work, bob):
    """PM-27: what the picture shows stands in its description and beside it."""
    page = signed_in(bob).get("/postmortems/-/metrics?from=2026-01-01&to=2026-12-31").text
    assert 'role="img" aria-labelledby="h-months svg-about"' in page and "with a postmortem in time" in page
    assert '<th scope="row">2026-01</th>' in page and "tag t0" in page


@pytest.mark.parametrize(("start", "end", "days"), [
    ("2026-03-02", "2026-03-02", 0), ("2026-03-02", "2026-03-09", 5), ("2026-03-06", "2026-03-09", 1),
    ("2026-03-07", "2026-03-13", 5), ("2026-03-05", "2026-03-26", 15)])
def test_working_days_leave_weekends_out(start, end, days):
    """Monday to Friday after the first day."""
    assert rules.working_days(datetime.fromisoformat(start).date(), datetime.fromisoformat(end).date()) == days


def test_a_very_long_document_is_read_and_saved_at_once(app, signed_in, bob, payments):
    """PM-28, in part: at the limits it is read, kept and saved; `bench.postmortems` measures how long that takes."""
    found = build.postmortem(build.incident(team=payments), author=bob)
    with transaction():
        one = session.get_one(Postmortem, found.id)
        said = queries.content_of(one)
        rows = tuple({"id": at, "at": "2026-03-02T10:00:00.000Z", "text": f"Row {at}", "by": "Bob", "author": "user:2"}
                     for at in range(500))
        long = rules.Section("Long", "One *line* of text with a [link](https://example.com).\n\n" * 3500)
        service.change(one, rules.Content(said.title, (long,), rows=rows), by=by(bob), what="saved")
    browser = signed_in(bob)
    assert browser.get(f"/postmortems/{found.id}").status_code == 200
    written(found, bob, Long="x" * 199_990)
    with transaction(), pytest.raises(service.Invalid):
        editing.keep_unsaved(session.get_one(Postmortem, found.id), 1, rules.Content("x", (rules.Section("L", "x" * 200_001),)),
                             by=by(bob))
    assert len(patterns.templates(by(bob))) == 0


def test_a_long_text_is_rendered_once_and_former_versions_are_not_read_for_the_page(app, signed_in, bob, payments, monkeypatch):
    """PM-28, in part: what is asked of the database grows with neither rows nor versions, and no text is worked out twice."""
    found = build.postmortem(build.incident(team=payments), author=bob)
    browser, rendered = signed_in(bob), []
    for most in pages.KEPT:
        monkeypatch.setitem(pages._SHELVES, most, lru_cache(pages.KEPT[most])(lambda text: rendered.append(text) or markdown.html(text)))

    def read(path=""):
        rendered.clear()
        with statements() as asked:
            assert browser.get(f"/postmortems/{found.id}{path}").status_code == 200
        return len(asked), len(rendered), sum("postmortem_versions.content" in one for one in asked)
    written(found, bob, Lessons="*first*" * 20_000)
    few = [read(), read(), read("/versions")]
    assert few[0][1] > 0 and few[1][1] == 0
    for change in range(5):
        written(found, bob, Lessons=f"*{change}*" * 20_000)
    many = [read(), read(), read("/versions")]
    assert (many[0][1], many[1][1]) == (1, 0) and [one[0] for one in many] == [one[0] for one in few]
    assert [one[2] for one in many] == [one[2] for one in few]
