"""Group commit: of several threads that want the same at one moment, one does it for all that wait, in one go."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Wish = TypeVar("Wish")
Gift = TypeVar("Gift")
MOST = 100


@dataclass
class _Ticket(Generic[Wish, Gift]):
    wish: Wish
    gift: Gift | None = None
    fault: BaseException | None = None
    done: bool = False


class Together(Generic[Wish, Gift]):
    """`work` takes wishes and answers one gift for each, in their order; what it raises fails the wish that caused it.

    After a fault every wish is tried alone, except after a `hopeless` one (nothing will work now): that fails them all.

    Nobody waits for company: who comes alone is served at once. Those who come meanwhile queue at the lock; the first
    of them serves all. The work begins after every wish it serves was made, so that none gets what was true before.
    """

    def __init__(self, work: Callable[[Sequence[Wish]], Sequence[Gift]], *,
                 hopeless: tuple[type[Exception], ...] = ()) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._hopeless = hopeless
        self._waiting: deque[_Ticket[Wish, Gift]] = deque()

    def ask(self, wish: Wish) -> Gift:
        """The gift for this wish. Raises what the work raised for it: one bad wish spoils no other."""
        ticket: _Ticket[Wish, Gift] = _Ticket(wish)
        self._waiting.append(ticket)
        with self._lock:
            while not ticket.done:
                self._serve([self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))])
        if ticket.fault is not None:
            raise ticket.fault
        return ticket.gift  # type: ignore[return-value]

    def _serve(self, batch: list[_Ticket[Wish, Gift]]) -> None:
        try:
            gifts = self._work([ticket.wish for ticket in batch])
            for ticket, gift in zip(batch, gifts, strict=True):
                ticket.gift, ticket.done = gift, True
        except BaseException as fault:
            if len(batch) > 1 and isinstance(fault, Exception) and not isinstance(fault, self._hopeless):
                for ticket in batch:
                    self._serve([ticket])
                return
            for ticket in batch:
                ticket.fault, ticket.done = fault, True
