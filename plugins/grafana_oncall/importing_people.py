"""People with their personal notification rules, and teams."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.plugin_api import Imported, Keys, listed, span_text, zone_of

NOBODYS = "imported"


class People:
    """Who is who: e-mail addresses by the source's ids."""

    def __init__(self, data: Mapping[str, Any], imported: Imported, keys: Keys) -> None:
        self.imported, self.keys = imported, keys
        self.emails: dict[str, str] = {}
        rules = listed(data, "personal_notification_rules", "results")
        for user in listed(data, "users", "results"):
            self._user(user, [rule for rule in rules if rule.get("user_id") == user.get("id")])
        for team in listed(data, "teams", "results"):
            key = keys.of("teams", team.get("id"), str(team.get("name") or ""))
            imported.add("teams", key=key, name=str(team.get("name") or key)[:100] if len(key) > 1 else key)
            imported.note("team", team, "changed", key, reason="the API does not say who is in it",
                          advice="Add its members to the document")

    def email(self, user_id: object) -> str | None:
        """The address of a user; None for one who is not in the account."""
        return self.emails.get(str(user_id))

    def team(self, team_id: object) -> str:
        """The key of a team; the team for what is nobody's, which is made when it is needed."""
        key = self.keys.known("teams", team_id) if team_id else None
        if key is None:
            key = self.keys.known("teams", "") or self.keys.of("teams", "", NOBODYS)
            if not any(team["key"] == key for team in self.imported.document.get("teams", [])):
                self.imported.add("teams", key=key, name="Imported", description="What belonged to no team")
        return key

    def _user(self, user: Mapping[str, Any], rules: list[Mapping[str, Any]]) -> None:
        email = str(user.get("email") or "").strip().lower()
        named = {**user, "name": user.get("name") or user.get("username") or email}
        if "@" not in email:
            self.imported.note("user", named, "skipped", reason="it has no e-mail address")
            return
        self.emails[str(user.get("id"))] = email
        changes: list[str] = []
        said = {urgency: steps for urgency, important in (("high", True), ("low", False))
                if (steps := _steps([rule for rule in rules if bool(rule.get("important")) is important], changes))}
        self.imported.add("users", email=email, name=str(named["name"])[:200],
                          time_zone=zone_of(zone, changes).key if (zone := user.get("timezone")) else None,
                          role="admin" if str(user.get("role")).lower() == "admin" else "member",
                          rules=said or None, contact_methods=[{"name": "email", "channel": "email", "address": email}])
        self.imported.judge("user", named, email, changes, advice="Numbers and chat accounts are not in the API: "
                            "everybody adds their own under My profile")


def _steps(rules: list[Mapping[str, Any]], changes: list[str]) -> list[dict[str, str]]:
    """Waits between notices become times since the page; ways whose address is not known are mail."""
    after, steps = 0, []
    for rule in sorted(rules, key=lambda one: int(one.get("position") or 0)):
        kind = str(rule.get("type") or rule.get("notify_by") or "")
        if kind == "wait":
            after += int(rule.get("duration") or 0)
            continue
        if kind != "notify_by_email":
            changes.append(f"{kind.removeprefix('notify_by_').replace('_', ' ')} is mail until an address is added")
        if not any(step["after"] == span_text(after) for step in steps):
            steps.append({"after": span_text(after), "via": "email"})
    return steps
