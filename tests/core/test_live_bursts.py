"""Many changes within a moment cost few renders, and the last state is what everybody sees."""

from __future__ import annotations

import time

from tests.core.live_world import World, hear


def test_a_burst_of_events_costs_one_render(world: World) -> None:
    """IPG-29: within one window."""
    client = world.open()
    hear(client)
    world.built.clear()
    world.state = "resolved"
    for _ in range(50):
        world.publish()
    assert "42 resolved" in hear(client)
    assert len(world.built) <= 2  # the burst may straddle the edge of one window


def test_five_hundred_changes_within_a_second_cost_at_most_five_renders(world: World) -> None:
    """IPG-29: for each distinct view, whoever looks; and the last state is right."""
    clients = [world.open(name) for name in ("ana", "bob", "ana")]
    for client in clients:
        hear(client)
    world.built.clear()
    for number in range(500):
        world.state = f"state-{number}"
        world.publish()
        time.sleep(0.001)
    for client in clients:
        told = hear(client)
        while "state-499" not in told:
            told = hear(client)
    assert len(world.built) <= 5
