"""The page of the settings: every one, where it comes from, and no secret."""

from __future__ import annotations

import pytest

from app.core import health


@pytest.fixture
def configured(another_app, database_url, tmp_path):
    """An application with one setting of the environment, one of the file, and secrets."""
    (tmp_path / "config.toml").write_text('MAIL_FROM = "Ops <ops@example.com>"\n')
    return another_app(ONCALL_INSTANCE=str(tmp_path), DATABASE_URL=database_url("sqlite", "settings"), AUDIT_DAYS="400",
                       TWILIO_AUTH_TOKEN="very-secret-token")


def test_every_setting_stands_there_with_value_origin_and_help(configured):
    """12, Pages: environment, file or default; those of plugins under the plugin's name."""
    with configured.test_request_context():
        from app.system import pages

        found = {one.name: one for one in pages.all_settings()}
        assert (found["AUDIT_DAYS"].shown, found["AUDIT_DAYS"].origin) == ("400", "environment")
        assert (found["MAIL_FROM"].shown, found["MAIL_FROM"].origin) == ("Ops <ops@example.com>", "file")
        assert (found["LOG_LEVEL"].origin, found["WEB_THREADS"].shown) == ("environment", "64")
        assert found["TWILIO_AUTH_TOKEN"].shown == "set, not shown" and found["TWILIO_AUTH_TOKEN"].group == "Twilio"
        assert "(90 to 3650)" in found["AUDIT_DAYS"].help and all(one.help for one in found.values())
        assert found.keys() >= {name for name, _ in configured.extensions["plugins"].settings}


def test_it_is_searched_by_words_and_by_what_is_set(app, olga, signed_in, token, client):
    browser = signed_in(olga)
    text = browser.get("/system/settings?q=raw+bodies").text
    assert "DELIVERY_BODY_DAYS" in text and "AUDIT_DAYS" not in text
    assert "No setting holds these words" in browser.get("/system/settings?q=nonsense").text
    items = client.get("/api/v1/system/settings?only=set&q=outbound", headers=token(olga)).json["items"]
    assert [(one["name"], one["value"], one["origin"]) for one in items] == [("OUTBOUND_ALLOW", "127.0.0.0/8", "environment")]


def test_no_secret_is_shown_to_anybody(app, olga, signed_in, token, client):
    """HRD-23, this page: neither keys nor passwords."""
    said = signed_in(olga).get("/system/settings").text + client.get("/api/v1/system/settings", headers=token(olga)).text
    for name in ("SECRET_KEY", "ENCRYPTION_KEYS", "SMTP_URL", "VAPID_PRIVATE_KEY"):
        assert app.config[name] and app.config[name] not in said
    assert "set, not shown" in said


@pytest.mark.parametrize("address", ["postgresql://ana:hunter2@db/oncall", "postgresql://db/oncall?user=ana&password=hunter2"])
def test_a_password_in_an_address_is_masked_wherever_it_stands(address):
    assert "hunter2" not in health.masked(address) and "db" in health.masked(address)
