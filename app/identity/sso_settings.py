"""How single sign-on is set: by the environment, or by administrators on its page; and which claims make an admin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flask import current_app
from sqlalchemy import select

from app.core.access import Actor
from app.core.db import alone, session
from app.core.events import record
from app.core.forms import Problems, check_boolean, check_text, tags
from app.core.secrets import open_, seal
from app.identity import events, rules
from app.identity.models import SingleSignOn, User
from app.identity.queries import allow

ONLY, SECRET = 1, "single_sign_on:1/client_secret"


@dataclass(frozen=True)
class Provider:
    """What is set about the provider. `fixed`: the environment says so, and no page changes it."""

    issuer: str
    client_id: str
    client_secret: str
    scopes: str
    callback: str
    creates: bool = True
    fixed: bool = False


def provider() -> Provider | None:
    """The configured provider, None without one."""
    config = current_app.config
    callback = f"{config['BASE_URL']}/login/sso/callback"
    if config["OIDC_ISSUER"] and config["OIDC_CLIENT_ID"]:
        return Provider(config["OIDC_ISSUER"], config["OIDC_CLIENT_ID"], config["OIDC_CLIENT_SECRET"],
                        config["OIDC_SCOPES"], callback, config["OIDC_CREATE"] == "yes", fixed=True)
    row = session.get(SingleSignOn, ONLY)
    if row is None or not row.issuer:
        return None
    secret = open_(row.client_secret_sealed, bound_to=SECRET) if row.client_secret_sealed else ""
    return Provider(row.issuer, row.client_id, secret, row.scopes, callback, row.creates)


def mode() -> str:
    """Who may sign in with a password: `everyone` or `break-glass`."""
    serves = rules.password_serves(current_app.config["PASSWORD_LOGIN"], provider() is not None, False)
    return "everyone" if serves else "break-glass"


def role_map() -> tuple[str, list[str]]:
    """The claim that tells the platform role, and its values that make an admin; ("", []) when roles are set here."""
    row = session.get(SingleSignOn, ONLY)
    return (row.role_claim, list(row.admin_values)) if row is not None and row.role_claim else ("", [])


def save(values: Mapping[str, Any], *, by: Actor) -> SingleSignOn:
    """Keep what the page says: all of it or nothing. An empty `client_secret` keeps the one that is there."""
    allow(by, "admin")
    alone("single sign-on settings")
    row = session.get(SingleSignOn, ONLY) or SingleSignOn(id=ONLY, issuer="", client_id="", scopes="", creates=True,
                                                          role_claim="", admin_values=[])
    before = shown(row)
    problems = Problems()
    clean = _clean(values, problems)
    if clean["issuer"] and not row.issuer and not _somebody_local():
        problems.add("issuer", "Nobody could sign in when the provider is away. First make a break-glass account on the "
                               "machine: oncall user break-glass EMAIL")
    problems.raise_if_any()
    secret = values.get("client_secret") or ""
    for name, value in clean.items():
        setattr(row, name, value)
    if secret or not clean["issuer"]:
        row.client_secret_sealed = seal(secret, bound_to=SECRET) if secret else None
    session.add(row)
    session.flush()
    if shown(row) != before or secret:
        record(events.SSO_CHANGED, "single_sign_on", by=by, before=before, after=shown(row), secret=bool(secret))
    return row


def shown(row: SingleSignOn) -> dict[str, Any]:
    """The settings without the secret."""
    return {name: getattr(row, name) for name in ("issuer", "client_id", "scopes", "creates", "role_claim",
                                                  "admin_values")}


def _clean(values: Mapping[str, Any], problems: Problems) -> dict[str, Any]:
    clean = {name: problems.take(name, check_text, values.get(name) or "", most=500, label="This") or ""
             for name in ("issuer", "client_id", "scopes", "role_claim")}
    clean["scopes"] = " ".join(clean["scopes"].split()) or "openid email profile"
    clean["admin_values"] = problems.take("admin_values", tags, values.get("admin_values") or [])
    clean["creates"] = problems.take("creates", check_boolean, values.get("creates") or False)
    if clean["issuer"] and not _is_issuer(clean["issuer"]):
        problems.add("issuer", "Write the provider's address, such as https://id.example.com/realms/main")
    if clean["issuer"] and not clean["client_id"]:
        problems.add("client_id", "The name of this application at the provider is needed")
    if "openid" not in clean["scopes"].split():
        problems.add("scopes", "The scope openid is needed")
    if bool(clean["role_claim"]) != bool(clean["admin_values"]):
        problems.add("role_claim", "A claim and the values that make an administrator belong together")
    return clean


def _is_issuer(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc) and not parts.query and not parts.username


def _somebody_local() -> bool:
    """Whether an administrator gets in without the provider."""
    if current_app.config["PASSWORD_LOGIN"] == "everyone":
        return True
    return session.scalar(select(User.id).where(
        User.role == "admin", User.state == "active", User.break_glass, User.password_hash.is_not(None))
        .limit(1)) is not None


def says_admin(claims: Mapping[str, Any]) -> bool | None:
    """Whether these claims make an administrator; None where roles are set here. Dots lead into objects."""
    claim, wanted = role_map()
    if not claim:
        return None
    value: Any = claims.get(claim)
    if value is None:
        value = claims
        for part in claim.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
    return bool({str(one) for one in (value if isinstance(value, list) else [value])} & set(wanted))
