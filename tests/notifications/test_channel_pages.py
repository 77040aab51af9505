"""The pages on which an admin connects, tests, orders and watches the providers of each channel."""

import pytest

from app.core.db import session, transaction
from app.core.events import Event
from app.notifications import accounts
from app.notifications.channel_models import ChannelAccount, ProviderState, Room
from app.plugin_api import Connection, Rejected, Retry
from tests import build
from tests.notifications.paged import messages, page

SEND = "app.notifications.ticks.send"
TWILIO = {"name": "Germany", "TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "a-secret-token", "TWILIO_FROM": "+4915"}


@pytest.fixture
def admin(now, app, signed_in, olga):
    """Olga's browser."""
    return signed_in(olga)


def post(browser, path, **form):
    with browser.session_transaction() as cookie:
        token = cookie["csrf"]
    return browser.post(path, data={**form, "csrf_token": token})


def test_settings_entered_on_the_page_are_sealed_and_used(admin, app):
    """SRC-32: the secret is stored encrypted and shown nowhere."""
    assert post(admin, "/settings/channels/twilio", **TWILIO).status_code == 303
    account = session.query(ChannelAccount).one()
    assert "a-secret-token" not in account.config_sealed
    shown = admin.get(f"/settings/channels/twilio?account={account.id}").text
    assert "a-secret-token" not in shown and 'value="AC1"' in shown
    routes = accounts.all_routes("sms")
    assert [(one.account, one.config["TWILIO_AUTH_TOKEN"]) for one in routes] == [(account.key, "a-secret-token")]


def test_a_secret_that_is_left_empty_stays(admin):
    post(admin, "/settings/channels/twilio", **TWILIO)
    account = session.query(ChannelAccount).one()
    post(admin, "/settings/channels/twilio", **{**TWILIO, "TWILIO_AUTH_TOKEN": "", "TWILIO_FROM": "+4916", "account": str(account.id)})
    session.expire_all()
    values = accounts.values_of(session.query(ChannelAccount).one())
    assert (values["TWILIO_AUTH_TOKEN"], values["TWILIO_FROM"]) == ("a-secret-token", "+4916")


def test_what_is_missing_is_said_at_its_field_and_nothing_typed_is_lost(admin):
    answer = post(admin, "/settings/channels/twilio", **{**TWILIO, "TWILIO_AUTH_TOKEN": "", "name": ""})
    assert answer.status_code == 422 and "Give it a name" in answer.text and 'value="AC1"' in answer.text
    assert session.query(ChannelAccount).count() == 0


def test_an_account_whose_key_is_gone_takes_no_other_along_and_is_entered_anew(admin, app):
    """HRD-22: the channel's other accounts go on; the page still opens."""
    for name in ("Germany", "France"):
        post(admin, "/settings/channels/twilio", **{**TWILIO, "name": name})
    with transaction():
        session.get_one(ChannelAccount, 1).config_sealed = "gone"
    assert [one.account for one in accounts.all_routes("sms")] == [session.get_one(ChannelAccount, 2).key]
    for path in ("/settings/channels", "/settings/channels/twilio?account=1"):
        assert admin.get(path).status_code == 200
    post(admin, "/settings/channels/twilio", **{**TWILIO, "account": "1"})
    assert len(accounts.all_routes("sms")) == 2


def test_disconnecting_removes_the_secrets(admin):
    post(admin, "/settings/channels/twilio", **TWILIO)
    account = session.query(ChannelAccount).one()
    post(admin, f"/settings/channels/twilio/accounts/{account.id}/remove")
    session.expire_all()
    assert accounts.values_of(session.query(ChannelAccount).one()) == {} and accounts.all_routes("sms") == []


class Vendor:
    """What the pigeon's vendor adds: a page where a workspace is chosen, and an exchange."""

    @staticmethod
    def authorize(callback, state, config):
        return f"https://pigeon.example/authorize?state={state}&redirect_uri={callback}"

    @staticmethod
    def connected(inbound, callback, config):
        if inbound.query.get("code") != "good":
            raise Rejected("The code is not known")
        return Connection("The loft", {"PIGEON_KEY": "from-the-vendor"})


@pytest.fixture
def vendor(pigeon, monkeypatch):
    monkeypatch.setattr(type(pigeon), "authorize", staticmethod(Vendor.authorize), raising=False)
    monkeypatch.setattr(type(pigeon), "connected", staticmethod(Vendor.connected), raising=False)
    monkeypatch.setattr("app.core.plugins.Registry.readme", lambda *_: "# Pigeon\n\nCoo.")
    return pigeon


def began(admin):
    """The state with which the browser was sent to the vendor."""
    return post(admin, "/settings/channels/pigeon/connect").headers["Location"].split("state=")[1].split("&")[0]


def test_an_account_is_connected_at_the_vendor_and_again_renews_it(admin, vendor):
    """SRC-18: state bound to this browser, tokens encrypted."""
    for _ in range(2):
        answer = admin.get(f"/plugins/pigeon/oauth?code=good&state={began(admin)}")
        assert answer.status_code == 303
    account = session.query(ChannelAccount).one()
    assert account.name == "The loft" and accounts.values_of(account) == {"PIGEON_KEY": "from-the-vendor"}


def test_an_answer_that_another_browser_began_is_refused(admin, vendor):
    began(admin)
    answer = admin.get("/plugins/pigeon/oauth?code=good&state=guessed", follow_redirects=True)
    assert "belongs to another browser" in answer.text
    assert session.query(ChannelAccount).count() == 0


def test_what_the_vendor_refuses_is_a_sentence(admin, vendor):
    answer = admin.get(f"/plugins/pigeon/oauth?code=bad&state={began(admin)}", follow_redirects=True)
    assert "The code is not known" in answer.text and session.query(ChannelAccount).count() == 0


def test_the_page_shows_who_is_left_out_and_why(admin, now, tick, pigeon, token, olga):
    """Providers: state of the breaker, the last hour, the last error; the same for machines."""
    dora = build.user("dora", reachable=False)
    build.contact(dora, "pigeon", "loft")
    page(dora)
    tick(SEND)
    with transaction():
        for _ in range(3):
            accounts.note(accounts.all_routes("pigeon")[0], Retry("The loft is closed"))
    shown = admin.get("/settings/channels").text
    assert "Left out" in shown and "The loft is closed" in shown and "1 sent, 0 failed" in shown
    found = next(one for one in admin.get("/api/v1/channels", headers=token(olga)).json if one["channel"] == "pigeon")
    assert (found["providers"][0]["state"], found["providers"][0]["last_hour"]["sent"]) == ("out", 1)


def test_an_admin_switches_a_provider_off_and_on_again(admin, now, tick, pigeon):
    """NTF-20: it is in the log."""
    post(admin, "/settings/channels/-/pigeon/off", account="pigeon")
    session.expire_all()
    assert session.query(ProviderState).one().off
    post(admin, "/settings/channels/-/pigeon/on", account="pigeon")
    assert [event.data["what"] for event in session.query(Event).filter_by(kind="provider.switched")] == ["off", "on"]


def test_a_test_goes_by_that_account_to_the_admin_who_asked(admin, now, tick, pigeon, olga):
    """NTF-43: marked as a test, once a minute."""
    build.contact(olga, "pigeon", "loft-of-olga")
    for _ in range(2):
        post(admin, "/settings/channels/-/pigeon/test", account="pigeon")
    tick(SEND)
    assert [(said.kind, address) for said, address in pigeon.sent] == [("test", "loft-of-olga")]
    assert len(messages("test")) == 1 and pigeon.sent[0][0].actions == ()


def test_a_room_is_added_for_a_team_and_removed(admin, vendor, payments):
    post(admin, "/settings/channels/pigeon/rooms", channel="pigeon", team="payments", address="room-7", name="#payments")
    room = session.query(Room).one()
    assert (room.team_id, room.address) == (payments.id, "room-7") and "#payments" in admin.get("/settings/channels/pigeon").text
    post(admin, f"/settings/channels/pigeon/rooms/{room.id}/remove")
    session.expire_all()
    assert session.query(Room).one().removed_at is not None
