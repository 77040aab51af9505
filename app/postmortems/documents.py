"""Postmortems and action items as machines get them, and a version with its facts and timeline."""

from __future__ import annotations

from typing import Any

from app.core import clock
from app.postmortems import facts, queries, rules, timeline
from app.postmortems.models import (
    ActionItem,
    ItemTicket,
    Postmortem,
    PostmortemComment,
    PostmortemVersion,
)


def as_read(postmortem: Postmortem, version: PostmortemVersion) -> tuple[facts.Facts, list[timeline.Row]]:
    """Facts and timeline of a version: as they were kept, or of a draft as the log has them now."""
    if version.facts is not None and version.timeline is not None:
        return facts.thawed(version.facts), timeline.thawed(version.timeline)
    said = rules.content(version.content)
    return facts.facts_of(postmortem, said), timeline.rows_of(postmortem, said)


def postmortem_document(postmortem: Postmortem, version: PostmortemVersion | None = None) -> dict[str, Any]:
    """The document as machines get it, with the text of this version (the newest unless told)."""
    shown = version or queries.version_of(postmortem)
    said = rules.content(shown.content)
    known, rows = as_read(postmortem, shown)
    return {
        **summary_document(postmortem), "title": said.title, "version": shown.number,
        "sections": [{"heading": one.heading, "body": one.body} for one in said.sections],
        "impact": said.impact, "impact_from": clock.rfc3339(known.impact_from), "impact_to": clock.rfc3339(known.impact_to),
        "mitigated_at": clock.rfc3339(known.mitigated_at), "facts": known.document(), "timeline": timeline.frozen(rows),
        "action_items": [item_document(item) for item in postmortem.items],
        "reviews": [{"email": review.user.email, "name": review.user.name, "state": review.state,
                     "version": review.version} for review in postmortem.reviews],
        "unpublished_changes": queries.unpublished_changes(postmortem)}


def version_document(version: PostmortemVersion) -> dict[str, Any]:
    """A version as machines get it, without the frozen timeline."""
    said = rules.content(version.content)
    return {"number": version.number, "publication": version.publication, "what": version.what, "reason": version.reason,
            "author": version.author_name, "at": clock.rfc3339(version.at), "title": said.title,
            "sections": [{"heading": one.heading, "body": one.body} for one in said.sections]}


def summary_document(postmortem: Postmortem) -> dict[str, Any]:
    """The line of a list."""
    team, owner = postmortem.team, postmortem.owner
    return {"id": str(postmortem.id), "title": postmortem.title, "state": postmortem.state, "version": postmortem.version,
            "publication": postmortem.publication, "published_at": clock.rfc3339(postmortem.published_at),
            "team": {"key": team.key, "name": team.name} if team else None,
            "owner": {"email": owner.email, "name": owner.name} if owner else None,
            "incidents": [{"id": str(one.id), "title": one.title, "severity": one.severity, "status": one.status}
                          for one in postmortem.incidents],
            "created_at": clock.rfc3339(postmortem.created_at), "url": queries.link(postmortem)}


def item_document(item: ActionItem) -> dict[str, Any]:
    """An action item as machines get it."""
    return {"id": str(item.id), "postmortem": str(item.postmortem_id), "title": item.title,
            "description": item.description, "owner": {"email": item.owner.email, "name": item.owner.name},
            "due_on": item.due_on.isoformat(), "priority": item.priority, "state": item.state,
            "done_at": clock.rfc3339(item.done_at), "created_at": clock.rfc3339(item.created_at),
            "ticket": ticket_document(item.ticket) if item.ticket else None}


def ticket_document(ticket: ItemTicket) -> dict[str, Any]:
    """The issue elsewhere as machines get it."""
    return {"connection": ticket.connection, "state": ticket.state, "key": ticket.key or None, "url": ticket.url or None,
            "open": ticket.open, "problem": ticket.problem, "checked_at": clock.rfc3339(ticket.checked_at)}


def comment_document(comment: PostmortemComment) -> dict[str, Any]:
    """A comment as machines get it."""
    return {"id": str(comment.id), "author": comment.author_name, "body": comment.body, "at": clock.rfc3339(comment.at)}
