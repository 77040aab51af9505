"""Actions of plugins against servers that answer as the vendors document: success, refusals, and outcomes nobody knows."""

from __future__ import annotations

import json

import pytest

from app.core import acting
from app.plugin_api import NoAccess, Order, Rejected, Retry
from tests.fakes import Reply

MARK = "oncall-run-7-ticket"
TITLE = {"title": 'Disk "full"\n{{ x }} 🔥', "description": "Look at it"}
PARAMS = {"jira_issue": {"project": "SHOP", **TITLE}, "linear_issue": {"team": "team-uuid", **TITLE},
          "github_issue": {"repository": "example/shop", **TITLE}, "slack_post": {"channel": "#ops", "text": "<!here> down"},
          "teams_post": {"text": "It is down", "title": "Down", "link": "https://oncall.example/incidents/1"}}
MADE = {"jira_issue": (201, {"id": "10000", "key": "SHOP-24", "self": "https://x/rest/api/2/issue/10000"}, "SHOP-24"),
        "linear_issue": (200, {"data": {"issueCreate": {"success": True, "issue": {
            "id": "u", "identifier": "OPS-3", "url": "https://linear.app/x/issue/OPS-3"}}}}, "OPS-3"),
        "github_issue": (201, {"number": 1347, "html_url": "https://github.com/example/shop/issues/1347"}, "shop#1347")}
FOUND = {"jira_issue": {"issues": [{"id": "1", "key": "SHOP-24"}], "isLast": True},
         "linear_issue": {"data": {"issues": {"nodes": [{"id": "u", "identifier": "OPS-3", "url": "https://linear.app/x"}]}}},
         "github_issue": [{"number": 1347, "html_url": "https://github.com/example/shop/issues/1347"}]}
NOTHING = {"jira_issue": {"issues": [], "isLast": True}, "linear_issue": {"data": {"issues": {"nodes": []}}},
           "github_issue": []}
REFUSED = {
    "jira_issue": (400, {"errorMessages": [], "errors": {"project": "project is required"}}, "project: project is required"),
    "linear_issue": (200, {"errors": [{"message": "Argument Validation Error", "extensions": {
        "code": "INVALID_INPUT", "userPresentableMessage": "teamId must be a UUID."}}]}, "teamId must be a UUID."),
    "github_issue": (422, {"message": "Validation Failed", "errors": [{"resource": "Issue", "field": "title",
                                                                       "code": "missing_field"}]}, "title missing_field"),
    "slack_post": (200, {"ok": False, "error": "channel_not_found"}, "channel_not_found"),
    "teams_post": (200, "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 413", "413")}
TICKETS = sorted(MADE)


def reply(status, body):
    return Reply(status, body.encode() if isinstance(body, str) else json.dumps(body).encode())


@pytest.fixture
def act(registry, http_sink):
    """`act("jira_issue")`: one attempt at the server."""
    def attempt(slug, **more):
        config = {"site": http_sink.url, "email": "bot@example.com", "token": "secret-token", "api_url": http_sink.url,
                  "webhook": http_sink.url}
        return acting.attempt(registry.actions[slug], Order(MARK, PARAMS[slug]), config, timeout=5, **more)
    return attempt


@pytest.mark.parametrize("slug", TICKETS)
def test_a_ticket_carries_the_mark_and_gives_key_and_link(act, http_sink, slug):
    """WF-14, WF-15, WF-17: what it says arrives exactly."""
    status, body, key = MADE[slug]
    http_sink.answer = reply(status, body)
    tried = act(slug)
    assert tried.done.ticket.key == key and tried.done.ticket.url.startswith("http")
    assert MARK in http_sink.calls[0].body.decode() and 'Disk "full" {{ x }} 🔥' in str(http_sink.calls[0].json())


def test_what_a_ticket_is_called_holds_nothing_that_no_database_takes(act, http_sink):
    """WF-15: NUL and halves of characters."""
    http_sink.answer = Reply(201, rb'{"number": 1347, "html_url": "https://github.com/example/shop/issues/1347\ud800\u0000"}')
    assert act("github_issue").done.ticket.url == "https://github.com/example/shop/issues/1347?"


@pytest.mark.parametrize("slug", TICKETS)
def test_after_an_unknown_outcome_it_looks_and_makes_no_second(act, http_sink, slug):
    """WF-15: the first call was cut off after the ticket had been made."""
    http_sink.answers(500)
    first = act(slug)
    assert isinstance(first.fault, Retry) and first.unknown
    http_sink.answer = reply(200, FOUND[slug])
    assert act(slug, look=True).done.ticket.key == MADE[slug][2]
    assert len(http_sink.calls) == 2 and (slug == "linear_issue" or http_sink.calls[1].method == "GET")


@pytest.mark.parametrize("status", [429, 401, 400])
def test_a_look_without_an_answer_leaves_the_outcome_unknown(act, http_sink, status):
    """WF-15: the next try looks again before it makes a second one."""
    http_sink.answers(status)
    tried = act("jira_issue", look=True)
    assert tried.unknown and tried.done is None and len(http_sink.calls) == 1


@pytest.mark.parametrize("slug", TICKETS)
def test_what_was_not_made_is_made_after_looking(act, http_sink, slug):
    """WF-15: nothing carries the mark, so the ticket is made."""
    status, body, key = MADE[slug]
    http_sink.next_answers.append(reply(200, NOTHING[slug]))
    http_sink.answer = reply(status, body)
    assert act(slug, look=True).done.ticket.key == key and len(http_sink.calls) == 2


@pytest.mark.parametrize("slug", sorted(REFUSED))
def test_a_refusal_says_the_vendors_words_and_is_not_tried_again(act, http_sink, slug):
    """WF-14."""
    status, body, words = REFUSED[slug]
    http_sink.answer = reply(status, body)
    tried = act(slug)
    assert isinstance(tried.fault, Rejected) and words in str(tried.fault) and not tried.again


@pytest.mark.parametrize("slug", sorted(PARAMS))
def test_a_vendor_in_trouble_is_tried_again_when_it_says(act, http_sink, slug):
    """WF-12: 429 and 503 are passing, Retry-After is read; 401 is the account's fault."""
    http_sink.next_answers.extend([Reply(429, b"{}", {"Retry-After": "5"}), Reply(503, b"<html>"), Reply(401, b"{}")])
    first, second, third = act(slug), act(slug), act(slug)
    assert first.again and first.fault.after == 5 and not first.unknown
    assert second.again and second.unknown and isinstance(third.fault, NoAccess)


def test_slack_mentions_nobody_that_an_alert_names(act, http_sink):
    """What stands in a title is text."""
    http_sink.answer = reply(200, {"ok": True, "channel": "C1", "ts": "1.2"})
    assert act("slack_post").done.output == {"channel": "C1", "ts": "1.2"}
    assert http_sink.calls[0].json()["text"] == "&lt;!here&gt; down"


def test_teams_gets_a_message_with_one_card(act, http_sink):
    """The Workflows app takes adaptive cards only; 202 is its yes."""
    http_sink.answer = Reply(202)
    assert act("teams_post").done is not None
    card = http_sink.calls[0].json()["attachments"][0]
    assert card["contentType"] == "application/vnd.microsoft.card.adaptive" and card["content"]["actions"][0]["url"]
