"""The standing story of these tests: card payments failed on a Monday, Bob was paged, took it and ended it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from app.core.db import session, transaction
from app.identity.models import Team, User
from app.incidents import service as incidents
from app.incidents.models import Incident
from app.postmortems import queries, reviewing, rules, service
from app.postmortems.models import Postmortem
from tests.incidents.people import by
from tests.pager import Pager, firing, post

START = "2026-03-02T10:00:00+00:00"


@dataclass
class Story:
    """Who is in it, and the clock."""

    pager: Pager
    at: Any
    client: Any
    run_jobs: Any
    tick: Any

    @property
    def ana(self) -> User:
        """The manager."""
        return self.pager.ana

    @property
    def bob(self) -> User:
        """The responder on duty."""
        return self.pager.bob

    @property
    def team(self) -> Team:
        """Theirs."""
        return self.pager.team

    def later(self, **span: float) -> None:
        """So much time passes."""
        self.at.shift(timedelta(**span))

    def happens(self, name: str = "HighErrorRate", **more: Any) -> Incident:
        """An alert comes in and pages Bob."""
        post(self.client, self.pager, firing(name, **more))
        self.run_jobs()
        self.tick("app.notifications.ticks.send")
        session.expire_all()
        return session.query(Incident).order_by(Incident.id.desc()).first()

    def ends(self, incident: Incident, note: str = "Switched to the second provider") -> Incident:
        """Bob takes it after two minutes and ends it after twenty more; reactions run."""
        self.later(minutes=2)
        with transaction():
            incidents.acknowledge(session.get_one(Incident, incident.id), by=by(self.bob))
        self.later(minutes=20)
        with transaction():
            incidents.resolve(session.get_one(Incident, incident.id), by=by(self.bob), note=note)
        self.run_jobs()
        session.expire_all()
        return session.get_one(Incident, incident.id)


def written(postmortem: Postmortem, who: User, **sections: str) -> Postmortem:
    """Somebody changes sections and saves: `written(one, ana, Summary="…")`."""
    with transaction():
        found = session.get_one(Postmortem, postmortem.id)
        said = queries.content_of(found)
        texts = {name.replace("_", " "): text for name, text in sections.items()}
        changed = replace(said, sections=tuple(
            rules.Section(one.heading, texts.get(one.heading, one.body), one.guide) for one in said.sections))
        return service.save(found, found.version, changed, by=by(who))


def approved(postmortem: Postmortem, author: User, reviewer: User) -> Postmortem:
    """The author asks, the reviewer approves."""
    with transaction():
        found = session.get_one(Postmortem, postmortem.id)
        reviewing.submit(found, [reviewer], by=by(author))
        return reviewing.approve(found, by=by(reviewer))


def published(postmortem: Postmortem, author: User, reviewer: User) -> Postmortem:
    """Approved by the one, published by the other."""
    approved(postmortem, author, reviewer)
    with transaction():
        return reviewing.publish_version(session.get_one(Postmortem, postmortem.id), by=by(author))


def form_of(html: str) -> dict[str, str]:
    """What the editor's form would send."""
    found = dict(re.findall(r'name="(version|title|impact|impact_from|impact_to|mitigated_at|heading-\d+)"[^>]*value="([^"]*)"',
                            html))
    return found | {name: text.lstrip("\n") for name, text in re.findall(r'name="(body-\d+)"[^>]*>(.*?)</textarea>', html,
                                                                         re.DOTALL)}
