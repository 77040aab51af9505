"""What figures add to the page of an incident."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.access import Actor
from app.identity.queries import may
from app.incidents.models import Incident
from app.insights.models import NoiseMark
from app.insights.pages import noise_mark


@dataclass(frozen=True)
class Noise:
    """Whether it is marked as noise, and whether the reader may say so."""

    mark: NoiseMark | None
    may_act: bool


def noise(incident: Incident, by: Actor) -> Noise:
    """Of one incident, for its reader."""
    return Noise(noise_mark(incident.id), may(by, "incident.act", team_id=incident.team_id))
