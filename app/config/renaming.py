"""People and teams of another product who are here already under other names: the document says them by ours."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from app.config.document import identity
from app.config.references import references
from app.core.errors import Invalid, Problem
from app.core.importing import Imported
from app.identity.queries import team_by_key, user_by_email

Names = Mapping[str, str]


@dataclass(frozen=True)
class Renaming:
    """Theirs → ours: e-mail addresses of people, keys of teams."""

    users: Names = field(default_factory=dict)
    teams: Names = field(default_factory=dict)

    def of(self, kind: str, key: str) -> str | None:
        """What this one is called here, None when it keeps its name."""
        names: Mapping[str, Names] = {"users": self.users, "teams": self.teams}
        return names.get(kind, {}).get(key.lower())


def renaming(said: Mapping[str, Any]) -> Renaming:
    """From `{"people": {theirs: ours}, "teams": {theirs: ours}}`. Raises Invalid for somebody who is not here."""
    people, teams = ({str(theirs).strip().lower(): str(ours).strip().lower()
                      for theirs, ours in (said.get(part) or {}).items() if str(ours or "").strip()}
                     for part in ("people", "teams"))
    problems = [Problem(f"people.{theirs}", f"There is nobody with the address {ours} here")
                for theirs, ours in people.items() if user_by_email(ours) is None]
    problems += [Problem(f"teams.{theirs}", f"There is no team {ours} here")
                 for theirs, ours in teams.items() if team_by_key(ours) is None]
    if problems:
        raise Invalid(problems=problems)
    return Renaming(people, teams)


def renamed(imported: Imported, names: Renaming) -> Imported:
    """The same with our names; who is here already is no longer created, and their line says whom they became."""
    document: dict[str, list[dict[str, Any]]] = {}
    for kind, items in imported.document.items():
        document[kind] = [_item(kind, copy.deepcopy(item), names) for item in items
                          if names.of(kind, identity(kind, item)) is None]
    plan = [replace(line, verdict="changed", key=ours, reason=f"is {ours} here")
            if (ours := names.of(line.into, line.key)) else line for line in imported.plan]
    proofs = {key: [replace(duty, people=tuple(dict.fromkeys(names.of("users", one) or one for one in duty.people)))
                    for duty in duties] for key, duties in imported.proofs.items()}
    return Imported(document, plan, proofs)


def unknown(imported: Imported) -> tuple[list[str], list[str]]:
    """The people and the teams of the document that are not here yet: they would be created."""
    return ([item["email"] for item in imported.document.get("users", []) if user_by_email(item["email"]) is None],
            [item["key"] for item in imported.document.get("teams", []) if team_by_key(item["key"]) is None])


def _item(kind: str, item: dict[str, Any], names: Renaming) -> dict[str, Any]:
    for path, meant, key in list(references(kind, item)):
        ours = names.of(meant, key)
        if ours is not None:
            _put(item, path, ours)
    if kind == "teams" and "members" in item:
        item["members"] = _once(item["members"], "user")
    for level in item.get("levels", ()):
        level["targets"] = list(map(_in_turns, level["targets"]))
    return item


def _in_turns(target: dict[str, Any]) -> dict[str, Any]:
    """Several of theirs may be one of ours: nobody takes turns with themselves."""
    people = list(dict.fromkeys(target.get("users", ())))
    return target if not people else {**target, "users": people} if len(people) > 1 else {"user": people[0]}


def _put(item: Any, path: Iterable[str | int], value: str) -> None:
    *steps, last = path
    for step in steps:
        item = item[step]
    item[last] = value


def _once(members: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return list({one[name]: one for one in reversed(members)}.values())[::-1]
