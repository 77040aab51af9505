"""Runbooks as steps: started once for a step, and awaited where the step says so."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from app.core import templating
from app.core.db import session
from app.core.errors import Conflict, Failure
from app.core.masking import storable
from app.runbooks import executions
from app.runbooks.executions import Start
from app.runbooks.models import Execution
from app.runbooks.queries import execution_of, in_scope, runbook_by_key
from app.runbooks.rules import FINAL, OPEN, parsed_output
from app.shadow.queries import withheld
from app.workflows import context, running
from app.workflows.calls import Result
from app.workflows.models import WorkflowRun, WorkflowStep

LOOK = 30.0  # seconds after which an execution is looked at, should its end not have been told


def begin(run: WorkflowRun, step: WorkflowStep, node: dict[str, Any], mark: str) -> Result | None:
    """Start the runbook, or see how far it is; None while it goes on. All in the open transaction: once for a step."""
    execution = execution_of(mark)
    try:
        if execution is None:
            execution = _started(run, step, node, mark)
    except (ValueError, Failure) as fault:
        return Result(False, error=str(fault))
    if node.get("wait") is False:
        return Result(True, {"execution": str(execution.id), "state": execution.state})
    if execution.state not in FINAL:
        running.park(run, step, "runbook", LOOK)
        return None
    if withheld(f"execution:{execution.id}"):
        return Result(True, output_of(execution), warnings=(execution.error,))
    good = execution.state == "succeeded"
    return Result(good, output_of(execution), error="" if good else
                  f"The runbook {execution.state.replace('_', ' ')}: {execution.error[:300]}")


def _started(run: WorkflowRun, step: WorkflowStep, node: dict[str, Any], mark: str) -> Execution:
    runbook = runbook_by_key(str(node["runbook"]))
    if runbook is None or not in_scope(runbook, run.workflow.team_id):
        raise ValueError(f"There is no runbook {node['runbook']} any more")
    rendered = templating.render(node.get("parameters") or {}, running.values_of(run))
    step.request = storable({"runbook": runbook.key, "parameters": executions.told(runbook, rendered.value)})
    step.warnings = list(rendered.warnings)[:20]
    how = Start(form_key=mark, reason=f"workflow {run.workflow.name}", cause=run.ref, cause_url=context.run_url(run))
    return executions.start(runbook, parameters=rendered.value, by=running.actor_of(run), incident=run.incident, how=how)


def output_of(execution: Execution) -> dict[str, Any]:
    """What the next steps can name: an object that the runbook gave by its own names, anything else as `text`."""
    said = parsed_output(execution.output)
    given = said if isinstance(said, dict) else {"text": execution.output}
    return dict(storable({**given, "execution": str(execution.id), "state": execution.state}))


def stop(run: WorkflowRun) -> None:
    """Cancel the executions that the run waited for; each says whether its target can stop. All others go on."""
    awaited = {node["runbook"] for node in run.version.definition["nodes"]
               if node.get("kind") == "runbook" and node.get("wait") is not False}
    for execution in session.scalars(select(Execution).where(Execution.cause == run.ref, Execution.state.in_(OPEN))):
        if execution.runbook.key in awaited:
            try:
                executions.cancel(execution, by=running.actor_of(run))
            except Conflict:
                continue  # it came to its end by itself meanwhile
