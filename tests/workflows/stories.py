"""What tests of workflows share: a document applied as it stands, a world with an incident, and the clock's turns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event, insert, inspect

from app.core.access import OPERATOR
from app.core.db import db, session, transaction
from app.workflows import service
from app.workflows.models import Workflow, WorkflowRun

HOOK = {"method": "POST", "body": {"text": "{{ incident.title }}"}}


def hook(id: str, url: str, **more: Any) -> dict[str, Any]:
    """A step that calls a web address."""
    inside = {**HOOK, "url": url, **more.pop("with_", {})}
    return {"id": id, "kind": "action", "action": "webhook", "with": inside, **more}


def note(id: str, body: str = "noted", **more: Any) -> dict[str, Any]:
    """A step that writes a note on the incident."""
    return {"id": id, "kind": "action", "action": "add_note", "with": {"body": body}, **more}


def when(field: str, op: str, value: Any = None) -> dict[str, Any]:
    """A comparison."""
    return {"field": field, "op": op, **({} if value is None else {"value": value})}


def edges(*lines: str) -> list[dict[str, str]]:
    """`edges("trigger>a", "a.then>b")`."""
    found = []
    for line in lines:
        source, _, target = line.partition(">")
        node, _, out = source.partition(".")
        found.append({"from": node, "to": target, **({"out": out} if out else {})})
    return found


def workflow(key: str = "flow", *nodes: dict[str, Any], trigger: Any = "incident_opened", **values: Any) -> Workflow:
    """A workflow that is switched on; without arrows its steps follow each other."""
    if "edges" not in values:
        ids = ["trigger", *(node["id"] for node in nodes)]
        values["edges"] = [{"from": one, "to": two} for one, two in zip(ids, ids[1:], strict=False)]
    said = {"event": trigger} if isinstance(trigger, str) else trigger
    with transaction():
        return service.save_workflow({"key": key, "name": key.title(), "trigger": said, "nodes": list(nodes),
                                      "enabled": True, **values}, by=OPERATOR)


def runs(key: str = "") -> list[WorkflowRun]:
    """All runs, oldest first."""
    session.rollback()
    session.expire_all()
    found = session.query(WorkflowRun).order_by(WorkflowRun.id).all()
    return [run for run in found if not key or run.workflow.key == key]


def states(run: WorkflowRun) -> dict[str, str]:
    """How the steps of a run ended."""
    return {step.node: step.state for step in run.steps}


def copies(key: str, count: int) -> None:
    """So many more that are like this one; their graphs are those of nobody, since none of them runs."""
    model = session.query(Workflow).filter_by(key=key).one()
    names = [one.key for one in inspect(Workflow).column_attrs if one.key not in ("id", "key")]
    values = {name: getattr(model, name) for name in names}
    with transaction():
        if count:
            session.execute(insert(Workflow), [{**values, "key": f"{key}-{at}"} for at in range(count)])


@contextmanager
def statements() -> Iterator[list[str]]:
    """What is asked of the database meanwhile."""
    asked: list[str] = []

    def listen(*said: Any) -> None:
        asked.append(said[2])
    event.listen(db.engine, "before_cursor_execute", listen)
    yield asked
    event.remove(db.engine, "before_cursor_execute", listen)
