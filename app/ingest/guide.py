"""Text as the pages of integrations show it: a plugin's guide, a raw body, a request to repeat by hand. Pure."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape

from app.core.reading import addressed

SHOWN, COPIED = 65_536, 10_000
TAGS = {"p", "br", "strong", "em", "code", "pre", "blockquote", "ul", "ol", "li", "a", "hr", "h3", "h4", "h5", "h6",
        "table", "thead", "tbody", "tr", "th", "td"}
PARTS = re.compile(r'(?P<k>"(?:[^"\\]|\\.)*")(?=\s*:)|'
                   r'(?P<s>"(?:[^"\\]|\\.)*")|(?P<n>-?\b\d[\d.eE+-]*\b|\b(?:true|false|null)\b)')
_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")


def guide(readme: str, url: str) -> Markup:
    """The README as safe HTML below a page's own headings, its first heading left out, its addresses filled in."""
    tokens = _lowered(_markdown.parse(addressed(readme, url)))
    shown = _markdown.renderer.render(tokens, _markdown.options, {})
    clean = nh3.clean(shown, tags=TAGS, attributes={"a": {"href"}}, url_schemes={"http", "https"},
                      link_rel="noopener noreferrer")
    clean = clean.replace("<pre><code>", '<pre class="code card" role="group" tabindex="0" aria-label="To copy"><code>')
    clean = clean.replace(
        "<table>", '<div class="scroll card" role="group" tabindex="0" aria-label="Table"><table class="table">')
    clean = clean.replace("<ol>", '<ol class="stack tight">')
    return Markup(clean.replace("</table>", "</table></div>"))


def _lowered(tokens: list[Token]) -> list[Token]:
    """Without the title, which the page has already; the other headings one step below the card's."""
    if tokens and tokens[0].tag == "h1":
        tokens = tokens[3:]
    for number, token in enumerate(tokens):
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1:]) + 1, 6)}"
        elif token.type == "list_item_open" and token.info:
            _numbered(tokens[number:], token.info)
    return tokens


def _numbered(rest: list[Token], number: str) -> None:
    """Write a step's number before its words: the page's lists carry none."""
    words = next(token for token in rest if token.type == "inline")
    words.children = [Token("text", "", 0, content=f"{number}. "), *(words.children or ())]


def body(raw: bytes) -> str:
    """The body as text to read: JSON on one line is spread over lines; at most 64 KiB; "" when it is no text."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return ""
    if "\n" not in text.strip() and len(text) <= SHOWN:
        try:
            text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
        except (ValueError, RecursionError):
            pass
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def coloured(text: str) -> Markup:
    """JSON with its names, texts and numbers marked; anything else comes out as it is."""
    parts, end = [], 0
    for found in PARTS.finditer(text):
        parts += [escape(text[end:found.start()]),
                  Markup('<span class="{}">{}</span>').format(found.lastgroup, found.group())]
        end = found.end()
    return Markup("").join([*parts, escape(text[end:])])


def curl(method: str, url: str, headers: Mapping[str, str], raw: bytes) -> str:
    """A command that sends the same once more; a body that is long or no text comes from a file."""
    kind = headers.get("content-type", "application/json")
    text = raw.decode("utf-8", "replace") if len(raw) <= COPIED else ""
    data = ("--data-raw", text) if text and text.encode() == raw else ("--data-binary", "@body")
    return " ".join(shlex.quote(part) for part in ("curl", "-X", method, url, "-H", f"Content-Type: {kind}", *data))
