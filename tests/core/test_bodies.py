"""What is too large is refused before it is read whole, and what is nested too deep is refused by name."""

from __future__ import annotations

import gzip
import io
import tracemalloc
import zlib

import pytest
from werkzeug.test import EnvironBuilder

from app.core.db import session
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
