"""Nine people, nine surfaces, one moment: everybody acknowledges, one is first, and every surface says so."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import RSAKey
from slack_sdk.signature import SignatureVerifier
from twilio.request_validator import RequestValidator

from app.core.clock import now as moment
from app.core.db import session, transaction
from app.core.events import Event
from app.core.jobs import function
from app.identity.models import Team, User
from app.incidents.models import Incident
from app.notifications import mail_replies
from app.notifications.browsers import add_browser
from app.notifications.channel_models import HeardReply, ReplyCode
from tests import build
from tests.fakes import MailServer, PushService, Reply, WebServer
from tests.notifications.paged import as_actor, messages
from tests.racing import at_once

SEND, POSTS = "app.notifications.ticks.send", "app.notifications.ticks.refresh_posts"
KEY = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"})
SECRET = "a-secret-of-every-vendor"
ADDRESSES = {"sms": "+4915100000001", "voice": "+4915100000002", "slack": "U1", "teams": "29:Teams"}
WAYS = ("web", "api", "push", "link", "mail", *ADDRESSES)


@pytest.fixture
def vendors(app: Flask, http_sink: WebServer) -> WebServer:
    """One server that plays every vendor."""
    url = http_sink.url
    http_sink.answer = Reply(200, json.dumps({
        "ok": True, "channel": "D1", "ts": "169.1", "sid": "SM1", "id": "17", "activityId": "17", "access_token": "t",
        "jwks_uri": f"{url}/keys", "keys": [KEY.as_dict(private=False) | {"endorsements": ["msteams"]}]}).encode())
    app.config.update(
        TWILIO_ACCOUNT_SID="AC1", TWILIO_AUTH_TOKEN=SECRET, TWILIO_FROM="+15005550006", TWILIO_API_URL=url,
        SLACK_BOT_TOKEN="xoxb", SLACK_SIGNING_SECRET=SECRET, SLACK_API_URL=url, TEAMS_APP_ID="bot", TEAMS_APP_PASSWORD=SECRET,
        TEAMS_TENANT_ID="t", TEAMS_SERVICE_URL=url, TEAMS_LOGIN_URL=url, TEAMS_OPENID_URL=f"{url}/openid",
        MAIL_IN_DOMAIN="in.example.com")
    return http_sink


@pytest.fixture
def nine(now: Any, tick: Any, vendors: WebServer, push_sink: PushService) -> dict[str, User]:
    """Each was paged by one way, about a critical incident: all at minute 0."""
    people = {}
    for way in WAYS:
        people[way] = build.user(way, reachable=way in ("link", "mail", "web", "api"))
        if way in ADDRESSES:
            build.contact(people[way], way, ADDRESSES[way])
    with transaction():
        add_browser(people["push"], push_sink.subscription(), by=as_actor(people["push"]), name="Telephone")
    team = build.team("payments", manager=people["web"], responders=[one for way, one in people.items() if way != "web"])
    build.policy("payments", (3600, list(people.values())), team=team)
    page_of(team)
    tick(SEND)
    return people


def page_of(team: Team) -> None:
    incident = build.incident("Checkout is down", team=team, severity="critical")
    with transaction():
        function("app.escalation.service.start")(session.get_one(Incident, incident.id))


def slack(client: FlaskClient) -> Any:
    body = urlencode({"payload": json.dumps({"type": "block_actions", "user": {"id": "U1"}, "trigger_id": "t", "actions": [
        {"action_id": "acknowledge", "value": "1", "action_ts": "1"}]})})
    at = str(int(moment().timestamp()))
    return client.post("/plugins/slack/interactive", data=body, headers={
        "X-Slack-Signature": str(SignatureVerifier(SECRET).generate_signature(timestamp=at, body=body)),
        "X-Slack-Request-Timestamp": at, "Content-Type": "application/x-www-form-urlencoded"})


def teams(client: FlaskClient) -> Any:
    at = int(moment().timestamp())
    token = jwt.encode({"alg": "RS256", "kid": "k1"}, {
        "iss": "https://api.botframework.com", "aud": "bot", "nbf": at, "exp": at + 600, "serviceurl": "https://s"}, KEY)
    return client.post("/plugins/teams/callback/messages", headers={"Authorization": f"Bearer {token}"}, json={
        "type": "invoke", "name": "adaptiveCard/action", "id": "1", "channelId": "msteams", "serviceUrl": "https://s",
        "from": {"id": "29:Teams"}, "conversation": {"id": "a", "conversationType": "personal"},
        "value": {"action": {"verb": "acknowledge", "data": {"incident": "1"}}}})


def twilio(client: FlaskClient, purpose: str, **form: str) -> Any:
    path = f"/plugins/twilio/callback/{purpose}"
    proof = RequestValidator(SECRET).compute_signature(f"http://localhost{path}", form)
    return client.post(path, data=form, headers={"X-Twilio-Signature": proof})


@pytest.fixture
def presses(app: Flask, nine: dict[str, User], smtp: MailServer, push_sink: PushService, signed_in: Any,
            token: Any) -> dict[str, Callable[[], Any]]:
    """What each does."""
    link = re.search(r"http://localhost(/tap/\S+)", smtp.to("link@example.com")[0].text)[1]  # type: ignore[index]
    pushed = push_sink.messages[0]["acknowledge_url"].removeprefix("http://localhost")
    called = next(one.id for one in messages("page") if one.channel == "voice")
    code = session.query(ReplyCode).filter_by(user_id=nine["sms"].id).one().code
    reply_to = str(smtp.to("mail@example.com")[0].message["Reply-To"])
    browser, machine = signed_in(nine["web"]), token(nine["api"])
    return {"web": lambda: browser.post("/incidents/1/acknowledge"),
            "api": lambda: app.test_client().post("/api/v1/incidents/1/acknowledge", headers=machine),
            "push": lambda: app.test_client().post(pushed, headers={"Accept": "application/json"}),
            "link": lambda: app.test_client().post(link, data={"action": "acknowledge"}),
            "mail": lambda: mail_replies.hear_mail(reply_to, sender="mail@example.com", text="ack", message_id="<1@x>"),
            "sms": lambda: twilio(app.test_client(), "sms", From=ADDRESSES["sms"], Body=f"A{code}", MessageSid="SM9"),
            "voice": lambda: twilio(app.test_client(), f"voice?message={called}", CallSid="SM1", Digits="1"),
            "slack": lambda: slack(app.test_client()), "teams": lambda: teams(app.test_client())}


@pytest.mark.race
@pytest.mark.both_databases
def test_nine_ways_at_once_are_one_event_and_nine_agreeing_surfaces(
    app: Flask, presses: dict[str, Callable[[], Any]], vendors: WebServer, push_sink: PushService, run_jobs: Any, tick: Any,
    smtp: MailServer, signed_in: Any, token: Any,
) -> None:
    """NTF-24, IPG-08, IPG-09: whoever was first; within one turn of the senders everybody is told the same name."""
    assert not at_once(app, *presses.values())
    fact, = session.query(Event).filter_by(kind="incident.acknowledged")
    first = session.get_one(User, int(fact.actor[5:])).name
    run_jobs()
    [tick(path) for path in (SEND, POSTS)]
    said = f"cknowledged by {first}"
    assert said in signed_in(person("web")).get("/incidents/1").text
    assert first in str(app.test_client().get("/api/v1/incidents/1", headers=token(person("api"))).json["acknowledged_by"])
    posts = {call.path: call.body.decode() for call in vendors.calls}
    assert said in posts["/chat.update"] and said in posts["/v3/conversations/17/activities/17"]
    shown = [mail.text + mail.subject for way in ("link", "mail") for mail in smtp.to(f"{way}@example.com")[1:]]
    shown += [one["title"] + one["body"] for one in push_sink.messages[1:]]
    assert len(shown) >= 2 and all(first in one for one in shown)
    heard = sorted((row.channel, said in str(row.said["text"])) for row in session.query(HeardReply))
    assert heard == [(way, True) for way in ("email", "slack", "sms", "teams", "voice")]


def person(way: str) -> User:
    """Whoever answers by this way."""
    return session.query(User).filter_by(name=way.title()).one()


def test_everybody_was_paged_each_by_their_own_way(nine: dict[str, User]) -> None:
    assert sorted(one.channel for one in messages("page")) == sorted([*ADDRESSES, "webpush", *["email"] * 4])
