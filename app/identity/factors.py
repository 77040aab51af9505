"""The second factor of local accounts: one-time codes by an application (RFC 6238) and recovery codes on paper."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import pyotp
from flask import current_app
from sqlalchemy import delete, func, select, update

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.events import record
from app.core.forms import refuse
from app.core.secrets import digest, open_, same, seal
from app.identity import events, rules
from app.identity.models import CodeGenerator, Identity, LoginSession, Passkey, RecoveryCode, User
from app.identity.queries import allow

# Crockford's letters: none is mistaken for another on paper. 16 of them are 80 bits.
LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
WRONG = "This code is wrong, used or too old"


@dataclass(frozen=True)
class Factors:
    """What a person has set up beside the password."""

    codes: bool
    recovery_left: int
    passkeys: list[Passkey]


def factors_of(user: User) -> Factors:
    """What this person has."""
    left = session.scalar(select(func.count(RecoveryCode.id)).where(
        RecoveryCode.user_id == user.id, RecoveryCode.used_at.is_(None)))
    keys = session.scalars(select(Passkey).where(Passkey.user_id == user.id).order_by(Passkey.id))
    return Factors(has_codes(user.id), left or 0, list(keys))


def has_codes(user_id: int | None) -> bool:
    """Whether a code must follow this person's password."""
    found = session.scalar(select(CodeGenerator.id).where(CodeGenerator.user_id == user_id,
                                                          CodeGenerator.confirmed_at.is_not(None)))
    return found is not None


def is_linked(user: User) -> bool:
    """Whether an identity provider knows this person."""
    return session.scalar(select(Identity.id).where(Identity.user_id == user.id).limit(1)) is not None


def missing(login: LoginSession) -> bool:
    """Whether this person must set up a second factor before anything else: they came by a password alone, the settings
    demand more, and they have neither codes nor a passkey. The login from a set-up link is spared."""
    setting = current_app.config["REQUIRE_SECOND_FACTOR"]
    if login.road != "password" or not rules.factor_required(setting, login.user.role):
        return False
    held = session.scalar(select(Passkey.id).where(Passkey.user_id == login.user_id).limit(1))
    return held is None and not has_codes(login.user_id)


def begin(user: User, *, by: Actor) -> None:
    """Make a fresh secret, which counts once a code of it was typed; present codes go on until then."""
    allow(by, "own.edit" if by.user_id == user.id else "admin")
    if has_codes(user.id):
        refuse("code", "One-time codes are set up already. Remove them first")
    session.execute(delete(CodeGenerator).where(CodeGenerator.user_id == user.id))
    session.add(CodeGenerator(user_id=user.id, sealed=seal(pyotp.random_base32(), bound_to=f"user:{user.id}/codes")))
    session.flush()


def waiting(user: User) -> str | None:
    """The address that an application reads (`otpauth://…`) while the first code is still to come."""
    found = session.scalar(select(CodeGenerator).where(CodeGenerator.user_id == user.id,
                                                       CodeGenerator.confirmed_at.is_(None)))
    if found is None:
        return None
    return _generator(found).provisioning_uri(name=user.email, issuer_name="OnCall")


def _generator(row: CodeGenerator) -> pyotp.TOTP:
    return pyotp.TOTP(open_(row.sealed, bound_to=f"user:{row.user_id}/codes"), interval=rules.CODE_SECONDS)


def confirm(user: User, code: str, *, by: Actor) -> list[str]:
    """The first code shows that the application holds the secret. The recovery codes, which are shown once."""
    allow(by, "own.edit" if by.user_id == user.id else "admin")
    row = session.scalar(select(CodeGenerator).where(CodeGenerator.user_id == user.id,
                                                     CodeGenerator.confirmed_at.is_(None)))
    if row is None or not _takes(row, code):
        refuse("code", "This is not the code of the application. Wait for the next one and type it here")
    row.confirmed_at = clock.now()
    record(events.FACTOR_ADDED, user.ref, by=by)
    return _new_recovery_codes(user)


def _takes(row: CodeGenerator, code: str) -> bool:
    """Whether this is a code of now, and nobody used it; it is used up by asking."""
    typed = "".join(code.split())
    generator = _generator(row)
    for step in rules.steps_to_try(clock.now(), row.last_step):
        if same(generator.generate_otp(step), typed):
            done = session.execute(update(CodeGenerator).where(
                CodeGenerator.id == row.id, CodeGenerator.last_step < step).values(last_step=step))
            return bool(done.rowcount)  # type: ignore[attr-defined]
    return False


def takes(user: User, code: str, *, by: Actor) -> bool:
    """Whether this is a right code, by application or from paper; either is used up by it."""
    row = session.scalar(select(CodeGenerator).where(CodeGenerator.user_id == user.id,
                                                     CodeGenerator.confirmed_at.is_not(None)))
    return row is not None and (_takes(row, code) or _takes_recovery(user, code, by))


def _takes_recovery(user: User, code: str, by: Actor) -> bool:
    plain = "".join(letter for letter in code.lower() if letter in LETTERS)
    done = session.execute(update(RecoveryCode).where(
        RecoveryCode.user_id == user.id, RecoveryCode.code_hash == digest(plain), RecoveryCode.used_at.is_(None),
    ).values(used_at=clock.now()))
    if not done.rowcount:  # type: ignore[attr-defined]
        return False
    record(events.RECOVERY_CODE_USED, user.ref, by=by, left=factors_of(user).recovery_left)
    return True


def new_recovery_codes(user: User, *, by: Actor) -> list[str]:
    """Ten fresh ones; those before them are worthless."""
    allow(by, "own.edit" if by.user_id == user.id else "admin")
    if not has_codes(user.id):
        refuse("code", "Set up one-time codes first")
    record(events.RECOVERY_CODES_MADE, user.ref, by=by)
    return _new_recovery_codes(user)


def _new_recovery_codes(user: User) -> list[str]:
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    made = ["".join(secrets.choice(LETTERS) for _ in range(16)) for _ in range(rules.RECOVERY_CODES)]
    session.add_all(RecoveryCode(user_id=user.id, code_hash=digest(code)) for code in made)
    return ["-".join(code[at:at + 4] for at in range(0, 16, 4)) for code in made]


def remove(user: User, *, by: Actor) -> None:
    """Take codes and recovery codes away: by the person, or by an administrator when the device is lost."""
    allow(by, "own.edit" if by.user_id == user.id else "people.edit")
    gone = session.execute(delete(CodeGenerator).where(CodeGenerator.user_id == user.id))
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    if gone.rowcount:  # type: ignore[attr-defined]
        record(events.FACTOR_REMOVED, user.ref, by=by, name=user.name)
