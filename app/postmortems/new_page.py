"""Beginning a postmortem from the page: which incidents, for which team, with which template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import exists, select
from werkzeug.datastructures import MultiDict

from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.incidents.models import Incident
from app.incidents.queries import incident_for, visible
from app.postmortems import forms, patterns, queries, service
from app.postmortems.models import Postmortem, PostmortemIncident

OFFERED = 15


@dataclass(frozen=True)
class NewPage:
    """The form: incidents that are over and in no postmortem, those chosen first."""

    incidents: list[Incident]
    chosen: list[int]
    teams: list[tuple[str, str]]
    templates: list[tuple[str, str]]
    typed: Mapping[str, str]
    taken: str = ""
    refusal: str = ""
    faults: Mapping[str, str] = field(default_factory=dict)


def new_page(by: Actor, args: MultiDict[str, str], *, taken: str = "", refusal: str = "",
             faults: Mapping[str, str] | None = None) -> NewPage:
    """What can be chosen, and what was."""
    chosen = [number for text in forms.typed_numbers(args) if (number := queries.number_of(text))]
    linked = exists().where(PostmortemIncident.incident_id == Incident.id)
    over = visible(select(Incident), by).where(
        Incident.status == "resolved", Incident.resolved_at > clock.now() - timedelta(days=30), ~Incident.test,
        Incident.merged_into_id.is_(None), ~linked)
    offered = list(session.scalars(over.order_by(Incident.id.desc()).limit(OFFERED)))
    named = list(session.scalars(visible(select(Incident), by).where(Incident.id.in_(chosen)).order_by(Incident.id)))
    teams = forms.writing_teams(by)
    return NewPage(
        incidents=list(dict.fromkeys([*named, *offered])), chosen=chosen, teams=[(one.key, one.name) for one in teams],
        templates=[(str(one.id), f"{one.name} ({one.team.name})" if one.team else one.name)
                   for one in patterns.templates(by)],
        typed=args, taken=taken, refusal=refusal, faults=faults or {})


def begun(form: MultiDict[str, str], by: Actor) -> Postmortem:
    """The draft that the form describes. Raises Invalid or Conflict."""
    chosen = forms.incidents(forms.typed_numbers(form), by)
    template = patterns.template_for(form["template"], by) if form.get("template") else None
    return service.create(chosen, by=by, team=forms.team(form.get("team", ""), chosen, by), title=form.get("title", ""),
                          owner=queries.person(by), template=template)


def of_incident(id: str, by: Actor) -> Postmortem | None:
    """The postmortem of this incident that the reader may read: their own team's first."""
    incident = incident_for(id, by)
    found = list(session.scalars(queries.visible(select(Postmortem).join(PostmortemIncident), by).where(
        PostmortemIncident.incident_id == incident.id).order_by(Postmortem.id)))
    return min(found, key=lambda one: one.team_id != incident.team_id, default=None)
