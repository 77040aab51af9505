"""Subscribers that are no people: webhooks and rooms."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine

from app.core import clock, http
from app.core.signatures import check
from tests.fakes import Reply, WebServer
from tests.status_pages.reading import subscribe, subscriber, write
from tests.status_pages.writing import automatic


class Echo(WebServer):
    """A receiver that gives back what it is sent, with the status that a test wants."""

    @property
    def answer(self):
        """What came last."""
        return Reply(self.status, self.calls[-1].body if self.calls else b"")

    @answer.setter
    def answer(self, reply):
        self.status = reply.status


@pytest.fixture
def echo():
    """It."""
    server = Echo()
    yield server
    server.stop()


def test_a_webhook_has_to_give_a_challenge_back_and_gets_signed_calls(app, shop, client, deliver, echo):
    """STAT-12: with the challenge back it hears, signed; 410 ends it."""
    page = subscribe(client, kind="webhook", address=f"{echo.url}/in").text
    secret = re.search(r"<p><code>(\S+)</code>", page)[1]
    write(shop)
    deliver()
    call = echo.calls[-1]
    assert (call.json()["event"], call.json()["text"]) == ("notice", "A cable.")
    check(call.body, call.headers, clock.now(), secrets=[secret], header="X-OnCall-Signature", prefix="v1=",
          timestamp_header="X-OnCall-Timestamp", signed="timestamp.body")
    echo.answer = Reply(410)
    write(shop, "Again.")
    deliver()
    assert (subscriber().state, subscriber().address) == ("ended", "")


def test_a_webhook_that_does_not_know_the_challenge_is_refused(app, shop, client, http_sink):
    """STAT-12: also one that redirects, or is not there."""
    http_sink.answer = Reply(200, b"hello")
    answer = subscribe(client, kind="webhook", address=f"{http_sink.url}/in")
    assert answer.status_code == 422 and "did not give the challenge back" in answer.text and subscriber().state == "pending"


def test_an_address_inside_is_refused_at_the_door(app, shop, client, http_sink):
    """STAT-12: private and local addresses; nothing is called."""
    http.configure("")
    answer = subscribe(client, kind="webhook", address=f"{http_sink.url}/in")
    assert answer.status_code == 422 and "OUTBOUND_ALLOW does not name" in answer.text and not http_sink.calls


def test_a_failing_webhook_is_tried_again_and_given_up_after_a_day(app, shop, client, deliver, echo):
    """Numbers: 3 more tries after 30 s, 2 min, 10 min; off after 24 h of failures."""
    subscribe(client, kind="webhook", address=f"{echo.url}/in")
    echo.answer, before = Reply(500), len(echo.calls)
    with time_machine.travel(clock.now(), tick=False) as at:
        write(shop)
        for seconds in (0, 30, 120, 600, 86400):
            at.shift(timedelta(seconds=seconds))
            deliver()
        assert len(echo.calls) - before == 4 and subscriber().failures == 4
        write(shop, "Again.")
        deliver()
    assert subscriber().state == "ended"


def test_a_room_of_a_plugin_hears_by_its_webhook(app, shop, client, deliver, http_sink):
    """STAT-12: the card of the plugin, asked first by a link posted there; the form names each such kind of room."""
    assert "Microsoft Teams: a room" in client.get("/status/shop/subscribe").text
    subscribe(client, deliver, kind="teams", address=f"{http_sink.url}/hook")
    card = http_sink.calls[0].json()["attachments"][0]["content"]
    client.post(card["actions"][0]["url"].removeprefix("http://localhost"))
    write(shop)
    deliver()
    said = http_sink.calls[1].json()
    assert "Cards fail" in said["summary"] and "A cable." in str(said["attachments"][0]["content"]["body"])
    http_sink.answer = Reply(410)
    write(shop, "Again.")
    deliver()
    assert (subscriber().state, subscriber().address) == ("ended", "")


def test_the_form_speaks_the_language_of_the_page(app, shop, client):
    """All that the system itself says there."""
    automatic(shop, language="de")
    page = client.get("/status/shop/subscribe").text
    assert 'lang="de"' in page and "Ausfälle: Komponenten" in page and "Nothing is sent" not in page
    assert "Wir haben einen Link an diese Adresse gesendet" in subscribe(client).text


def test_a_room_confirms_by_the_link_posted_there(app, shop, client, deliver, http_sink):
    """STAT-12, STAT-28: the text of a room; what rooms read as links and mentions is inert."""
    subscribe(client, deliver, kind="chat", address=f"{http_sink.url}/room")
    link = re.search(r"/status/subscription/\S+", http_sink.calls[0].json()["text"])[0]
    client.post(link)
    write(shop, "<!channel> help")
    deliver()
    assert "&lt;!channel&gt; help" in http_sink.calls[1].json()["text"]
