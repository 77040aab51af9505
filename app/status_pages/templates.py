"""Commands on the texts that a page keeps for its notices."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select

from app.core.access import Actor
from app.core.db import session
from app.core.errors import NotFound
from app.core.events import record
from app.core.forms import Problems, check_text, one_of
from app.core.templating import faults as template_faults
from app.identity.queries import allow
from app.status_pages import events, rules, states
from app.status_pages.maintenance_models import NoticeTemplate
from app.status_pages.models import StatusPage

NAMES = frozenset({"component", "page", "started_at", "state"})


def save(page: StatusPage, values: Mapping[str, str], *, by: Actor) -> NoticeTemplate:
    """Keep a text under a name; one of the same name is replaced. Raises Invalid."""
    allow(by, "status_page.edit", team_id=page.team_id)
    problems = Problems()
    name = problems.take("name", check_text, values.get("name"), least=1, most=100, label="A name") or ""
    text = problems.take("text", check_text, values.get("text"), least=1, most=5000, label="The text") or ""
    title = problems.take("title", check_text, values.get("title") or "", most=200) or ""
    state = problems.take("state", one_of, values.get("state") or rules.INVESTIGATING, choices=rules.NOTICE_STATES) or ""
    for field, said in (("text", text), ("title", title)):
        for _, fault in template_faults(said, NAMES):
            problems.add(field, fault)
    problems.raise_if_any()
    found = session.scalar(select(NoticeTemplate).where(NoticeTemplate.page_id == page.id, NoticeTemplate.name == name))
    kept = found or NoticeTemplate(page_id=page.id, name=name)
    kept.title, kept.state, kept.text = title, state, text
    session.add(kept)
    session.flush()
    record(events.TEMPLATE_SAVED, page.ref, by=by, also=states.also(page), name=name)
    return kept


def remove(page: StatusPage, number: str, *, by: Actor) -> None:
    """Throw one away. Raises NotFound."""
    allow(by, "status_page.edit", team_id=page.team_id)
    key = int(number) if number.isdecimal() and len(number) < 18 else 0
    found = session.scalar(select(NoticeTemplate).where(NoticeTemplate.page_id == page.id, NoticeTemplate.id == key))
    if found is None:
        raise NotFound
    record(events.TEMPLATE_REMOVED, page.ref, by=by, also=states.also(page), name=found.name)
    session.delete(found)
    session.flush()
