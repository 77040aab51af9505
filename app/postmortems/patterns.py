"""Commands and reads on templates, and on how a team writes postmortems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Select, or_, select, update
from sqlalchemy.orm import joinedload

from app.core.access import Actor
from app.core.db import session
from app.core.errors import Invalid, NotFound, Problem
from app.core.events import record
from app.core.forms import (
    CONTROL,
    Problems,
    check_key,
    check_text,
    free_key,
    one_of,
    refuse,
)
from app.identity.models import Team
from app.identity.queries import allow, team_named, visible_teams
from app.incidents.queries import number_of
from app.postmortems import events, queries, rules
from app.postmortems.models import Habits, PostmortemTemplate

Sections = Sequence[Mapping[str, str]]


def templates(by: Actor, team_id: int | None = None) -> list[PostmortemTemplate]:
    """Everybody's and those of the teams this person may see, or of one team; everybody's first."""
    allow(by, "postmortem.read")
    query = in_document(by) if team_id is None else select(PostmortemTemplate).where(
        PostmortemTemplate.owner.in_((0, team_id))).options(joinedload(PostmortemTemplate.team))
    return list(session.scalars(query.order_by(PostmortemTemplate.owner, PostmortemTemplate.name)))


def template_for(key: int | str, by: Actor, action: str = "postmortem.read") -> PostmortemTemplate:
    """One, if this person may do `action` with it. Raises NotFound or Forbidden."""
    found = session.get(PostmortemTemplate, number_of(key))
    if found is None:
        raise NotFound
    allow(by, action, team_id=found.team_id)
    return found


def template_by_key(key: str) -> PostmortemTemplate | None:
    """The template of this key, in any letter case."""
    return session.scalar(select(PostmortemTemplate).where(PostmortemTemplate.key == key.lower()))


def in_document(by: Actor) -> Select[Any]:
    """The templates that this person may see, as the configuration document names them."""
    query, teams = select(PostmortemTemplate).options(joinedload(PostmortemTemplate.team)), visible_teams(by)
    return query if teams is None else query.where(or_(PostmortemTemplate.team_id.is_(None),
                                                       PostmortemTemplate.team_id.in_(teams)))


def save_named(values: Mapping[str, Any], *, by: Actor) -> PostmortemTemplate:
    """Create or change the one of this key, as the configuration document says it."""
    found = template_by_key(str(values["key"]))
    team = team_named(values.get("team"), by)
    if values.get("team") and team is None:
        refuse("team", f"There is no team {values['team']}")
    if found is not None and "team" in values and found.team_id != (team.id if team else None):
        refuse("team", "A template stays whose it is")
    return save_template(found, values, team, by=by)


def save_template(found: PostmortemTemplate | None, values: Mapping[str, Any], team: Team | None, *,
                  by: Actor) -> PostmortemTemplate:
    """Create or change one; what was begun with it stays as it is. A new one without a key gets it from its name."""
    owner = found.team_id if found else team.id if team else None
    allow(by, "postmortem.manage", team_id=owner)
    template = found or PostmortemTemplate(owner=owner or 0, team=team, team_id=owner, key="", name="", sections=[])
    before = template_values(template) if found else None
    problems = Problems()
    template.name = problems.take("name", check_text, values.get("name", template.name), least=1, most=100,
                                  label="A name") or template.name
    if "sections" in values:
        template.sections = _sections(values["sections"], problems)
    _key(template, values.get("key"), problems)
    with session.no_autoflush:
        if session.scalar(select(PostmortemTemplate.id).where(
                PostmortemTemplate.owner == template.owner, PostmortemTemplate.name == template.name,
                PostmortemTemplate.id != (template.id or 0))) is not None:
            problems.add("name", "Another template has this name")
    problems.raise_if_any()
    session.add(template)
    session.flush()
    if template_values(template) != before:
        record(events.TEMPLATE_SAVED, f"postmortem_template:{template.id}", by=by, also=_also(template), name=template.name,
               before=before, after=template_values(template))
    return template


def _key(template: PostmortemTemplate, said: str | None, problems: Problems) -> None:
    """What configuration calls it; that never changes."""
    with session.no_autoflush:
        if template.key:
            if said and said.lower() != template.key:
                problems.add("key", "The key of a template never changes")
        elif not said:
            template.key = free_key(template.name, "template", lambda key: template_by_key(key) is not None)
        else:
            template.key = problems.take("key", check_key, said) or ""
            if template.key and template_by_key(template.key) is not None:
                problems.add("key", "Another template has this key")


def _sections(given: Sections, problems: Problems) -> list[dict[str, str]]:
    kept = [{name: str(one.get(name) or "").strip() for name in ("heading", "guide", "body")} for one in given]
    kept = [one for one in kept if any(one.values())]
    headings = [one["heading"].lower() for one in kept]
    if not 0 < len(kept) <= rules.SECTIONS or not all(0 < len(one) <= rules.HEADING for one in headings):
        problems.add("sections", f"1 to {rules.SECTIONS} sections, each with a heading of 1 to {rules.HEADING} characters")
    elif len(set(headings)) != len(headings):
        problems.add("sections", "Headings differ from each other")
    for one in kept:
        if unknown := rules.unknown_variables(one["body"]):
            problems.add("sections", f"{one['heading']}: there is no variable {', '.join(unknown)}")
        if len(one["guide"]) > 500 or len(one["body"]) > 10_000 or any(CONTROL.search(text) for text in one.values()):
            problems.add("sections", f"{one['heading']}: a guide has at most 500 characters, a text 10,000")
    return kept


def remove_template(template: PostmortemTemplate, *, by: Actor) -> None:
    """Teams that used it begin with the built-in sections again."""
    allow(by, "postmortem.manage", team_id=template.team_id)
    session.execute(update(Habits).where(Habits.template_id == template.id).values(template_id=None))
    record(events.TEMPLATE_REMOVED, f"postmortem_template:{template.id}", by=by, also=_also(template), name=template.name,
           before=template_values(template))
    session.delete(template)
    session.flush()


def template_values(template: PostmortemTemplate) -> dict[str, Any]:
    """As the configuration document writes it."""
    return {"key": template.key, "name": template.name, "team": template.team.key if template.team else None,
            "sections": [dict(one) for one in template.sections]}


def template_document(template: PostmortemTemplate) -> dict[str, Any]:
    """As machines get it."""
    return {"id": str(template.id), **template_values(template)}


def _also(template: PostmortemTemplate) -> list[str]:
    return ["postmortems", *([f"team:{template.team_id}"] if template.team_id else [])]


def save_habits(team: Team, values: Mapping[str, Any], *, by: Actor) -> Habits:
    """How a team writes postmortems; what is left out stays."""
    allow(by, "postmortem.manage", team_id=team.id)
    habits, problems = queries.habits_of(team.id), Problems()
    before = habits_document(habits)
    for name, choices in (("automatic", tuple(rules.AUTOMATIC)), ("review", rules.REVIEW)):
        if name in values:
            setattr(habits, name, problems.take(name, one_of, values[name], choices=choices) or getattr(habits, name))
    if "template" in values:
        habits.template = _template(str(values["template"] or ""), team, by)
        habits.template_id = habits.template.id if habits.template else None
    problems.raise_if_any()
    session.add(habits)
    session.flush()
    if habits_document(habits) != before:
        record(events.SETTINGS_CHANGED, team.ref, by=by, also=["postmortems"], team=team.name, before=before,
               after=habits_document(habits))
    return habits


def _template(said: str, team: Team, by: Actor) -> PostmortemTemplate | None:
    """By its key, else by its name: the team's own before everybody's."""
    some = templates(by, team.id)
    found = [one for one in some if one.key == said.lower()] or [one for one in some if one.name == said]
    if said and not found:
        raise Invalid(problems=[Problem("template", f"There is no template {said}")])
    return found[-1] if found else None


def habits_document(habits: Habits) -> dict[str, Any]:
    """As machines get them."""
    return {"automatic": habits.automatic, "review": habits.review,
            "template": habits.template.key if habits.template else None}
