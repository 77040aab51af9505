"""Runbooks as workflows of GitHub Actions.

Source: https://docs.github.com/en/rest/actions/workflows (create a workflow dispatch event) and …/actions/workflow-runs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from app.plugin_api import (
    Call,
    Field,
    Outcome,
    Rejected,
    Step,
    mapping,
    perform,
    said_in,
    sequence,
    text,
    written,
)

API = "https://api.github.com"
LOOK_SECONDS = 10.0
REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")


class Actions:
    """One workflow with the trigger `workflow_dispatch`; the payload becomes its inputs."""

    slug, name = "github", "GitHub Actions"
    can = frozenset({"follow", "cancel", "dry_run", "response"})
    settings = ("GITHUB_API_URL",)
    fields = (
        Field("repository", "Repository", required=True, help="owner/name"),
        Field("workflow", "Workflow", required=True, help="Its file, such as restart.yaml, or its number"),
        Field("ref", "Branch or tag", default="main"),
        Field("token", "Token", required=True, secret=True, help="{{ secret.<name> }}: one that may write Actions there"),
    )

    def prepare(self, step: Step, config: Mapping[str, Any]) -> Call:
        """The dispatch of the workflow, which is asked to say which run it began."""
        given = step.payload if isinstance(step.payload, dict) else {"payload": step.payload}
        inputs = {name: written(value) for name, value in given.items()}
        body = {"ref": str(config.get("ref") or "main"), "inputs": inputs, "return_run_details": True}
        return Call("POST", f"{_workflow(config)}/dispatches", _headers(config), json=body)

    def run(self, step: Step, config: Mapping[str, Any]) -> Outcome:
        """Dispatch it. GitHub knows no idempotency key, so what may have begun is not begun again."""
        answer = perform(self.prepare(step, config), timeout=step.timeout, once=True)
        if step.wait == "response":
            return Outcome("succeeded", "The workflow was dispatched")
        said = said_in("GitHub", answer, begins=True) if answer.body.strip() else {}
        number = text(said.get("workflow_run_id"))
        if not number.isdecimal():
            raise Rejected("outcome unknown: GitHub did not say which run it began; older servers can only be sent to "
                           "without following (wait_for: response)")
        return Outcome("running", handle={"run": number}, progress=[text(said.get("html_url")) or f"Run {number}"])

    def follow(self, handle: Mapping[str, Any], config: Mapping[str, Any]) -> Outcome:
        """How the run stands; which steps failed once it has ended."""
        place = f"{_repository(config)}/actions/runs/{handle['run']}"
        said = said_in("GitHub", perform(Call("GET", place, _headers(config)), timeout=LOOK_SECONDS))
        if text(said.get("status")) != "completed":
            return Outcome("running", handle=handle)
        conclusion = text(said.get("conclusion"))
        jobs = said_in("GitHub", perform(Call("GET", f"{place}/jobs?per_page=100", _headers(config)), timeout=LOOK_SECONDS))
        lines = [f"{text(job.get('name'))}: {text(job.get('conclusion'))}"
                 for job in map(mapping, sequence(jobs.get("jobs")))]
        good = conclusion == "success"
        return Outcome("succeeded" if good else "failed", "\n".join([*lines, text(said.get("html_url"))]).strip(), handle,
                       reason="" if good else f"The run ended: {conclusion}")

    def cancel(self, handle: Mapping[str, Any], config: Mapping[str, Any]) -> None:
        """Ask the run to stop."""
        perform(Call("POST", f"{_repository(config)}/actions/runs/{handle['run']}/cancel", _headers(config)),
                timeout=LOOK_SECONDS)

    def dry_run(self, step: Step, config: Mapping[str, Any]) -> Outcome:
        """See that the workflow is there and switched on."""
        said = said_in("GitHub", perform(Call("GET", _workflow(config), _headers(config)), timeout=step.timeout))
        if text(said.get("state")) != "active":
            return Outcome("failed", reason=f"The workflow is {text(said.get('state')) or 'not active'}")
        return Outcome("succeeded", f"The workflow {text(said.get('name'))} can be dispatched")


def _repository(config: Mapping[str, Any]) -> str:
    name = str(config.get("repository"))
    if not REPOSITORY.fullmatch(name):
        raise Rejected("The repository is written owner/name")
    return f"{(config.get('GITHUB_API_URL') or API).rstrip('/')}/repos/{name}"


def _workflow(config: Mapping[str, Any]) -> str:
    return f"{_repository(config)}/actions/workflows/{quote(str(config.get('workflow')), safe='')}"


def _headers(config: Mapping[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {config.get('token', '')}", "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28"}
