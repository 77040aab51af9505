"""Copies that outlive us."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine

from app.core import clock
from app.core.access import Actor
from app.core.db import transaction
from app.shadow import service as shadows
from app.status_pages.service import save_page
from tests.build import actor as by
from tests.fakes import Reply
from tests.pager import messages
from tests.status_pages.writing import automatic, opened

FILES = ["badge.svg", "feed.atom", "feed.rss", "index.html", "maintenance.ics", "status.json"]


@pytest.fixture
def export(tick):
    """`export()`: the clock writes what is due."""
    return lambda: tick("app.status_pages.export_ticks.export")


def wants(shop, **export):
    with transaction():
        save_page({"slug": "shop", "export": export}, by=Actor(shop.ana.ref, shop.ana.name, user_id=shop.ana.id))


def test_the_folder_shows_the_last_state_without_the_system(app, shop, export, tmp_path, breaks, follow):
    """STAT-23: whole files, renamed into place, within a tick of a change and each minute; nothing leads back to us."""
    app.config["STATUS_EXPORT_DIR"] = str(tmp_path)
    wants(shop, folder=True)
    export()
    folder = tmp_path / "shop"
    assert sorted(one.name for one in folder.iterdir()) == FILES and "All systems operational" in (folder / "index.html").read_text()
    breaks(shop.checkout)
    follow()
    export()
    page = (folder / "index.html").read_text()
    assert "Major outage" in page and "As of" in page
    assert not [one for one in folder.iterdir() if "SECRET-TITLE" in one.read_text() or "checkout" in one.read_text()]
    assert not re.findall(r'(?:src|href)="(?!\./|#|status\.json|data:)[^"]*"', page) and "<script" not in page
    before = (folder / "status.json").stat().st_mtime_ns
    export()
    assert (folder / "status.json").stat().st_mtime_ns == before
    with time_machine.travel(clock.now() + timedelta(seconds=61), tick=False):
        export()
    assert (folder / "status.json").stat().st_mtime_ns > before


def test_it_is_put_with_the_secret_header(app, shop, export, http_sink):
    """STAT-23: HTTPS PUT to a base address; the header is never shown again."""
    wants(shop, url=f"{http_sink.url}/bucket", header="X-Key: s3cret")
    export()
    assert sorted(call.path for call in http_sink.calls) == [f"/bucket/{name}" for name in FILES]
    assert {(call.method, call.headers["x-key"]) for call in http_sink.calls} == {("PUT", "s3cret")}


def test_what_fails_is_tried_every_half_minute_and_told_after_five(app, shop, export, http_sink, signed_in):
    """STAT-24: managers hear of it once; the editor says so."""
    http_sink.answer = Reply(500)
    wants(shop, url=http_sink.url)
    with time_machine.travel(clock.now(), tick=False) as at:
        for _ in range(12):
            export()
            export()
            at.shift(timedelta(seconds=30))
    assert len(http_sink.calls) == 12 and len([one for one in messages() if one.kind == "alarm"]) == 1
    assert "The answer to PUT index.html was 500" in signed_in(shop.ana).get("/status-pages/shop").text


def test_in_shadow_no_copy_is_put_or_written_and_afterwards_the_next_one_is(app, shop, export, http_sink, tmp_path, breaks, follow, olga):
    """MIG-22: neither to a base address nor into a folder; what was not copied meanwhile is not made up for."""
    app.config["STATUS_EXPORT_DIR"] = str(tmp_path)
    wants(shop, folder=True, url=f"{http_sink.url}/bucket")
    with time_machine.travel(clock.now(), tick=False) as at:
        with transaction():
            begun = shadows.begin("team", "payments", reason="Moving in", by=by(olga))
        breaks(shop.checkout)
        follow()
        for _ in range(3):
            at.shift(timedelta(minutes=1))
            export()
        assert http_sink.calls == [] and list(tmp_path.iterdir()) == []
        with transaction():
            shadows.end(begun, by=by(olga))
        at.shift(timedelta(minutes=1))
        export()
    assert len(http_sink.calls) == len(FILES) == len(list((tmp_path / "shop").iterdir()))


def test_private_pages_and_drafts_are_copied_nowhere(app, shop, export, http_sink):
    """STAT-17."""
    wants(shop, url=http_sink.url)
    with transaction():
        save_page({"slug": "shop", "access": "private"}, by=Actor(shop.ana.ref, shop.ana.name, user_id=shop.ana.id))
    export()
    assert not http_sink.calls


def test_a_copy_leads_to_no_page_that_it_does_not_hold(app, shop, export, tmp_path):
    """STAT-23: an open notice stands there in full; `export: null` ends the copies."""
    app.config["STATUS_EXPORT_DIR"] = str(tmp_path)
    wants(shop, folder=True)
    opened(shop)
    export()
    page = (tmp_path / "shop" / "index.html").read_text()
    assert "Cards fail" in page and "/notices/" not in page
    automatic(shop, export=None)
    assert shop.page.exports == {}
