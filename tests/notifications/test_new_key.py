"""The keys of web push: printed, made, rotated; a browser of the former key subscribes anew, and its owner knows."""

from __future__ import annotations

import json
from contextvars import Context

import pytest
from click.testing import CliRunner

from app.cli import oncall
from app.core import settings
from app.core.db import session, transaction
from app.notifications.browsers import add_browser
from app.notifications.models import ContactMethod
from tests import build
from tests.notifications.paged import as_actor, page

START, SEND, PATH = "app.notifications.ticks.leave_former_key", "app.notifications.ticks.send", "/api/v1/me/push-subscriptions"


@pytest.fixture
def run(app, tmp_path, monkeypatch):
    """`run("--rotate")`: `oncall vapid` of an installation that made its keys for itself."""
    app.config.update({**settings.generated(tmp_path), "ONCALL_INSTANCE": str(tmp_path)})
    monkeypatch.setenv("ONCALL_INSTANCE", str(tmp_path))
    for name in ("VAPID_PUBLIC_KEY", "VAPID_PRIVATE_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("app.create_app", lambda **_: app)
    return lambda *words: Context().run(CliRunner().invoke, oncall, ["vapid", *words])


def test_the_keys_are_made_once_and_kept_printed_and_rotated(app, run, tmp_path):
    """HRD-20: the file stays its owner's."""
    first = app.config["VAPID_PUBLIC_KEY"]
    assert run().output.strip() == first == json.loads(run("--json").output)["public_key"]
    assert settings.generated(tmp_path)["VAPID_PUBLIC_KEY"] == first
    said = run("--rotate")
    assert said.exit_code == 0 and "Start web, worker and clock again" in said.output
    second = settings.generated(tmp_path)["VAPID_PUBLIC_KEY"]
    assert second != first and second in said.output and (tmp_path / "keys" / "vapid").stat().st_mode & 0o077 == 0


def test_keys_that_were_given_are_left_to_the_operator_who_gets_a_pair(app, run, monkeypatch):
    """HRD-20: --make changes nothing."""
    monkeypatch.setenv("VAPID_PUBLIC_KEY", "given")
    said = run("--rotate")
    assert said.exit_code != 0 and "oncall vapid --make" in str(said.exception or said.output)
    pair = dict(line.split("=", 1) for line in run("--make").output.split())
    assert pair.keys() == {"VAPID_PUBLIC_KEY", "VAPID_PRIVATE_KEY"} and pair["VAPID_PUBLIC_KEY"] != app.config["VAPID_PUBLIC_KEY"]


@pytest.fixture
def rotated(app, run, now, ana, push_sink, tick):
    """Ana's browser, which her rules name, and the installation started again with new keys."""
    with transaction():
        method = add_browser(ana, push_sink.subscription(), by=as_actor(ana), name="Push to Chrome")
    build.rules(ana, (0, method))
    run("--rotate")
    app.config.update(settings.generated(app.config["ROOT"].__class__(app.config["ONCALL_INSTANCE"])))
    assert (tick(START), tick(START)) == (1, 0)
    return method


def test_after_a_rotation_the_owner_is_told_once_and_paged_by_what_still_works(rotated, ana, now, tick, push_sink, smtp):
    """HRD-20: nothing is pushed with a key that the browser's service refuses."""
    page(ana)
    tick(SEND)
    told, paged = sorted(smtp.to("ana@example.com"), key=lambda mail: "Checkout" in mail.subject)
    assert "Open OnCall in that browser once" in told.text and "Checkout is down" in paged.subject
    assert push_sink.calls == []


def test_at_its_next_visit_the_browser_subscribes_anew_and_stays_in_its_owners_rules(rotated, ana, signed_in, tick, push_sink):
    """HRD-20: it says where it was; push.js sends that by itself as soon as a page names another key."""
    new = {**push_sink.subscription(), "endpoint": f"{push_sink.url}/anew", "former": rotated.address}
    assert signed_in(ana).post(PATH, json=new).json["id"] == str(rotated.id)
    session.expire_all()
    method = session.query(ContactMethod).filter_by(channel="webpush").one()
    assert (method.address, method.usable, tick(START)) == (new["endpoint"], True, 0)
    page(ana)
    tick(SEND)
    assert len(push_sink.calls) == 1
