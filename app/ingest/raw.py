"""Text as the pages of integrations show it: a raw body, a request to repeat by hand. Pure."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping

from markupsafe import Markup, escape

SHOWN, COPIED = 65_536, 10_000
PARTS = re.compile(r'(?P<k>"(?:[^"\\]|\\.)*")(?=\s*:)|'
                   r'(?P<s>"(?:[^"\\]|\\.)*")|(?P<n>-?\b\d[\d.eE+-]*\b|\b(?:true|false|null)\b)')


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
