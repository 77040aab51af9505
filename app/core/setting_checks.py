"""What is wrong with settings: values that can't be used, and names that mean nothing."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path

from flask import current_app

from app.core.http import networks
from app.core.settings import SETTINGS, written

NEAR = 0.85  # how alike two names are, 0 to 1, before one is taken for a slip of the other
Check = Callable[[str], None]


def unusable(values: Mapping[str, str]) -> list[str]:
    """A sentence for each setting whose value is out of range or of another kind; never the value of a secret."""
    found = [f"{one.name} {said}." for one in SETTINGS if (said := one.fault(values.get(one.name, "")))]
    for name, check in CHECKS.items():
        try:
            if values.get(name):
                check(values[name])
        except ValueError as fault:
            found.append(f"{name} {fault}.")
    return found


def unknown(known: Iterable[str], environ: Mapping[str, str], written: Mapping[str, str]) -> list[str]:
    """A sentence for each name in config.toml, and for each in the environment that was surely meant for us, which is no
    setting."""
    names = sorted({*known, "ONCALL_INSTANCE"})
    found = [f"{name} in config.toml is no setting{_near(name, names)}" for name in sorted(written) if name not in names]
    for name in sorted(environ.keys() - set(names)):
        near = _near(name, names)
        if name.startswith("ONCALL_") or near != ".":
            found.append(f"{name} in the environment is no setting{near}")
    return found


def strangers() -> list[str]:
    """The same for what this process was started with."""
    known = (one.name for one in current_app.extensions["settings"])
    return unknown(known, os.environ, written(Path(current_app.config["ONCALL_INSTANCE"])))


def _near(name: str, names: list[str]) -> str:
    near = get_close_matches(name, names, n=1, cutoff=NEAR)
    return f"; did you mean {near[0]}?" if near else "."


def _one_of(*words: str) -> Check:
    def check(text: str) -> None:
        if text not in words:
            raise ValueError(f"has to be one of {', '.join(words)}")
    return check


def _address(*schemes: str) -> Check:
    def check(text: str) -> None:
        scheme, _, rest = text.partition("://")
        if scheme not in schemes or not rest:
            raise ValueError(f"has to be an address that starts with {' or '.join(f'{one}://' for one in schemes)}")
    return check


def _networks(text: str) -> None:
    try:
        networks(text)
    except ValueError as fault:
        raise ValueError(f"has to be networks such as 10.0.0.0/8, with commas between them ({fault})") from None


def _level(text: str) -> None:
    if not isinstance(logging.getLevelName(text.upper()), int):
        raise ValueError("has to be one of DEBUG, INFO, WARNING, ERROR")


CHECKS: dict[str, Check] = {
    "DATABASE_URL": _address("postgresql", "postgres", "postgresql+psycopg", "sqlite"),
    "REDIS_URL": _address("redis", "rediss", "unix", "redis+sentinel"), "SMTP_URL": _address("smtp", "smtps"),
    "BASE_URL": _address("https", "http"), "OIDC_ISSUER": _address("https", "http"),
    "OUTBOUND_ALLOW": _networks, "LOG_LEVEL": _level,
    "OIDC_CREATE": _one_of("yes", "no"), "PASSWORD_LOGIN": _one_of("everyone", "break-glass"),
    "REQUIRE_SECOND_FACTOR": _one_of("off", "admins", "everyone"),
}
"""What is no number: the ranges of those stand with the settings themselves."""
