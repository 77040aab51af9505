"""The shape of the configuration document as JSON Schema (2020-12): one schema for each kind of object."""

from __future__ import annotations

from typing import Any

from app.catalog import rules as catalog
from app.catalog.noise import GROUPS
from app.config.atoms import (
    CLOCK,
    DURATION,
    EMAIL,
    KEY,
    LOCAL,
    SERVICE_KEY,
    TAGS,
    ZONE,
    Schema,
    listed,
    nullable,
    shape,
    text,
)
from app.core.fields import Field
from app.core.plugins import Registry
from app.identity.rules import PLATFORM_ROLES, TEAM_ROLES
from app.ingest.rules import FATES
from app.partners import rules as partners
from app.postmortems import rules as postmortems
from app.status_pages import rules as status_pages
from app.status_pages.words import LANGUAGES

SEVERITIES = ("critical", "high", "medium", "low", "info")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
UNITS = ("hour", "day", "week", "month")
HOLIDAYS = ("", "skip", "only")
MOST_SECRET = 64 * 1024


CONTACT_METHOD = shape(("channel", "address"), name=text(60, 1), channel=text(40, 1), address=text(2000, 1),
                       verified={"type": "boolean", "default": False}, secret={**text(500), "writeOnly": True})
STEPS = listed(shape(("after", "via"), after=DURATION, via=text(60, 1)), 20)
QUIET = shape(("days", "from", "to"), time_zone=ZONE, **{
    "days": listed({"type": "string", "enum": list(DAYS)}, 7, minItems=1), "from": CLOCK, "to": CLOCK})
USER = shape(
    ("email", "name"), email=EMAIL, name=text(200, 1), role={"type": "string", "enum": list(PLATFORM_ROLES),
                                                            "default": "member"},
    time_zone={**ZONE, "default": "UTC"}, password={**text(200), "writeOnly": True},
    contact_methods=listed(CONTACT_METHOD, 20), rules=shape((), high=STEPS, low=STEPS), quiet_hours=listed(QUIET, 7),
    duty_notices=shape((), **{one: {"type": "boolean"} for one in ("before", "start", "end")}))
MEMBER = shape(("user",), user=EMAIL, role={"type": "string", "enum": list(TEAM_ROLES), "default": "responder"})
WISH = shape(("user", "wanted"), user=EMAIL, wanted={"type": "boolean"})
HABITS = shape((), automatic={"type": "string", "enum": list(postmortems.AUTOMATIC)},
               review={"type": "string", "enum": list(postmortems.REVIEW)}, template=nullable(KEY))
TEAM = shape(("key", "name"), key=KEY, name=text(100, 2), description=text(500, default=""), tags=TAGS,
             private={"type": "boolean", "default": False}, note_required={"type": "boolean", "default": False},
             global_workflows={"type": "boolean", "default": False, "description": "Of a private team: they may act here"},
             members=listed(MEMBER, 500, default=[]),
             policy=nullable(KEY), digest=listed(WISH, 500, default=[]),
             postmortems={**HABITS, "default": {"automatic": "critical", "review": "required", "template": None}})
CHAT_ROOM = shape(("key", "team", "channel"), key=KEY, name=text(120, default=""), team=KEY, service=nullable(SERVICE_KEY),
             schedule=nullable(KEY), channel=text(40, 1), account=text(80, default=""), address=nullable(text(2000)))
POSTMORTEM_TEMPLATE = shape(
    ("key", "name", "sections"), key=KEY, name=text(100, 1), team=nullable(KEY),
    sections=listed(shape(("heading",), heading=text(postmortems.HEADING, 1), guide=text(500, default=""),
                          body=text(10_000, default="")), postmortems.SECTIONS, minItems=1))
RESTRICTION = shape(("days", "from", "to"), **{
    "days": listed({"type": "string", "enum": list(DAYS)}, 7, minItems=1), "from": CLOCK, "to": CLOCK})
LAYER = shape(
    ("starts", "rotation", "participants"), name=text(50, 1), time_zone=nullable(ZONE), starts=LOCAL,
    ends=nullable(LOCAL), participants=listed(listed(EMAIL, 10, minItems=1), 100, minItems=1),
    rotation=shape(("unit",), every={"type": "integer", "minimum": 1, "maximum": 365, "default": 1},
                   unit={"type": "string", "enum": list(UNITS)}),
    restrictions=listed(RESTRICTION, 20, default=[]), skip_inactive={"type": "boolean", "default": False},
    holidays={"type": "string", "enum": list(HOLIDAYS), "default": "",
              "description": "`skip`: nobody of this layer on the schedule's holidays; `only`: on no other day"},
    first_turn={"type": "integer", "minimum": 0, "maximum": 99,
                "description": "The place in `participants` of the turn that begins at `starts`, from 0; "
                               "it counts only for a layer that is new, others go on with the next turn"})
OVERRIDE = shape(("starts", "ends"), starts=LOCAL, ends=LOCAL, people=listed(EMAIL, 10), replaces=nullable(EMAIL),
                 reason=text(200, default=""))
CALENDAR = shape(("use",), use={"type": "string", "enum": ["primary", "override", "holidays"]},
                 url={**text(2000), "writeOnly": True})
SCHEDULE = shape(("key", "name", "team", "time_zone"), key=KEY, name=text(100, 1), team=KEY, time_zone=ZONE,
                 layers=listed(LAYER, 20, default=[]), overrides=listed(OVERRIDE, 1000, default=[]),
                 calendars=listed(CALENDAR, 3, default=[]))
PICK: Schema = {"type": "string", "enum": ["round_robin"], "description": "Page one of them, the next one each time"}
ROOM = text(120, 1, description="A room that is set up, by its name or key; it is posted there, nobody is paged")
CALLED = text(60, 1, description="The key of a webhook, which is told of the incident once; nobody is paged by it")
TARGET: Schema = {**shape((), user=EMAIL, schedule=KEY, team=KEY, room=ROOM, webhook=CALLED, pick=PICK,
                          users=listed(EMAIL, 20, minItems=2), next={
    "type": "boolean", "description": "With schedule: whoever comes on duty after the next hand-off"}),
    "minProperties": 1, "maxProperties": 2,
    "x-rule": "names exactly one of schedule, user, team, users, room and webhook, and at most one of pick and next"}
CONDITION: Schema = shape((), severity=listed({"type": "string", "enum": list(SEVERITIES)}, 5),
                          urgency={"type": "string", "enum": ["high", "low"]},
                          days=listed({"type": "string", "enum": list(DAYS)}, 7), time_zone=ZONE,
                          **{"from": CLOCK, "to": CLOCK})
LEVEL = shape(("targets",), timeout={**DURATION, "default": "5m"}, targets=listed(TARGET, 20), when=CONDITION)
POLICY = shape(("key", "name", "levels"), key=KEY, name=text(100, 1), team=nullable(KEY), levels=listed(LEVEL, 10),
               repeat={"type": "integer", "minimum": 0, "maximum": 9, "default": 1},
               repeat_from={"type": "integer", "minimum": 1, "maximum": 10, "default": 1,
                            "description": "The level with which each repeat begins"})
NOISE = shape((), group={"type": "string", "enum": list(GROUPS)}, window=DURATION, labels=listed(text(128, 1), 5),
              delay=DURATION, flapping={"type": "boolean"}, storm={"type": "boolean"}, dependency_hold=DURATION,
              dependency_hold_critical={"type": "boolean"}, reopen_within=DURATION, acknowledge_timeout=DURATION,
              resolve_delay=DURATION)
SERVICE = shape(("key", "name", "team"), key=SERVICE_KEY, name=text(100, 2), description=text(2000, default=""),
                team=KEY, policy=nullable(KEY), tags=TAGS,
                lifecycle={"type": "string", "enum": list(catalog.LIFECYCLES), "default": "active"},
                noise={**NOISE, "default": {}},
                depends_on=listed(SERVICE_KEY, catalog.MOST_OUT, default=[]),
                links=listed(shape(("url",), name=text(100), url=text(1000, 8)), catalog.MOST_LINKS, default=[]),
                attributes={"type": "object", "additionalProperties": text(500), "default": {},
                            "maxProperties": catalog.MOST_ATTRIBUTES})
VALUE: Schema = {"type": ["string", "number", "boolean", "null", "array"], "maxLength": 256, "maxItems": 100,
                 "items": {"type": ["string", "number", "boolean", "null"], "maxLength": 256}}
WHEN: Schema = {"type": "object", "maxProperties": 30, "additionalProperties": VALUE, "default": {}, "properties": {
    "days": listed({"type": "string", "enum": list(DAYS)}, 7), "from": CLOCK, "to": CLOCK, "time_zone": ZONE}}
THEN = shape((), service=nullable(SERVICE_KEY), override={"type": "boolean"},
             severity={"type": "string", "enum": list(SEVERITIES)}, urgency={"type": "string", "enum": ["high", "low"]},
             dedup_key=text(300), suppress={"type": "boolean"}, delay=DURATION,
             labels={"type": "object", "maxProperties": 20, "propertyNames": text(128, 1),
                     "additionalProperties": text(300)})
ROUTE = shape(("name",), name=text(100, 1, pattern="^[^/]+$", **{"x-rule": "must not hold a slash"}), when=WHEN,
              then={**THEN, "default": {}}, **{"continue": {"type": "boolean", "default": False}})
REPEAT: Schema = {**shape(("unit",), unit={"type": "string", "enum": ["day", "week", "month"]}, until=LOCAL,
                          every={"type": "integer", "minimum": 1, "maximum": 52},
                          days=listed({"type": "string", "enum": list(DAYS)}, 7))}
MAINTENANCE = shape(
    ("key", "name", "starts", "ends"), key=KEY, name=text(100, 2), reason=text(500, default=""), team=nullable(KEY),
    services=listed(SERVICE_KEY, 200), teams=listed(KEY, 50), integrations=listed(KEY, 200),
    labels={"type": "object", "maxProperties": 20, "additionalProperties": VALUE}, starts=LOCAL, ends=LOCAL,
    time_zone={**ZONE, "default": "UTC"}, repeat={**REPEAT, "type": ["object", "null"]},
    hold_pages={"type": "boolean", "default": True}, page_critical={"type": "boolean", "default": False})
SIGNATURE = shape((), **{name: text(100) for name in ("header", "prefix", "algorithm", "encoding", "timestamp_header",
                                                      "signed")})
INTEGRATION = shape(
    ("key", "plugin"), key=KEY, name=text(100, 1), plugin=text(60, 1), team=nullable(KEY),
    service=nullable(SERVICE_KEY), token={**text(1000, pattern="^(.{16,128}|\\$\\{(env|file):.+\\})$", **{
        "x-rule": "A token has 16 to 128 letters, digits, - and _"}), "writeOnly": True},
    secret={**text(500), "writeOnly": True}, signature=SIGNATURE,
    default_severity={"type": "string", "enum": list(SEVERITIES), "default": "medium"},
    expected_every={**nullable(DURATION), "description": "How often a delivery should come, 5m to 30d"},
    quiet_incident={"type": "boolean", "default": False, "description": "Whether it is an incident when none comes"},
    config={"type": "object", "default": {}},
    open_alerts={"type": "string", "enum": list(FATES), "writeOnly": True, "description": "What becomes of alerts that fire "
                 "when the settings make them another way; a document that does not say leaves them"})

HEARTBEAT = shape(
    ("key", "every"), key=KEY, name=text(100, 1), team=nullable(KEY), service=nullable(SERVICE_KEY), every=DURATION,
    grace={**DURATION, "description": "A fifth of the interval, at least 30s, when it is left out"},
    token=INTEGRATION["properties"]["token"])
WORKFLOW = shape(
    ("key", "trigger"), key={**text(63), "pattern": "^[a-z0-9][a-z0-9-]{0,62}$",
                             "x-rule": "must have 1 to 63 lower-case letters, digits and hyphens"}, name=text(100, 1),
    description=text(500, default=""), category=text(40, default=""), team=nullable(KEY),
    enabled={"type": "boolean", "default": True}, timeout=DURATION, trigger={"type": ["object", "string"]},
    nodes={"type": "array", "items": {"type": "object"}, "default": []},
    edges={"type": "array", "items": {"type": "object"}})
CONNECTION = shape(("key", "action"), key=KEY, name=text(100, 1), action=text(60, 1), team=nullable(KEY),
                   config={"type": "object", "default": {}})


def connection(registry: Registry) -> Schema:
    """The schema of a connection with what each action wants to know."""
    actions = sorted(registry.actions)
    choices = [{"if": {"required": ["action"], "properties": {"action": {"const": slug}}},
                "then": {"properties": {"config": _config(registry.actions[slug].fields)}}} for slug in actions]
    properties = {**CONNECTION["properties"], "action": {"type": "string", "enum": actions}}
    return {**CONNECTION, "properties": properties, "allOf": choices}

WEBHOOK = shape(("key", "url", "events"), key=KEY, name=text(100, 1), team=nullable(KEY), url=text(2000, 8),
                events=listed(text(80, 1), 50, minItems=1),
                secret={**text(1000, pattern="^(.{16,200}|\\$\\{(env|file):.+\\})$", **{
                    "x-rule": "A secret has 16 to 200 characters"}), "writeOnly": True})

COMPONENT = shape(("name",), name=text(100, 1), description=text(500, default=""), group=text(100, default=""),
                  services=listed(SERVICE_KEY, 200, default=[]))
STATUS_PAGE = shape(
    ("slug", "name"), slug=text(63, pattern=f"^{status_pages.SLUG.pattern}$", **{
        "x-rule": "must have 3 to 63 lower-case letters, digits and hyphens, with no hyphen at either end"}),
    name=text(100, 1), team=nullable(KEY), access={"type": "string", "enum": list(status_pages.ACCESS), "default": "public"},
    draft={"type": "boolean", "default": False}, time_zone={**ZONE, "default": "UTC"},
    language={"type": "string", "enum": list(LANGUAGES), "default": "en"}, intro=text(2000, default=""),
    hosts=listed(text(253, 4), 10, default=[]), accent=nullable(text(7)),
    auto_notice={"type": "string", "enum": list(status_pages.AUTO), "default": "off"},
    auto_resolve={"type": "boolean", "default": False},
    export=nullable(shape((), folder={"type": "boolean"}, url=text(2000), header={**text(1000), "writeOnly": True})),
    components=listed(COMPONENT, status_pages.MOST_COMPONENTS, default=[]))

RUNBOOK_KEY = text(63, pattern="^[a-z0-9][a-z0-9-]{0,62}$", **{
    "x-rule": "must have 1 to 63 lower-case letters, digits and hyphens"})
RUNBOOK = shape(
    ("key", "name", "target"), key=RUNBOOK_KEY, name=text(100, 1), description=text(2000, default=""), team=nullable(KEY),
    target={"type": ["string", "object"], "additionalProperties": False, "required": ["plugin"], "properties": {
        "plugin": text(60, 1), "config": {"type": "object"}}, "description": "The slug of a target, or {plugin, config}"},
    config={"type": "object", "default": {}, "description": "The target's own fields; texts are templates"},
    payload={"description": "JSON with templates in its texts, or such JSON as text; left out: all parameters"},
    parameters={"type": "object", "default": {"type": "object", "properties": {}},
                "description": "JSON Schema of what is asked before a run"},
    timeout={**DURATION, "default": "5m"}, retries={"type": "integer", "minimum": 0, "maximum": 3, "default": 3},
    wait_for={"type": "string", "enum": ["response", "callback", "follow"], "description": "How the end of a run is known"},
    concurrency={"type": "string", "enum": ["per_incident", "single", "unlimited"], "default": "per_incident"},
    services=listed(SERVICE_KEY, 100, default=[]))

GRANT = shape(("page",), page=text(63, 1), expires=nullable(text(40)))
PARTNER = shape(("email", "name"), email=text(254, 3), name=text(100, 1), organisation=text(100, default=""),
                language={"type": "string", "enum": list(LANGUAGES), "default": "en"},
                grants=listed(GRANT, partners.MOST_GRANTS, default=[]))


def integration(registry: Registry) -> Schema:
    """The schema of an integration with what each plugin wants to know."""
    plugins = sorted(slug for slug, plugin in registry.integrations.items() if "inside" not in plugin.can)
    choices = [{"if": {"required": ["plugin"], "properties": {"plugin": {"const": slug}}},
                "then": {"properties": {"config": _config(registry.integrations[slug].fields)}}} for slug in plugins]
    properties = {**INTEGRATION["properties"], "plugin": {"type": "string", "enum": plugins}}
    return {**INTEGRATION, "properties": properties, "allOf": choices}


KINDS_OF_FIELDS: dict[str, Schema] = {
    "text": {"type": "string"}, "area": {"type": "string"}, "url": {"type": "string"}, "phone": {"type": "string"},
    "number": {"type": "number"}, "json": {},
    "boolean": {"type": "boolean"}, "lines": {"type": "array", "items": {"type": "string"}}}


def _config(fields: Any) -> Schema:
    return {"type": "object", "additionalProperties": False, "properties": {one.name: _field(one) for one in fields}}


def _field(field: Field) -> Schema:
    """Whether a needed field is there is judged where secrets that were stored before are known."""
    said = dict(KINDS_OF_FIELDS.get(field.kind, {"type": "string", "enum": [value for value, _ in field.choices]}))
    said |= {"title": field.label, "writeOnly": True} if field.secret else {"title": field.label}
    return said | ({"description": field.help} if field.help else {})


def document(registry: Registry) -> Schema:
    """The whole document."""
    kinds = {"users": USER, "teams": TEAM, "schedules": SCHEDULE, "escalation_policies": POLICY, "services": SERVICE,
             "integrations": integration(registry), "heartbeats": HEARTBEAT, "status_pages": STATUS_PAGE,
             "partners": PARTNER, "connections": connection(registry), "runbooks": RUNBOOK, "workflows": WORKFLOW,
             "routes": ROUTE, "maintenance": MAINTENANCE, "webhooks": WEBHOOK,
             "postmortem_templates": POSTMORTEM_TEMPLATE, "rooms": CHAT_ROOM}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "OnCall Platform configuration",
            **shape(("version",), version={"const": 1},
                    **{name: listed({"$ref": f"#/$defs/{name}"}, 50_000) for name in kinds}),
            "$defs": kinds}
