"""Templates to begin with, and what of each is still to be filled in. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

TEXT = "{{ incident.severity|upper }}: {{ incident.title }}\n{{ incident.url }}"
ABOUT = "{{ incident.description }}\n\n{{ incident.url }}"


@dataclass(frozen=True)
class Template:
    """A workflow to begin with; `fill` says in words what only its owner can know."""

    slug: str
    category: str
    name: str
    description: str
    fill: tuple[str, ...]
    trigger: dict[str, Any]
    nodes: tuple[dict[str, Any], ...]
    edges: tuple[dict[str, str], ...] = ()

    @property
    def definition(self) -> dict[str, Any]:
        """Its graph; without arrows of its own the steps follow each other."""
        ids = ["trigger", *(node["id"] for node in self.nodes)]
        chain = [{"from": one, "to": two} for one, two in zip(ids, ids[1:], strict=False)]
        return {"trigger": self.trigger, "timeout": "15m", "nodes": list(self.nodes), "edges": list(self.edges) or chain}


def _if(field: str, op: str, value: Any) -> dict[str, Any]:
    return {"field": field, "op": op, "value": value}


def _act(id: str, action: str, /, **said: Any) -> dict[str, Any]:
    return {"id": id, "kind": "action", "action": action, "with": said}


_NOTE = _act("note", "add_note", body="Ticket [{{ steps.ticket.output.key }}]({{ steps.ticket.output.url }})")
TEMPLATES: dict[str, Template] = {one.slug: one for one in (
    Template("jira-critical", "Ticketing", "Ticket for critical incidents",
             "An issue for each critical incident, linked in a note.",
             ("the connection", "the project"),
             {"event": "incident_opened", "when": _if("incident.severity", "eq", "critical")},
             (_act("ticket", "jira_issue", project="", type="Task", title="{{ incident.title }}", description=ABOUT),
             _NOTE)),
    Template("linear-high", "Ticketing", "Issue for high and above", "An issue for each incident that is high or critical.",
             ("the connection", "the team’s id"),
             {"event": "incident_opened", "when": _if("incident.severity", "gte", "high")},
             (_act("ticket", "linear_issue", team="", title="{{ incident.title }}", description=ABOUT, priority="2"),
             _NOTE)),
    Template("slack-states", "Communication", "Post each change of state",
             "A line in a channel whenever an incident is taken or over.",
             ("the connection", "the channel"), {"event": "state_changed"},
             (_act("post", "slack_post", channel="",
                   text="#{{ incident.number }} {{ incident.title }}: {{ event.to }} by {{ event.actor }}\n"
                        "{{ incident.url }}"),)),
    Template("teams-critical", "Communication", "Post critical incidents",
             "A card in a channel when a critical incident opens.",
             ("the connection",), {"event": "incident_opened", "when": _if("incident.severity", "eq", "critical")},
             (_act("post", "teams_post", title="{{ incident.title }}", text=TEXT, link="{{ incident.url }}"),)),
    Template("webhook-resolved", "Communication", "Signed call on resolve",
             "Tells another system, signed, when an incident is over.",
             ("the address", "the secret hook_secret"), {"event": "state_changed", "to": ["resolved"]},
             (_act("call", "webhook", method="POST", url="", auth="signed", auth_secret="{{ secret.hook_secret }}",
                   body={"incident": "{{ incident.number }}", "title": "{{ incident.title }}",
                         "resolved_by": "{{ incident.resolved_by }}"}),)),
    Template("help-unacknowledged", "Response", "Help when nobody takes it",
             "Asks more people when a critical incident is not acknowledged for 15 minutes.", ("whom to ask",),
             {"event": "age", "after": "15m", "states": ["triggered"], "when": _if("incident.severity", "eq", "critical")},
             (_act("help", "add_responder", team=""),
              _act("note", "add_note", body="Nobody took it for 15 minutes: asked {{ steps.help.output.added|join }}."))),
    Template("raise-escalated", "Response", "Worse when it escalates",
             "Sets P1 and tells those who wait when a second level is paged.",
             (), {"event": "escalated", "when": _if("incident.severity", "gte", "high")},
             (_act("weigh", "set_priority", priority="P1"),
              _act("tell", "status_update", body="Nobody answered yet; more people are being paged."))),
    Template("diagnose", "Response", "Diagnose on opening", "Runs a runbook when an incident opens, and notes what it gave.",
             ("the runbook",), {"event": "incident_opened", "when": _if("incident.severity", "gte", "high")},
             ({"id": "look", "kind": "runbook", "runbook": "", "wait": True},
              _act("note", "add_note", body="Diagnostics: {{ steps.look.output.text|default('see the execution') }}"))),
    Template("acknowledge-low", "Tidying", "Acknowledge low after an hour",
             "Low incidents that nobody took are acknowledged after 1 h.",
             (), {"event": "age", "after": "1h", "states": ["triggered"],
                  "when": _if("incident.severity", "in", ["low", "info"])},
             (_act("take", "acknowledge"), _act("note", "add_note", body="Acknowledged after an hour without an answer."))),
    Template("resolve-info", "Tidying", "Resolve information after a day",
             "What is only information is resolved after 24 h.",
             (), {"event": "age", "after": "1d", "when": _if("incident.severity", "eq", "info")},
             (_act("end", "resolve", note="Only information, a day old."),)),
)}
