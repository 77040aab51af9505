"""Pages: which part of a template goes out, and what every template may use."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace

import pytest
import time_machine
from flask import Flask, g
from flask.testing import FlaskClient
from jinja2 import ChoiceLoader, DictLoader

from app.core import pages

ROOT = Path(__file__).resolve().parents[2]
LIST = """{% extends "base.html" %}{% block title %}List{% endblock %}
{% block content %}{% block counters %}<p {{ region("counters") }}>{{ ui.number(names|length) }}</p>{% endblock %}
{% block rows %}<ul {{ region("rows") }}>{% for name in names %}{% block row scoped %}<li {{ region("row", name) }}>{{ ui.person(name) }}</li>
{% endblock %}{% endfor %}</ul>{% endblock %}{% endblock %}"""


@dataclass(frozen=True)
class Names:
    names: list[str] = field(default_factory=lambda: ["Ana", "Bob"])
    name: str = "Cem"


@pytest.fixture
def client() -> FlaskClient:
    app = Flask("pages", template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "static"))
    app.secret_key = "test"
    app.jinja_env.loader = ChoiceLoader([DictLoader({"list.html": LIST}), app.jinja_env.loader])  # type: ignore[list-item]
    app.jinja_env.globals["csrf_token"] = lambda: "token-of-ana"
    pages.install(app, pages.Shell(nav=(pages.NavItem("index", "Names", "users", tab=True, under="/words"),
                                        pages.NavItem("later", "Not built", "doc")), home="index"))
    app.add_url_rule("/names", "index", lambda: pages.page("list.html", Names()))
    app.add_url_rule("/words/new", "word", lambda: pages.page("list.html", Names()))
    app.add_url_rule("/refused", "refused", lambda: pages.page("list.html", Names(), status=422), methods=["POST"])
    app.add_url_rule("/done", "done", lambda: pages.go("/names", "Saved"), methods=["POST"])
    app.add_url_rule("/failed/<int:status>", "failed", lambda status: pages.page("errors/error.html", {
        "status": status, "request_id": "01J9"}))
    return app.test_client()


def text(client: FlaskClient, target: str, **more: str) -> str:
    return client.get("/names", headers={"HX-Request": "true", "HX-Target": target, **more}).text


def test_a_browser_gets_the_whole_page_with_its_frame(client: FlaskClient) -> None:
    html = client.get("/names").text
    assert html.startswith("<!doctype html>")
    assert "<title>List · OnCall</title>" in html
    assert 'id="row-Ana"' in html and 'id="row-Bob"' in html


def test_htmx_gets_the_block_that_its_target_names_and_nothing_else(client: FlaskClient) -> None:
    assert text(client, "p#counters") == '<p id="counters"><span class="num">2</span></p>'


def test_the_id_before_the_dash_names_the_block(client: FlaskClient) -> None:
    html = text(client, "li#row-Cem")
    assert html.startswith('<li id="row-Cem">') and html.count("<li") == 1


@pytest.mark.parametrize("headers", [
    {"HX-Boosted": "true"}, {"HX-History-Restore-Request": "true"}, {"HX-Request-Type": "full"}])
def test_what_replaces_the_page_gets_the_whole_page(client: FlaskClient, headers: dict[str, str]) -> None:
    assert "<!doctype html>" in text(client, "p#counters", **headers)


@pytest.mark.parametrize("target", ["body", "main#main", "div#content", "div#title", "p", "p#", "li#%2e%2e"])
def test_a_target_that_is_no_region_gets_the_whole_page(client: FlaskClient, target: str) -> None:
    assert "<!doctype html>" in text(client, target)


def test_caches_are_told_that_the_answer_depends_on_the_headers(client: FlaskClient) -> None:
    assert {"HX-Request", "HX-Target"} <= set(client.get("/names").headers["Vary"].split(", "))


def test_a_refused_form_comes_back_with_422(client: FlaskClient) -> None:
    assert client.post("/refused").status_code == 422


def test_success_sends_a_browser_on_with_303_and_says_so_there(client: FlaskClient) -> None:
    answer = client.post("/done")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/names")
    assert "Saved" in client.get("/names").text
    assert "Saved" not in client.get("/names").text


def test_success_sends_htmx_on_with_its_own_header(client: FlaskClient) -> None:
    answer = client.post("/done", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Location"], answer.text) == (200, "/names", "")


def test_a_part_brings_the_waiting_message_as_an_event(client: FlaskClient) -> None:
    client.post("/done")
    answer = client.get("/names", headers={"HX-Request": "true", "HX-Target": "p#counters"})
    assert json.loads(answer.headers["HX-Trigger"]) == {"toast": {"items": [["calm", "Saved"]]}}


def test_navigation_shows_only_what_exists_and_marks_where_one_is(client: FlaskClient) -> None:
    html = client.get("/names").text
    assert 'href="/names" aria-current="page"' in html
    assert "Not built" not in html


def test_a_page_elsewhere_that_belongs_to_an_entry_marks_it(client: FlaskClient) -> None:
    assert 'href="/names" aria-current="page"' in client.get("/words/new").text


def test_a_page_without_feed_opens_no_socket(client: FlaskClient) -> None:
    assert "hx-ws:connect" not in client.get("/names").text
    client.application.extensions["live_paths"] = frozenset({"/names"})
    assert 'hx-ws:connect="/live/names?team=a&amp;q=b"' in client.get("/names?team=a&q=b").text


def test_no_page_carries_inline_script_or_style(client: FlaskClient) -> None:
    for html in (client.get("/names").text, client.get("/failed/500").text):
        assert " style=" not in html and "<style" not in html and " onclick" not in html
        assert "<script>" not in html


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422, 429, 500, 503])
def test_every_failure_says_what_happened_what_to_do_and_its_number(client: FlaskClient, status: int) -> None:
    html = client.get(f"/failed/{status}").text
    assert "This did not work" not in html and "gave no reason" not in html
    assert f">{status}<" in html and "01J9" in html


def test_a_live_render_carries_nobodys_token(client: FlaskClient) -> None:
    with client.application.test_request_context("/names"):
        g._login_user = SimpleNamespace(is_authenticated=True)
        assert 'value="token-of-ana~' in client.application.jinja_env.globals["ui"].csrf()  # type: ignore[attr-defined]
        g.live = True
        assert 'value=""' in client.application.jinja_env.globals["ui"].csrf()  # type: ignore[attr-defined]


def test_a_time_is_written_in_utc_whatever_zone_it_came_in() -> None:
    berlin = datetime(2026, 3, 24, 3, 8, tzinfo=timezone(timedelta(hours=1)))
    assert pages.iso(berlin) == pages.iso(datetime(2026, 3, 24, 2, 8)) == "2026-03-24T02:08:00Z"
    assert pages.utc(datetime(2026, 3, 24, 2, 8, tzinfo=UTC), "clock") == "02:08 UTC"


def test_without_script_an_age_is_still_an_age_but_a_shared_render_holds_no_clock(client: FlaskClient) -> None:
    with time_machine.travel(datetime(2026, 3, 24, 3, 12, tzinfo=UTC), tick=False), client.application.app_context():
        opened = datetime(2026, 3, 24, 3, 8, tzinfo=UTC)
        assert [pages.utc(opened, how) for how in ("age", "ago")] == ["4 min", "4 min ago"]
        assert pages.utc(opened + timedelta(hours=30), "in") == "in 1 d"
        g.live = True
        assert pages.utc(opened, "age") == "24 Mar 2026, 03:08 UTC"


def test_what_people_typed_is_shown_as_text(client: FlaskClient) -> None:
    with client.application.test_request_context("/"):
        ui = client.application.jinja_env.globals["ui"]
        html = str(ui.field("name", "Name", '"><b>', error="No <i>"))  # type: ignore[attr-defined]
    assert "<b>" not in html and "<i>" not in html and 'aria-invalid="true"' in html


def test_an_unknown_macro_is_named(client: FlaskClient) -> None:
    with client.application.app_context(), pytest.raises(AttributeError, match="ui.colour"):
        client.application.jinja_env.globals["ui"].colour  # type: ignore[attr-defined]  # noqa: B018


def test_a_person_has_the_same_colour_everywhere() -> None:
    assert pages.hue("Ana") == 3
    assert {pages.hue(f"person {n}") for n in range(200)} == set(range(1, 9))
