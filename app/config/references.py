"""Who names whom in the document: a name that stands for nothing is a fault of the line that says it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from app.config.document import Document, Item, identity
from app.core.shapes import Path

Reference = tuple[Path, str, str]
TARGETS = {"user": "users", "schedule": "schedules", "team": "teams", "room": "rooms", "webhook": "webhooks"}
NOUNS = {"users": "person with the address", "teams": "team", "schedules": "schedule",
         "escalation_policies": "escalation policy", "services": "service",
         "integrations": "integration", "rooms": "room", "webhooks": "webhook", "status_pages": "status page",
         "postmortem_templates": "postmortem template"}


def references(kind: str, item: Item) -> Iterator[Reference]:
    """Each name in an object: where it stands, the kind it means, the key it says."""
    for name, meant in (("team", "teams"), ("policy", "escalation_policies"), ("service", "services")):
        if item.get(name):
            yield (name,), meant, str(item[name])
    if kind == "rooms" and item.get("schedule"):
        yield ("schedule",), "schedules", item["schedule"]
    if kind == "routes" and (item.get("then") or {}).get("service"):
        yield ("then", "service"), "services", item["then"]["service"]
    if kind == "maintenance":
        for name in ("services", "teams", "integrations"):
            yield from (((name, at), name, key) for at, key in enumerate(item.get(name) or []))
    if kind == "partners":
        yield from ((("grants", at, "page"), "status_pages", grant["page"])
                    for at, grant in enumerate(item.get("grants") or []))
    if kind == "status_pages":
        for at, component in enumerate(item.get("components") or []):
            yield from ((("components", at, "services", number), "services", key)
                        for number, key in enumerate(component.get("services") or []))
    if kind == "runbooks":
        yield from ((("services", at), "services", key) for at, key in enumerate(item.get("services") or []))
    for at, key in enumerate(item.get("depends_on") or []):
        yield ("depends_on", at), "services", key
    yield from ((("digest", at, "user"), "users", wish["user"]) for at, wish in enumerate(item.get("digest") or []))
    if (item.get("postmortems") or {}).get("template"):
        yield ("postmortems", "template"), "postmortem_templates", item["postmortems"]["template"]
    for at, member in enumerate(item.get("members") or []):
        yield ("members", at, "user"), "users", member["user"]
    if kind == "schedules":
        yield from _of_schedule(item)
    for at, level in enumerate(item.get("levels") or []):
        for number, target in enumerate(level["targets"]):
            path: Path = ("levels", at, "targets", number)
            yield from (((*path, name), TARGETS[name], target[name]) for name in TARGETS if target.get(name))
            yield from (((*path, "users", place), "users", email) for place, email in enumerate(target.get("users") or []))


def _of_schedule(item: Item) -> Iterator[Reference]:
    for at, layer in enumerate(item.get("layers") or []):
        for number, turn in enumerate(layer["participants"]):
            for place, email in enumerate(turn):
                yield ("layers", at, "participants", number, place), "users", email
    for at, override in enumerate(item.get("overrides") or []):
        for place, email in enumerate(override.get("people") or []):
            yield ("overrides", at, "people", place), "users", email
        if override.get("replaces"):
            yield ("overrides", at, "replaces"), "users", override["replaces"]


def check(document: Document, present: Mapping[str, set[str]]) -> None:
    """Blame every name that is neither in the document nor among the `present` keys (kind → keys in lower case)."""
    known = {kind: set(keys) for kind, keys in present.items()}
    for kind, items in document.items.items():
        known.setdefault(kind, set()).update(identity(kind, item) for item in items)
    named = {str(room.get("name") or "").lower() for room in document.items.get("rooms", [])}
    known.setdefault("rooms", set()).update(named - {""})
    said = [(kind, position, one) for kind, items in document.items.items() for position, item in enumerate(items)
            for one in references(kind, item)]
    for kind, position, (path, meant, key) in said:
        if key.lower() not in known.get(meant, set()):
            document.blame(kind, position, path, f"there is no {NOUNS[meant]} {key}")


def names(kind: str, item: Item) -> set[tuple[str, str]]:
    """The objects that this one names, as (kind, key)."""
    return {(meant, key.lower()) for _, meant, key in references(kind, item)}
