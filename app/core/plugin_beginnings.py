"""The code of a new plugin, by what it offers."""

from __future__ import annotations

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

ACTION = '''"""Orders to {name}."""

from __future__ import annotations

from typing import Any

from app.plugin_api import Answer, Call, Done, Field, Order, Retry, Ticket, hookimpl, mapping, sequence, text

api_version = 1


class {type}:
    """One issue for each order; its mark stands in the issue, so that a repeat is recognised."""

    slug, name, product = "{slug}", "Create an issue in {name}", "{name}"
    can = frozenset({{"ticket"}})
    fields = (
        Field("url", "Address", kind="url", required=True, help="Where its API is"),
        Field("token", "Token", required=True, secret=True, help="It may create issues and find them"),
    )
    params = (Field("title", "Title", required=True), Field("description", "Description", kind="area"))

    def prepare(self, order: Order, config: Any) -> Call:
        """The request that makes it; nothing is sent here, so that a rehearsal shows the very request."""
        said = order.params
        issue = {{"title": text(said.get("title")), "text": text(said.get("description")), "reference": order.mark}}
        return _call(config, "POST", "/issues", issue)

    def read(self, answer: Answer, order: Order, config: Any) -> Done:
        """What was made."""
        return _done(answer.json())

    def look(self, order: Order, config: Any) -> Call:
        """Whether it is there already, when nobody knows what came of an earlier call."""
        return _call(config, "GET", f"/issues?reference={{order.mark}}")

    def found(self, answer: Answer, order: Order, config: Any) -> Done | None:
        """It, if it is there."""
        issues = sequence(answer.json())
        return _done(issues[0]) if issues else None

    def check(self, config: Any) -> Call:
        """The call behind the button "Test"."""
        return _call(config, "GET", "/me")

    def checked(self, answer: Answer) -> str:
        """Whose token it is."""
        return f"{name} knows us as {{text(mapping(answer.json()).get('name')) or 'nobody by name'}}"


def _call(config: Any, method: str, path: str, json: Any = None) -> Call:
    return Call(method, f"{{config['url']}}{{path}}", {{"Authorization": f"Bearer {{config.get('token', '')}}"}}, json=json)


def _done(said: Any) -> Done:
    issue = mapping(said)
    key, url = text(issue.get("key")), text(issue.get("url"))
    if not key:
        raise Retry("The answer names no issue")
    return Done({{"key": key, "url": url}}, Ticket(key, url))


@hookimpl
def workflow_actions() -> list[{type}]:
    """What workflows and postmortems can order."""
    return [{type}()]
'''

CODE = {"integration": INTEGRATION, "channel": CHANNEL, "target": TARGET, "action": ACTION}
