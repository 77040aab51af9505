"""What can be said about escalations and policies."""

from app.core.events import Kind

STARTED = Kind("escalation.started", "Escalation by policy {policy} began", ("policy", "run", "catch_all"),
               timeline=True)
LEVEL_REACHED = Kind("escalation.level_reached", "Level {level}: paging {people}",
                     ("level", "round", "people", "ids", "policy", "run"), timeline=True)
POSTED = Kind("escalation.posted", "Level {level}: {how} {rooms}", ("level", "round", "how", "rooms", "ids", "fresh", "run"),
              timeline=True)
CALLED = Kind("escalation.called", "Level {level}: calling {webhooks}", ("level", "round", "webhooks", "ids", "run"),
              timeline=True)
LEVEL_SKIPPED = Kind("escalation.level_skipped", "Level {level} skipped: {reason}", ("level", "round", "reason", "run"),
                     timeline=True)
STUMBLED = Kind("escalation.stumbled", "Level {level} could not be paged, {error}: {then}",
                ("level", "round", "error", "then", "run"), timeline=True)
ESCALATED = Kind("escalation.escalated", "{actor} escalated to the next level", ("via",), timeline=True)
EXHAUSTED = Kind("escalation.exhausted", "Policy {policy} is exhausted: nobody answered", ("policy", "run", "catch_all"),
                 timeline=True)
POLICY_CREATED = Kind("policy.created", "{actor} created the policy {name}", ("name", "before", "after"))
POLICY_CHANGED = Kind("policy.changed", "{actor} changed the policy {name}", ("name", "before", "after"))
POLICY_DELETED = Kind("policy.deleted", "{actor} deleted the policy {name}", ("name", "before"))
TEAM_DEFAULT_SET = Kind("team.policy_set", "{actor} made {policy} the default of {team}", ("team", "policy"))
SERVICE_POLICY_SET = Kind("service.policy_set", "{actor} made {policy} the policy of {service}", ("service", "policy"))
STILL_ASKED = Kind("escalation.still_asked", "{people} is asked whether they are still on it", ("people", "until"),
                   timeline=True)
LAPSED = Kind("escalation.acknowledge_lapsed", "No answer: nobody is on it any more, it is paged again", (), timeline=True)
HELD = Kind("escalation.held", "Pages are held: {reason}", ("reason", "hold", "until", "source"), timeline=True)
RELEASED = Kind("escalation.released", "No longer held: {reason}", ("reason", "hold"), timeline=True)
