"""What is too large is refused before it is read whole, and what is nested too deep is refused by name."""

from __future__ import annotations

import gzip
import io
import tracemalloc
import zlib

import pytest
from werkzeug.test import EnvironBuilder

from app.core.db import session
from app.identity.models import Team
from app.ingest import door
from app.ingest.models import Delivery
from tests import build
from tests.pager import firing, pager, post

TOO_LARGE = 1_100_000


class Counted(io.BytesIO):
    """A body that notes how much of it was asked for."""

    taken = 0

    def read(self, size=-1):
        """Some of it."""
        found = super().read(size)
        self.taken += len(found)
        return found


@pytest.fixture
def refused(client, token):
    """`refused(path, length=True)`: the answer to 1.1 MB, whose length is said or not, and how much of it was read."""
    header = token(pager().ana)

    def send(path, *, length):
        body = Counted(b"x" * TOO_LARGE)
        given = EnvironBuilder(path, method="POST", headers=header, input_stream=body,
                               content_length=TOO_LARGE if length else None).get_environ()
        given["wsgi.input_terminated"] = True
        return client.open(given), body.taken
    return send


@pytest.mark.parametrize("length", [True, False], ids=["said", "in chunks"])
@pytest.mark.parametrize("path", ["/in/token-of-prometheus-0123456789", "/api/v1/services"])
def test_more_than_a_mebibyte_is_refused_before_it_is_read_whole(refused, path, length):
    """HRD-15: 413 as problem+json, at ingest and API; with its length said not a byte is read."""
    answer, taken = refused(path, length=length)
    assert (answer.status_code, answer.mimetype) == (413, "application/problem+json") and answer.json["status"] == 413
    assert taken == 0 if length else taken < TOO_LARGE
    assert session.query(Delivery).count() == 0


def bomb() -> bytes:
    """A gibibyte of zeros in less than a mebibyte: 64 times the same block, which refers to nothing before it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(16 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return gzip.compress(b"")[:10] + block * 64


def test_a_small_body_that_unpacks_to_a_gigabyte_is_refused_within_8_mib(client):
    """HRD-15: a gzip bomb; what the request takes is measured."""
    house, body = pager(), bomb()
    assert len(body) < door.LIMIT and post(client, house, firing()).status_code == 202
    tracemalloc.start()
    answer = client.post(house.path, data=body, headers={"Content-Encoding": "gzip"})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (answer.status_code, answer.mimetype) == (413, "application/problem+json") and peak < 8 << 20


def test_a_hundred_thousand_brackets_are_refused_by_name(client, token, ana, payments):
    """HRD-15: 400, at ingest and API."""
    build.integration("generic", plugin="webhook", team=payments, token="token-of-generic-0123456789")
    body = b"[" * 100_000
    answers = [client.post("/in/token-of-generic-0123456789", data=body), client.post("/api/v1/services", data=body, headers=token(ana))]
    assert [(answer.status_code, answer.mimetype) for answer in answers] == [(400, "application/problem+json")] * 2
    assert all("JSON" in answer.json["detail"] for answer in answers)


@pytest.mark.parametrize("form", ["urlencoded", "parts"])
def test_a_form_has_at_most_a_thousand_fields(client, form):
    """HRD-15: 1,002 are 413, in both ways to write a form."""
    def sent(number):
        fields = {"email": "ana@example.com", **{f"f{at}": "" for at in range(number - 1)}}
        return client.post("/login", data=fields, content_type="multipart/form-data" if form == "parts" else None).status_code
    assert sent(1000) == 401 and sent(1002) == 413


@pytest.mark.both_databases
def test_what_no_database_takes_is_in_no_text_of_an_address_or_a_form(client, token, signed_in, olga):
    """HRD-15: NUL in the path leads nowhere, elsewhere it is another sign."""
    assert client.get("/api/v1/teams/a%00b", headers=token(olga)).status_code == 404
    assert client.get("/api/v1/action-items?team=%00", headers=token(olga)).status_code in (200, 422)
    browser = signed_in(olga)
    answer = browser.post("/teams", data={"name": "Pay\0ments", "key": "payments"})
    assert answer.status_code == 303 and session.query(Team).one().name == "Pay\ufffdments"


LONG = "9" * 5000
ODD = [
    ("GET", "/people/99999999999999999999", {}), ("GET", "/api/v1/deliveries/\u00b2", {}),
    ("GET", f"/settings/channels/twilio?account={LONG}", {}), ("POST", "/settings/channels/twilio", {"account": LONG}),
    ("POST", "/me/logins/end", {"login": LONG}), ("POST", "/me/tokens", {"days": LONG}),
    ("POST", "/teams/payments/members", {"user": LONG}), ("POST", "/me/rules/high", {"press": f"remove-{LONG}"}),
    ("POST", "/policies/-/new", {"levels": LONG}), ("POST", "/policies/-/new", {"levels": "1", "action": f"up:{LONG}"}),
]


@pytest.mark.parametrize(("method", "path", "headers"), [
    ("POST", "/teams", {"Origin": "http://[x"}), ("POST", "/me/tokens", {"Referer": "http://[x"}),
    ("GET", "/live/incidents", {"Origin": "http://[x"})])
def test_an_address_that_is_none_is_another_site(signed_in, olga, method, path, headers):
    """HRD-16: refused, or of no account; never a fault of ours."""
    assert signed_in(olga).open(path, method=method, headers=headers).status_code < 500


def test_a_number_that_is_none_names_nothing(signed_in, olga, payments):
    """HRD-15: more digits than any id has, or digits of another script, are no fault of ours."""
    browser = signed_in(olga)
    answers = {(method, path[:40]): browser.open(path, method=method, data=form).status_code for method, path, form in ODD}
    assert {status for status in answers.values() if status >= 500} == set(), answers


@pytest.mark.both_databases
@pytest.mark.parametrize("payload", ["NaN", "[1e999]", '{"a": "x\\u0000y\\ud800"}', '"\\ud83d\\ude00"'])
def test_json_that_no_database_takes_is_kept_without_what_it_can_not_keep(client, token, olga, payments, payload):
    """HRD-15: what was typed as JSON inside of a text."""
    build.runbook("restart", team=payments)
    answer = client.patch("/api/v1/runbooks/restart", json={"payload": payload}, headers=token(olga))
    assert answer.status_code == 200, answer.text
    kept = {"NaN": None, "[1e999]": [None], '"\\ud83d\\ude00"': "\U0001f600"}.get(payload, {"a": "xy?"})
    assert client.get("/api/v1/runbooks/restart", headers=token(olga)).json["payload"] == kept
