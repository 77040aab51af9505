"""What people write for outsiders, as safe HTML: paragraphs, lists, links and emphasis, nothing else. Pure."""

from __future__ import annotations

import re

import nh3
from markupsafe import Markup

from app.incidents import markdown

TAGS = {"p", "br", "strong", "em", "ul", "ol", "li", "a"}
SIGNS = re.compile(r"(\*\*|__|(?<!\w)[*_](?=\w)|(?<=\w)[*_](?!\w)|`)")
LINK = re.compile(r"!?\[([^\]]*)\]\(([^)\s]*)\)")


def html(text: str) -> Markup:
    """`text`, Markdown, as safe HTML: what is more than the subset is left as its words."""
    return Markup(nh3.clean(str(markdown.html(text)), tags=TAGS, attributes={"a": {"href"}},
                            url_schemes={"http", "https", "mailto"}, link_rel="noopener noreferrer nofollow"))


def plain(text: str) -> str:
    """`text` as people read it in a mail or feed without markup."""
    def spelt(link: re.Match[str]) -> str:
        return f"{link[1]} ({link[2]})" if link[2].startswith(("http://", "https://")) else link[1]
    return SIGNS.sub("", LINK.sub(spelt, text))
