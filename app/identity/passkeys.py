"""Passkeys (WebAuthn Level 3): a key pair that a person's device holds and uses after checking that it is them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import current_app
from sqlalchemy import func, select
from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from app.core import clock
from app.core.access import Actor
from app.core.db import alone, locked, session
from app.core.errors import Conflict, Forbidden
from app.core.events import record
from app.core.forms import Problems, check_text
from app.identity import events, rules
from app.identity.models import Passkey, User
from app.identity.queries import allow

REFUSED = "This passkey was not accepted."
Answer = Mapping[str, Any]
# Whatever is wrong with an answer; the last three are what half an answer leads to.
FAULTS = (WebAuthnException, ValueError, TypeError, KeyError)


def _site() -> tuple[str, str]:
    """Origin of our pages and the host name to which keys are bound."""
    parts = urlsplit(current_app.config["BASE_URL"])
    return f"{parts.scheme}://{parts.netloc}", parts.hostname or ""


def _handle(user_id: int) -> bytes:
    return f"user:{user_id}".encode()


def registration(user: User) -> dict[str, Any]:
    """What the browser needs to make a key for this person. Raises Conflict when there are ten."""
    if _count(user) >= rules.MOST_PASSKEYS:
        raise Conflict(f"You have {rules.MOST_PASSKEYS} passkeys. Remove one first.")
    present = session.scalars(select(Passkey.credential).where(Passkey.user_id == user.id))
    made = generate_registration_options(
        rp_id=_site()[1], rp_name="OnCall", user_id=_handle(user.id), user_name=user.email, user_display_name=user.name,
        exclude_credentials=[PublicKeyCredentialDescriptor(id=base64url_to_bytes(key)) for key in present],
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED))
    return dict(json.loads(options_to_json(made)))


def _count(user: User) -> int:
    return session.scalar(select(func.count(Passkey.id)).where(Passkey.user_id == user.id)) or 0


def authentication() -> dict[str, Any]:
    """What the browser needs to ask its devices for any key of this site."""
    made = generate_authentication_options(rp_id=_site()[1], user_verification=UserVerificationRequirement.REQUIRED)
    return dict(json.loads(options_to_json(made)))


def add(user: User, answer: Answer, challenge: str, *, name: str, by: Actor) -> Passkey:
    """Keep the public half of the key that the device made. Raises Forbidden when the answer proves nothing."""
    allow(by, "own.edit" if by.user_id == user.id else "admin")
    alone(f"passkeys of {user.ref}")
    if _count(user) >= rules.MOST_PASSKEYS:
        raise Conflict(f"You have {rules.MOST_PASSKEYS} passkeys. Remove one first.")
    origin, host = _site()
    problems = Problems()
    label = problems.take("name", check_text, name, least=1, most=100, label="The name")
    problems.raise_if_any()
    try:
        proved = verify_registration_response(
            credential=dict(answer), expected_challenge=base64url_to_bytes(challenge), expected_rp_id=host,
            expected_origin=origin, require_user_verification=True)
    except FAULTS:
        raise Forbidden(REFUSED) from None
    credential = bytes_to_base64url(proved.credential_id)
    if len(credential) > 1400 or session.scalar(select(Passkey.id).where(Passkey.credential == credential)):
        raise Conflict("This passkey is known already.")
    made = Passkey(user_id=user.id, credential=credential, sign_count=proved.sign_count, name=label,
                   public_key=bytes_to_base64url(proved.credential_public_key))
    session.add(made)
    session.flush()
    record(events.PASSKEY_ADDED, user.ref, by=by, name=label)
    return made


def owner_of(answer: Answer, challenge: str) -> User:
    """The person whose key answered this challenge. Raises Forbidden with the reason, for the log."""
    found = session.scalar(select(Passkey).where(Passkey.credential == str(answer.get("id", ""))))
    key = locked(Passkey, found.id) if found is not None else None
    if key is None:
        raise Forbidden("nobody here has this key")
    origin, host = _site()
    try:
        proved = verify_authentication_response(
            credential=dict(answer), expected_challenge=base64url_to_bytes(challenge), expected_rp_id=host,
            expected_origin=origin, require_user_verification=True, credential_current_sign_count=key.sign_count,
            credential_public_key=base64url_to_bytes(key.public_key))
    except FAULTS as fault:
        raise Forbidden(str(fault)[:200]) from None
    if not key.user.is_active:
        raise Forbidden("the account is deactivated")
    key.sign_count, key.last_used_at = proved.new_sign_count, clock.now()
    return key.user


def remove(key: Passkey, *, by: Actor) -> None:
    """Forget a key: it opens nothing from now on."""
    allow(by, "own.edit" if by.user_id == key.user_id else "people.edit")
    session.delete(key)
    record(events.PASSKEY_REMOVED, key.user.ref, by=by, name=key.name)
