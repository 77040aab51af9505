"""What a worker does with the entry that proves the chain."""

from app.core.events import Event
from app.core.jobs import in_worker
from app.watch import noting


def prove(_event: Event) -> None:
    """`system.proved`: it came through, if this is a worker; while Redis is away the clock reacts alone."""
    if in_worker():
        noting.prove()
