"""What happens because time passed, and what a process does once at its start."""

from __future__ import annotations

from app.core.periodic import Every

# What happens because time passed. Ticks run in every clock process; due rows are claimed, not owned. What pages or calls
# other systems is `outgoing`: it does not run while everything is held after a restore.
PERIODIC: tuple[Every, ...] = (
    Every(2, "app.core.periodic.note_clock"),
    Every(2, "app.core.jobs.redispatch"),
    Every(2, "app.core.chain.seal"),
    Every(30, "app.core.limits.note_refusals"),
    Every(30, "app.identity.ticks.note_refusals"),
    Every(3600, "app.core.chain.purge_old"),
    Every(60, "app.core.rotation.reseal"),
    Every(1, "app.ingest.ticks.drain"),
    Every(0.5, "app.escalation.ticks.advance", outgoing=True),
    Every(0.5, "app.notifications.ticks.send", outgoing=True),
    Every(1, "app.notifications.ticks.refresh_posts", outgoing=True),
    Every(5, "app.notifications.ticks.post_handovers"),
    Every(1, "app.escalation.ticks.end_snoozes"),
    Every(1, "app.escalation.ticks.end_holds"),
    Every(1, "app.escalation.answers.look"),
    Every(5, "app.escalation.ticks.start_missing"),
    Every(60, "app.escalation.ticks.insist", outgoing=True),
    Every(15, "app.incidents.ticks.remind_of_updates"),
    Every(60, "app.oncall.ticks.settle"),
    Every(5, "app.oncall.ticks.hand_over"),
    Every(300, "app.oncall.ticks.watch_gaps"),
    Every(3600, "app.oncall.ticks.note_zones"),
    Every(300, "app.notifications.ticks.look_ahead"),
    Every(5, "app.notifications.ticks.release"),
    Every(10, "app.ingest.ticks.end_tests"),
    Every(10, "app.oncall.calendar_ticks.read_calendars", outgoing=True),
    Every(15, "app.oncall.calendar_ticks.sync_links", outgoing=True),
    Every(60, "app.ingest.ticks.end_silent"),
    Every(5, "app.ingest.ticks.calm_down"),
    Every(300, "app.ingest.ticks.trim_refused"),
    Every(3600, "app.ingest.keeping.forget"),
    Every(10, "app.ingest.switching.release_held"),
    Every(5, "app.ingest.trouble.weigh"),
    Every(2, "app.heartbeats.pings.expire"),
    Every(1, "app.webhooks.ticks.send", outgoing=True),
    Every(10, "app.webhooks.ticks.release"),
    Every(3600, "app.webhooks.ticks.forget"),
    Every(1, "app.status_pages.ticks.follow"),
    Every(1, "app.status_pages.ticks.run_windows"),
    Every(1, "app.status_pages.ticks.publish_due"),
    Every(2, "app.status_pages.ticks.tell_last_words"),
    Every(5, "app.status_pages.ticks.remind"),
    Every(600, "app.status_pages.ticks.list_windows"),
    Every(2, "app.status_pages.export_ticks.export"),
    Every(1, "app.status_pages.reader_ticks.fan_out"),
    Every(1, "app.status_pages.reader_ticks.send"),
    Every(10, "app.status_pages.reader_ticks.release"),
    Every(3600, "app.status_pages.reader_ticks.forget"),
    Every(2, "app.partners.ticks.send", outgoing=True),
    Every(3600, "app.partners.ticks.purge"),
    Every(0.25, "app.runbooks.ticks.run", outgoing=True),
    Every(0.5, "app.runbooks.ticks.expire"),
    Every(5, "app.runbooks.ticks.decide_lost"),
    Every(3600, "app.runbooks.ticks.forget"),
    Every(60, "app.postmortems.ticks.nudge"),
    Every(20, "app.postmortems.ticks.remind"),
    Every(2, "app.postmortems.tickets.make_due"),
    Every(60, "app.postmortems.tickets.refresh_due"),
)

# What a worker or clock does once at its start.
STARTUP: tuple[str, ...] = (
    "app.notifications.ticks.release_dead", "app.runbooks.ticks.release_dead",
)
