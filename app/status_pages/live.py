"""Which blocks of the inside pages refresh on which facts."""

from __future__ import annotations

from app.core.feed import Feed
from app.core.web import actor
from app.status_pages import maintenance_forms, notice_forms, pages, queries


def _index() -> pages.IndexPage:
    return pages.index_page(actor())


def _now(key: str) -> pages.NowPage:
    return pages.now_page(key, actor())


def _maintenance(key: str) -> maintenance_forms.MaintenancePage:
    return maintenance_forms.maintenance_page(key, actor())


def _notice(key: str, notice: str) -> notice_forms.Composer:
    found = queries.page_for(key, actor())
    return notice_forms.composer(found, queries.notice_of(found, notice, by=actor()), actor())


FEEDS = (
    Feed("/status-pages", "status_pages/index.html", _index, topics=("status_pages",), regions={"rows": "status_*"}),
    Feed("/status-pages/<key>", "status_pages/now.html", _now, topics=("status_page/{key}",),
         regions={"overall": "status_*", "parts": "status_page.* status_window.*",
                  "notices": "status_notice.* incident.resolved"}),
    Feed("/status-pages/<key>/maintenance", "status_pages/maintenance.html", _maintenance, topics=("status_page/{key}",),
         regions={"windows": "status_window.*"}),
    Feed("/status-pages/<key>/notices/<notice>", "status_pages/notice.html", _notice, topics=("status_page/{key}",),
         regions={"updates": "status_notice.*"}),
)
