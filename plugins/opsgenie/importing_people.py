"""People, their contacts and notification rules; teams with their members."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from app.plugin_api import Imported, Keys, listed, span_text, zone_of

CHANNELS = {"email": "email", "sms": "sms", "voice": "voice"}
UNITS = {"minutes": 60, "hours": 3600, "days": 86400, "seconds": 1}
NOBODYS = "imported"
E164 = re.compile(r"\+[1-9]\d{6,14}")


def seconds_of(delay: Mapping[str, Any]) -> int:
    """`{"timeAmount": 5, "timeUnit": "minutes"}` in seconds."""
    return int(delay.get("timeAmount") or 0) * UNITS.get(str(delay.get("timeUnit") or "minutes"), 60)


class People:
    """Who is who: addresses of users and keys of teams by the source's ids and names."""

    def __init__(self, data: Mapping[str, Any], imported: Imported, keys: Keys) -> None:
        self.imported, self.keys = imported, keys
        self.emails: dict[str, str] = {}
        for user in listed(data, "users", "data"):
            self._user(user, data)
        for team in listed(data, "teams", "data"):
            self._team(team)

    def email(self, reference: Mapping[str, Any]) -> str | None:
        """The address of whoever is meant; None for people who are not in the account."""
        name = str(reference.get("username") or "").strip().lower()
        return self.emails.get(str(reference.get("id"))) or (name if name in self.emails.values() else None)

    def team(self, reference: Mapping[str, Any] | None) -> str:
        """The key of a team by reference; the team for what is nobody's, which is made when it is needed."""
        key = self.keys.known("teams", (reference or {}).get("id")) if reference else None
        if key is None:
            key = self.keys.known("teams", "") or self.keys.of("teams", "", NOBODYS)
            if not any(team["key"] == key for team in self.imported.document.get("teams", [])):
                self.imported.add("teams", key=key, name="Imported", description="What belonged to no team")
        return key

    def _user(self, user: Mapping[str, Any], data: Mapping[str, Any]) -> None:
        email = str(user.get("username") or "").strip().lower()
        if "@" not in email or user.get("blocked"):
            reason = "it is blocked there" if "@" in email else "it has no e-mail address"
            self.imported.note("user", user, "skipped", reason=reason, advice="The lines of what named it say so")
            return
        self.emails[str(user.get("id"))] = email
        changes: list[str] = []
        contacts = user.get("userContacts") or listed(data, f"users/{user.get('id')}/contacts", "data")
        methods, names = self._methods(contacts, changes)
        if not methods:
            methods, names = [{"name": "email", "channel": "email", "address": email}], {("email", email): "email"}
        rules = user.get("notificationRules") or listed(data, f"users/{user.get('id')}/notification-rules", "data")
        role = str((user.get("role") or {}).get("name") or "").lower()
        self.imported.add("users", email=email, name=str(user.get("fullName") or email)[:200],
                          role="admin" if role in ("owner", "admin") else "member",
                          time_zone=zone_of(zone, changes).key if (zone := user.get("timeZone")) else None,
                          contact_methods=methods, rules=_rules(rules, names, changes) or None)
        self.imported.judge("user", user, email, changes, advice="Contact methods have to be proven once more")

    def _methods(self, contacts: Any, changes: list[str]) -> tuple[list[dict[str, Any]], dict[tuple[str, str], str]]:
        methods: list[dict[str, Any]] = []
        names: dict[tuple[str, str], str] = {}
        for contact in contacts:
            kind = str(contact.get("method") or contact.get("contactMethod") or "")
            to = str(contact.get("to") or "")
            address = to if kind == "email" else "+" + re.sub(r"[^0-9]", "", to)
            if kind not in CHANNELS or (kind != "email" and not E164.fullmatch(address)):
                changes.append(f"the {kind} contact {to} is left out")
                continue
            name = kind if all(one["name"] != kind for one in methods) else f"{kind} {len(methods)}"
            names[kind, to] = name
            methods.append({"name": name, "channel": CHANNELS[kind], "address": address})
        return methods, names

    def _team(self, team: Mapping[str, Any]) -> None:
        key = self.keys.of("teams", team.get("id"), str(team.get("name") or ""))
        members, changes = [], []
        for member in team.get("members") or []:
            user = member.get("user") or {}
            email = self.email(user)
            if email is None:
                changes.append(f"{user.get('username') or 'a member'} has no account there any more")
                continue
            role = {"admin": "manager", "user": "responder"}.get(str(member.get("role")), "responder")
            members.append({"user": email, "role": role})
        name = str(team.get("name") or "").strip()[:100]
        self.imported.add("teams", key=key, name=name if len(name) > 1 else key, members=members or None,
                          description=str(team.get("description") or "")[:500] or None)
        self.imported.judge("team", team, key, changes)


def _rules(rules: Any, names: Mapping[tuple[str, str], str], changes: list[str]) -> dict[str, Any]:
    """The steps for new alerts, for both urgencies: this product's rules ask the alert, ours its urgency."""
    steps: list[tuple[int, str]] = []
    for rule in rules:
        kind, name = str(rule.get("actionType") or "create-alert"), rule.get("name") or rule.get("id")
        if rule.get("enabled") is False:
            continue
        if kind != "create-alert":
            changes += [f"the rule {name} is left out: it is for “{kind}”, not for new alerts"] if rule.get("steps") else []
            continue
        if rule.get("timeRestriction") or (rule.get("criteria") or {}).get("conditions"):
            changes.append(f"the rule {name} holds always, not under its conditions")
        for step in rule.get("steps") or []:
            contact = step.get("contact") or {}
            via = names.get((str(contact.get("method")), str(contact.get("to"))))
            if via is None:
                changes.append(f"its step by {contact.get('method')} is left out")
            elif step.get("enabled") is not False:
                steps.append((seconds_of(step.get("sendAfter") or {}), via))
    said = [{"after": span_text(after), "via": via} for after, via in sorted(set(steps))]
    return {"high": said, "low": [dict(step) for step in said[:1]]} if said else {}
