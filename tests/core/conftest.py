"""Fixtures of the core's tests."""

from tests.core.live_world import server, world  # noqa: F401 - fixtures of the live pages
