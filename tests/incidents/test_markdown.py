"""Notes: Markdown that people need, and nothing that runs or loads."""

from __future__ import annotations

import random
import re
from html.parser import HTMLParser

import pytest

from app.incidents import markdown
from app.incidents.markdown import TAGS, html


class Elements(HTMLParser):
    """What a browser would make of it."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, list[tuple[str, str]]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, [(name, value or "") for name, value in attrs]))


def test_lists_code_tables_and_links_are_shown() -> None:
    """IPG-23."""
    shown = html("- one\n- `two`\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n[here](https://example.com/x) and https://example.com/y.")
    assert "<li>one</li>" in shown and "<code>two</code>" in shown and "<td>2</td>" in shown
    assert 'href="https://example.com/x"' in shown and 'href="https://example.com/y"' in shown


@pytest.mark.parametrize("hostile", [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[x](javascript:alert(1))", "<iframe src=//e></iframe>",
    "<style>*{}</style>", "![x](https://example.com/a.png)", "<a href=\"data:text/html,x\">y</a>", "![x](javascript:alert(1))",
    "https://example.com/\"onmouseover=alert(1)", "`https://example.com/<script>`",
])
def test_nothing_runs_and_nothing_is_loaded(hostile: str) -> None:
    """IPG-23: no script, style, frame, event attribute, and an image is a link at most."""
    seen = Elements()
    seen.feed(html(hostile))
    assert {tag for tag, _ in seen.found} <= TAGS
    attributes = [attribute for _, given in seen.found for attribute in given]
    assert {name for name, _ in attributes} <= {"href", "rel"}
    assert all(value.startswith(("https://", "noopener")) for _, value in attributes)


def test_an_image_becomes_a_link_to_it() -> None:
    assert 'href="https://example.com/a.png"' in html("see ![graph](https://example.com/a.png)")


def test_what_is_said_at_once_is_what_all_the_rules_would_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts without any sign of Markdown, and plain addresses, take a shorter way to the same."""
    chance = random.Random(1)
    texts = ["".join(chance.choices("ab Zé,.;?!()%/'-19  ", k=chance.randrange(1, 14))) for _ in range(400)]
    texts += [f"[a](https://{address})" for address in ("example.com/a_b?c=1&d=2#e", "example.com", "a.b/~c/+d")]
    quick = [html(text) for text in texts]
    monkeypatch.setattr(markdown, "PLAIN", re.compile("(?!)"))
    monkeypatch.setattr(markdown, "PLAIN_ADDRESS", re.compile("(?!)"))
    assert quick == [html(text) for text in texts]
