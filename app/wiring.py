"""The map of the house: who serves what, who hears what. Read this first; `timetable` says what happens as time passes."""

from __future__ import annotations

from app.core.jobs import On
from app.webhooks.rules import HEARD

# Every table of the house, so that metadata and migrations are complete.
MODELS = (
    "app.core.events", "app.core.chain", "app.core.once", "app.core.pulse", "app.core.plugin_switches",
    "app.core.shadow", "app.core.former",
    "app.identity.models", "app.catalog.models", "app.oncall.models", "app.oncall.calendar_models",
    "app.incidents.models", "app.shadow.models", "app.notifications.models",
    "app.notifications.channel_models", "app.escalation.models",
    "app.workflows.models",
    "app.ingest.models", "app.heartbeats.models", "app.webhooks.models", "app.runbooks.models", "app.connections.models",
    "app.status_pages.models", "app.status_pages.maintenance_models", "app.status_pages.subscriber_models",
    "app.partners.models", "app.postmortems.models", "app.insights.models", "app.config.models",
)

# Pages for people and calls for machines, one blueprint each: module, and where it is mounted.
BLUEPRINTS: tuple[tuple[str, str], ...] = (
    ("app.core.probes", ""),
    ("app.identity.routes", ""), ("app.identity.api", "/api/v1"), ("app.identity.scim", "/scim/v2"),
    ("app.catalog.routes", ""), ("app.catalog.window_routes", ""),
    ("app.catalog.api", "/api/v1"), ("app.catalog.edge_api", "/api/v1"),
    ("app.oncall.routes", ""), ("app.oncall.routes_edit", ""), ("app.oncall.routes_calendars", ""),
    ("app.oncall.routes_requests", ""),
    ("app.oncall.api", "/api/v1"), ("app.oncall.api_calendars", "/api/v1"), ("app.oncall.api_requests", "/api/v1"),
    ("app.incidents.routes", ""), ("app.incidents.room_routes", ""), ("app.incidents.bulk_routes", ""),
    ("app.incidents.api", "/api/v1"), ("app.incidents.room_api", "/api/v1"), ("app.incidents.bulk_api", "/api/v1"),
    ("app.shadow.routes", ""), ("app.shadow.api", "/api/v1"),
    ("app.notifications.routes", ""), ("app.notifications.callbacks", ""),
    ("app.notifications.channel_routes", ""), ("app.notifications.api", "/api/v1"),
    ("app.escalation.routes", ""), ("app.escalation.api", "/api/v1"),
    ("app.ingest.routes", ""), ("app.ingest.plugin_routes", ""), ("app.ingest.plugin_api", "/api/v1"),
    ("app.ingest.mapping_routes", ""), ("app.ingest.renewal_routes", ""),
    ("app.ingest.doors", ""), ("app.ingest.api", "/api/v1"),
    ("app.ingest.routing_routes", ""), ("app.ingest.explain_routes", ""),
    ("app.workflows.routes", ""), ("app.workflows.build_routes", ""), ("app.workflows.api", "/api/v1"),
    ("app.heartbeats.doors", ""), ("app.heartbeats.routes", ""), ("app.heartbeats.api", "/api/v1"),
    ("app.runbooks.callbacks", ""), ("app.runbooks.routes", ""), ("app.runbooks.run_routes", ""),
    ("app.runbooks.api", "/api/v1"),
    ("app.runbooks.secret_routes", ""), ("app.runbooks.secret_api", "/api/v1"),
    ("app.connections.routes", ""), ("app.connections.api", "/api/v1"),
    ("app.webhooks.routes", ""), ("app.webhooks.api", "/api/v1"),
    ("app.status_pages.doors", ""), ("app.status_pages.routes", ""), ("app.status_pages.component_routes", ""),
    ("app.status_pages.reader_doors", ""), ("app.status_pages.notice_routes", ""), ("app.status_pages.reader_routes", ""),
    ("app.status_pages.maintenance_routes", ""), ("app.status_pages.api", "/api/v1"),
    ("app.partners.doors", ""), ("app.partners.routes", ""), ("app.partners.api", "/api/v1"),
    ("app.postmortems.routes", ""), ("app.postmortems.edit_routes", ""), ("app.postmortems.item_routes", ""),
    ("app.postmortems.paper_routes", ""), ("app.postmortems.pattern_routes", ""),
    ("app.postmortems.api", "/api/v1"), ("app.postmortems.item_api", "/api/v1"), ("app.postmortems.pattern_api", "/api/v1"),
    ("app.insights.routes", ""), ("app.insights.digest_routes", ""), ("app.insights.api", "/api/v1"),
    ("app.config.routes", ""), ("app.config.document_routes", ""), ("app.config.moving_routes", ""),
    ("app.config.parity_routes", ""), ("app.config.replay_routes", ""),
    ("app.config.api", "/api/v1"), ("app.config.document_api", "/api/v1"),
    ("app.config.moving_api", "/api/v1"),
    ("app.system.routes", ""), ("app.system.api", "/api/v1"),
)

# Who hears which committed facts. Reactions run in a worker, at least once, in no order.
SUBSCRIPTIONS: tuple[On, ...] = (
    On("system.proved", "app.watch.reactions.prove", queue="pages"),
    On("team.archived", "app.catalog.reactions.name_ownerless"),
    On("service.ownerless", "app.notifications.alarms.tell_of_ownerless"),
    On("incident.opened", "app.escalation.reactions.begin", queue="pages"),
    On("incident.unacknowledged", "app.escalation.reactions.begin_again", queue="pages"),
    On("incident.reopened", "app.escalation.reactions.begin_again", queue="pages"),
    On("incident.acknowledged", "app.escalation.reactions.stop"),
    *(On(f"incident.{fact}", "app.escalation.reactions.watch_answer", queue="pages")
      for fact in ("acknowledged", "acknowledge_renewed")),
    On("incident.resolved", "app.escalation.reactions.stop"),
    On("incident.snoozed", "app.escalation.reactions.stop"),
    On("incident.merged", "app.escalation.reactions.stop"),
    On("incident.snooze_ended", "app.escalation.reactions.begin_again", queue="pages"),
    On("incident.let_page", "app.escalation.reactions.begin_again", queue="pages"),
    On("incident.alert_joined", "app.shadow.reactions.wake", queue="pages"),
    On("incident.merged_in", "app.shadow.reactions.wake_merged", queue="pages"),
    On("incident.unmerged", "app.escalation.reactions.begin_again", queue="pages"),
    On("incident.undone", "app.escalation.reactions.revive", queue="pages"),
    On("incident.resolved", "app.escalation.reactions.let_go", queue="pages"),
    On("maintenance.*", "app.escalation.reactions.let_go", queue="pages"),
    On("silence.ended", "app.escalation.reactions.let_go", queue="pages"),
    On("incident.severity_raised", "app.escalation.reactions.weigh_anew", queue="pages"),
    On("incident.severity_raised", "app.escalation.reactions.page_again", queue="pages"),
    On("incident.assigned", "app.escalation.reactions.restart_timer"),
    On("user.deactivated", "app.escalation.reactions.hand_on", queue="pages"),
    On("user.deactivated", "app.escalation.reactions.tell_of_gaps"),
    On("user.deactivated", "app.notifications.reactions.forget_leaver"),
    On("user.address_vouched", "app.notifications.reactions.take_vouched_address"),
    *(On(kind, "app.oncall.reactions.look_again") for kind in (
        "schedule.created", "schedule.changed", "schedule.override_*", "schedule.swap_accepted", "schedule.swap_reverted",
        "schedule.cover_taken", "schedule.cover_given_back", "schedule.calendar_read", "schedule.holidays_read",
        "schedule.archived",
        "schedule.restored", "schedule.removed", "user.deactivated", "user.activated", "team.changed", "shadow.ended")),
    On("schedule.handed_over", "app.notifications.reactions.tell_of_handover"),
    On("schedule.handed_over", "app.notifications.reactions.post_handover"),
    On("schedule.gaps_found", "app.notifications.reactions.tell_of_gaps"),
    On("schedule.swap_*", "app.notifications.reactions.tell_of_exchange"),
    On("schedule.cover_*", "app.notifications.reactions.tell_of_exchange"),
    On("message.unreachable", "app.escalation.reactions.skip_unreachable", queue="pages"),
    On("message.unreachable", "app.notifications.alarms.tell_of_lost"),
    On("provider.left_out", "app.notifications.alarms.tell_of_refusal"),
    On("integration.busy", "app.notifications.alarms.tell_of_busy"),
    On("integration.health_changed", "app.notifications.alarms.tell_of_health"),
    On("incident.assigned", "app.notifications.reactions.ask_assigned", queue="pages"),
    On("incident.responders_added", "app.notifications.reactions.ask_assigned", queue="pages"),
    *(On(f"incident.{fact}", "app.notifications.reactions.stop_paging") for fact in (
        "acknowledged", "resolved", "snoozed", "merged")),
    On("incident.merged", "app.notifications.reactions.tell_those_paged"),
    On("incident.role_given", "app.notifications.reactions.tell_named"),
    On("incident.task_added", "app.notifications.reactions.tell_named"),
    On("incident.task_changed", "app.notifications.reactions.tell_named"),
    On("incident.note_added", "app.notifications.reactions.tell_named"),
    On("incident.update_*", "app.notifications.reactions.tell_named"),
    On("incident.responder_answered", "app.notifications.reactions.tell_named"),
    On("incident.*", "app.workflows.reactions.consider", queue="workflows"),
    On("escalation.level_reached", "app.workflows.reactions.consider", queue="workflows"),
    On("workflow.run_ended", "app.workflows.reactions.tell_of_failure", queue="workflows"),
    On("workflow.run_ended", "app.workflows.reactions.stop_remedies", queue="workflows"),
    On("runbook.execution_ended", "app.workflows.reactions.go_on", queue="workflows"),
    On("incident.opened", "app.notifications.reactions.post_in_rooms"),
    *(On(f"incident.{fact}", "app.notifications.reactions.keep_posts_true", queue="pages") for fact in (
        "acknowledged", "unacknowledged", "resolved", "reopened", "assigned", "snoozed", "snooze_ended",
        "severity_raised", "merged", "note_added", "channel_opened", "let_page")),
    *(On(f"incident.{fact}", "app.status_pages.reactions.follow", queue="pages") for fact in (
        "opened", "resolved", "reopened", "severity_raised", "severity_lowered", "merged", "unmerged", "undone", "routed",
        "let_page")),
    On("incident.resolved", "app.status_pages.reactions.resolve_notices"),
    On("status_page.component_changed", "app.status_pages.reactions.write_notice"),
    On("service.changed", "app.status_pages.reactions.let_go"),
    On("runbook.execution_ended", "app.runbooks.reactions.tell_starter"),
    On("incident.acknowledged", "app.notifications.reactions.tell_those_paged"),
    On("incident.resolved", "app.notifications.reactions.tell_those_paged"),
    *(On(f"{noun}.*", "app.webhooks.reactions.tell") for noun in HEARD),
    On("incident.resolved", "app.postmortems.reactions.draft"),
    *(On(f"postmortem.{fact}", "app.postmortems.reactions.tell_of_review") for fact in (
        "submitted", "changes_asked", "approved")),
    On("postmortem.published", "app.postmortems.reactions.tell_of_publication"),
    On("user.deactivated", "app.postmortems.reactions.name_leaver"),
    On("user.changed", "app.postmortems.reactions.follow_zone"),
)

# Who notes that a heartbeat is alive, when a vendor's sender says so at a door of that vendor.
PINGED = "app.heartbeats.pings.ping_by_name"

# Who takes mail in, in a process of its own.
MAIL = "app.ingest.mailroom.run"

# Who looks, in a web process, whether the others still live, and tells administrators.
WATCH = "app.watch.looking.keep_looking"

# What makes all figures again from the log, for `oncall doctor --rebuild-insights`.
REBUILD = "app.insights.rollups.rebuild"

# Of which facts plugins hear nothing, since what they concern is in shadow.
HUSHED = "app.shadow.queries.hushed"

# Who sees alike: people for whom this function says the same share one render of a live page.
RIGHTS = "app.identity.queries.rights"

# What stands before the application: pages on hosts of their own.
FRONT = "app.status_pages.front.install"

# What people can answer by a channel: the word of a Reply, and `command(incident, by=, text=)` giving the sentence back.
ANSWERS: dict[str, str] = {
    "acknowledge": "app.notifications.replies.acknowledge", "resolve": "app.notifications.replies.resolve",
    "note": "app.notifications.replies.note", "details": "app.notifications.replies.details",
    "escalate": "app.escalation.service.escalate_for",
}
# What they can ask for that is about no incident: `command(by=, text=)`.
ORDERS: dict[str, str] = {"list": "app.notifications.replies.list_open"}

# Parts of pages that a higher domain adds: page, panel name, function of the page's subject.
PANELS: dict[str, dict[str, str]] = {
    "health": {"shadow": "app.shadow.queries.health", "watch": "app.watch.queries.health",
               "inbox": "app.ingest.queries.health", "outbox": "app.notifications.queries.health",
               "escalation": "app.escalation.queries.health"},
    "metrics": {"messages": "app.notifications.queries.metrics"},
    "system": {"dead-man_switch": "app.watch.panels.dead_man_switch", "self_test": "app.watch.panels.self_test"},
    "doctor": {"alerts": "app.incidents.searching.doctor", "zones": "app.oncall.zones.moved",
               "shadow": "app.shadow.panels.doctor", "watch": "app.watch.queries.doctor"},
    "ailments": {"people": "app.notifications.readiness.ailments", "policies": "app.escalation.panels.ailments"},
    "addresses": {"channels": "app.notifications.accounts.addresses"},
    "incident": {"next": "app.escalation.panels.next_step", "paged": "app.notifications.panels.paged_people",
                 "posts": "app.notifications.threads.posts", "shadow": "app.shadow.panels.of_incident"},
    "alert": {"raw": "app.ingest.queries.deliveries_of"},
    "home": {"shifts": "app.oncall.panels.my_duty", "items": "app.postmortems.panels.my_items"},
    "incident_for_reader": {"impact": "app.escalation.impact.around", "status": "app.status_pages.panels.of_incident",
                            "workflows": "app.workflows.incident_panel.of_incident",
                            "runbooks": "app.runbooks.panels.of_incident",
                            "postmortem": "app.postmortems.panels.of_incident", "noise": "app.insights.panels.noise"},
    "incidents": {"next": "app.escalation.panels.next_of"},
    "new_incident": {"levels": "app.escalation.panels.would_page"},
    "service": {"incidents": "app.incidents.panels.of_service", "duty": "app.escalation.service_panels.on_duty",
                "runbooks": "app.runbooks.panels.of_service"},
    "service_form": {"paging": "app.escalation.service_panels.in_words"},
    "services": {"duty": "app.escalation.service_panels.on_duty_of", "open": "app.incidents.panels.of_services"},
    "windows": {"held": "app.escalation.panels.held_by"},
    "profile": {"contacts": "app.notifications.pages.contacts_panel",
                "browsers": "app.notifications.pages.browsers_panel", "rules": "app.notifications.pages.rules_panel",
                "quiet": "app.notifications.pages.quiet_panel", "notices": "app.notifications.pages.duty_notices_panel",
                "calendars": "app.oncall.calendar_pages.profile_panel"},
    "shell": {"duty": "app.oncall.panels.duty_line", "shadow": "app.shadow.panels.banner"},
    "team": {"calendar": "app.oncall.calendar_pages.team_panel", "workflows": "app.workflows.watching.of_team"},
    "people": {"reached": "app.notifications.queries.reachable"},
    "person": {"contacts": "app.notifications.pages.others_panel"},
    "team_health": {"contacts": "app.notifications.panels.team_health", "policy": "app.escalation.panels.team_health",
                    "schedules": "app.oncall.panels.team_health"},
    "on_call": {"requests": "app.oncall.request_pages.panel"},
    "schedule_quality": {"pages": "app.notifications.panels.pages_at_night"},
    "graph": {"open": "app.incidents.panels.states_of"},
    "service_used_by": {"open incidents": "app.incidents.panels.using_service",
                        "status pages": "app.status_pages.panels.using_service",
                        "integrations": "app.ingest.queries.using_service"},
    "status_page_readers": {"partners": "app.partners.queries.readers_of"},
    "schedule_used_by": {"policies": "app.escalation.panels.policies_using"},
    "room_used_by": {"policies": "app.escalation.panels.policies_posting_in"},
    "webhook_used_by": {"policies": "app.escalation.panels.policies_calling"},
    "secret_used_by": {"runbooks": "app.runbooks.secret_uses.using_secrets",
                       "workflows": "app.workflows.panels.using_secrets"},
    "runbook_used_by": {"workflows": "app.workflows.panels.using_runbook"},
    "connection_used_by": {"action items": "app.postmortems.panels.using_connections",
                           "workflows": "app.workflows.panels.using_connections"},
    "page": {"managed": "app.config.managed.of_path"},
    "incident_documents": {"escalation": "app.escalation.panels.run_documents"},
}

# Which regions of which page refresh on which facts: the modules that say so, each with its own FEEDS.
FEEDS: tuple[str, ...] = (
    "app.workflows.live",
    "app.catalog.live", "app.oncall.live", "app.incidents.live", "app.shadow.live",
    "app.notifications.live", "app.escalation.live",
    "app.ingest.live", "app.heartbeats.live", "app.webhooks.live", "app.runbooks.live", "app.connections.live",
    "app.status_pages.live", "app.partners.live", "app.postmortems.live", "app.config.live", "app.system.live",
)
