"""The hooks a plugin may implement, one sentence each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pluggy

from app.plugin_api import Action, Calendar, Channel, EventView, Importer, Integration, RunbookTarget, Setting

hookspec = pluggy.HookspecMarker("oncall")


@hookspec
def integrations() -> Sequence[Integration]:
    """The ways in that this plugin offers."""
    return ()


@hookspec
def channels() -> Sequence[Channel]:
    """The ways to reach a person or a room that this plugin offers."""
    return ()


@hookspec
def workflow_actions() -> Sequence[Action]:
    """The verbs that this plugin offers to workflows, and to whoever makes tickets."""
    return ()


@hookspec
def calendars() -> Sequence[Calendar]:
    """The calendars outside that this plugin keeps in step with a person's shifts."""
    return ()


@hookspec
def runbook_targets() -> Sequence[RunbookTarget]:
    """The places that this plugin offers, where a runbook can act."""
    return ()


@hookspec
def importers() -> Sequence[Importer]:
    """What reads another product's export or API into our configuration document."""
    return ()


@hookspec
def settings() -> Sequence[Setting]:
    """The plugin's own settings; names are prefixed with its slug."""
    return ()


@hookspec
def blueprint() -> Any:
    """A Flask blueprint mounted at /plugins/<slug>/."""


@hookspec
def on_event(event: EventView) -> None:
    """Hears every committed event, after the commit, in a worker."""
