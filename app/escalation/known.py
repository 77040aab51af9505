"""What levels are looked up in at one instant: asked for as it comes up, or for many levels read together beforehand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from app.core.db import session
from app.core.isolation import FAILS_ALL
from app.escalation import rules, turns
from app.escalation.models import Turn
from app.identity.models import Membership, Team, User
from app.notifications.channel_models import Room
from app.notifications.queries import reachable
from app.oncall.models import Schedule
from app.oncall.queries import on_duty, on_duty_now, shifts, shifts_of
from app.oncall.rules import Shift
from app.webhooks.models import Webhook

AHEAD = timedelta(days=92)
MODELS: dict[str, Any] = {"user": User, "schedule": Schedule, "team": Team, "room": Room, "webhook": Webhook}


@dataclass
class Known:
    """What is known `at` an instant. `rows` are kept so that the session finds them without asking again; `reached` says of
    each person who was asked for whether some method reaches them."""

    at: datetime
    rows: list[Any] = field(default_factory=list)
    people: dict[int, User] = field(default_factory=dict)
    duty: dict[int, Shift] = field(default_factory=dict)
    coming: dict[int, list[Shift]] = field(default_factory=dict)
    members: dict[int, list[User]] = field(default_factory=dict)
    reached: dict[int, bool] = field(default_factory=dict)
    lines: dict[str, list[Any]] = field(default_factory=dict)

    def on_duty(self, schedule: Schedule) -> Shift:
        """The shift that runs."""
        return self.duty.get(schedule.id) or on_duty(schedule, self.at)

    def shifts(self, schedule: Schedule) -> list[Shift]:
        """Who is on duty from now on, for three months."""
        found = self.coming.get(schedule.id)
        return shifts(schedule, self.at, self.at + AHEAD) if found is None else found

    def responders(self, team_id: int) -> list[User]:
        """Those of the team who may be paged, by id."""
        found = self.members.get(team_id)
        return _responders([team_id])[team_id] if found is None else found

    def line(self, target: Mapping[str, Any], members: Sequence[int]) -> list[int]:
        """The members in the order in which it is their turn."""
        kept = self.lines.get(turns.rotation(target))
        return turns.waiting(target, members) if kept is None else rules.line(members, kept)

    def reachable(self, user_ids: Iterable[int]) -> set[int]:
        """Those of these people whom some method reaches."""
        asked = set(user_ids)
        if asked <= self.reached.keys():
            return {one for one in asked if self.reached[one]}
        return reachable(asked)

    def names(self, user_ids: Iterable[int]) -> list[str]:
        """Their names, in this order."""
        asked = list(user_ids)
        missing = [one for one in asked if one not in self.people]
        self.people |= {one.id: one for one in _rows(User, missing)}
        return [self.people[one].name for one in asked if one in self.people]


def read_ahead(levels: Iterable[Mapping[str, Any]], at: datetime) -> Known:
    """All that these levels may mean at `at`; so many queries, however many levels there are."""
    targets = [target for level in levels for target in level["targets"]]
    named: dict[str, set[int]] = defaultdict(set)
    for target in targets:
        kind = rules.kind_of(target)
        named["user" if kind == "users" else kind].update(target[kind] if kind == "users" else [target.get(kind)])
    rows = {kind: _rows(model, named[kind]) for kind, model in MODELS.items()}
    known = Known(at, rows=[one for some in rows.values() for one in some])
    known.lines = _lines({turns.rotation(one) for one in targets} - {""})
    known.members = _responders(named["team"])
    _read_duty(known, rows["schedule"], {target.get("schedule") for target in targets if target.get("next")})
    on_duty = {int(one) for some in (known.duty.values(), *known.coming.values()) for shift in some for one in shift.people}
    met = {user.id: user for user in rows["user"]} | {one.id: one for some in known.members.values() for one in some}
    known.people = met | {one.id: one for one in _rows(User, on_duty - met.keys())}
    usable = reachable(known.people)
    known.reached = {one: one in usable for one in known.people}
    return known


def _read_duty(known: Known, schedules: list[Schedule], followed: set[int | None]) -> None:
    """Where one of them can't be worked out, each is asked for by itself, so that one fault is one target's."""
    try:
        known.duty = on_duty_now(schedules, known.at) if schedules else {}
        later = [one for one in schedules if one.id in followed]
        known.coming = shifts_of(later, known.at, known.at + AHEAD) if later else {}
    except FAILS_ALL:
        raise
    except Exception:
        known.duty, known.coming = {}, {}


def _rows(model: Any, ids: Iterable[int]) -> list[Any]:
    wanted = set(ids)
    return list(session.scalars(select(model).where(model.id.in_(wanted)))) if wanted else []


def _lines(rotations: set[str]) -> dict[str, list[Any]]:
    found = session.scalars(select(Turn).where(Turn.rotation.in_(rotations))) if rotations else ()
    return dict.fromkeys(rotations, []) | {one.rotation: one.line for one in found}


def _responders(team_ids: Iterable[int]) -> dict[int, list[User]]:
    found: dict[int, list[User]] = {key: [] for key in team_ids}
    rows = session.execute(select(Membership.team_id, User).join(User, User.id == Membership.user_id).where(
        Membership.team_id.in_(found), Membership.role.in_(("manager", "responder")), User.state == "active")
        .order_by(User.id)) if found else ()
    for key, user in rows:
        found[key].append(user)
    return found
