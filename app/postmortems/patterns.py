"""Commands and reads on templates, and on how a team writes postmortems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import or_, select, update

from app.core.access import Actor
from app.core.db import session
from app.core.errors import Invalid, NotFound, Problem
from app.core.events import record
from app.core.forms import CONTROL, Problems, check_text, one_of
from app.identity.models import Team
from app.identity.queries import allow, visible_teams
from app.incidents.queries import number_of
from app.postmortems import events, queries, rules
from app.postmortems.models import Habits, PostmortemTemplate

Sections = Sequence[Mapping[str, str]]


def templates(by: Actor, team_id: int | None = None) -> list[PostmortemTemplate]:
    """Everybody's and those of the teams this person may see, or of one team; everybody's first."""
    allow(by, "postmortem.read")
    query, teams = select(PostmortemTemplate).order_by(PostmortemTemplate.owner, PostmortemTemplate.name), visible_teams(by)
    if team_id is not None:
        query = query.where(PostmortemTemplate.owner.in_((0, team_id)))
    elif teams is not None:
        query = query.where(or_(PostmortemTemplate.team_id.is_(None), PostmortemTemplate.team_id.in_(teams)))
    return list(session.scalars(query))


def template_for(key: int | str, by: Actor, action: str = "postmortem.read") -> PostmortemTemplate:
    """One, if this person may do `action` with it. Raises NotFound or Forbidden."""
    found = session.get(PostmortemTemplate, number_of(key))
    if found is None:
        raise NotFound
    allow(by, action, team_id=found.team_id)
    return found


def save_template(found: PostmortemTemplate | None, values: Mapping[str, Any], team: Team | None, *,
                  by: Actor) -> PostmortemTemplate:
    """Create or change one; what was begun with it stays as it is."""
    owner = found.team_id if found else team.id if team else None
    allow(by, "postmortem.manage", team_id=owner)
    template = found or PostmortemTemplate(owner=owner or 0, team_id=owner, name="", sections=[])
    before = _document(template) if found else None
    problems = Problems()
    template.name = problems.take("name", check_text, values.get("name", template.name), least=1, most=100,
                                  label="A name") or template.name
    if "sections" in values:
        template.sections = _sections(values["sections"], problems)
    if session.scalar(select(PostmortemTemplate.id).where(
            PostmortemTemplate.owner == template.owner, PostmortemTemplate.name == template.name,
            PostmortemTemplate.id != (template.id or 0))) is not None:
        problems.add("name", "Another template has this name")
    problems.raise_if_any()
    session.add(template)
    session.flush()
    if _document(template) != before:
        record(events.TEMPLATE_SAVED, f"postmortem_template:{template.id}", by=by, also=_also(template), name=template.name,
               before=before, after=_document(template))
    return template


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
           before=_document(template))
    session.delete(template)
    session.flush()


def _document(template: PostmortemTemplate) -> dict[str, Any]:
    return {"name": template.name, "sections": [dict(one) for one in template.sections]}


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


def _template(name: str, team: Team, by: Actor) -> PostmortemTemplate | None:
    found = [one for one in templates(by, team.id) if one.name == name]
    if name and not found:
        raise Invalid(problems=[Problem("template", f"There is no template {name}")])
    return found[-1] if found else None


def habits_document(habits: Habits) -> dict[str, Any]:
    """As machines get them."""
    return {"automatic": habits.automatic, "review": habits.review,
            "template": habits.template.name if habits.template else None}
