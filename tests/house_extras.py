"""Files beside the grid in the domains of automation, and what such an entry says; the other domains' are in house_map.py."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Extra:
    """A file beside the grid: its rank, why it stands alone, and whether it is public or part of the edge."""

    rank: float
    why: str
    public: bool = False
    edge: bool = False


AUTOMATION = {
    "runbooks/vault": Extra(2.4, "secrets, their reads and commands, apart from what names them", public=True),
    "runbooks/secret_pages": Extra(2.6, "page contexts of secrets, apart from those of runbooks"),
    "runbooks/secret_routes": Extra(5, "the routes of secrets, apart from those of runbooks", edge=True),
    "runbooks/secret_api": Extra(5, "secrets for machines, apart from runbooks", edge=True),
}
