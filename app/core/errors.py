"""The named failures of commands and the one place that turns them into answers."""

from __future__ import annotations

from dataclasses import dataclass, field

# What is said of a thing that is not there, and of one that the reader may not know of: nobody can tell which it is.
NOTHING = "There is no such thing."


@dataclass(frozen=True)
class Problem:
    """One fault in what was sent: `field` is the path of the value, `message` a sentence."""

    field: str
    message: str


@dataclass
class Failure(Exception):
    """A command could not be done; `detail` is a sentence for people."""

    detail: str = ""
    status: int = field(default=500, init=False)
    title: str = field(default="Failure", init=False)

    def __str__(self) -> str:
        return self.detail


@dataclass
class Invalid(Failure):
    """What was sent is not acceptable; `problems` say where."""

    problems: list[Problem] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.status, self.title = 422, "Not acceptable"
        if not self.detail:
            self.detail = "; ".join(problem.message for problem in self.problems)


@dataclass
class Forbidden(Failure):
    """The actor may not do this."""

    def __post_init__(self) -> None:
        self.status, self.title = 403, "Not allowed"


@dataclass
class NotFound(Failure):
    """There is no such thing, or the actor may not know of it: without a detail of its own, both sound alike."""

    def __post_init__(self) -> None:
        self.status, self.title = 404, "Not found"
        self.detail = self.detail or NOTHING


@dataclass
class Conflict(Failure):
    """The move does not fit the present state; `state` is what an API caller needs to know of it."""

    state: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.status, self.title = 409, "Conflict"


@dataclass
class RateLimited(Failure):
    """Too many; `after` is when to try again, in seconds."""

    after: int = 60

    def __post_init__(self) -> None:
        self.status, self.title = 429, "Too many requests"
