"""Every route, asked by every role, answers as the table of roles and actions says."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from app.catalog.models import Window
from app.core import clock
from app.core.access import OPERATOR, access
from app.core.db import session, transaction
from app.identity import rules
from app.incidents.models import Incident
from app.ingest.models import Delivery, Route
from app.notifications.channel_models import Room
from app.oncall.models import Override
from app.runbooks.models import Execution, Secret
from app.webhooks.service import save_webhook
from app.workflows.manual import run_by_hand
from tests import build
from tests.application import count_nobody
from tests.test_architecture import nothing
from tests.workflows.stories import note, workflow

ROLES = ("anonymous", "outsider", "observer", "responder", "manager", "admin")
# Read without a login: signed links, senders with their own token, probes, the sign-in itself, the API's description.
PUBLIC = re.compile(r"/(accessibility|shared/postmortems/.*"
                    r"|login(/.*)?|setup/.*|healthz|readyz|metrics|in|in/.*|tap/.*|sw\.js|offline|manifest\.webmanifest|static/.*"
                    r"|plugins/<slug>/callback/<purpose>|plugins/<slug>/<any.*|v2/.*|generic/.*|calendar/.*|integrations/v1/.*|heartbeat/.*|status/.*|partner|partner/.*"
                    r"|runbooks/callback/<token>|digest/<token>"
                    r"|api/docs|api/v1/openapi\.json)")
# What stands in for the parts of an address.
PARTS = {"urgency": "high", "what": "resolve", "slug": "alertmanager", "number": "1", "alert": "1", "token_id": "1",
         "key_id": "1", "secret_id": "1", "paper": "md", "device_id": "1", "delivery_id": "1", "delivery": "1",
         "user_id": "1", "action": "acknowledge", "answer": "withdraw", "form": "csv",
         "role": "scribe", "purpose": "status", "channel": "email", "deed": "end", "step": "logins",
         "part": "1", "notice": "1", "window": "1",
         "token": "no-such-token-000", "filename": "css/app.css"}
KEYS = {"workflows": "nightly",
        "teams": "payments", "services": "checkout", "schedules": "primary", "policies": "payments",
        "escalation-policies": "payments", "integrations": "prometheus", "users": "ana@example.com", "deliveries": "1",
        "plugins": "alertmanager", "routes": "nightly", "heartbeats": "nightly", "connections": "nightly", "webhooks": "bus", "rooms": "1",
        "runbooks": "restart", "partners": "1",
        "status-pages": "shop", "maintenance": "upgrade", "silences": "2", "postmortems": "1", "action-items": "1"}
# Things of no team, or whose team a form names: whoever may do it anywhere, may do it here.
NO_TEAMS = re.compile(r"/people/|/audit/|/plugins/|/(runbooks|integrations|heartbeats|connections|webhooks|secrets|status-pages)/-/"
                      r"|/configuration/|/api/v1/users/|/routes/|/api/v1/routes/|/policies/<key>/service$")
# Own things, whoever one is; forms behind them ask the command itself.
CHOSEN_BY_THE_COMMAND = re.compile(r"/me.*|/logout|/teams/<key>/members/<int:user_id>|/api/v1/users/<key>|/")


def world(private: bool = False):
    """One of each thing, all of the team Payments; people by their role towards it."""
    ana, bob, olga = build.user("ana"), build.user("bob"), build.user("olga")
    people = {"manager": ana, "responder": bob, "observer": olga, "outsider": build.user("charlie"),
              "admin": build.user("root", role="admin")}
    team = build.team("payments", manager=ana, responders=[bob], observers=[olga], private=private)
    build.team("others", manager=people["outsider"])
    schedule = build.schedule("primary", team=team, turns=[[bob]])
    policy = build.policy("payments", (60, [bob]), team=team)
    service = build.service("checkout", team=team, policy=policy)
    integration = build.integration("prometheus", plugin="alertmanager", team=team, service=service)
    build.alert(build.incident(service=service), integration=integration)
    build.heartbeat("nightly", team=team)
    flow = workflow("nightly", note("note"), trigger="manual", team="payments")
    build.connection("nightly", team=team, config={"api_url": "http://127.0.0.1:9"})
    build.partner("pat", build.status_page("shop", team=team))
    build.action_item(build.postmortem(session.get_one(Incident, 1), author=bob), bob)
    build.postmortem_template("Short", team=team)
    runbook = build.runbook("restart", team=team)
    with transaction():
        session.add(Execution(key="1", runbook_id=runbook.id, version=1, team_id=team.id, started="user:1", started_name="Ana",
                              token_hash="1", next_at=None))
        run_by_hand(flow, None, by=OPERATOR)
        save_webhook({"key": "bus", "url": "https://bus.example.com", "events": ["*"], "team": "payments"}, by=OPERATOR)
        session.add(Delivery(integration_id=integration.id, body=b"{}", body_hash="0" * 64, state="rejected"))
        session.add_all(Window(id=at, kind=kind, key=key, team_id=team.id, starts="2026-01-01T00:00:00", ends="2030-01-01T00:00:00")
                        for at, (kind, key) in enumerate((("maintenance", "upgrade"), ("silence", None)), 1))
        session.add(Room(key="1", team_id=team.id, channel="slack", address="C1"))
        session.add(Secret(name="ops", team_id=team.id, value_sealed=""))
        session.add(Route(name="nightly", position=1, then={"severity": "low"}))
        session.add(Override(schedule_id=schedule.id, people=[bob.id], starts_at=clock.now(),
                             ends_at=clock.now() + timedelta(days=1)))
    return people


def address(rule) -> str:
    """The rule's address for the things of `world`."""
    noun = next((part for part in rule.rule.split("/") if part in KEYS), "")

    def part(match: re.Match[str]) -> str:
        name = match[1].rpartition(":")[2]
        return KEYS.get(noun, "1") if name == "key" else PARTS.get(name, "1")
    return re.sub(r"<((?:[^<>]|\([^)]*\))+)>", part, rule.rule)


def routes(app):
    """(rule, method, action) of all views but static files and sockets."""
    return [(rule, method, getattr(app.view_functions[rule.endpoint], "access", "admin"))
            for rule in app.url_map.iter_rules() if rule.endpoint != "static" and not rule.rule.startswith("/live/")
            for method in sorted(rule.methods - {"HEAD", "OPTIONS"})]


def refused(answer) -> bool:
    """Whether the answer says "not you": sign in, forbidden, or not even there."""
    return answer.status_code in (401, 403) or "/login" in answer.headers.get("Location", "")


def holes(app, client_of, *, private=False):
    """Every (role, method, rule) that answers otherwise than the table says."""
    found = []
    for rule, method, action in routes(app):
        if PUBLIC.fullmatch(rule.rule) or CHOSEN_BY_THE_COMMAND.fullmatch(rule.rule):
            continue
        for role in ROLES:
            answer = client_of(role).open(address(rule), method=method)
            in_team = role if role in rules.TEAM_ROLES else None
            platform = "admin" if role == "admin" else "member"
            expected = role != "anonymous" and rules.permitted(platform, in_team, action, team_private=private)
            specific = "<" in rule.rule and not NO_TEAMS.match(rule.rule)
            hidden = answer.status_code == 404 and private and specific
            if answer.status_code >= 500 or (expected and refused(answer)) or (
                    not expected and specific and not refused(answer) and not hidden):
                found.append(f"{role} {method} {rule.rule} ({action}): {answer.status_code}")
    return found


@pytest.fixture
def browsers(app, signed_in):
    """`browsers(people)(role)`: that person's browser, signed in once."""
    def of(people):
        opened = {"anonymous": app.test_client()} | {role: signed_in(person) for role, person in people.items()}
        return opened.__getitem__
    return of


@pytest.fixture
def walk(app, monkeypatch):
    """Walk without leaving a trace: no limit, refusals are counted nowhere, and whatever a request changes is rolled back in place
    of committed."""
    from app.core import db

    count_nobody(app, monkeypatch)
    monkeypatch.setattr("app.identity.audit_refusals.note", lambda *_: None)

    def begin():
        monkeypatch.setattr(db, "_after_commit", [])
        monkeypatch.setattr(db.session, "commit", db.session.rollback)
    return begin


@pytest.mark.parametrize("private", [False, True], ids=["open team", "private team"])
def test_every_route_asked_by_every_role_answers_as_the_table_says(app, browsers, walk, private):
    """IDN-21, IDN-22, IDN-23: default deny; a private team's things are not even there for outsiders."""
    client_of = browsers(world(private))
    walk()
    nothing(holes(app, client_of, private=private))


def test_no_address_takes_a_change_that_does_not_prove_where_it_comes_from(app, signed_in, olga, walk):
    """HRD-16: neither page nor API, by a cookie alone; what then happens with it is tests/identity/test_attacks."""
    browser = signed_in(olga)
    browser.own_pages = False
    walk()
    nothing(f"{method} {rule.rule}: {answer.status_code}" for rule, method, action in routes(app)
            if method != "GET" and action not in ("public", "token")
            and (answer := browser.open(address(rule), method=method)).status_code != 403)


def test_nothing_but_the_listed_addresses_is_open_to_anybody(app):
    """IDN-22: public are only sign-in, health, ingest, signed links and descriptions."""
    open_ = {rule.rule for rule, _, action in routes(app) if action in ("public", "token")}
    assert not {rule for rule in open_ if not PUBLIC.fullmatch(rule)}


def test_every_route_names_an_action_of_the_table(app):
    """Default deny: a route without an entry is found."""
    assert not unnamed(app)


def unnamed(app):
    """Views whose action is missing or unknown."""
    return [rule.rule for rule, _, _ in routes(app)
            if getattr(app.view_functions[rule.endpoint], "access", None) not in (*rules.TABLE, "public", "token")]


def test_a_route_that_is_added_without_an_entry_is_noticed(environment, database_url):
    """The check above fails when it should: a view without, and one with an unknown action."""
    from app import create_app

    fresh = create_app(environment(DATABASE_URL=database_url("sqlite", "matrix")))
    fresh.add_url_rule("/forgotten", "forgotten", lambda: "x")
    fresh.add_url_rule("/unknown", "unknown", access("no.such.action")(lambda: "x"))
    assert unnamed(fresh) == ["/forgotten", "/unknown"]


# Another thing of no team stands behind these, or nothing but the address of a thing.
NO_SECRET = re.compile(r".*/plugins/.*|/static/.*|/audit/.*|.*/users/.*|.*/people/.*|.*/routes/.*")


def test_what_is_hidden_answers_word_for_word_like_what_is_not_there(app, browsers, walk, monkeypatch):
    """IDN-24: whoever guesses keys and numbers learns nothing."""
    outsider = browsers(world(private=True))("outsider")
    walk()
    hidden = [(rule, method, asked(app, outsider, rule, method)) for rule, method, action in routes(app)
              if "<" in rule.rule and action not in ("public", "token") and not NO_SECRET.match(rule.rule)]
    for name in set(KEYS) - {"users", "plugins"}:
        monkeypatch.setitem(KEYS, name, "987654321")
    for name in ("number", "alert", "id", "secret_id"):
        monkeypatch.setitem(PARTS, name, "987654321")
    nothing(f"{method} {rule.rule}: {said}" for rule, method, said in hidden
            if said != (other := asked(app, outsider, rule, method)) and (404 in (said[0], other[0])))


def asked(app, client, rule, method):
    """Status and sentence of the answer."""
    answer = client.open(address(rule), method=method, headers={"Accept": "application/json"})
    return answer.status_code, (answer.get_json(silent=True) or {}).get("detail")
