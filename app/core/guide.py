"""A plugin's guide, its README, as pages show it. Pure."""

from __future__ import annotations

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from app.core.reading import addressed

TAGS = {"p", "br", "strong", "em", "code", "pre", "blockquote", "ul", "ol", "li", "a", "hr", "h3", "h4", "h5", "h6",
        "table", "thead", "tbody", "tr", "th", "td"}
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
