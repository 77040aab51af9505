"""Failures of GitHub: workflow runs, check suites, deployments, and security alerts of repositories.

Source: https://docs.github.com/en/webhooks/webhook-events-and-payloads
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.plugin_api import (
    Field,
    Inbound,
    Rejected,
    Setting,
    Signal,
    Signature,
    Source,
    filled,
    first,
    hookimpl,
    ignored,
    mapping,
    meaning,
    moment,
    severity_of,
    text,
    web_link,
    words,
)

from .issues import GitHubIssue
from .target import Actions

RUNS = words(firing="failure, timed_out, startup_failure, error", resolved="success")
ALERTS = words(firing="created, reopened, appeared_in_branch",
               resolved="fixed, dismissed, auto_dismissed, resolved, closed_by_user")
FIELDS = (
    Field("secret", "Webhook secret", secret=True, help="As entered in the webhook at GitHub; it signs what GitHub sends"),
    Field("branches", "Branches", kind="lines", help="One on each line; only their runs count. Empty: all branches"),
)


def read(inbound: Inbound, config: Mapping[str, Any]) -> list[Signal]:
    """The one signal of an event."""
    body = inbound.object()
    repository = text(mapping(body.get("repository")).get("full_name"))
    for name in ("workflow_run", "check_suite"):
        if name in body:
            return run(mapping(body[name]), repository, name, config.get("branches") or [])
    if "deployment_status" in body:
        return deployment(mapping(body["deployment_status"]), mapping(body.get("deployment")), repository)
    if "alert" in body:
        return security(mapping(body["alert"]), text(body.get("action")), repository)
    if not repository and "zen" not in body:
        raise Rejected("This is no event of GitHub: it names no repository")
    return ignored("GitHub says hello" if "zen" in body else "GitHub tells of an event that is no failure")


def run(said: dict[str, Any], repository: str, kind: str, branches: list[str]) -> list[Signal]:
    """A finished run of a workflow, or of all checks of one application, on one branch."""
    branch, status = text(said.get("head_branch")), meaning(RUNS, said.get("conclusion"))
    if not status:
        return ignored(f"The run is {first(said.get('conclusion'), said.get('status'), 'not finished')}")
    if branches and branch not in branches:
        return ignored(f"The branch {branch} is not among those that count")
    application = mapping(said.get("app"))
    name = first(said.get("name"), application.get("name"), kind.replace("_", " "))
    number = first(said.get("workflow_id"), application.get("id"), name)
    return [Signal(
        dedup_key=f"{repository}/{kind}/{number}/{branch}", status=status, title=f"{repository}: {name} on {branch}",
        body=first(said.get("display_title"), mapping(said.get("head_commit")).get("message")),
        url=web_link(said.get("html_url")),
        labels=filled(repository=repository, branch=branch, workflow=name, actor=mapping(said.get("actor")).get("login"),
                      event=said.get("event"), conclusion=said.get("conclusion")),
        started_at=moment(said.get("run_started_at")), happened_at=moment(said.get("updated_at")),
    )]


def deployment(said: dict[str, Any], about: dict[str, Any], repository: str) -> list[Signal]:
    """A deployment that failed, or one that succeeded after it."""
    place, status = first(said.get("environment"), about.get("environment")), meaning(RUNS, said.get("state"))
    if not status:
        return ignored(f"The deployment is {first(said.get('state'), 'not finished')}")
    return [Signal(
        dedup_key=f"{repository}/deployment/{place}", status=status, title=f"{repository}: deployment to {place}",
        body=text(said.get("description")), url=first(*map(web_link, (said.get("log_url"), said.get("target_url")))),
        labels=filled(repository=repository, environment=place, branch=about.get("ref")),
        happened_at=moment(said.get("updated_at")),
    )]


def security(said: dict[str, Any], action: str, repository: str) -> list[Signal]:
    """A dependency with a hole, a secret that was pushed, or a finding of the code scanner."""
    status, number = meaning(ALERTS, action), text(said.get("number"))
    if not status or not number:
        return ignored(f"The alert was {action or 'touched'}, which changes nothing here")
    advisory, rule = mapping(said.get("security_advisory")), mapping(said.get("rule"))
    name = first(advisory.get("summary"), said.get("secret_type_display_name"), said.get("secret_type"),
                 rule.get("description"))
    kind = "dependency" if advisory else "code" if rule else "secret"
    return [Signal(
        dedup_key=f"{repository}/{kind}/{number}", status=status, title=f"{repository}: {name or 'security alert'}",
        severity=severity_of(first(advisory.get("severity"), rule.get("security_severity_level"), rule.get("severity"))),
        url=web_link(said.get("html_url")), labels=filled(repository=repository, kind=kind),
        started_at=moment(said.get("created_at")),
    )]


@hookimpl
def integrations() -> list[Source]:
    """The way in."""
    return [Source("github", "GitHub", read, FIELDS, signature=Signature("X-Hub-Signature-256", prefix="sha256="),
                   key=lambda inbound: inbound.headers.get("x-github-delivery"), category="Code and tickets")]


@hookimpl
def workflow_actions() -> list[GitHubIssue]:
    """What workflows can order."""
    return [GitHubIssue()]


@hookimpl
def runbook_targets() -> list[Actions]:
    """Where a runbook can act."""
    return [Actions()]


@hookimpl
def settings() -> list[Setting]:
    """Written GITHUB_… in the environment."""
    return [Setting("API_URL", default="https://api.github.com", help="Address of GitHub's API; a GitHub Enterprise server, "
                    "a proxy or a test double may stand in")]
