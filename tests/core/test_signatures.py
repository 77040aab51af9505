"""Signatures are right, wrong, missing or stale, and each is said."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.core.reading import Rejected
from app.core.signatures import check, sign

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
BODY = '{"title": "Fünf Grad"}'.encode()
OURS: dict[str, Any] = {"header": "X-OnCall-Signature", "prefix": "v1=", "signed": "timestamp.body",
                        "timestamp_header": "X-OnCall-Timestamp"}


def sent(body: bytes = BODY, secret: str = "s3cret", at: datetime = NOW) -> dict[str, str]:
    return {name.lower(): value for name, value in sign(body, secret=secret, at=at, delivery="7").items()}


def refusal(headers: dict[str, str], body: bytes = BODY, **more: Any) -> str:
    with pytest.raises(Rejected) as fault:
        check(body, headers, NOW, **{"secrets": ["s3cret"], **OURS, **more})
    assert fault.value.unauthenticated
    return fault.value.reason


def test_what_we_sign_another_installation_accepts() -> None:
    assert check(BODY, sent(), NOW, secrets=["new", "s3cret"], **OURS) == "s3cret"


def test_missing_and_wrong_are_told_apart() -> None:
    assert "missing" in refusal({})
    assert "wrong" in refusal(sent(secret="other"))
    assert "wrong" in refusal(sent(), BODY.replace(b": ", b":"))
    assert "wrong" in refusal(sent() | {"x-oncall-signature": sent()["x-oncall-signature"][:-2]})
    assert "wrong" in refusal(sent() | {"x-oncall-signature": "v1=nonsense, ,v1="})


@pytest.mark.parametrize(("seconds", "stale"), [(-299, False), (-301, True), (59, False), (61, True)])
def test_the_signed_time_has_a_window(seconds: int, stale: bool) -> None:
    headers = sent(at=NOW + timedelta(seconds=seconds))
    if stale:
        assert "stale" in refusal(headers)
    else:
        check(BODY, headers, NOW, secrets=["s3cret"], **OURS)


def test_another_time_than_the_signed_one_makes_it_wrong() -> None:
    assert "wrong" in refusal(sent() | {"x-oncall-timestamp": str(int(NOW.timestamp()) - 1)})


def test_one_right_signature_of_two_is_enough() -> None:
    both = f"v1={'0' * 64}, {sent()['x-oncall-signature'].upper().replace('V1=', 'v1=')}"
    check(BODY, sent() | {"x-oncall-signature": both}, NOW, secrets=["s3cret"], **OURS)


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize("encoding", ["hex", "base64"])
def test_other_algorithms_and_encodings_work_as_configured(algorithm: Any, encoding: Any) -> None:
    mac = hmac.new(b"s3cret", BODY, getattr(hashlib, algorithm)).digest()
    written = mac.hex() if encoding == "hex" else base64.b64encode(mac).decode()
    check(BODY, {"x-sign": f"{algorithm}={written}"}, NOW, secrets=["s3cret"], header="X-Sign", prefix=f"{algorithm}=",
          algorithm=algorithm, encoding=encoding)
