"""What a directory may look for, as conditions of the database: filtered before it is paged, or refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from scim2_models import InvalidFilterException
from scim2_models.path import CompareOperator, Comparison, FilterNode, LogicalExpr, LogicalOperator
from sqlalchemy import ColumnElement, and_, false, func, or_, select

from app.identity.models import Membership, Team, User

Condition = ColumnElement[bool]


def conditions(node: FilterNode, kind: str) -> list[Condition]:
    """The conditions of a filter over "Users" or "Groups": comparisons with `eq`, joined by `and`.

    Raises InvalidFilterException for every other one: an answer to a question that was not understood would be wrong.
    """
    if isinstance(node, LogicalExpr) and node.op == LogicalOperator.and_:
        return [condition for term in node.terms for condition in conditions(term, kind)]
    if not isinstance(node, Comparison) or node.op != CompareOperator.eq:
        raise InvalidFilterException(detail="Only `eq` is supported, with `and` between")
    path = f"{node.attr_path.attr}.{node.attr_path.sub_attr or ''}".rstrip(".").lower()
    compare = COMPARED[kind].get(path)
    if compare is None:
        raise InvalidFilterException(
            detail=f"Nobody can be looked for by {path}; supported are {', '.join(COMPARED[kind])}")
    return [compare(node.value)]


def named(user_name: str) -> Condition:
    """Whose sign-in name this is, in any letter case; without one of their own, people have their address."""
    plain = user_name.strip().lower()
    return or_(User.user_name == plain, and_(User.user_name.is_(None), User.email == plain))


def _key(model: type[User] | type[Team]) -> Callable[[Any], Condition]:
    def compare(value: Any) -> Condition:
        return model.id == int(value) if is_key(value) else false()
    return compare


def is_key(text: object) -> bool:
    """Whether this can be the id of anything here."""
    return isinstance(text, str) and text.isascii() and text.isdecimal() and len(text) < 18


def _member(value: Any) -> Condition:
    return Team.id.in_(select(Membership.team_id).where(Membership.user_id == (int(value) if is_key(value) else 0)))


def _active(value: Any) -> Condition:
    return User.state == "active" if value is True else User.state != "active"


COMPARED: Mapping[str, Mapping[str, Callable[[Any], Condition]]] = {
    "Users": {"id": _key(User), "username": lambda value: named(str(value)), "active": _active,
              "externalid": lambda value: User.external_id == str(value),
              "emails": lambda value: User.email == str(value).strip().lower(),
              "emails.value": lambda value: User.email == str(value).strip().lower(),
              "displayname": lambda value: func.lower(User.name) == str(value).strip().lower()},
    "Groups": {"id": _key(Team), "externalid": lambda value: Team.external_id == str(value),
               "displayname": lambda value: func.lower(Team.name) == str(value).strip().lower(),
               "members": _member, "members.value": _member},
}
