"""What the document says of a team beside what it is: its policy, its weekly digest, and how it writes postmortems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from app.core.access import Actor
from app.core.errors import Invalid
from app.escalation import policies
from app.escalation.queries import policy_of_team
from app.identity.models import Team
from app.identity.queries import team_document
from app.insights import digest_service as digests
from app.postmortems import patterns
from app.postmortems.queries import habits_of


def document(team: Team) -> dict[str, Any]:
    """The whole team."""
    policy = policy_of_team(team)
    return {**team_document(team), "policy": policy.key if policy else None, "digest": digests.choices_document(team),
            "postmortems": patterns.habits_document(habits_of(team.id))}


def finish(team: Team, values: Mapping[str, Any], *, by: Actor) -> None:
    """What names people, policies and templates. Raises Invalid at the field."""
    if "policy" in values:
        policies.set_team_policy(team, values["policy"], by=by)
    if values.get("digest") is not None:
        digests.save_choices(team, values["digest"], by=by)
    if values.get("postmortems"):
        try:
            patterns.save_habits(team, values["postmortems"], by=by)
        except Invalid as fault:
            raise Invalid(problems=[replace(one, field=f"postmortems.{one.field}") for one in fault.problems]) from None
