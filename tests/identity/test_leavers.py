"""Whom a directory takes away is off duty, pages nobody waits for, and opens no link any more."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.core import clock
from app.core.db import session, transaction
from app.core.secrets import digest
from app.notifications.models import ContactMethod, Message, OneTapLink
from app.oncall.models import Schedule
from app.oncall.queries import on_duty
from tests.identity.directory import directory
from tests.pager import firing, incident, messages, pager, post

GONE = {"op": "Replace", "path": "active", "value": "False"}


@pytest.fixture
def okta(app):
    """The directory."""
    return directory(app)


def test_pages_of_a_leaver_go_to_the_next_level_at_once_and_the_manager_hears_of_the_gap(
        okta, client, run_jobs, tick):
    """IDN-20"""
    house = pager()
    post(client, house, firing())
    run_jobs()
    assert [(one.kind, one.user.name) for one in messages()] == [("page", "Bob")]
    okta.patch(f"/Users/{house.bob.id}", GONE)
    assert on_duty(session.scalar(select(Schedule)), clock.now()).people == ()
    run_jobs()
    tick("app.escalation.ticks.advance")
    found = [(one.kind, one.user.name) for one in messages()]
    assert sorted(found) == [("gap", "Ana"), ("page", "Ana"), ("page", "Bob")]
    gap = session.scalar(select(Message).where(Message.kind == "gap"))
    assert gap.reason.startswith("Bob was deactivated, so nobody is on duty in Primary from 20")


def test_a_link_in_a_leavers_mail_opens_nothing(okta, client, run_jobs):
    """IDN-09: a one-tap link that was sent before."""
    house = pager()
    post(client, house, firing())
    run_jobs()
    with transaction():
        session.add(OneTapLink(token_hash=digest("t" * 43), message_id=messages()[0].id, user_id=house.bob.id,
                               incident_id=incident().id, action="acknowledge",
                               expires_at=clock.now().replace(year=2100)))
    okta.call("DELETE", f"/Users/{house.bob.id}")
    answer = client.post(f"/tap/{'t' * 43}/acknowledge")
    assert "no longer in use" in answer.text and incident().status == "triggered"


def test_an_address_that_the_directory_gives_is_proven(okta, run_jobs):
    """A new person can be paged without any set-up; a new address takes over when it comes."""
    key = okta.person("mia").json["id"]
    run_jobs()
    okta.patch(f"/Users/{key}", {"op": "replace", "path": 'emails[type eq "work"].value', "value": "m@example.org"})
    run_jobs()
    rows = session.scalars(select(ContactMethod).where(ContactMethod.user_id == int(key)).order_by(ContactMethod.id))
    assert [(one.name, one.address, one.proven_at is not None) for one in rows] == [
        ("mail", "mia@example.com", True), ("mail 2", "m@example.org", True)]
