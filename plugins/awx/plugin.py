"""Runbooks as job templates of Ansible AWX and of its commercial twin, Ansible Automation Platform (Tower).

Source: https://docs.ansible.com/automation-controller/latest/html/controllerapi/api_ref.html (job templates, jobs).
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
    sequence,
    text,
)

api_version = 1
LOOK_SECONDS = 10.0
ENDED = {"successful": "succeeded", "failed": "failed", "error": "failed", "canceled": "failed"}


class Awx:
    """One job template; the payload becomes its extra variables."""

    slug, name = "awx", "Ansible AWX or Tower"
    can = frozenset({"follow", "cancel", "dry_run", "response"})
    settings = ("AWX_URL",)
    fields = (
        Field("url", "Address", kind="url", help="https://awx.example.com; left empty: the setting AWX_URL"),
        Field("token", "Token", required=True, secret=True, help="{{ secret.<name> }}: an OAuth 2 token with write scope"),
        Field("template", "Job template", required=True, help="Its number, or its name as name++organization"),
        Field("limit", "Limit", help="Hosts, such as {{ params.host }}; the template has to prompt for it"),
    )

    def prepare(self, step: Step, config: Mapping[str, Any]) -> Call:
        """The launch of the template."""
        body: dict[str, Any] = {"extra_vars": step.payload if isinstance(step.payload, dict) else {"payload": step.payload}}
        if config.get("limit"):
            body["limit"] = str(config["limit"])
        return Call("POST", _launch(config), _headers(config), json=body)

    def run(self, step: Step, config: Mapping[str, Any]) -> Outcome:
        """Launch it. AWX knows no idempotency key, so what may have begun is not begun again."""
        said = said_in("AWX", perform(self.prepare(step, config), timeout=step.timeout, once=True), begins=True)
        number = text(said.get("job") or said.get("id"))
        if not number.isdecimal():
            raise Rejected("outcome unknown: AWX did not say which job it launched")
        ignored = sorted(mapping(mapping(said.get("ignored_fields")).get("extra_vars")))
        notes = [f"AWX ignored {', '.join(ignored)}: the template does not prompt for variables"] if ignored else []
        state = "succeeded" if step.wait == "response" else "running"
        return Outcome(state, f"Job {number} was launched" if state == "succeeded" else "",  # type: ignore[arg-type]
                       {"job": number}, [f"Job {number}", *notes])

    def follow(self, handle: Mapping[str, Any], config: Mapping[str, Any]) -> Outcome:
        """How the job stands; its output once it has ended."""
        job = f"{_base(config)}/jobs/{handle['job']}/"
        said = said_in("AWX", perform(Call("GET", job, _headers(config)), timeout=LOOK_SECONDS))
        status = text(said.get("status"))
        if status not in ENDED:
            return Outcome("running", handle=handle)
        output = perform(Call("GET", f"{job}stdout/?format=txt", _headers(config)), timeout=LOOK_SECONDS).text
        why = text(said.get("job_explanation")) or ("" if status == "successful" else f"The job {status}")
        return Outcome(ENDED[status], output, handle, reason=why)  # type: ignore[arg-type]

    def cancel(self, handle: Mapping[str, Any], config: Mapping[str, Any]) -> None:
        """Ask the job to stop; one that has ended answers 405."""
        perform(Call("POST", f"{_base(config)}/jobs/{handle['job']}/cancel/", _headers(config), json={}),
                timeout=LOOK_SECONDS)

    def dry_run(self, step: Step, config: Mapping[str, Any]) -> Outcome:
        """Ask what a launch would need."""
        said = said_in("AWX", perform(Call("GET", _launch(config), _headers(config)), timeout=step.timeout))
        given = step.payload if isinstance(step.payload, dict) else {}
        missing = [text(name) for name in sequence(said.get("variables_needed_to_start")) if name not in given]
        if missing:
            return Outcome("failed", reason=f"The template needs {', '.join(missing)}")
        if given and said.get("ask_variables_on_launch") is False and said.get("survey_enabled") is not True:
            return Outcome("failed", reason="The template does not prompt for variables, so it would ignore them all")
        return Outcome("succeeded", "The template can be launched like this")


def _base(config: Mapping[str, Any]) -> str:
    return base_of(config, "AWX_URL", "api/v2")


def _launch(config: Mapping[str, Any]) -> str:
    return f"{_base(config)}/job_templates/{quote(str(config.get('template')), safe='+')}/launch/"


def _headers(config: Mapping[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {config.get('token', '')}", "Accept": "application/json, text/plain"}


@hookimpl
def runbook_targets() -> list[Awx]:
    """Where a runbook can act."""
    return [Awx()]


@hookimpl
def settings() -> list[Setting]:
    """Written AWX_… in the environment."""
    return [Setting("URL", help="Address of AWX or Tower for runbooks that name none, such as https://awx.example.com")]
