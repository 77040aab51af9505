"""Which blocks of the policy pages refresh on which facts."""

from __future__ import annotations

from app.core.feed import Feed
from app.core.web import actor
from app.escalation import pages


def _index() -> pages.PoliciesPage:
    return pages.policies_page(actor())


def _policy(key: str) -> pages.PolicyPage:
    return pages.policy_page(key, actor())


CHANGES = "policy.* team.policy_set service.policy_set"
FEEDS = (
    Feed("/policies", "escalation/index.html", _index, topics=("policies",), regions={"rows": CHANGES}),
    Feed("/policies/<key>", "escalation/policy.html", _policy, topics=("policies",),
         regions={"summary": CHANGES, "ladder": CHANGES, "rail": CHANGES}),
)
