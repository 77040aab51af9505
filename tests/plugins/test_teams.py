"""Microsoft Teams: a double of the Bot Framework signs what comes in with its published keys, and takes what we say."""

import json
import sys

import pytest
import time_machine
from joserfc import jwt
from joserfc.jwk import RSAKey

from app.core.clock import now as moment
from app.core.db import session, transaction
from app.core.events import Event
from app.incidents.models import Incident, Note
from app.notifications.channel_models import ProviderState, Room
from app.plugin_api import Address
from tests import build
from tests.fakes import Reply, WebServer
from tests.notifications.paged import START, messages, page
from tests.plugins.test_chat import PAGE

SEND, POSTS = "app.notifications.ticks.send", "app.notifications.ticks.refresh_posts"
APP, TENANT, DORA = "bot-1", "tenant-1", "29:Dora"
KEY, OTHER = (RSAKey.generate_key(2048, {"kid": name, "use": "sig"}) for name in ("k1", "k2"))


class Framework(WebServer):
    """The sign-in, the keys and the connector of the Bot Framework; `faults` are statuses of its next answers to the bot."""

    def __init__(self):
        super().__init__()
        self.faults = []

    def reply_to(self, call):
        """What each address says."""
        made = {"/openid": {"jwks_uri": f"{self.url}/keys"}, "/v3/conversations": {"id": "a:dora", "activityId": "17"},
                "/keys": {"keys": [KEY.as_dict(private=False) | {"endorsements": ["msteams", "webchat", "directline"]}]},
                f"/{TENANT}/oauth2/v2.0/token": {"access_token": "bot-token", "expires_in": 3600}}
        status = self.faults.pop(0) if self.faults and call.path.startswith("/v3/") else 200
        return Reply(status, json.dumps(made.get(call.path, {"id": "17"})).encode())

    @property
    def said(self):
        """What was said to people: method, path, body."""
        return [(call.method, call.path, call.json()) for call in self.calls if "/activities" in call.path]


@pytest.fixture
def now():
    with time_machine.travel(START, tick=False) as clock:
        yield clock


@pytest.fixture
def teams(app, monkeypatch):
    """A Teams that takes everything. Another may have stood at this port before."""
    for module, kept in (("wire", "_tokens"), ("trust", "_known")):
        monkeypatch.setattr(sys.modules[f"oncall_plugins.teams.{module}"], kept, {})
    server = Framework()
    app.config.update(TEAMS_APP_ID=APP, TEAMS_APP_PASSWORD="secret", TEAMS_TENANT_ID=TENANT, TEAMS_SERVICE_URL=server.url,
                      TEAMS_LOGIN_URL=server.url, TEAMS_OPENID_URL=f"{server.url}/openid")
    yield server
    server.stop()


@pytest.fixture
def dora(now, tick, teams):
    """Dora was paged by Teams."""
    dora = build.user("dora", reachable=False)
    build.contact(dora, "teams", DORA)
    page(dora, title="**Checkout** [is](https://evil.example) down", severity="critical")
    tick(SEND)
    return dora


@pytest.fixture
def knock(client, teams):
    """`knock(type="message", text="list")`: an activity as the Bot Framework delivers it."""
    def post(key=KEY, claims=(), sender=DORA, conversation="personal", where="a:dora", **activity):
        at = int(moment().timestamp())
        said = {"iss": "https://api.botframework.com", "aud": APP, "nbf": at, "exp": at + 3600, "serviceurl": "https://smba/"}
        token = jwt.encode({"alg": "RS256", "kid": key.kid}, said | dict(claims), key)
        body = {"id": "in-1", "channelId": "msteams", "serviceUrl": "https://smba/", "from": {"id": sender, "name": "Dora"},
                "conversation": {"id": where, "conversationType": conversation}, **activity}
        return client.post("/plugins/teams/callback/messages", json=body, headers={"Authorization": f"Bearer {token}"})
    return post


@pytest.fixture
def press(knock):
    """`press("acknowledge")`: Dora presses an action of the card of incident 1."""
    return lambda verb, note="", **more: knock(type="invoke", name="adaptiveCard/action", value={"action": {
        "type": "Action.Execute", "verb": verb, "data": {"verb": verb, "incident": "1", "note": note}}}, **more)


def incident():
    session.expire_all()
    return session.get_one(Incident, 1)


def actions(card):
    return [one["title"] for one in card["actions"]]


def test_a_page_is_a_card_with_actions_and_no_markup_of_others(dora, teams):
    """SRC-28, NTF-32, NTF-37: a conversation begun by us, with the bot's token; words of an alert are plain runs."""
    begun = next(call for call in teams.calls if call.path == "/v3/conversations")
    assert begun.headers["authorization"] == "Bearer bot-token" and begun.json()["members"] == [{"id": DORA}]
    _, path, said = teams.said[0]
    card = said["attachments"][0]["content"]
    assert path == "/v3/conversations/a%3Adora/activities" and said["channelData"]["notification"]["alert"] is True
    assert actions(card) == ["Acknowledge", "Resolve…", "Escalate", "Add note…", "Open the incident"]
    assert {part["type"] for part in card["body"]} == {"RichTextBlock"} and "**Checkout**" in json.dumps(card)
    assert messages("page")[0].provider_id == "a:dora 17"


def test_a_press_acknowledges_and_the_card_follows(dora, teams, press, run_jobs, tick):
    """SRC-28, NTF-24, NTF-38: one event naming person and way; who pressed sees the new card, everybody the update."""
    first, second = press("acknowledge").json, press("acknowledge").json
    assert first["statusCode"] == 200 and first["type"].endswith("card.adaptive") and second == first
    assert "Acknowledge" not in actions(first["value"])
    fact, = session.query(Event).filter_by(kind="incident.acknowledged")
    assert (fact.actor, fact.data["via"]) == (dora.ref, "Microsoft Teams")
    run_jobs()
    tick(POSTS)
    method, path, said = teams.said[-1]
    assert (method, path) == ("PUT", "/v3/conversations/a%3Adora/activities/17")
    assert "Acknowledged by Dora" in json.dumps(said)


def test_resolve_and_note_carry_what_was_written(dora, press):
    press("note", "On my way", id="in-2")
    press("resolve", "Disk was full", id="in-3")
    assert [note.body for note in session.query(Note)] == ["On my way"]
    assert (incident().status, incident().resolution_note) == ("resolved", "Disk was full")


@pytest.mark.parametrize("spoil", [
    {"key": OTHER}, {"claims": {"aud": "bot-2"}}, {"claims": {"iss": "https://evil.example"}}, {"claims": {"exp": 1}},
    {"claims": {"nbf": 4102444800}}, {"claims": {"serviceurl": "https://evil.example"}}, {"channelId": "webchat"},
    {"channelData": {"tenant": {"id": "tenant-2"}}}])
def test_what_microsoft_did_not_sign_for_our_bot_changes_nothing(dora, press, spoil):
    """SRC-28, NTF-39: signature, audience, issuer, time, service, Teams itself though the key vouches for more, and the tenant."""
    assert press("acknowledge", **spoil).status_code == 401 and incident().status == "triggered"


def test_without_a_token_nothing_is_read(dora, client):
    answer = client.post("/plugins/teams/callback/messages", json={"type": "message", "text": "ack 1"})
    assert answer.status_code == 401 and incident().status == "triggered"


def test_a_stranger_who_presses_gets_a_link_that_only_they_see(dora, press):
    """SRC-28, SRC-19."""
    said = press("resolve", sender="29:Stranger").json
    assert said["type"].endswith("activity.message") and "/me/link/" in said["value"]
    assert incident().status == "triggered"


@pytest.mark.parametrize(("typed", "words", "status"), [
    ("ack 1", "#1 acknowledged by Dora.", "acknowledged"), ("<at>OnCall</at> resolve #1 disk full", "#1 resolved", "resolved"),
    ("ack 999", "There is no incident 999", "triggered"), ("hello", "ack 142", "triggered"), ("list", "#1 ", "triggered")])
def test_words_to_the_bot_do_what_they_say(dora, knock, teams, typed, words, status):
    assert knock(type="message", text=typed).status_code == 200 and incident().status == status
    method, path, said = teams.said[-1]
    assert path.endswith("/activities/in-1") and words in said["text"] and said["textFormat"] == "plain"


def test_an_id_counts_within_its_conversation(dora, press):
    """NTF-22: the same in another conversation is another activity."""
    press("note", "On my way", where="a:other")
    press("note", "Rotated logs")
    assert [note.body for note in session.query(Note)] == ["On my way", "Rotated logs"]


def test_in_a_channel_nobody_else_reads_the_way_to_connect(dora, knock, teams):
    knock(type="message", text="ack 1", sender="29:Stranger", conversation="channel")
    assert "/me/link/" not in teams.said[-1][2]["text"] and incident().status == "triggered"


def test_a_channel_gets_one_post_that_is_edited(teams, tick, run_jobs, ana, payments, token, client):
    """NTF-37, NTF-38."""
    with transaction():
        session.add(Room(team_id=payments.id, channel="teams", address="19:room@thread.tacv2"))
    client.post("/api/v1/incidents", json={"title": "Down", "team": "payments"}, headers=token(ana))
    run_jobs()
    tick(POSTS)
    begun = next(call.json() for call in teams.calls if call.path == "/v3/conversations")
    assert begun["isGroup"] and begun["channelData"]["channel"] == {"id": "19:room@thread.tacv2"}
    client.post("/api/v1/incidents/1/acknowledge", headers=token(ana))
    run_jobs()
    tick(POSTS)
    assert teams.said[-1][0] == "PUT" and "Acknowledged by Ana" in json.dumps(teams.said[-1][2])


def test_a_webhook_has_links_only(http_sink, registry):
    """NTF-37: rooms by an incoming webhook."""
    registry.channels["teams"].send(PAGE, Address(f"{http_sink.url}/hook"), {})
    card = http_sink.calls[0].json()["attachments"][0]["content"]
    assert {one["type"] for one in card["actions"]} == {"Action.OpenUrl"}


def test_a_token_that_ran_out_is_renewed_unseen(teams, now, tick):
    """NTF-37."""
    teams.faults = [401]
    dora = build.user("dora", reachable=False)
    build.contact(dora, "teams", DORA)
    page(dora)
    tick(SEND)
    assert messages("page")[0].state == "sent"
    assert [call.path for call in teams.calls if "/token" in call.path] == [f"/{TENANT}/oauth2/v2.0/token"] * 2


@pytest.mark.parametrize(("status", "state", "disabled", "broken"), [
    (429, "queued", False, False), (403, "failed", True, False), (401, None, False, True), (500, "queued", False, False)])
def test_errors_say_whose_fault_it_is(now, tick, teams, status, state, disabled, broken):
    """SRC-28: wait, a bot that was removed, or our account; a fault is shown within one failed send."""
    teams.faults = [status] * 3
    dora = build.user("dora", reachable=False)
    method = build.contact(dora, "teams", DORA)
    page(dora)
    tick(SEND)
    session.expire_all()
    assert state is None or messages("page")[0].state == state
    assert (method.disabled_at is not None) is disabled
    assert any(row.open_until for row in session.query(ProviderState)) is broken
