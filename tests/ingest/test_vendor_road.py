"""Every source by the public road: its problem opens an incident, its recovery ends it, its test arrives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine

from app.core import contract, http
from app.core.access import OPERATOR
from app.core.db import session, transaction
from app.incidents.models import Alert, Incident
from app.ingest import endings, trial
from app.ingest.models import Delivery, Integration
from tests import build
from tests.fakes import PushService, Reply
from tests.pager import pager


def ways_in(app: Any) -> dict[str, Path]:
    """Each bundled source with its folder."""
    registry = app.extensions["plugins"]
    return {slug: registry.folder(registry.owner("integration", slug)) for slug in registry.integrations}


def knock(client: Any, key: str, sample: Path, **headers: str) -> Any:
    """Deliver a sample as its vendor posts it."""
    return client.post(f"/in/token-of-{key}-0123456789", data=sample.read_bytes(),
                       headers={"Content-Type": contract.KINDS[sample.suffix], **headers})


def prepared(app: Any, slug: str, folder: Path) -> None:
    """An integration of this source, set up as its samples ask for."""
    build.integration(f"x-{slug}", plugin=slug, config=contract.sample_config(app.extensions["plugins"].integrations[slug], folder))


def test_the_recovery_of_every_source_ends_what_its_problem_opened(app, client, run_jobs):
    """SRC-01, ING-24"""
    pager()
    with time_machine.travel(contract.RECEIVED, tick=False) as at:
        for slug, folder in ways_in(app).items():
            at.shift(61)  # so many at once would be a storm
            prepared(app, slug, folder)
            samples = contract.samples(folder, slug)
            for name in ("firing", "resolved"):
                assert name not in samples or knock(client, f"x-{slug}", samples[name]).status_code in (200, 202), slug
            run_jobs()
            found = session.query(Incident).order_by(Incident.id.desc()).first()
            assert found.status == ("resolved" if "resolved" in samples else "triggered"), slug
            assert found.status == "triggered" or found.resolved_name.endswith(f"x-{slug}".title()), slug
    assert session.query(Incident).count() == len(ways_in(app))


def test_a_test_of_every_source_is_let_in(app, client, run_jobs):
    """SRC-12: by its own signature, or by our mark where nobody else can make one."""
    pager()
    for slug, folder in ways_in(app).items():
        prepared(app, slug, folder)
        with transaction():
            found = session.query(Integration).filter_by(key=f"x-{slug}").one()
            ready = trial.prepare(found, page=False, by=OPERATOR)
        answer = client.post(urlsplit(ready.url).path, data=ready.body, headers=dict(ready.headers))
        assert answer.status_code in (200, 202), (slug, answer.text)
    run_jobs()
    tests = session.query(Incident).filter(Incident.test).all()
    assert len(tests) == len(ways_in(app)) and all(one.quiet for one in tests)


@pytest.mark.parametrize(("slug", "header"), [("github", "X-GitHub-Delivery"), ("gitlab", "X-Gitlab-Event-UUID"),
                                              ("sentry", "Request-ID"), ("jira", "X-Atlassian-Webhook-Identifier")])
def test_a_vendors_own_name_of_a_delivery_makes_its_repeat_known(app, client, slug, header):
    """ING-14"""
    pager()
    folder = ways_in(app)[slug]
    prepared(app, slug, folder)
    said = [knock(client, f"x-{slug}", folder / "samples/firing.json", **{header: name}) for name in ("a", "a", "b")]
    assert [answer.status_code for answer in said] == [202, 200, 202]
    assert said[1].json["delivery"] == said[0].json["delivery"]


def test_an_event_that_comes_twice_is_one(app, client):
    """ING-44: the same source and id, however often."""
    pager()
    prepared(app, "cloudevents", ways_in(app)["cloudevents"])
    for status in (202, 200):
        assert knock(client, "x-cloudevents", ways_in(app)["cloudevents"] / "samples/firing.json").status_code == status


def test_the_question_of_a_sender_is_answered_only_for_known_addresses(app, client):
    """ING-44: the handshake of CloudEvents."""
    pager()
    prepared(app, "cloudevents", ways_in(app)["cloudevents"])
    ask = {"WebHook-Request-Origin": "broker.example.com"}
    known = client.options("/in/token-of-x-cloudevents-0123456789", headers=ask)
    assert known.status_code == 200 and known.headers["WebHook-Allowed-Origin"] == "broker.example.com"
    assert known.headers["WebHook-Allowed-Rate"] == "*"
    for path in ("/in/token-of-nobody-0123456789", "/in/token-of-prometheus-0123456789"):
        assert "WebHook-Allowed-Origin" not in client.options(path, headers=ask).headers


@pytest.fixture
def amazon(app: Any, push_sink: PushService) -> Any:
    """A server that plays Amazon SNS."""
    http.configure("127.0.0.0/8")
    app.config["CLOUDWATCH_SNS_URL"] = push_sink.url
    push_sink.answer = Reply(200)
    with time_machine.travel(contract.RECEIVED, tick=False):
        yield push_sink
    http.configure("")


def test_a_topic_is_confirmed_and_then_the_only_one(app, client, amazon):
    """ING-46: first seen, first served; a second topic, though Amazon signed it, is refused."""
    pager()
    folder = ways_in(app)["cloudwatch"]
    prepared(app, "cloudwatch", folder)
    amazon.next_answers.append(Reply(500))
    said = [knock(client, "x-cloudwatch", folder / "samples/subscription.json").status_code for _ in range(2)]
    assert said == [503, 200] and "Action=ConfirmSubscription" in amazon.calls[-1].path
    with transaction():
        found = session.query(Integration).filter_by(key="x-cloudwatch").one()
        assert found.config["topic_arn"].endswith(":oncall")
        found.config = found.config | {"topic_arn": "arn:aws:sns:eu-west-1:1:other"}
    calls = len(amazon.calls)
    assert knock(client, "x-cloudwatch", folder / "samples/subscription.json").status_code == 401
    assert len(amazon.calls) == calls


def test_what_changes_nothing_says_why(app, client, run_jobs):
    pager()
    prepared(app, "github", ways_in(app)["github"])
    knock(client, "x-github", ways_in(app)["github"] / "samples/cancelled.json")
    run_jobs()
    session.expire_all()
    done = session.query(Delivery).one()
    assert (done.state, done.note) == ("processed", "changes nothing: The run is cancelled")
    assert session.query(Incident).count() == 0 and json.dumps(done.results)


def test_what_never_reports_recovery_resolves_by_itself_a_day_after_it_was_last_heard_of(app, client, run_jobs):
    """SRC-08: on by default, said on the alert, and only once nothing more came."""
    pager()
    folder = ways_in(app)["splunk"]
    prepared(app, "splunk", folder)
    with time_machine.travel(contract.RECEIVED, tick=False) as clock:
        for hours, status in ((0, "triggered"), (23, "triggered"), (23, "triggered"), (2, "resolved")):
            clock.shift(hours * 3600)
            if hours != 2 and session.query(Delivery).count() < 2:
                knock(client, "x-splunk", folder / "samples/again.json", **{"Idempotency-Key": str(hours)})
            run_jobs()
            endings.end_silent()
            session.expire_all()
            assert session.query(Incident).one().status == status, hours
    alert = session.query(Alert).one()
    assert "24 h after" in alert.notes[0] and alert.count == 2
