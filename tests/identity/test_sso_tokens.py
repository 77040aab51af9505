"""Identity tokens: what is taken, and every way of forging one that is refused."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from flask import Flask
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey

from app.identity import sso

KEY = RSAKey.generate_key(2048, {"kid": "one"}, private=True)
ABOUT = {"issuer": "https://idp.example.com", "jwks_uri": "https://idp.example.com/keys",
         "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"]}
IDP = sso.Provider(ABOUT["issuer"], "oncall", "secret", "openid", "http://localhost/login/sso/callback")


def id_token(key: object = KEY, header: dict[str, str] | None = None, **claims: object) -> str:
    now = int(time.time())
    good = {"iss": ABOUT["issuer"], "sub": "dora", "aud": "oncall", "nonce": "n", "iat": now, "exp": now + 60}
    return jwt.encode(header or {"alg": "RS256", "kid": "one"}, good | claims, key, algorithms=["RS256", "HS256"])


@pytest.fixture
def keys(app: Flask) -> Iterator[None]:
    """The provider's keys are known."""
    sso._kept[f"keys {ABOUT['jwks_uri']}"] = time.monotonic(), KeySet([KEY]).as_dict(private=False)
    yield
    sso.forget()


def test_a_right_token_is_taken_with_a_minute_of_leeway(keys: None) -> None:
    late = id_token(exp=int(time.time()) - 30)
    assert sso.checked(IDP, ABOUT, {"id_token": late}, "n")["sub"] == "dora"


@pytest.mark.parametrize("claims", [
    {"iss": "https://evil.example.com"}, {"aud": "another"}, {"aud": ["another"]}, {"nonce": "other"}, {"nonce": None},
    {"exp": 1_600_000_000}, {"sub": ""}, {"sub": None}, {"aud": ["oncall", "other"], "azp": "other"}], ids=json.dumps)
def test_a_token_with_a_wrong_claim_is_refused(keys: None, claims: dict[str, object]) -> None:
    """IDN-02"""
    with pytest.raises(sso.Refused):
        sso.checked(IDP, ABOUT, {"id_token": id_token(**claims)}, "n")


def test_a_token_that_is_unsigned_or_signed_by_another_is_refused(keys: None) -> None:
    """IDN-02: algorithm `none`, the client's secret as key, and a stranger's key under a known name."""
    stranger = RSAKey.generate_key(2048, {"kid": "one"}, private=True)
    head, body, _ = id_token().split(".")
    unsigned = "eyJhbGciOiJub25lIn0." + body + "."
    by_secret = id_token(OctKey.import_key("secret" * 8), {"alg": "HS256", "kid": "one"})
    for text in (unsigned, by_secret, id_token(stranger), f"{head}.{body}.", "nonsense", None):
        with pytest.raises(sso.Refused):
            sso.checked(IDP, ABOUT, {"id_token": text}, "n")
