"""How the sender of an integration signs: what is ours, and what another way may be. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from app.core.forms import Problems, check_text, one_of
from app.core.signatures import DIGESTS, ENCODINGS, Signed

OURS = {"header": "X-OnCall-Signature", "prefix": "v1=", "algorithm": "sha256", "encoding": "hex",
        "timestamp_header": "X-OnCall-Timestamp", "signed": "timestamp.body"}
CHOICES = {"algorithm": tuple(DIGESTS), "encoding": tuple(ENCODINGS), "signed": get_args(Signed)}
LONGEST = 100


def checked(said: Any, problems: Problems) -> dict[str, str]:
    """What a document says differently from ours, each at its place if it is wrong: nothing that arrives later could be
    checked by it."""
    if not isinstance(said, Mapping):
        problems.add("signature", f"A signature is described by {', '.join(OURS)}")
        return {}
    found = {}
    for name, value in said.items():
        place = f"signature.{name}"
        if name not in OURS:
            problems.add(place, f"A signature is described by {', '.join(OURS)}")
        elif name in CHOICES:
            found[name] = problems.take(place, one_of, value, choices=CHOICES[name]) or ""
        else:
            found[name] = problems.take(place, check_text, value, most=LONGEST) or ""
    way = OURS | found
    if not way["header"] and not problems.found:
        problems.add("signature.header", "Name the header that holds the signature")
    if way["signed"] != "body" and not way["timestamp_header"] and not problems.found:
        problems.add("signature.timestamp_header", "Name the header of the time, which is signed with the body")
    return found
