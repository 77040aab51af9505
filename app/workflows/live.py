"""Which blocks of the pages of workflows refresh on which facts."""

from __future__ import annotations

from flask import request

from app.core.feed import Feed
from app.core.web import actor
from app.workflows import pages


def _index() -> pages.IndexPage:
    return pages.index_page(actor(), request.args)


def _one(key: str) -> pages.WorkflowPage:
    return pages.workflow_page(key, actor(), request.args)


def _run(id: str) -> pages.RunPage:
    return pages.run_page(id, actor())


FEEDS = (
    Feed("/workflows", "workflows/index.html", _index, topics=("workflows",), regions={"rows": "workflow.*"}),
    Feed("/workflows/<key>", "workflows/workflow.html", _one, topics=("workflow/{key}",),
         regions={"figures": "workflow.*", "runs": "workflow.*", "state": "workflow.*"}),
    Feed("/workflows/-/runs/<id>", "workflows/run.html", _run, topics=("workflow_run:{id}",),
         regions={"state": "workflow.*", "graph": "workflow.*", "steps": "workflow.*"}),
)
