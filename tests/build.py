"""The people and things of the stories that tests tell: Ana manages, Bob is her team mate, Charlie is outside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from functools import cache
from typing import Any, TypeVar

from argon2 import PasswordHasher
from sqlalchemy import func, select

from app.catalog.models import Service
from app.connections.models import Connection
from app.core import clock
from app.core.access import OPERATOR, Actor
from app.core.db import Base, in_transaction, session, transaction
from app.core.secrets import digest, new_token, seal
from app.escalation.models import Policy, TeamPolicy
from app.heartbeats.models import Heartbeat
from app.heartbeats.service import save_heartbeat
from app.identity.models import ApiToken, Membership, Team, User
from app.incidents.models import Alert, Counter, Incident
from app.ingest.models import Integration
from app.notifications.models import ContactMethod, NotificationRule
from app.oncall.models import Layer, Schedule
from app.partners.models import Partner
from app.partners.service import save_partner
from app.postmortems.items import add_item
from app.postmortems.models import ActionItem, Postmortem, PostmortemTemplate
from app.postmortems.patterns import save_template
from app.postmortems.service import create as create_postmortem
from app.runbooks import vault
from app.runbooks.models import Runbook, Secret
from app.runbooks.service import approve, save_runbook
from app.status_pages.models import StatusPage
from app.status_pages.service import save_page

PASSWORD = "correct horse battery staple"
Thing = TypeVar("Thing", bound=Base)


def _kept(make: Callable[[], Thing]) -> Thing:
    """Add what `make` makes, in the open transaction or in one of its own."""
    with nullcontext() if in_transaction() else transaction():
        thing = make()
        session.add(thing)
        session.flush()
        return thing


@cache
def _hash() -> str:
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


def user(name: str, *, email: str = "", reachable: bool = True, **columns: Any) -> User:
    """A person called `name.title()` at `<name>@example.com`, with a proven mail address unless told otherwise."""
    def make() -> User:
        made = User(email=email or f"{name.lower()}@example.com", name=name.title(),
                    **{"password_hash": _hash(), **columns})
        session.add(made)
        session.flush()
        if reachable:
            contact(made)
        return made
    return _kept(make)


def contact(person: User, channel: str = "email", address: str = "", **columns: Any) -> ContactMethod:
    """A proven way to reach a person; its name is the channel, mail for e-mail."""
    name = columns.pop("name", "mail" if channel == "email" else channel)
    return _kept(lambda: ContactMethod(
        user_id=person.id, name=name, channel=channel, address=address or person.email,
        **{"proven_at": clock.now(), **columns}))


def rules(person: User, *steps: tuple[int, ContactMethod], urgency: str = "high") -> list[NotificationRule]:
    """The person's own rules: after so many seconds, by this method."""
    return [_kept(lambda at=at, step=step: NotificationRule(
        user_id=person.id, urgency=urgency, position=at, after=step[0], method_id=step[1].id))
        for at, step in enumerate(steps)]


def team(key: str, *, manager: User | None = None, responders: Iterable[User] = (), observers: Iterable[User] = (),
         **columns: Any) -> Team:
    """A team called `key.title()` and its members."""
    def make() -> Team:
        made = Team(key=key, name=columns.pop("name", key.replace("-", " ").title()), **columns)
        session.add(made)
        session.flush()
        for role, people in (("manager", [manager] if manager else []), ("responder", responders),
                             ("observer", observers)):
            session.add_all(Membership(team=made, user=person, role=role) for person in people)
        return made
    return _kept(make)


def service(key: str, *, team: Team, policy: Policy | None = None, **columns: Any) -> Service:
    """Something of the team's that can break."""
    name = columns.pop("name", key.replace("-", " ").title())
    return _kept(lambda: Service(key=key, name=name, team_id=team.id, policy_id=policy.id if policy else None,
                                 **columns))


def schedule(key: str, *, team: Team, turns: Sequence[Sequence[User]], time_zone: str = "UTC",
             **layer: Any) -> Schedule:
    """One layer whose turns follow each other weekly from 5 January 2026, 09:00 local time, unless told otherwise."""
    def make() -> Schedule:
        made = Schedule(key=key, name=key.replace("-", " ").title(), team_id=team.id, time_zone=time_zone)
        made.layers.append(Layer(position=0, turns=[[person.id for person in turn] for turn in turns],
                                 **{"name": "base", "starts": "2026-01-05T09:00", "every": 1, "unit": "week", **layer}))
        return made
    return _kept(make)


def policy(key: str, *levels: tuple[int, Sequence[Base]], team: Team | None = None, default: bool = True,
           **columns: Any) -> Policy:
    """Levels as (seconds until the next, [schedules, people, teams]); the default policy of its team."""
    def make() -> Policy:
        made = Policy(key=key, name=columns.pop("name", key.replace("-", " ").title()),
                      team_id=team.id if team else None, levels=[_level(*level) for level in levels], **columns)
        session.add(made)
        session.flush()
        if team is not None and default:
            session.add(TeamPolicy(team_id=team.id, policy_id=made.id))
        return made
    return _kept(make)


def _level(timeout: int, targets: Sequence[Base]) -> dict[str, Any]:
    return {"timeout": timeout, "targets": [{type(target).__name__.lower(): target.id}  # type: ignore[attr-defined]
                                            for target in targets]}


def integration(key: str, *, plugin: str = "webhook", team: Team | None = None, service: Service | None = None,
                token: str = "", **columns: Any) -> Integration:
    """A sender that is allowed in, by default at `/in/token-of-<key>-0123456789`."""
    text = token or f"token-of-{key}-0123456789"

    def make() -> Integration:
        made = Integration(
            key=key, name=columns.pop("name", key.title()), plugin=plugin, team_id=team.id if team else None,
            service_id=service.id if service else None, token_hash=digest(text), token_sealed="",
            token_last4=text[-4:], **columns)
        session.add(made)
        session.flush()
        made.token_sealed = seal(text, bound_to=f"integration:{key}/token")
        return made
    return _kept(make)


def heartbeat(key: str, *, team: Team | None = None, **values: Any) -> Heartbeat:
    """Something that reports every minute at `/heartbeat/token-of-<key>-0123456789`, with half a minute of grace."""
    def make() -> Heartbeat:
        return save_heartbeat({"key": key, "name": key.title(), "team": team.key if team else None, "every": "1m",
                               "grace": "30s", "token": f"token-of-{key}-0123456789", **values}, by=OPERATOR)
    return _kept(make)


def secret(name: str, value: str = "s3cret-value", *, team: Team | None = None) -> Secret:
    """What requests name `{{ secret.<name> }}`; a team's, or everybody's."""
    return _kept(lambda: vault.add(name, value, team=team.key if team else None, by=OPERATOR))


def connection(key: str, *, action: str = "slack_post", team: Team | None = None, **columns: Any) -> Connection:
    """An account at another product; secrets in `config` stand there as they are."""
    return _kept(lambda: Connection(key=key, name=columns.pop("name", key.title()), action=action,
                                    team_id=team.id if team else None, **columns))


def status_page(slug: str, *, team: Team | None = None, **values: Any) -> StatusPage:
    """A public page called `slug.title() status`, with one component that follows no service."""
    return _kept(lambda: save_page({"slug": slug, "name": f"{slug.title()} status", "team": team.key if team else None,
                                    "components": [{"name": "Everything"}], **values}, by=OPERATOR))


def partner(name: str, *pages: StatusPage, **values: Any) -> Partner:
    """Somebody outside, `<name>@partner.example` of Partner Ltd, who may read these pages."""
    return _kept(lambda: save_partner({
        "email": f"{name.lower()}@partner.example", "name": name.title(), "organisation": "Partner Ltd",
        "grants": [{"page": page.slug} for page in pages], **values}, by=OPERATOR))


def runbook(key: str, *, team: Team | None = None, url: str = "https://ops.example.com/run", approver: User | None = None,
            **values: Any) -> Runbook:
    """A draft that posts to `url`; approved when somebody approves it."""
    def make() -> Runbook:
        config = {"url": url, **values.pop("config", {})}
        made = save_runbook({"key": key, "name": key.replace("-", " ").capitalize(), "team": team.key if team else None,
                             "target": "webhook", "config": config, **values}, by=OPERATOR)
        return approve(made, by=actor(approver)) if approver else made
    return _kept(make)


def actor(person: User) -> Actor:
    """The person as commands know them."""
    return Actor(person.ref, person.name, via="web", user_id=person.id)


def incident(title: str = "Checkout is down", *, service: Service | None = None, team: Team | None = None,
             **columns: Any) -> Incident:
    """An incident with the next number; nobody is paged about it."""
    def make() -> Incident:
        counter = session.get(Counter, "incident") or Counter(name="incident", value=0)
        highest = session.scalar(select(func.max(Incident.id))) or 0
        counter.value = max(counter.value, highest) + 1
        session.add(counter)
        owner = team.id if team else service.team_id if service else None
        return Incident(id=counter.value, title=title, service_id=service.id if service else None, team_id=owner,
                        **columns)
    return _kept(make)


def alert(incident: Incident, *, integration: Integration | None = None, dedup_key: str = "problem-1",
          **columns: Any) -> Alert:
    """A firing alert of the incident."""
    def make() -> Alert:
        incident.alert_count += 1
        return Alert(**{"title": incident.title, "dedup_key": dedup_key, "incident_id": incident.id,
                        "integration_id": integration.id if integration else None,
                        "service_id": incident.service_id, "severity": incident.severity, **columns})
    return _kept(make)


def postmortem(*incidents: Incident, author: User | None = None, **values: Any) -> Postmortem:
    """A draft about these incidents, begun by the operator or by somebody."""
    by = Actor(author.ref, author.name, via="web", user_id=author.id) if author else OPERATOR
    return _kept(lambda: create_postmortem([session.get_one(Incident, one.id) for one in incidents], by=by, **values))


def action_item(found: Postmortem, owner: User, **values: Any) -> ActionItem:
    """Something to do by somebody until the end of March 2026."""
    return _kept(lambda: add_item(session.get_one(Postmortem, found.id), {
        "title": "Slow down retries", "owner": owner.email, "due_on": "2026-03-31", **values}, by=OPERATOR))


def postmortem_template(name: str, *, team: Team | None = None, body: str = "") -> PostmortemTemplate:
    """A template with one section, What happened."""
    return _kept(lambda: save_template(None, {"name": name, "sections": [{"heading": "What happened", "body": body}]}, team,
                                       by=OPERATOR))


def token(person: User, *, scopes: list[str] | None = None, **columns: Any) -> str:
    """A machine's key with the person's rights, in plain text."""
    text = new_token()
    _kept(lambda: ApiToken(user_id=person.id, token_hash=digest(text), last4=text[-4:], scopes=scopes,
                           **{"name": "test", **columns}))
    return text
