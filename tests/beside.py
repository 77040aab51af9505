"""What is said of a file that stands beside the grid."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Extra:
    """A file beside the grid: its rank, why it stands alone, and whether it is public or part of the edge."""

    rank: float
    why: str
    public: bool = False
    edge: bool = False
