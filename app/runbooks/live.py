"""Which blocks of the pages of automation refresh on which facts."""

from __future__ import annotations

from flask import request

from app.core.feed import Feed
from app.core.web import actor
from app.runbooks import library_pages, review_pages, run_pages, secret_pages


def _secrets() -> secret_pages.SecretsPage:
    return secret_pages.index_page(actor())


def _library() -> library_pages.Library:
    return library_pages.library(actor(), request.args)


def _one(key: str) -> library_pages.RunbookPage:
    return library_pages.runbook_page(key, actor(), request.args)


def _queue() -> review_pages.Queue:
    return review_pages.queue(actor())


def _execution(number: str) -> run_pages.ExecutionPage:
    return run_pages.execution_page(number, actor())


FEEDS = (
    Feed("/secrets", "secrets/index.html", _secrets, topics=("secrets",), regions={"rows": "secret.*"}),
    Feed("/runbooks", "runbooks/index.html", _library, topics=("runbooks", "executions"), regions={"rows": "runbook.*"}),
    Feed("/runbooks/-/approvals", "runbooks/approvals.html", _queue, topics=("runbooks",), personal=True,
         regions={"rows": "runbook.*"}),
    Feed("/runbooks/<key>", "runbooks/runbook.html", _one, topics=("runbook/{key}",),
         regions={"status": "runbook.*", "runs": "runbook.*"}),
    Feed("/executions/<number>", "runbooks/execution.html", _execution, topics=("execution:{number}",),
         regions={"status": "runbook.*", "output": "runbook.*"}),
)
