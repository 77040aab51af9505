"""Secrets that were planted are found nowhere again, forged hosts reach no link, and key files are their owner's alone."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.core import secrets, settings
from app.core.db import Base, session, transaction
from app.core.doctor import diagnose
from app.identity.models import SingleSignOn
from app.notifications import connecting
from app.notifications.models import ContactMethod
from tests import build
from tests.notifications.paged import as_actor
from tests.pager import firing, pager, post

PLANTED = ("planted-signing-secret", "planted-plugin-setting", "planted-push-keys", "planted-client-secret")


@pytest.fixture
def planted(app, olga):
    """A pager with one secret of each kind that people enter, and the address of its sender."""
    house = pager()
    with transaction():
        signed = build.integration("signing", team=house.team)
        signed.secret_sealed = secrets.seal(PLANTED[0], bound_to="integration:signing/secret")
        connecting.save_account("twilio", "Germany", {
            "TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": PLANTED[1], "TWILIO_FROM": "+4915112345678"}, by=as_actor(olga))
        method = session.query(ContactMethod).first()
        method.data_sealed = secrets.seal(f'{{"keys": "{PLANTED[2]}"}}', bound_to=f"contact_method:{method.id}/data")
        session.add(SingleSignOn(issuer="https://id.example.com", client_id="oncall", scopes="openid", creates=True,
                                 client_secret_sealed=secrets.seal(PLANTED[3], bound_to="single_sign_on:1/client_secret"),
                                 role_claim="", admin_values=[]))
    return house


def dump() -> str:
    """Every row of every table."""
    return " ".join(str(row) for table in Base.metadata.sorted_tables for row in session.execute(select(table)).all())


def test_no_planted_secret_is_found_in_database_pages_answers_metrics_or_log(app, planted, client, signed_in, olga, run_jobs,
                                                                             capsys):
    """HRD-23: nor are passwords, API keys, session cookies and the token of a sender."""
    key, browser = build.token(olga), signed_in(olga)
    assert post(client, planted, firing()).status_code == 202
    run_jobs()
    paths = ("/settings/channels", "/settings/channels/twilio", "/settings/sso", "/audit", "/audit.json", "/me", "/people/1",
             "/metrics", "/readyz", "/api/v1/integrations", "/api/v1/users", "/api/v1/events", "/api/v1/channels")
    said = "".join(browser.get(path).get_data(as_text=True) for path in paths)
    printed = "".join(capsys.readouterr())
    opened = browser.get_cookie("oncall").value
    for secret in (*PLANTED, build.PASSWORD, key, opened):
        assert secret not in dump() and secret not in said and secret not in printed, secret
    assert "token-of-prometheus-0123456789" not in dump() + printed


def test_links_come_from_the_setting_whatever_the_request_says(app, planted, client, signed_in, olga, run_jobs, smtp):
    """HRD-19: neither Host nor X-Forwarded-Host reaches a link, on a page or in a mail."""
    forged = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    browser = signed_in(olga)
    pages = [browser.get(path, headers=forged) for path in ("/integrations/prometheus", "/settings/sso", "/me", "/nowhere")]
    pages += [client.get(path, headers=forged) for path in ("/me", "/login", "/api/v1/openapi.json", "/api/docs")]
    post(client, planted, firing(), **{"X-Forwarded-Host": "evil.example"})
    run_jobs()
    mail, = smtp.to("bob@example.com")
    assert "http://localhost/" in mail.text and "evil" not in mail.text
    assert not [page.request.path for page in pages if "evil" in page.get_data(as_text=True) + str(page.headers)]


def test_the_key_file_is_its_owners_alone_and_a_weaker_one_is_reported(app, tmp_path):
    """HRD-25"""
    made = settings.load({"ONCALL_INSTANCE": str(tmp_path)})
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert made["ENCRYPTION_KEYS"] and files and all(path.stat().st_mode & 0o077 == 0 for path in files)
    app.config["ONCALL_INSTANCE"] = str(tmp_path)
    assert not [one for one in diagnose().problems if "key file" in one]
    files[0].chmod(0o644)
    assert [one for one in diagnose().problems if f"Others can read the key file {files[0]}" in one]
