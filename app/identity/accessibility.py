"""What everybody may read about using these pages with whatever helps them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import current_app
from flask_login import current_user

from app.core.access import access
from app.core.pages import page
from app.identity.door import blueprint
from app.identity.queries import admins


@dataclass(frozen=True)
class Statement:
    """Whom people turn to: the address of this installation, and for those who are signed in its administrators."""

    contact: str
    address: str
    ask: list[str]


@blueprint.get("/accessibility")
@access("public")
def accessibility() -> Any:
    """How far these pages conform, what is known to be missing, and whom to tell."""
    contact = current_app.config["CONTACT"]
    address = contact if contact.startswith(("https://", "http://")) else f"mailto:{contact}"
    ask = [admin.name for admin in admins()] if current_user.is_authenticated else []
    return page("identity/accessibility.html", {"statement": Statement(contact, address, ask)})
