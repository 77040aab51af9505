"""Notes and descriptions as HTML: Markdown without raw HTML, sanitised, remote images as links. Pure."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

import markdown_it
import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

TAGS = {"p", "br", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a", "hr", "h3", "h4", "h5", "h6",
        "table", "thead", "tbody", "tr", "th", "td"}
BARE = re.compile(r"(?<![\w(\[<\"'=])(https?://[^\s<>\"')\]]+[^\s<>\"')\].,;:!?])")
PLAIN = re.compile(r"[^\W\d_](?:[^\W_]|[ ,.;?!()%/'-])*")  # a letter first; nothing that Markdown or HTML could mean
PLAIN_ADDRESS = re.compile(r"https?://[a-z0-9.-]+(/[A-Za-z0-9/_.~?=&#+-]*)?")
RENDERER = sha256(f"{markdown_it.__version__} {nh3.__version__}\n".encode() + Path(__file__).read_bytes()).hexdigest()[:16]
"""Another one for each way of rendering: whatever was rendered by another must not be shown."""
_markdown = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])
_normalized = _markdown.normalizeLink
# Taking an address apart and putting it together again is a tenth of all work, and changes nothing of most of them.
_markdown.normalizeLink = lambda url: url if PLAIN_ADDRESS.fullmatch(url) else _normalized(url)  # type: ignore[method-assign]


def html(text: str) -> Markup:
    """`text` as safe HTML: no script, style, frame or event attribute; an image becomes a link to it."""
    if len(text) < 500 and PLAIN.fullmatch(text):
        return Markup(f"<p>{text.rstrip()}</p>\n")  # as all the rest would say it, but at once
    tokens = _markdown.parse(text)
    for token in tokens:
        if token.tag in ("h1", "h2"):  # the page has its own first headings
            token.tag = "h3"
        for child in token.children or ():
            if child.type == "image":
                _as_link(child)
    shown = _markdown.renderer.render(tokens, _markdown.options, {})
    return Markup(nh3.clean(_linked(shown), tags=TAGS, attributes={"a": {"href"}}, url_schemes={"http", "https", "mailto"},
                            link_rel="noopener noreferrer nofollow"))


def _as_link(image: object) -> None:
    address, label = image.attrs.get("src", ""), image.content  # type: ignore[attr-defined]
    image.type, image.tag = "text", ""  # type: ignore[attr-defined]
    image.content = f"{label} {address}".strip()  # type: ignore[attr-defined]


def _linked(shown: str) -> str:
    """Bare addresses outside of links and code become links."""
    parts = re.split(r"(<a\b.*?</a>|<code\b.*?</code>|<[^>]+>)", shown, flags=re.DOTALL)
    return "".join(part if part.startswith("<") else BARE.sub(r'<a href="\1">\1</a>', part) for part in parts)
