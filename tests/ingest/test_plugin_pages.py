"""The page of plugins, their icons and their guides."""

from __future__ import annotations

import pytest

from app.core.guide import guide
from app.core.plugins import Broken
from app.ingest import raw


def test_admins_see_what_is_installed_and_what_is_broken(app, signed_in, olga):
    """SRC-29: the broken one with the last line of its fault."""
    registry = app.extensions["plugins"]
    registry.broken.append(Broken("faulty", "bundled", "ImportError: no module named nothing"))
    page = signed_in(olga).get("/settings/plugins").text
    registry.broken.pop()
    for words in ("faulty did not start", "ImportError: no module named nothing", "Prometheus Alertmanager", "bundled", "On"):
        assert words in page, words


def test_nobody_else_sees_the_page_or_the_way_to_it(app, signed_in, bob, olga):
    """SRC-37."""
    assert signed_in(bob).get("/settings/plugins").status_code == 403
    assert "/settings/plugins" not in signed_in(bob).get("/integrations").text
    assert "/settings/plugins" in signed_in(olga).get("/integrations").text


def test_an_icon_is_kept_long_and_can_run_nothing(app, signed_in, bob):
    """Whoever wrote the plugin wrote the drawing."""
    answer = signed_in(bob).get("/plugins/alertmanager/icon.svg")
    assert answer.mimetype == "image/svg+xml" and b"currentColor" not in answer.data
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff" and "max-age=604800" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("slug", ["nothing", "..", "%2e%2e"])
def test_there_is_no_icon_of_nothing(app, signed_in, bob, slug):
    assert signed_in(bob).get(f"/plugins/{slug}/icon.svg").status_code == 404


def test_a_guide_is_harmless_and_holds_the_address():
    """Raw HTML is text, links lead to web pages only, steps keep their numbers."""
    shown = guide("# Title\n\n1. Give it `{url}`\n2. <script>x</script> [a](javascript:x) [b](https://b.example)\n\n"
                        "## More\n\n```yaml\nurl: {url}\n```\n", "https://oncall.example/in/abc")
    assert "Title" not in shown and "<h3>More" in shown and "<script" not in shown and "javascript:x\"" not in shown
    assert "1. Give it <code>https://oncall.example/in/abc</code>" in shown and 'href="https://b.example"' in shown
    assert '<pre class="code card"' in shown


def test_a_body_is_coloured_without_becoming_markup():
    """What looks like JSON is marked; whatever it holds is text."""
    shown = raw.coloured(raw.body(b'{"title":"<b>x</b>","count":7,"ok":true}'))
    assert '<span class="k">&#34;title&#34;</span>: <span class="s">&#34;&lt;b&gt;x&lt;/b&gt;&#34;</span>' in shown
    assert '<span class="n">7</span>' in shown and "<b>" not in shown


def test_a_body_that_is_no_text_is_not_shown():
    assert raw.body(b"\xff\xfe\x00") == ""


def test_the_command_to_repeat_it_is_safe_to_paste():
    """Quotes in the body end nothing; a long body comes from a file."""
    text = raw.curl("POST", "https://a.example/in/x", {"content-type": "application/json"}, b"{\"a\": \"it's; rm -rf\"}")
    assert "'{\"a\": \"it'\"'\"'s; rm -rf\"}'" in text
    assert text.startswith("curl -X POST https://a.example/in/x")
    assert "--data-binary @body" in raw.curl("POST", "https://a.example/in/x", {}, b"x" * 20_000)


def test_the_gallery_is_in_categories_and_searched_by_them(app, signed_in, ana, payments):
    """Spec 07, Add: what a person looks for is under its heading, or found by that word."""
    browser = signed_in(ana)
    page = browser.get("/integrations/-/new").text
    assert page.index("Uptime and cron") < page.index("Pingdom") and page.index("Anything else") < page.index(">Webhook<")
    found = browser.get("/integrations/-/new?q=uptime").text
    assert "Pingdom" in found and "Datadog" not in found
