"""What differs between two texts, line by line. Pure."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

CONTEXT = 2
LONGEST = 4000


@dataclass(frozen=True)
class Difference:
    """Lines with their sign: `+` came, `-` went, ` ` stayed, `@` stands for what was left out between."""

    lines: list[tuple[str, str]]

    @property
    def changed(self) -> bool:
        """Whether there is any."""
        return any(sign in "+-" for sign, _ in self.lines)


def difference(before: str, after: str) -> Difference:
    """The lines of `after` against those of `before`, with two lines around each change."""
    lines: list[tuple[str, str]] = []
    for group in difflib.SequenceMatcher(None, before.splitlines(), after.splitlines()).get_grouped_opcodes(CONTEXT):
        if lines:
            lines.append(("@", "…"))
        for tag, a, b, c, d in group:
            if tag == "equal":
                lines += [(" ", line) for line in before.splitlines()[a:b]]
            else:
                lines += [("-", line) for line in before.splitlines()[a:b]]
                lines += [("+", line) for line in after.splitlines()[c:d]]
    return Difference(lines[:LONGEST])
