"""What the document says of a team beside what it is: its policy, its weekly digest, how it writes postmortems, and whose
workflows act there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from app.core.access import Actor
from app.core.errors import Invalid
from app.escalation import policies
from app.escalation.queries import default_policies
from app.identity.models import Team
from app.identity.queries import team_documents
from app.insights import digest_service as digests
from app.postmortems import patterns
from app.postmortems.queries import habits_of_all
from app.workflows import watching


def documents(teams: Sequence[Team]) -> list[dict[str, Any]]:
    """The whole teams."""
    keys, choices = default_policies(team.id for team in teams), digests.choices_documents(teams)
    habits, watched = habits_of_all([team.id for team in teams]), watching.watched()
    return [{**said, "policy": keys.get(team.id), "digest": choices[team.id],
             "postmortems": patterns.habits_document(habits[team.id]), "global_workflows": team.id in watched}
            for team, said in zip(teams, team_documents(teams), strict=True)]


def finish(team: Team, values: Mapping[str, Any], *, by: Actor) -> None:
    """What names people, policies and templates. Raises Invalid at the field."""
    if "policy" in values:
        policies.set_team_policy(team, values["policy"], by=by)
    if values.get("global_workflows") is not None:
        watching.watch(team, values["global_workflows"], by=by)
    if values.get("digest") is not None:
        digests.save_choices(team, values["digest"], by=by)
    if values.get("postmortems"):
        try:
            patterns.save_habits(team, values["postmortems"], by=by)
        except Invalid as fault:
            raise Invalid(problems=[replace(one, field=f"postmortems.{one.field}") for one in fault.problems]) from None
