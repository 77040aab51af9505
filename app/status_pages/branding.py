"""Colours and pictures that a page may carry. Pure.

Source: WCAG 2.2, 1.4.3 (contrast) and its definition of relative luminance.
"""

from __future__ import annotations

import re

COLOUR = re.compile(r"#[0-9a-f]{6}")
GROUNDS = {"light": "#ffffff", "dark": "#14181d"}
LEAST = 4.5
LARGEST = 100_000
SIGNS = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb`, 0 to 1."""
    parts = [int(colour[at:at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """How far two colours stand apart, 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def check_accent(text: object) -> str:
    """`#rrggbb` that white text on it can be read on; "" for the system's own. Raises ValueError."""
    colour = str(text or "").strip().lower()
    if not colour:
        return ""
    if not COLOUR.fullmatch(colour):
        raise ValueError("Write a colour like #1d4ed8")
    found = contrast(colour, GROUNDS["light"])
    if found < LEAST:
        raise ValueError(f"White text on it has a contrast of {found:.1f}:1 only; 4.5:1 is needed")
    return colour


def kind_of(picture: bytes) -> str:
    """The media type of a logo, by its first bytes. Raises ValueError for what is none."""
    if len(picture) > LARGEST:
        raise ValueError("A logo has 100 kB at most")
    found = next((kind for sign, kind in SIGNS.items() if picture.startswith(sign)), "")
    if picture[:4] == b"RIFF" and picture[8:12] == b"WEBP":
        found = "image/webp"
    if not found:
        raise ValueError("A logo is a PNG, JPEG or WebP picture")
    return found
