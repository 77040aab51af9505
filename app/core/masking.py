"""What is shown or kept of what others said: ••• wherever a secret stands, and nothing that no database takes."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

MASK = "•••"


def mask(value: Any, secrets: Iterable[str]) -> Any:
    """`value` with each of these texts replaced by •••, also where it stands escaped, percent-encoded or in base64."""
    variants = sorted({form for text in secrets if text for form in _forms(text)}, key=len, reverse=True)
    return _masked(value, variants) if variants else value


def storable(value: Any) -> Any:
    """The same without what no database takes: NUL, halves of characters, and what is not a number."""
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {storable(str(name)): storable(item) for name, item in value.items()}
    return [storable(item) for item in value] if isinstance(value, list) else value


def _masked(value: Any, variants: list[str]) -> Any:
    if isinstance(value, str):
        for text in variants:
            value = value.replace(text, MASK)
        return value
    if isinstance(value, Mapping):
        return {_masked(key, variants): _masked(item, variants) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(item, variants) for item in value]
    return MASK if isinstance(value, int | float) and not isinstance(value, bool) and str(value) in variants else value


def _forms(text: str) -> set[str]:
    coded = base64.b64encode(text.encode("utf-8", "surrogatepass")).decode()
    return {text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], quote(text, safe=""),
            quote(text), coded, *([coded.rstrip("=")] if len(text) > 5 else [])}
