"""The shape of what stands inside of workflows and routes, for whoever writes documents: `apply` itself judges these in
sentences of their own, naming the step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app.config import shape
from app.config.atoms import DURATION, Schema, listed, text
from app.core import matching
from app.core.fields import Field
from app.core.plugins import Registry
from app.ingest.routing import PLAIN
from app.workflows import conditions, documents, rules
from app.workflows.declared import VERBS
from app.workflows.trigger_checks import EVENTS, ROOTS, STATES, TRIGGER_KEYS, TRIGGER_ROOTS

ID: Schema = {"type": "string", "pattern": "^(?!trigger$)[a-z][a-z0-9_]{0,39}$",
              "description": "1 to 40 of a-z, 0-9 and _, beginning with a letter"}
NOTHING: Schema = {"enum": [None, "", [], {}, False, 0]}
SOMETHING: Schema = {"not": {"enum": [None, "", [], {}]}}
ZONE_NAME = "^[A-Za-z0-9_+/-]{1,64}$"
PLACE: Schema = {"type": "object", "required": ["x", "y"], "additionalProperties": False,
                 "properties": {name: {"type": "integer", "minimum": 0, "maximum": rules.FAR} for name in ("x", "y")}}
HOUR: Schema = {"type": ["string", "null"], "pattern": "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"}
HOURS: dict[str, Schema] = {
    "days": {"type": ["array", "null"], "items": {"enum": list(matching.DAYS)}}, "from": HOUR, "to": HOUR,
    "time_zone": {"type": ["string", "null"], "pattern": ZONE_NAME}}
ALIASES = {event: fact for fact, event in documents.FACTS.items()}


def published(registry: Registry) -> Schema:
    """The whole document with its insides: what editors complete from, and what tells a broken document beforehand."""
    whole = shape.document(registry)
    kinds = {**whole["$defs"], "workflows": _workflow(registry), "routes": _route()}
    inner = {"trigger_condition": _condition("trigger_condition", TRIGGER_ROOTS),
             "step_condition": _condition("step_condition", ROOTS)}
    return {**whole, "$defs": {**kinds, **inner}}


def _workflow(registry: Registry) -> Schema:
    properties = {**shape.WORKFLOW["properties"], "trigger": _trigger(),
                  "nodes": listed(_node(registry), 100, default=[]), "edges": listed(_edge(), 200)}
    return {**shape.WORKFLOW, "properties": properties}


def _anything_of(values: Iterable[str]) -> Schema:
    """One of these words or several in a list."""
    word: Schema = {"enum": list(values)}
    return {"anyOf": [word, {"type": "array", "items": word}]}


def _trigger() -> Schema:
    """A word, or an object whose keys are those of its event."""
    fact = "[a-z_]+\\.([a-z_]+|\\*)"
    named: Schema = {"type": "string", "pattern": f"^({'|'.join(EVENTS)}|{fact})$"}
    details = ["age", "schedule", "incident\\.age"]
    special = [*TRIGGER_KEYS, *(ALIASES[event] for event in TRIGGER_KEYS if event in ALIASES)]
    whole: Schema = {"type": "object", "anyOf": [{"required": ["on"]}, {"required": ["event"]}],
                     "properties": {"on": named, "event": named}, "allOf": [
        *({"if": _is([event, *([ALIASES[event]] if event in ALIASES else [])], "on", "event"), "then": _trigger_of(event)}
          for event in TRIGGER_KEYS),
        {"if": {"not": _is(special, "on", "event")}, "then": _trigger_of("")}]}
    return {"anyOf": [{"type": "string", "pattern": f"^(?!({'|'.join(details)})$)({'|'.join(EVENTS)}|{fact})$"}, whole]}


def _is(words: Sequence[str], *names: str) -> Schema:
    """Whether one of the keys holds one of the words."""
    return {"anyOf": [{"required": [name], "properties": {name: {"enum": list(words)}}} for name in names]}


def _trigger_of(event: str) -> Schema:
    words = _anything_of(shape.SEVERITIES if event == "severity_changed" else STATES)
    said: dict[str, Schema] = {"from": words, "to": words, "states": words, "after": DURATION,
                               "cron": text(200, pattern="^ *[^ ]+( +[^ ]+){4} *$"),
                               "time_zone": {"type": "string", "pattern": ZONE_NAME}}
    own = {name: said[name] for name in said if name in TRIGGER_KEYS.get(event, ())}
    return {"required": {"age": ["after"], "schedule": ["cron"]}.get(event, []), "additionalProperties": False,
            "properties": {"on": {}, "event": {}, "when": {"$ref": "#/$defs/trigger_condition"}, **own}}


def _condition(name: str, roots: Iterable[str]) -> Schema:
    """A group, a comparison, or the short form that lists fields as routes do; nothing at all asks for nothing."""
    again: Schema = {"$ref": f"#/$defs/{name}"}
    some: Schema = {"type": "array", "minItems": 1, "maxItems": conditions.MOST, "items": again}
    group = [{"required": [word], "additionalProperties": False, "properties": {word: inner}}
             for word, inner in (("all", {"anyOf": [some, again]}), ("any", {"anyOf": [some, again]}), ("not", again))]
    short = {"not": {"anyOf": [{"required": [word]} for word in ("all", "any", "not", "field", "op")]},
             "properties": HOURS}
    return {"type": ["object", "null"], "if": {"anyOf": [{"required": ["field"]}, {"required": ["op"]}]},
            "then": _comparison(roots), "else": {"anyOf": [*group, short]}}


def _comparison(roots: Iterable[str]) -> Schema:
    values: dict[tuple[str, ...], Schema] = {
        ("in", "not_in"): {"type": "array", "minItems": 1, "maxItems": conditions.MOST},
        ("matches",): text(conditions.PATTERN, 1), ("exists", "not_exists"): {},
        ("within",): {"type": "object", "additionalProperties": False, "properties": HOURS}}
    plain = [op for op in conditions.OPERATORS if not any(op in ops for ops in values)]
    values[tuple(plain)] = {"type": ["string", "number", "boolean"]}
    return {"required": ["field", "op"], "additionalProperties": False, "properties": {
        "field": {"type": "string", "pattern": f"^({'|'.join(sorted(roots))})(\\.|$)"},
        "op": {"enum": list(conditions.OPERATORS)}, "value": {}}, "allOf": [
        {"if": {"properties": {"op": {"enum": list(ops)}}},
         "then": {"properties": {"value": value}, "required": ["value"] if value else []}} for ops, value in values.items()]}


def _node(registry: Registry) -> Schema:
    """A step by its kind; `type` may name the action itself, whose values then stand beside it."""
    params = {**{slug: verb.params for slug, verb in VERBS.items()},
              **{slug: one.params for slug, one in registry.actions.items()}}
    kinds: dict[str, Schema] = {
        "condition": _step({"when": {"allOf": [{"$ref": "#/$defs/step_condition"}, SOMETHING]}}, "when"),
        "delay": _step({"for": DURATION, "stop_when": _anything_of(STATES)}, "for"),
        "runbook": _step({"runbook": text(63, 1), "parameters": {"type": "object"}, "wait": {}}, "runbook"),
        "action": {"allOf": [_step({**CALL, "action": {"enum": sorted(params)}}, "action"), *(
            {"if": _is([slug], "action"), "then": _action(fields, registry, slug)} for slug, fields in params.items())]}}
    short = {slug: _short_action(fields, registry, slug) for slug, fields in params.items() if slug not in kinds}
    word: Schema = {"enum": [*kinds, *short]}
    return {"type": "object", "required": ["id"], "anyOf": [{"required": ["kind"]}, {"required": ["type"]}],
            "properties": {"id": ID, "kind": word, "type": word},
            "allOf": [{"if": _is([kind], "kind", "type"), "then": said} for kind, said in {**kinds, **short}.items()]}


CALL: dict[str, Schema] = {"connection": text(60, 1), "with": {"type": "object"}, "timeout": DURATION,
                           "retries": {"enum": [0, 1, 2, 3]}}


def _step(own: dict[str, Schema], *needed: str) -> Schema:
    return {"required": list(needed), "additionalProperties": False,
            "properties": {"id": {}, "kind": {}, "type": {}, "name": {}, "at": PLACE, **own}}


def _action(fields: Sequence[Field], registry: Registry, slug: str) -> Schema:
    needed = [one.name for one in fields if one.required]
    inside: Schema = {"additionalProperties": False, "required": needed, "properties": {
        one.name: _param(one) for one in fields}}
    return {"properties": {"with": inside}, "required": [
        *(["with"] if needed else []), *(["connection"] if slug in registry.actions else [])]}


def _short_action(fields: Sequence[Field], registry: Registry, slug: str) -> Schema:
    """Its values stand in the step or in `with`."""
    named = {one.name: _param(one) for one in fields}
    inside: Schema = {"type": "object", "additionalProperties": False, "properties": named}
    either = [{"anyOf": [{"required": [one.name]}, {"required": ["with"], "properties": {"with": {"required": [one.name]}}}]}
              for one in fields if one.required]
    return {**_step({**named, **CALL, "with": inside}, *(["connection"] if slug in registry.actions else [])),
            **({"allOf": either} if either else {})}


def _param(field: Field) -> Schema:
    """A choice may be a template, and so may every text."""
    said: Schema = {"title": field.label, **({"description": field.help} if field.help else {})}
    if field.kind == "choice":
        said["anyOf"] = [{"enum": [value for value, _ in field.choices]}, NOTHING, {"type": "string", "pattern": "\\{\\{"}]
    return said | (SOMETHING if field.required else {})


def _edge() -> Schema:
    out: Schema = {"enum": sorted({word for words in rules.OUTPUTS.values() for word in words})}
    return {"type": "object", "additionalProperties": False, "required": ["from", "to"], "properties": {
        "from": {"anyOf": [ID, {"const": rules.TRIGGER}]}, "to": ID, "out": out, "via": out}}


def _route() -> Schema:
    """Its conditions by name, and something that it does."""
    names = f"^({'|'.join((*documents.HOURS, *PLAIN))}|(labels|raw)\\.[^{{}}]{{1,128}})$"
    value: Schema = {**shape.VALUE, "minItems": 1}
    when = {**shape.WHEN, "propertyNames": {"pattern": names}, "additionalProperties": value,
            "properties": {**shape.WHEN["properties"], "from": HOUR, "to": HOUR}}
    telling = [name for name in shape.THEN["properties"] if name != "override"]
    then = {**shape.THEN, "anyOf": [{"required": [name], "properties": {name: {"not": NOTHING}}} for name in telling]}
    return {**shape.ROUTE, "required": ["name", "then"], "properties": {
        **shape.ROUTE["properties"], "when": when, "then": then}}
