"""Targets against servers that answer as the vendors document it: a run, a failure, a stop, a wrong credential."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from moto.server import ThreadedMotoServer

from app.core import clock
from app.core.db import session, transaction
from app.core.http import request
from app.core.targets import Step
from app.runbooks import executions
from app.runbooks.models import Execution
from tests import build
from tests.fakes import Reply
from tests.runbooks.vendors import AMAZON, FAILED, GOOD, STOPPED, reply

each = pytest.mark.parametrize("slug", sorted(GOOD))


def asked(http_sink):
    return [f"{call.method} {call.path}" for call in http_sink.calls]


@each
def test_a_run_is_followed_to_its_good_end(begin, look, last, http_sink, slug):
    """RB-15: what the vendor documents, call by call, with the credential that it wants."""
    _, answers, calls, (header, proof), body, output = GOOD[slug]
    begin(slug, answers)
    assert last().state == "running"
    look(2)
    assert (last().state, last().error) == ("succeeded", "") and output in last().output
    assert asked(http_sink) == calls and all(call.headers[header] == proof for call in http_sink.calls)
    assert (http_sink.calls[0].body if isinstance(body, bytes) else http_sink.calls[0].json()) == body
    assert "t0ken" not in last().output + str(last().progress) + str(last().handle)


@each
def test_a_failure_is_one_with_its_reason(begin, look, last, slug):
    """RB-15."""
    begin(slug, FAILED[slug])
    look()
    assert last().state == "failed" and last().error


@each
def test_cancelling_asks_the_vendor_to_stop_it(begin, look, last, http_sink, bob, work, slug):
    """RB-15, RB-25."""
    begin(slug, GOOD[slug][1][:1])
    http_sink.answer = reply({"abort": {"status": "aborted"}})
    with transaction():
        executions.cancel(session.get(Execution, last().id), by=build.actor(bob))
    work()
    assert asked(http_sink)[-1] == STOPPED[slug] and last().state == "cancelled"


@each
@pytest.mark.parametrize(("status", "error"), [(401, "The answer was 401"), (404, "The answer was 404"), (500, "outcome unknown")])
def test_a_wrong_credential_a_wrong_name_and_a_fault_are_never_tried_again(begin, last, http_sink, slug, status, error):
    """RB-15, RB-10: these vendors know no idempotency key."""
    begin(slug, [Reply(status, b"{}")] * 4)
    assert last().state == "failed" and error in last().error and len(http_sink.calls) == 1


@each
def test_one_that_is_busy_is_called_again(begin, look, last, http_sink, slug):
    begin(slug, [Reply(503), *GOOD[slug][1][:1]])
    look()
    assert last().state == "running" and len(http_sink.calls) == 2


@pytest.mark.parametrize(("slug", "said", "good"), [
    ("awx", {"variables_needed_to_start": ["zone"]}, False),
    ("awx", {"variables_needed_to_start": [], "ask_variables_on_launch": True}, True),
    ("rundeck", {"name": "Restart", "project": "ops", "executionEnabled": True}, True),
    ("rundeck", {"executionEnabled": False}, False),
    ("jenkins", {"name": "restart", "buildable": True}, True), ("jenkins", {"buildable": False}, False),
    ("github", {"name": "Restart", "state": "active"}, True), ("github", {"state": "disabled_manually"}, False)])
def test_a_dry_run_asks_and_begins_nothing(begin, signed_in, bob, http_sink, slug, said, good):
    """13, Run: where the target can."""
    begin(slug, [Reply(400)])
    http_sink.calls.clear()
    http_sink.answer = reply(said)
    page = signed_in(bob).post(f"/runbooks/{slug}/check", data={"p.pod": "web-1", "p.grace": "1"}).text
    assert ("it would be taken" in page) is good and [call.method for call in http_sink.calls] == ["GET"]
    assert session.query(Execution).count() == 1


@pytest.mark.parametrize(("slug", "some", "text"), [
    ("github", b'"zones": "[\\"a\\", \\"b\\"]", "tags": "{\\"on\\": true}"', b'"payload": "now"'),
    ("jenkins", b"zones=%5B%22a%22%2C+%22b%22%5D&tags=%7B%22on%22%3A+true%7D", b"payload=now"),
    ("rundeck", b'"zones": ["a", "b"], "tags": "{\\"on\\": true}"', b'"payload": "now"')])
def test_lists_and_objects_and_a_mere_text_arrive(app, slug, some, text):
    """RB-17: no parameter becomes an empty one on its way."""
    target = app.extensions["plugins"].targets[slug]
    config = {name: value.replace("{url}", "https://x") for name, value in GOOD[slug][0].items()}
    for payload, there in (({"zones": ["a", "b"], "tags": {"on": True}}, some), ("now", text)):
        assert there in target.prepare(Step(payload, "key", 5.0), config).content()


@pytest.fixture(scope="module")
def amazon():
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}".replace("0.0.0.0", "127.0.0.1")
    server.stop()


@pytest.fixture
def at_amazon(app, restart, bob, payments, monkeypatch):
    """`at_amazon(url)`: a command on one node, begun."""
    def act(url, work):
        for name, value in {**AMAZON, "AWS_ENDPOINT_URL": url}.items():
            monkeypatch.setitem(app.config, name, value)
        runbook = restart("ssm", target={"plugin": "aws-ssm", "config": {"instances": "i-0123456789abcdef0"}}, wait_for="follow",
                          payload={"commands": ["systemctl restart {{ params.pod }}"]}, url="")
        with transaction():
            executions.start(runbook, parameters={"pod": "web-1"}, by=build.actor(bob))
        work()
    return act


def test_a_command_of_systems_manager_is_sent_and_followed(at_amazon, amazon, work, last, time_machine):
    """RB-15: moto stands in for Amazon."""
    request("POST", f"{amazon}/moto-api/reset")
    time_machine.move_to(clock.now(), tick=False)
    at_amazon(amazon, work)
    assert last().state == "running" and last().handle["command"]
    time_machine.shift(timedelta(seconds=6))
    work()
    assert last().state == "succeeded" and "i-0123456789abcdef0: Success" in last().output


@pytest.mark.parametrize(("answers", "state", "calls"), [
    ([Reply(400, b'{"__type": "UnrecognizedClientException"}')], "failed", 1),
    ([Reply(500), Reply(200, b'{"Commands": []}')], "failed", 2), ([Reply(500), Reply(503)], "failed", 2)])
def test_amazon_refuses_and_is_down(at_amazon, work, last, http_sink, answers, state, calls):
    """RB-15, RB-10: what Amazon may have taken is looked for, and never sent again, whatever the look says."""
    http_sink.next_answers.extend(answers)
    at_amazon(http_sink.url, work)
    assert (last().state, len(http_sink.calls), len(last().attempts)) == (state, calls, 1)


def test_a_command_that_amazon_took_although_it_did_not_say_so_is_followed(at_amazon, work, last, http_sink):
    """RB-10: the remedy is never applied twice."""
    http_sink.next_answers.append(Reply(500))
    http_sink.answer = Lazy(http_sink)
    at_amazon(http_sink.url, work)
    assert last().handle == {"command": "c-1"} and len(http_sink.calls) == 2


class Lazy(Reply):
    """Amazon lists the command that it was sent first."""

    def __init__(self, sink):
        self.sink, self.status, self.headers, self.delay = sink, 200, {}, 0.0

    @property
    def body(self):
        comment = json.loads(self.sink.calls[0].body)["Comment"]
        return json.dumps({"Commands": [{"CommandId": "c-1", "Comment": comment}]}).encode()
