"""Who waits for whom: nothing that is no page, and no storm of one service, stands before a page."""

from __future__ import annotations

import time
from typing import Any

from app.core.db import session, transaction
from app.core.jobs import function
from app.identity.models import Team, User
from app.incidents.models import Incident
from app.notifications import sending
from app.notifications.models import Message
from tests import build
from tests.fakes import MailServer

SEND = "app.notifications.ticks.send"


def started(place: Any, number: int = 1) -> None:
    """So many incidents of a service, paged."""
    for _ in range(number):
        incident = build.incident("Checkout is down", service=place, severity="high")
        with transaction():
            function("app.escalation.service.start")(session.get_one(Incident, incident.id))


def test_a_page_goes_before_every_notice_that_waits_longer(payments: Team, ana: User) -> None:
    """NTF-15: however many there are."""
    place = build.service("checkout", team=payments, policy=build.policy("payments", (3600, [ana]), team=payments))
    method = build.contact(ana, "log", "ana")
    with transaction():
        session.add_all(Message(kind="resolved", user_id=ana.id, method_id=method.id, channel="log", address="ana", urgency="low")
                        for _ in range(300))
    started(place)
    first = session.get_one(Message, sending.due(1)[0])
    assert first.kind == "page" and first.incident_id == 1
    assert len(sending.due(1000, pages=True)) == session.query(Message).filter_by(kind="page").count()


def test_a_storm_of_one_service_does_not_delay_the_first_page_of_another(
    payments: Team, ana: User, bob: User, smtp: MailServer, tick: Any,
) -> None:
    """NTF-16: a hundred incidents wait for one person; the next turn of the senders reaches the other within 2 s."""
    policies = [build.policy(f"of-{one.name.lower()}", (3600, [one]), team=payments, default=False) for one in (ana, bob)]
    noisy, quiet = (build.service(key, team=payments, policy=policy) for key, policy in zip(("a", "b"), policies, strict=True))
    started(noisy, 100)
    started(quiet)
    begun = time.time()
    tick(SEND)
    assert smtp.to("bob@example.com")[0].at - begun < 2
    assert len(smtp.to("ana@example.com")) == 4
