"""When the pages of a replay end: as people answered then, never, or so long after an incident opened. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.core.errors import Invalid
from app.core.forms import duration

RECORDED, NEVER, AFTER = "recorded", "never", "after="
LONGEST = timedelta(days=1)


@dataclass(frozen=True)
class Ended:
    """What ended the pages of one incident then: somebody's answer, and its sender's recovery. None: there was none."""

    answered: datetime | None = None
    over: datetime | None = None


@dataclass(frozen=True)
class Answers:
    """`how` is `recorded`, `never` or `after=5m`; `after` the time that the last one names."""

    how: str = RECORDED
    after: timedelta | None = None

    def until(self, opened: datetime, then: Sequence[Ended], number: int, *, unanswered: timedelta) -> datetime:
        """Until when the incident that is the `number`-th of its delivery (from 0) pages; a problem that is over by itself
        is over whoever answers."""
        ended = then[min(number, len(then) - 1)] if then else Ended()
        first = ended.answered if self.how == RECORDED else opened + self.after if self.after is not None else None
        return min([one for one in (first, ended.over) if one is not None], default=opened + unanswered)

    @property
    def words(self) -> str:
        """As a sentence."""
        return {RECORDED: "Pages end when somebody answered then.", NEVER: "Nobody answers."}.get(
            self.how, f"Each incident is answered after {self.how.removeprefix(AFTER)}.")


def answers_of(text: str) -> Answers:
    """What `recorded`, `never` and `after=5m` mean. Raises Invalid."""
    if text in (RECORDED, NEVER):
        return Answers(text)
    try:
        after = timedelta(seconds=duration(text.removeprefix(AFTER))) if text.startswith(AFTER) else None
    except ValueError:
        after = None
    if after is None or not timedelta() < after <= LONGEST:
        raise Invalid("Pages end as `recorded`, `never`, or after a time of at most a day, such as `after=5m`.")
    return Answers(text, after)
