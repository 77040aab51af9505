"""The first files of a new plugin: they keep the contract from the start, so that an author changes working code."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Literal

SLUG = re.compile(r"[a-z][a-z0-9_-]{1,39}")

ICON = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="currentColor"
stroke-width="1.75"><path d="M9 3v5M15 3v5M6.5 8h11v3.5a5.5 5.5 0 0 1-11 0zM12 17v4"/></svg>
"""

INTEGRATION = '''"""Alerts of {name}."""

from __future__ import annotations

from typing import Any

from app.plugin_api import Field, Inbound, Rejected, Signal, hookimpl, severity_of, text, web_link

api_version = 1


def alert(inbound: Inbound) -> dict[str, Any]:
    """The body, checked for its form. Raises Rejected."""
    body = inbound.json()
    if not isinstance(body, dict) or not text(body.get("id")):
        raise Rejected('The body must be an object with an "id"')
    return dict(body)


class {type}:
    """The webhook of {name}."""

    slug = "{slug}"
    name = "{name}"
    can = frozenset({{"open", "resolve"}})
    fields = (Field("environment", "Environment", help="Added to each alert as a label"),)

    def verify(self, inbound: Inbound, config: Any) -> None:
        """Check the sender's signature, if it has one, and the form of the body."""
        alert(inbound)

    def normalize(self, inbound: Inbound, config: Any) -> list[Signal]:
        """The signals of one delivery. The dedup_key must be equal when the problem is over."""
        body = alert(inbound)
        return [Signal(
            dedup_key=text(body["id"]), status="resolved" if text(body.get("state")) == "ok" else "firing",
            title=text(body.get("title")), severity=severity_of(body.get("severity")), url=web_link(body.get("link")),
            labels={{"environment": config["environment"]}} if config.get("environment") else {{}},
        )]


@hookimpl
def integrations() -> list[{type}]:
    """The way in."""
    return [{type}()]
'''

CHANNEL = '''"""Messages by {name}."""

from __future__ import annotations

from typing import Any

from app.plugin_api import Address, Field, Message, Receipt, Setting, deliver, hookimpl

api_version = 1


class {type}:
    """A person's or room's address at {name}."""

    slug = "{slug}"
    name = "{name}"
    address = Field("address", "Address", kind="url", required=True)
    can = frozenset({{"verify"}})
    settings = ("{prefix}_TOKEN",)

    def send(self, message: Message, address: Address, config: Any) -> Receipt:
        """Hand the message over once; `deliver` raises Retry, Refused or Rejected for what is not 2xx."""
        said = {{"id": message.id, "title": message.subject, "text": message.text}}
        headers = {{"Authorization": f"Bearer {{config.get('{prefix}_TOKEN', '')}}"}}
        deliver(address.value, json=said, headers=headers)
        return Receipt("sent", "{slug}", message.id)


@hookimpl
def channels() -> list[{type}]:
    """The way out."""
    return [{type}()]


@hookimpl
def settings() -> list[Setting]:
    """Written {prefix}_TOKEN in the environment."""
    return [Setting("TOKEN", help="Token for {name}", secret=True)]
'''

TARGET = '''"""Runbooks at {name}."""

from __future__ import annotations

from typing import Any

from app.plugin_api import Call, Field, Outcome, Rejected, Step, hookimpl, mapping, perform, text

api_version = 1
STATES = {{"running": "running", "done": "succeeded", "failed": "failed"}}


class {type}:
    """A job of {name}."""

    slug = "{slug}"
    name = "{name}"
    can = frozenset({{"response", "follow", "cancel"}})
    settings = ()
    fields = (
        Field("url", "Address", kind="url", required=True, help="Where its API is"),
        Field("token", "Token", required=True, secret=True, help="{{{{ secret.<name> }}}}"),
        Field("job", "Job", required=True),
    )

    def prepare(self, step: Step, config: Any) -> Call:
        """The start of the job; it sends nothing, so that a person sees the very request before."""
        headers = {{**_proof(config), "Idempotency-Key": step.key}}
        return Call("POST", f"{{config['url']}}/jobs/{{config['job']}}", headers, json=step.payload)

    def run(self, step: Step, config: Any) -> Outcome:
        """Start it, once; `perform` raises Retry, NoAccess or Rejected for what is not 2xx."""
        answer = perform(self.prepare(step, config), timeout=step.timeout)
        if step.wait == "response":
            return Outcome("succeeded", answer.text)
        return Outcome("running", handle={{"run": text(mapping(answer.json()).get("id"))}})

    def follow(self, handle: Any, config: Any) -> Outcome:
        """How it stands now."""
        said = mapping(perform(_about(handle, config, "GET"), timeout=10).json())
        state = STATES.get(text(said.get("state")))
        if state is None:
            raise Rejected("Its state can't be read")
        return Outcome(state, text(said.get("output")), handle)

    def cancel(self, handle: Any, config: Any) -> None:
        """Ask it to stop."""
        perform(_about(handle, config, "DELETE"), timeout=10)


def _about(handle: Any, config: Any, method: str) -> Call:
    return Call(method, f"{{config['url']}}/runs/{{handle['run']}}", _proof(config))


def _proof(config: Any) -> dict[str, str]:
    return {{"Authorization": f"Bearer {{config.get('token', '')}}"}}


@hookimpl
def runbook_targets() -> list[{type}]:
    """Where a runbook can act."""
    return [{type}()]
'''

GUIDES = {
    "target": """# {name}

1. In {name}, make a token that may start the job, and keep it under Secrets.
2. Write a runbook with this target.

| Field | Meaning |
|---|---|
| `url` | Address of its API |
| `token` | `{{{{ secret.<name> }}}}` |
| `job` | Which job is started |
""",
    "integration": """# {name}

1. In {name}, add a webhook with the address `{{url}}`.
2. Send a test; it shows up under "deliveries".

| Field | Meaning |
|---|---|
| `environment` | Added to each alert as the label `environment` |
""",
    "channel": """# {name}

1. Set `{prefix}_TOKEN`.
2. Add your address under "contact methods" and type in the code that arrives.

| Setting | Meaning |
|---|---|
| `{prefix}_TOKEN` | Token for {name} |
""",
}

_FIRING = {"id": "disk-1", "title": "Disk is full", "severity": "high", "state": "alert", "link": "https://example.com/1"}
_EXPECTED = {"dedup_key": "disk-1", "title": "Disk is full", "severity": "high", "url": "https://example.com/1"}
SAMPLES: dict[str, object] = {
    "firing.json": _FIRING, "firing.expected.json": [_EXPECTED | {"status": "firing"}],
    "resolved.json": _FIRING | {"state": "ok"}, "resolved.expected.json": [_EXPECTED | {"status": "resolved"}],
    "refused.json": {"title": "No id"},
}


def scaffold(slug: str, kind: Literal["integration", "channel", "target"], root: Path) -> list[Path]:
    """Write `root`/plugins/<slug> and return the files made.

    Raises ValueError with a sentence when the slug is not one or the folder exists.
    """
    folder = root / "plugins" / slug
    if not SLUG.fullmatch(slug):
        raise ValueError("A slug has 2 to 40 small letters, digits, - or _, and begins with a letter")
    if folder.exists():
        raise ValueError(f"{folder} is there already")
    words = re.split("[-_]", slug)
    values = {"slug": slug, "name": " ".join(words).capitalize(), "prefix": slug.upper().replace("-", "_"),
              "type": "".join(word.capitalize() for word in words)}
    code = {"integration": INTEGRATION, "channel": CHANNEL, "target": TARGET}[kind]
    texts = {"plugin.py": code.format(**values), "README.md": GUIDES[kind].format(**values), "icon.svg": ICON}
    if kind == "integration":
        texts |= {f"samples/{name}": json.dumps(sample, indent=2) + "\n" for name, sample in SAMPLES.items()}
    return [_write(folder / name, text) for name, text in texts.items()]


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
