"""Runbooks as jobs of Rundeck and Runbook Automation.

Source: https://docs.rundeck.com/docs/api/ (running a job, execution info, output, abort).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from app.plugin_api import (
    Call,
    Field,
    Outcome,
    Rejected,
    Setting,
    Step,
    base_of,
    hookimpl,
    mapping,
    perform,
    said_in,
    text,
    written,
)

api_version = 1
LOOK_SECONDS = 10.0
API = "api/41"
GOING = ("running", "scheduled", "queued")


class Rundeck:
    """One job; the payload becomes its options."""

    slug, name = "rundeck", "Rundeck"
    can = frozenset({"follow", "cancel", "dry_run", "response"})
    settings = ("RUNDECK_URL",)
    fields = (
        Field("url", "Address", kind="url", help="https://rundeck.example.com; left empty: the setting RUNDECK_URL"),
        Field("token", "Token", required=True, secret=True, help="{{ secret.<name> }}: an API token that may run the job"),
        Field("job", "Job", required=True, help="Its UUID, as in its address"),
        Field("nodes", "Node filter", help="Such as name: {{ params.host }}; left empty: the job's own"),
    )

    def prepare(self, step: Step, config: Mapping[str, Any]) -> Call:
        """The start of the job."""
        options = step.payload if isinstance(step.payload, dict) else {"payload": step.payload}
        body: dict[str, Any] = {"options": {name: _option(value) for name, value in options.items()}}
        if config.get("nodes"):
            body["filter"] = str(config["nodes"])
        return Call("POST", f"{_job(config)}/run", _headers(config), json=body)

    def run(self, step: Step, config: Mapping[str, Any]) -> Outcome:
        """Start it. Rundeck knows no idempotency key, so what may have begun is not begun again."""
        said = said_in("Rundeck", perform(self.prepare(step, config), timeout=step.timeout, once=True), begins=True)
        number = text(said.get("id"))
        if not number.isdecimal():
            raise Rejected("outcome unknown: Rundeck did not say which execution it started")
        state = "succeeded" if step.wait == "response" else "running"
        return Outcome(state, f"Execution {number} was started" if state == "succeeded" else "",  # type: ignore[arg-type]
                       {"execution": number}, [f"Execution {number}"])

    def follow(self, handle: Mapping[str, Any], config: Mapping[str, Any]) -> Outcome:
        """How the execution stands; its output once it has ended."""
        place = f"{_base(config)}/execution/{handle['execution']}"
        said = said_in("Rundeck", perform(Call("GET", place, _headers(config)), timeout=LOOK_SECONDS))
        status = text(said.get("status"))
        if status in GOING:
            return Outcome("running", handle=handle)
        headers = {**_headers(config), "Accept": "text/plain"}
        output = perform(Call("GET", f"{place}/output?format=text", headers), timeout=LOOK_SECONDS).text
        good = status == "succeeded"
        return Outcome("succeeded" if good else "failed", output, handle, reason="" if good else f"It ended {status}")

    def cancel(self, handle: Mapping[str, Any], config: Mapping[str, Any]) -> None:
        """Abort the execution. Raises Rejected with Rundeck's reason when it does not."""
        place = f"{_base(config)}/execution/{handle['execution']}/abort"
        said = said_in("Rundeck", perform(Call("POST", place, _headers(config)), timeout=LOOK_SECONDS))
        abort = mapping(said.get("abort"))
        if text(abort.get("status")) == "failed":
            raise Rejected(text(abort.get("reason")) or "Rundeck did not abort it")

    def dry_run(self, step: Step, config: Mapping[str, Any]) -> Outcome:
        """See that the job is there, may run, and knows its options."""
        said = said_in("Rundeck", perform(Call("GET", f"{_job(config)}/info", _headers(config)), timeout=step.timeout))
        if said.get("executionEnabled") is False:
            return Outcome("failed", reason="Executions of this job are switched off")
        return Outcome("succeeded", f"The job {text(said.get('name'))} of {text(said.get('project'))} can be run")


def _option(value: Any) -> Any:
    """Options are texts; of several values, a list of texts."""
    return [written(one) for one in value] if isinstance(value, list) else written(value)


def _base(config: Mapping[str, Any]) -> str:
    return base_of(config, "RUNDECK_URL", API)


def _job(config: Mapping[str, Any]) -> str:
    return f"{_base(config)}/job/{quote(str(config.get('job')), safe='')}"


def _headers(config: Mapping[str, Any]) -> dict[str, str]:
    return {"X-Rundeck-Auth-Token": str(config.get("token", "")), "Accept": "application/json"}


@hookimpl
def runbook_targets() -> list[Rundeck]:
    """Where a runbook can act."""
    return [Rundeck()]


@hookimpl
def settings() -> list[Setting]:
    """Written RUNDECK_… in the environment."""
    return [Setting("URL", help="Address of Rundeck for runbooks that name none, such as https://rundeck.example.com")]
