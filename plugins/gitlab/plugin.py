"""Failures of GitLab: pipelines and deployments, and its own incidents.

Source: https://docs.gitlab.com/user/project/integrations/webhook_events/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.plugin_api import (
    Field,
    Inbound,
    Rejected,
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
    sequence,
    severity_of,
    text,
    web_link,
    words,
)

RUNS = words(firing="failed", resolved="success")
ISSUES = words(firing="open, reopen, opened", resolved="close, closed")
FIELDS = (
    Field("secret", "Secret token", secret=True, help="As entered in the webhook at GitLab; every request carries it"),
    Field("branches", "Branches", kind="lines", help="One on each line; only their pipelines count. Empty: all branches"),
)


def read(inbound: Inbound, config: Mapping[str, Any]) -> list[Signal]:
    """The one signal of an event."""
    body = inbound.object()
    kind, about = text(body.get("object_kind")), mapping(body.get("object_attributes"))
    project = mapping(body.get("project"))
    place = first(project.get("path_with_namespace"), project.get("name"))
    if not kind:
        raise Rejected('"object_kind" is missing: this is no event of GitLab')
    if kind == "pipeline":
        return pipeline(body, about, place, config.get("branches") or [])
    if kind == "deployment":
        return deployment(body, place)
    if kind == "incident" or text(about.get("type")).lower() == "incident":
        return incident(about, place)
    return ignored(f"GitLab tells of a {kind[:80]}, which is no failure")


def pipeline(body: dict[str, Any], said: dict[str, Any], place: str, branches: list[str]) -> list[Signal]:
    """A finished pipeline of one branch."""
    branch, status = text(said.get("ref")), meaning(RUNS, said.get("status"))
    if not status:
        return ignored(f"The pipeline is {first(said.get('status'), 'not finished')}")
    if branches and branch not in branches:
        return ignored(f"The branch {branch} is not among those that count")
    jobs = [text(build.get("name")) for build in map(mapping,
                                                     sequence(body.get("builds"))) if build.get("status") == "failed"]
    home = web_link(mapping(body.get("project")).get("web_url")).rstrip("/")
    return [Signal(
        dedup_key=f"{place}/pipeline/{branch}", status=status, title=f"{place}: pipeline on {branch}",
        body=f"Failed: {', '.join(jobs)}" if jobs else "",
        url=web_link(said.get("url")) or web_link(f"{home}/-/pipelines/{text(said.get('id'))}"),
        labels=filled(project=place, branch=branch, source=said.get("source"), by=mapping(body.get("user")).get("username")),
        started_at=moment(said.get("created_at")), happened_at=moment(said.get("finished_at")),
    )]


def deployment(body: dict[str, Any], place: str) -> list[Signal]:
    """A deployment that failed, or one that succeeded after it."""
    target, status = text(body.get("environment")), meaning(RUNS, body.get("status"))
    if not status:
        return ignored(f"The deployment is {first(body.get('status'), 'not finished')}")
    return [Signal(
        dedup_key=f"{place}/deployment/{target}", status=status, title=f"{place}: deployment to {target}",
        body=text(body.get("commit_title")), url=web_link(body.get("deployable_url")),
        labels=filled(project=place, environment=target, branch=body.get("ref")),
        happened_at=moment(body.get("status_changed_at")),
    )]


def incident(said: dict[str, Any], place: str) -> list[Signal]:
    """An incident that people or alerts opened in GitLab."""
    number, status = text(said.get("iid")), meaning(ISSUES, first(said.get("action"), said.get("state")))
    if not status or not number:
        return ignored("The incident was changed, but neither opened nor closed")
    return [Signal(
        dedup_key=f"{place}/incident/{number}", status=status, title=text(said.get("title")),
        severity=severity_of(said.get("severity")), body=text(said.get("description")), url=web_link(said.get("url")),
        labels=filled(project=place), started_at=moment(said.get("created_at")),
    )]


@hookimpl
def integrations() -> list[Source]:
    """The way in."""
    return [Source("gitlab", "GitLab", read, FIELDS, signature=Signature("X-Gitlab-Token", kind="token"),
                   key=lambda inbound: inbound.headers.get("x-gitlab-event-uuid"), category="Code and tickets")]
