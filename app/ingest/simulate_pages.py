"""The page "who would be paged": what is supposed, and the answer in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from app.catalog.models import Service
from app.catalog.queries import visible as visible_services
from app.core import clock
from app.core.access import Actor
from app.core.db import session
from app.core.errors import Invalid, Problem
from app.identity.models import User
from app.incidents.rules import SEVERITIES
from app.ingest import queries, raw, simulation
from app.ingest.why import Step

FORMAT = "%Y-%m-%dT%H:%M"


@dataclass(frozen=True)
class Call:
    """One page that would go out; `after` is `m:ss` from the beginning."""

    at: datetime
    after: str
    text: str
    sub: str
    drawing: str
    tone: str
    heading: str = ""


@dataclass(frozen=True)
class SimulatePage:
    """The form with what was typed, and the answer once there is one."""

    mode: str
    values: Mapping[str, str]
    zone: str
    services: list[tuple[str, str]]
    integrations: list[tuple[str, str]]
    severities: list[tuple[str, str]]
    answer: Mapping[str, Any] | None = None
    calls: list[Call] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    people: int = 0
    hint: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)


def shown(by: Actor, args: Mapping[str, str]) -> SimulatePage:
    """The empty form; `delivery` in the address fills in a stored one, `service` names a service."""
    values = {name: args.get(name, "") for name in ("service", "severity", "integration", "payload", "at")}
    mode = "payload" if args.get("mode") == "payload" or args.get("delivery") else "incident"
    if args.get("delivery"):
        found = simulation.supposed({"delivery": args["delivery"]}, by=by)
        values["integration"] = found.integration.key if found.integration else ""
        values["payload"] = raw.body(found.body)
    zone = _zone(by)
    values["at"] = values["at"] or clock.now().astimezone(ZoneInfo(zone)).strftime(FORMAT)
    services = session.scalars(visible_services(select(Service), by).where(Service.lifecycle != "archived")
                               .order_by(Service.name))
    return SimulatePage(mode=mode, values=values, zone=zone, services=[(one.key, one.name) for one in services],
                        integrations=[(one.key, one.name) for one in queries.named(by)],
                        severities=[(name, name.capitalize()) for name in SEVERITIES])


def _zone(by: Actor) -> str:
    person = session.get(User, by.user_id) if by.user_id is not None else None
    return person.time_zone if person else "UTC"


def asked(form: Mapping[str, str], zone: str) -> tuple[dict[str, str], str]:
    """What the simulation is asked, and a hint about the time. Raises Invalid."""
    names = ("integration", "payload") if form.get("mode") == "payload" else ("service", "severity")
    at, hint = _instant(form.get("at", ""), zone)
    return {**{name: form.get(name, "") for name in names}, "at": at}, hint


def _instant(text: str, zone: str) -> tuple[str, str]:
    """A wall-clock time of the reader; one that does not exist that day is read an hour later, and told."""
    if not text.strip():
        return "", ""
    try:
        local = datetime.fromisoformat(text.strip()).replace(tzinfo=ZoneInfo(zone))
    except ValueError:
        raise Invalid(problems=[Problem("at", "Write a time like 2026-03-29T02:30")]) from None
    found = local.astimezone(UTC)
    read = found.astimezone(ZoneInfo(zone))
    hint = "" if read.replace(tzinfo=None) == local.replace(tzinfo=None) else (
        f"{local:%H:%M} does not exist that day. Read as {read:%H:%M}, clocks go forward.")
    return found.isoformat(), hint


def answered(before: SimulatePage, form: Mapping[str, str], answer: Mapping[str, Any], hint: str) -> dict[str, Any]:
    """What the page shows beside the form, as fields of the page."""
    route = answer["route"]
    steps = [Step(one["rule"], one["reason"], one["matched"]) for one in route["considered"]]
    steps.append(Step(f"By {route['step']}" if route["step"] else "No incident", route["reason"], bool(route["step"])))
    return {"mode": form.get("mode", before.mode), "values": {**before.values, **form}, "answer": answer,
            "calls": _calls(answer), "steps": steps, "hint": hint,
            "people": len({one["user"]["email"] for one in answer["pages"]})}


def _calls(answer: Mapping[str, Any]) -> list[Call]:
    """Pages and skips together in the order of time, under a heading where the level changes."""
    began = clock.parse_instant(answer["at"])
    told = [(one["at"], one["level"], one["round"], f"{one['user']['name']} by {one['channel']}",
             f"to {one['address']}, {one['reason']}", _drawing(one["channel"]), "human",
             one["policy"]) for one in answer["pages"]]
    told += [(one["at"], one["level"], one["round"], f"Level {one['level']} skipped", one["reason"], "warn", "caution", None)
             for one in answer["skipped"]]
    for one in answer["posts"]:
        what, drawing = (f"A post in {one['room']}", "chat") if "room" in one else (f"A call of {one['webhook']}", "webhook")
        told.append((one["at"], one["level"], one["round"], what, "it pages nobody", drawing, "info", None))
    calls: list[Call] = []
    last = ("", 0, 0)
    for text, level, round_, what, sub, drawing, tone, policy in sorted(told, key=lambda one: (one[0], one[1] or 0)):
        at = clock.parse_instant(text)
        place = (text if level is None else "", level or 0, round_ or 0)
        heading = f"Level {level}{f', round {round_}' if round_ and round_ > 1 else ''}" if level and place != last else ""
        if heading and policy and policy != answer["policy"]:
            heading = f"{heading} of {policy}"
        calls.append(Call(at, _after((at - began).total_seconds()), what, sub, drawing, tone, heading))
        last = place
    return calls


def _drawing(channel: str) -> str:
    return {"sms": "sms", "voice": "phone", "webpush": "push", "webhook": "webhook", "email": "mail"}.get(channel, "chat")


def _after(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
