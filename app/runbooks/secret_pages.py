"""What the pages of secrets show: names, never values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import select

from app.core.access import Actor
from app.core.db import session
from app.core.errors import Invalid
from app.core.panels import Use
from app.identity.models import Team
from app.identity.queries import may, may_anywhere
from app.runbooks import vault
from app.runbooks.models import Secret


@dataclass(frozen=True)
class Row:
    """A secret in the list."""

    secret: Secret
    uses: list[Use]
    may_edit: bool

    @property
    def id(self) -> int:
        """The secret's."""
        return self.secret.id


@dataclass(frozen=True)
class SecretsPage:
    """All secrets whose names the reader may know."""

    rows: list[Row]
    may_add: bool


@dataclass(frozen=True)
class SecretPage:
    """One secret."""

    secret: Secret
    uses: list[Use]
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SecretForm:
    """The form of a new secret; the value that was typed is never shown again."""

    values: Mapping[str, str]
    teams: list[tuple[str, str]]
    may_be_everybodys: bool
    errors: Mapping[str, str] = field(default_factory=dict)


def index_page(by: Actor) -> SecretsPage:
    """The list."""
    found = session.scalars(vault.visible(by)).all()
    uses = vault.uses_of(found, by)
    rows = [Row(one, uses[one.id], may(by, "secret.edit", team_id=one.team_id)) for one in found]
    return SecretsPage(rows, may_anywhere(by, "secret.edit"))


def secret_page(key: int, by: Actor, *, invalid: Invalid | None = None) -> SecretPage:
    """The page of one. Raises NotFound or Forbidden."""
    found = vault.secret_for(key, by)
    return SecretPage(found, vault.uses(found, by), _errors(invalid))


def form(by: Actor, typed: Mapping[str, str], *, invalid: Invalid | None = None) -> SecretForm:
    """The form, with what was typed if it was refused."""
    teams = [(team.key, team.name) for team in session.scalars(
        select(Team).where(Team.archived_at.is_(None)).order_by(Team.name)) if may(by, "secret.edit", team_id=team.id)]
    return SecretForm({name: typed.get(name, "") for name in ("name", "team")}, teams, may(by, "secret.edit"),
                      _errors(invalid))


def _errors(invalid: Invalid | None) -> dict[str, str]:
    return {problem.field: problem.message for problem in reversed(invalid.problems)} if invalid else {}
