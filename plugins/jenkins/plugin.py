"""Runbooks as jobs of Jenkins.

Source: https://www.jenkins.io/doc/book/using/remote-access-api/ and the /api/ pages of jobs, queue items and builds.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

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
QUEUED = re.compile(r"/queue/item/(\d+)")
FORM = "application/x-www-form-urlencoded"


class Jenkins:
    """One job; the payload becomes the parameters of a build."""

    slug, name = "jenkins", "Jenkins"
    can = frozenset({"follow", "cancel", "dry_run", "response"})
    settings = ("JENKINS_URL",)
    fields = (
        Field("url", "Address", kind="url", help="https://jenkins.example.com; left empty: the setting JENKINS_URL"),
        Field("user", "User", required=True, help="Whose API token it is"),
        Field("token", "API token", required=True, secret=True, help="{{ secret.<name> }}: made under Security of the user"),
        Field("job", "Job", required=True, help="Its path, such as ops/restart-checkout"),
    )

    def prepare(self, step: Step, config: Mapping[str, Any]) -> Call:
        """The start of a build."""
        given = step.payload if isinstance(step.payload, dict) else {"payload": step.payload}
        headers = {**_headers(config), "Content-Type": FORM}
        if not given:
            return Call("POST", f"{_job(config)}/build", headers, body=b"")
        form = {name: written(value) for name, value in given.items()}
        return Call("POST", f"{_job(config)}/buildWithParameters", headers, body=urlencode(form).encode())

    def run(self, step: Step, config: Mapping[str, Any]) -> Outcome:
        """Queue a build. Jenkins knows no idempotency key, so what may have begun is not begun again."""
        answer = perform(self.prepare(step, config), timeout=step.timeout, once=True)
        found = QUEUED.search(answer.headers.get("location", ""))
        if found is None:
            raise Rejected("outcome unknown: Jenkins did not say where the build waits")
        state = "succeeded" if step.wait == "response" else "running"
        return Outcome(state, "The build waits in the queue" if state == "succeeded" else "",  # type: ignore[arg-type]
                       {"item": found[1]}, [f"Queue item {found[1]}"])

    def follow(self, handle: Mapping[str, Any], config: Mapping[str, Any]) -> Outcome:
        """First where it waits, then how the build stands; its console once it has ended."""
        if "build" not in handle:
            return self._from_queue(handle, config)
        place = f"{_job(config)}/{handle['build']}"
        said = said_in("Jenkins", perform(Call("GET", f"{place}/api/json?tree=building,result", _headers(config)),
                               timeout=LOOK_SECONDS))
        result = text(said.get("result"))
        if said.get("building") or not result:
            return Outcome("running", handle=handle)
        output = perform(Call("GET", f"{place}/consoleText", _headers(config)), timeout=LOOK_SECONDS).text
        good = result == "SUCCESS"
        return Outcome("succeeded" if good else "failed", output, handle, reason="" if good else f"The build ended {result}")

    def _from_queue(self, handle: Mapping[str, Any], config: Mapping[str, Any]) -> Outcome:
        place = f"{_base(config)}/queue/item/{handle['item']}/api/json"
        said = said_in("Jenkins", perform(Call("GET", place, _headers(config)), timeout=LOOK_SECONDS))
        if said.get("cancelled"):
            return Outcome("failed", handle=handle, reason="It was taken out of the queue")
        number = text(mapping(said.get("executable")).get("number"))
        if not number.isdecimal():
            return Outcome("running", handle=handle)
        return Outcome("running", handle={**handle, "build": number}, progress=[f"Build {number}"])

    def cancel(self, handle: Mapping[str, Any], config: Mapping[str, Any]) -> None:
        """Stop the build, or take it out of the queue."""
        waiting = f"{_base(config)}/queue/cancelItem?id={handle['item']}"
        place = f"{_job(config)}/{handle['build']}/stop" if "build" in handle else waiting
        try:
            perform(Call("POST", place, _headers(config), body=b""), timeout=LOOK_SECONDS)
        except Rejected as refusal:  # both answer with a redirect to a page once they have done it
            if not refusal.reason.startswith("The answer was 30"):
                raise

    def dry_run(self, step: Step, config: Mapping[str, Any]) -> Outcome:
        """See that the job is there and can be built."""
        said = said_in("Jenkins", perform(Call("GET", f"{_job(config)}/api/json?tree=name,buildable", _headers(config)),
                               timeout=step.timeout))
        if said.get("buildable") is not True:
            return Outcome("failed", reason="The job is disabled, or can't be built")
        return Outcome("succeeded", f"The job {text(said.get('name'))} can be built")


def _base(config: Mapping[str, Any]) -> str:
    return base_of(config, "JENKINS_URL")


def _job(config: Mapping[str, Any]) -> str:
    parts = [part for part in str(config.get("job", "")).split("/") if part]
    return f"{_base(config)}/" + "/".join(f"job/{quote(part, safe='')}" for part in parts)


def _headers(config: Mapping[str, Any]) -> dict[str, str]:
    proof = b64encode(f"{config.get('user', '')}:{config.get('token', '')}".encode()).decode()
    return {"Authorization": f"Basic {proof}"}


@hookimpl
def runbook_targets() -> list[Jenkins]:
    """Where a runbook can act."""
    return [Jenkins()]


@hookimpl
def settings() -> list[Setting]:
    """Written JENKINS_… in the environment."""
    return [Setting("URL", help="Address of Jenkins for runbooks that name none, such as https://jenkins.example.com")]
