"""A level of a policy may call a webhook: it gets the incident once in a run, and never counts as somebody who was paged."""

from __future__ import annotations

import json

import pytest

from app.config import service as configuration
from app.core.access import OPERATOR
from app.core.db import session, transaction
from app.core.errors import Conflict
from app.escalation.documents import policy_document
from app.escalation.models import Policy
from app.escalation.policies import save_policy
from app.webhooks.models import Webhook
from app.webhooks.service import remove_webhook
from tests import build
from tests.config.documents import apply, faults
from tests.escalation.test_run import play, who_was_paged
from tests.pager import firing, incident, pager, post, run
from tests.webhooks.deliveries import SEND, sent

CALL, BOB = {"webhook": "bus"}, {"user": "bob@example.com"}


@pytest.fixture
def house(app, http_sink, now):
    """Payments pages; the webhook is another team's and hears nothing of incidents by itself."""
    found = pager()
    build.team("leads", manager=found.ana)
    apply({"webhooks": [{"key": "bus", "name": "Bus", "url": f"{http_sink.url}/hook", "events": ["runbook.*"], "team": "leads"}]})
    return found


def levels(*targets, **values):
    """Payments' policy: a minute for each level."""
    with transaction():
        return save_policy({"key": "payments", "name": "Payments", "team": "payments", "repeat": 0, **values, "levels": [
            {"timeout": "1m", "targets": list(each)} for each in targets]}, by=OPERATOR)


@pytest.mark.both_databases
def test_it_is_called_once_in_a_run_and_the_next_level_pages(house, client, http_sink, run_jobs, tick, now):
    """ESC-20, ESC-25: signed like every call; however often the level is reached, one call with the incident."""
    levels([CALL], [BOB], repeat=1)
    post(client, house, firing())
    run_jobs()
    tick(SEND)
    began = int(run().started_at.timestamp())
    assert who_was_paged() == [] and run().level == 0
    play(now, tick, 181)
    tick(SEND)
    assert [(at - began, who) for at, who in who_was_paged()] == [(60, "Bob"), (180, "Bob")]
    told, = [json.loads(one.body) for one in http_sink.calls]
    assert (told["kind"], told["incident"]["id"], told["severity"]) == ("escalation.called", "1", "critical")
    assert "v1=" in http_sink.calls[0].headers["x-oncall-signature"] and told["text"] == "Level 1: calling Bus"


def test_one_that_is_off_stands_in_for_nobody_and_a_private_team_is_told_of_to_no_other(house, client, http_sink, run_jobs, tick):
    """ESC-24: the level is passed at once; what is private goes out nowhere though the policy says so."""
    levels([CALL], [BOB])
    with transaction():
        house.team.private = True
    post(client, house, firing())
    run_jobs()
    tick(SEND)
    assert sent() == [] and [who for _, who in who_was_paged()] == ["Bob"]
    with transaction():
        session.query(Webhook).one().off_at = incident().opened_at
    post(client, house, firing(fingerprint="other"))
    run_jobs()
    assert [who for _, who in who_was_paged()] == ["Bob", "Bob"]


def test_of_a_private_team_the_skip_is_said_where_a_call_would_be(house, client, http_sink, run_jobs, tick, signed_in):
    """ESC-24: with its reason on the timeline and the why page, never "calling"; the others of the level are paged."""
    levels([CALL, BOB])
    with transaction():
        house.team.private = True
    post(client, house, firing())
    run_jobs()
    tick(SEND)
    assert sent() == [] and [who for _, who in who_was_paged()] == ["Bob"]
    bob = signed_in(house.bob)
    for path in ("/incidents/1", "/incidents/1/why"):
        page = bob.get(path).text
        assert "the webhook Bus is not called: it is another team" in page and "calling" not in page


def test_the_document_names_it_and_it_is_not_deleted_under_a_policy(house):
    """CFG: apply, export and the faults of a line."""
    levels([CALL, BOB])
    policy = session.query(Policy).filter(Policy.key == "payments").one()
    assert policy_document(policy)["levels"][0]["targets"] == [CALL, BOB]
    written = configuration.export(OPERATOR)
    assert list(written).index("webhooks") < list(written).index("escalation_policies")
    assert "there is no webhook nowhere" in str(faults({"escalation_policies": [{
        "key": "other", "name": "Other", "levels": [{"targets": [{"webhook": "nowhere"}]}]}]}))
    with pytest.raises(Conflict, match="Bus is used by Payments"), transaction():
        remove_webhook(session.query(Webhook).one(), by=OPERATOR)


def test_the_editor_offers_it_and_the_simulation_names_it(house, signed_in, client, token):
    """ESC-41: a call is shown beside the pages and is none of them."""
    levels([CALL, BOB])
    page = signed_in(house.ana).get("/policies/payments/edit").text
    assert "Webhooks, which page nobody" in page and "Webhook Bus" in page
    answer = client.post("/api/v1/simulate", json={"service": "checkout"}, headers=token(house.ana)).json
    assert [(one["level"], one["webhook"]) for one in answer["posts"]] == [(1, "Bus")]
    assert "Webhook Bus" in signed_in(house.ana).get("/policies/payments").text
