"""The built-in actions as forms, documents and checks know them: what each asks for. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.fields import Field
from app.incidents.rules import PRIORITIES, SEVERITIES, URGENCIES

METHODS = tuple((name, name) for name in ("GET", "POST", "PUT", "PATCH", "DELETE"))
AUTH = (("none", "None"), ("basic", "User and password"), ("bearer", "Bearer token"),
        ("oauth2", "OAuth 2 client credentials"), ("signed", "Signed by us (HMAC-SHA256)"))
WEBHOOK = (
    Field("method", "Method", kind="choice", choices=METHODS, default="POST"),
    Field("url", "Address", required=True, help="https://…; values are percent-encoded for their place"),
    Field("headers", "Headers", kind="json", help='As JSON: {"X-Team": "{{ team.key }}"}'),
    Field("body", "Body", kind="json", help="JSON with templates inside of its texts, or plain text"),
    Field("auth", "Proof", kind="choice", choices=AUTH, default="none"),
    Field("auth_user", "User or client id", help="For a password, or OAuth 2"),
    Field("auth_secret", "Password, token or secret", help="Such as {{ secret.hook }}"),
    Field("auth_url", "Token address", help="For OAuth 2: where the token comes from"),
    Field("auth_scope", "Scope", help="For OAuth 2, if needed"),
)
EMAIL = (
    Field("to", "To", help="Addresses, with commas between; {{ incident.assignee_emails|join }} works too"),
    Field("schedule", "On duty of the schedule", help="Key of a schedule: whoever is on duty gets it"),
    Field("subject", "Subject", required=True), Field("text", "Text", kind="area", required=True))
RESPONDER = (
    Field("user", "Person", help="E-mail address"), Field("schedule", "On duty of the schedule", help="Key"),
    Field("team", "Team", help="Key: all who are paged for it"), Field("policy", "First level of the policy", help="Key"))
PRIORITY = (
    Field("priority", "Priority", kind="choice", choices=tuple((one, one) for one in PRIORITIES)),
    Field("severity", "Severity", kind="choice", choices=tuple((one, one.capitalize()) for one in SEVERITIES)),
    Field("urgency", "Urgency", kind="choice", choices=tuple((one, one.capitalize()) for one in URGENCIES)))


@dataclass(frozen=True)
class Verb:
    """A built-in action: its name and params; `here`: it changes the incident and calls nobody."""

    slug: str
    name: str
    params: tuple[Field, ...]
    here: bool = True


VERBS: dict[str, Verb] = {verb.slug: verb for verb in (
    Verb("webhook", "Call a web address", WEBHOOK, False), Verb("email", "Send a mail", EMAIL, False),
    Verb("add_responder", "Ask people to help", RESPONDER),
    Verb("set_priority", "Set priority, severity or urgency", PRIORITY),
    Verb("add_note", "Write a note", (Field("body", "Note", kind="area", required=True),)),
    Verb("acknowledge", "Acknowledge", ()), Verb("resolve", "Resolve", (Field("note", "Resolution note", kind="area"),)),
    Verb("status_update", "Tell those who wait", (Field("body", "Update", kind="area", required=True),)),
)}
