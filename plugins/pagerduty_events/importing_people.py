"""People, their ways to be reached and their rules; teams with their members."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from app.plugin_api import Imported, Keys, listed, span_text, zone_of

ADMINS = ("owner", "admin", "global_admin")
CHANNELS = {"email": "email", "phone": "voice", "sms": "sms"}
NOBODYS = "imported"
E164 = re.compile(r"\+[1-9]\d{6,14}")


class People:
    """Who is who: e-mail addresses and teams by the source's ids."""

    def __init__(self, data: Mapping[str, Any], imported: Imported, keys: Keys) -> None:
        self.imported, self.keys = imported, keys
        self.emails: dict[str, str] = {}
        self.gone: dict[str, str] = {}
        for user in listed(data, "users"):
            self._user(user)
        for team in listed(data, "teams"):
            self._team(team, data)

    def email(self, reference: Mapping[str, Any]) -> str | None:
        """The address of whoever is meant; None for people who were deleted there."""
        user = reference.get("user") or reference
        found = self.emails.get(str(user.get("id")))
        if found is None:
            self.gone[str(user.get("id"))] = str(user.get("summary") or user.get("name") or user.get("id"))
        return found

    def team(self, thing: Mapping[str, Any]) -> str:
        """The key of the (first) team of a thing; the team for what is nobody's, which is made when it is needed."""
        own = thing.get("teams") or []
        key = self.keys.known("teams", own[0].get("id")) if own else None
        if key is None:
            key = self.keys.known("teams", "") or self.keys.of("teams", "", NOBODYS)
            if not any(team["key"] == key for team in self.imported.document.get("teams", [])):
                self.imported.add("teams", key=key, name="Imported", description="What belonged to no team")
        return key

    def _user(self, user: Mapping[str, Any]) -> None:
        email = str(user.get("email") or "").strip().lower()
        if "@" not in email:
            self.imported.note("user", user, "skipped", reason="it has no e-mail address")
            return
        self.emails[str(user.get("id"))] = email
        changes: list[str] = []
        methods, names = self._methods(user, changes)
        self.imported.add("users", email=email, name=str(user.get("name") or email)[:200],
                          role="admin" if user.get("role") in ADMINS else "member", contact_methods=methods or None,
                          time_zone=zone_of(zone, changes).key if (zone := user.get("time_zone")) else None,
                          rules=self._rules(user, names, changes) or None)
        self.imported.judge("user", user, email, changes, advice="Contact methods have to be proven once more")

    def _methods(self, user: Mapping[str, Any], changes: list[str]) -> tuple[list[dict[str, Any]], dict[str, str]]:
        methods: list[dict[str, Any]] = []
        names: dict[str, str] = {}
        for method in user.get("contact_methods") or []:
            kind = str(method.get("type", "")).partition("_contact_method")[0]
            address = str(method.get("address") or "")
            if kind in ("phone", "sms"):
                address = f"+{method.get('country_code') or 1}{re.sub(r'[^0-9]', '', address)}"
            if kind not in CHANNELS or (kind != "email" and not E164.fullmatch(address)):
                changes.append(f"the method {method.get('label') or method.get('summary') or kind} is left out")
                continue
            channel = CHANNELS[kind]
            name = channel if all(one["name"] != channel for one in methods) else f"{channel} {len(methods)}"
            names[str(method.get("id"))] = name
            methods.append({"name": name, "channel": channel, "address": address})
        return methods, names

    def _rules(self, user: Mapping[str, Any], names: Mapping[str, str], changes: list[str]) -> dict[str, Any]:
        found: dict[str, list[tuple[int, str]]] = {}
        for rule in user.get("notification_rules") or []:
            name = names.get(str((rule.get("contact_method") or {}).get("id")))
            if name is None:
                changes.append("a rule for a method that is left out is left out")
                continue
            step = (int(rule.get("start_delay_in_minutes") or 0), name)
            found.setdefault(str(rule.get("urgency") or "high"), []).append(step)
        return {urgency: [{"after": span_text(minutes * 60), "via": name} for minutes, name in sorted(steps)]
                for urgency, steps in sorted(found.items()) if urgency in ("high", "low")}

    def _team(self, team: Mapping[str, Any], data: Mapping[str, Any]) -> None:
        key = self.keys.of("teams", team.get("id"), str(team.get("name") or ""))
        members, changes = [], []
        for member in team.get("members") or listed(data, f"teams/{team.get('id')}/members"):
            email = self.email(member)
            if email is None:
                who = (member.get("user") or member).get("summary") or "a member"
                changes.append(f"{who} has no account there any more")
            else:
                members.append({"user": email, "role": {"observer": "observer", "manager": "manager"}.get(
                    str(member.get("role")), "responder")})
        self.imported.add("teams", key=key, name=_named(team, key), members=members or None,
                          description=str(team.get("description") or "")[:500] or None)
        self.imported.judge("team", team, key, changes)


def _named(team: Mapping[str, Any], key: str) -> str:
    name = str(team.get("name") or "").strip()[:100]
    return name if len(name) > 1 else key
