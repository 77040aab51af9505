"""What administrators set about sign-in and directory, and what then belongs to provider and directory."""

from __future__ import annotations

import pytest
from oidc_provider_mock import User as Claims
from oidc_provider_mock import run_server_in_thread

from app.core.db import session, transaction
from app.core.events import Event
from app.identity import sso, sso_settings
from app.identity.models import Identity, LoginSession, SingleSignOn, User
from app.notifications.models import ContactMethod
from tests import build
from tests.identity.directory import directory
from tests.identity.test_sso import know, there

DORA = {"email": "dora@example.com", "email_verified": True, "name": "Dora", "realm": {"roles": ["ops", "staff"]}}
FORM = {"client_id": "oncall", "client_secret": "s3cret", "scopes": "openid email profile", "creates": "1",
        "role_claim": "realm.roles", "admin_values": "root, ops"}


@pytest.fixture
def admin(signed_in):
    """A break-glass administrator's browser."""
    return signed_in(build.user("root", role="admin", break_glass=True))


@pytest.fixture
def idp(admin):
    """A provider that knows Dora, set up on the page."""
    sso.forget()
    with run_server_in_thread(user_claims=[Claims(sub="dora", claims=DORA)], require_nonce=True) as server:
        issuer = f"http://127.0.0.1:{server.server_port}"
        assert admin.post("/settings/sso", data={**FORM, "issuer": issuer}).status_code == 303
        yield issuer


def dora():
    """Dora as she is now."""
    session.expire_all()
    return session.query(User).filter_by(email="dora@example.com").one()


def test_a_provider_that_is_set_on_the_page_signs_people_in(client, admin, idp, run_jobs):
    """The map makes Dora an admin; her verified address can be paged with no further set-up (IDN-31)."""
    assert client.get(there(client)).status_code == 303
    run_jobs()
    method = session.query(ContactMethod).filter_by(user_id=dora().id).one()
    assert dora().role == "admin" and (method.channel, method.address) == ("email", dora().email) and method.proven_at
    row = session.query(SingleSignOn).one()
    assert "s3cret" not in row.client_secret_sealed and "s3cret" not in admin.get("/settings/sso").text
    assert "s3cret" not in str([event.data for event in session.query(Event)])


def test_name_and_role_follow_the_provider_at_each_sign_in(client, app, idp):
    client.get(there(client))
    know(idp, "dora", **(DORA | {"name": "Dora Married", "realm": {"roles": ["staff"]}}))
    again = app.test_client()
    again.get(there(again))
    assert (dora().name, dora().role) == ("Dora Married", "member")
    befores = [event.data["before"]["role"] for event in session.query(Event).filter_by(kind="user.changed")]
    assert befores == ["member", "admin"]


def test_an_empty_secret_keeps_the_one_that_is_there_and_no_issuer_turns_it_off(admin, idp):
    admin.post("/settings/sso", data={**FORM, "issuer": idp, "client_secret": "", "scopes": "openid"})
    assert sso_settings.provider().client_secret == "s3cret" and sso_settings.provider().scopes == "openid"
    admin.post("/settings/sso", data={"scopes": "openid"})
    session.expire_all()
    assert sso_settings.provider() is None and session.query(SingleSignOn).one().client_secret_sealed is None


def test_wrong_settings_are_refused_at_their_fields_and_nothing_typed_is_lost(admin):
    answer = admin.post("/settings/sso", data={"issuer": "nonsense", "scopes": "email", "role_claim": "groups"})
    assert answer.status_code == 422 and 'value="nonsense"' in answer.text
    for sentence in ("Write the provider", "The scope openid", "belong together", "The name of this application"):
        assert sentence in answer.text
    assert session.query(SingleSignOn).count() == 0


def test_single_sign_on_is_not_turned_on_while_nobody_could_get_in_without_it(signed_in, olga):
    answer = signed_in(olga).post("/settings/sso", data={**FORM, "issuer": "https://id.example.com"})
    assert answer.status_code == 422 and "break-glass EMAIL" in answer.text


def test_what_the_environment_says_no_page_changes(app, admin):
    app.config.update(OIDC_ISSUER="https://id.example.com", OIDC_CLIENT_ID="oncall")
    admin.post("/settings/sso", data={**FORM, "issuer": "https://evil.example.com"})
    assert sso_settings.provider().issuer == "https://id.example.com" and sso_settings.role_map()[0] == "realm.roles"
    assert "evil" not in session.query(SingleSignOn).one().issuer


def test_the_last_admin_who_gets_in_without_the_provider_stays(app, admin, olga, idp):
    """IDN-26: not demoted, deactivated or taken from behind the glass, although there is another admin."""
    root = session.query(User).filter_by(break_glass=True).one()
    browser = app.test_client()
    key = {"Authorization": f"Bearer {build.token(olga)}"}
    assert browser.patch(f"/api/v1/users/{root.email}", json={"role": "member"}, headers=key).status_code == 409
    assert browser.delete(f"/api/v1/users/{root.email}", headers=key).status_code == 409
    app.config["PASSWORD_LOGIN"] = "everyone"
    assert browser.patch(f"/api/v1/users/{root.email}", json={"role": "member"}, headers=key).status_code == 200


@pytest.mark.parametrize("owner", ["directory", "provider"])
def test_a_name_that_is_set_elsewhere_is_refused_by_page_and_api(app, signed_in, ana, owner):
    """IDN-30: 422, with its owner named; other fields are one's own."""
    build._kept(lambda: Identity(user_id=ana.id, issuer="x", subject="y"))
    if owner == "directory":
        with transaction():
            session.get(User, ana.id).external_id = "ext-ana"
    browser, key = signed_in(ana), {"Authorization": f"Bearer {build.token(ana)}"}
    answer = browser.post("/me", data={"name": "Other", "time_zone": "UTC"})
    assert answer.status_code == 422 and f"set by your {'organisation' if owner == 'directory' else 'identity'}" in answer.text
    assert app.test_client().patch(f"/api/v1/users/{ana.email}", json={"name": "Other"}, headers=key).status_code == 422
    assert browser.post("/me", data={"time_zone": "Europe/Berlin"}).status_code == 303


def test_the_list_says_where_people_come_from_and_who_cannot_be_reached(app, signed_in, ana, bob):
    build.user("mute", reachable=False)
    build._kept(lambda: Identity(user_id=bob.id, issuer="x", subject="y"))
    directory(app).person("mia")
    rows = [row.split("</tr>")[0] for row in signed_in(ana).get("/people").text.split('<tr role="row" id="row-')[1:]]
    said = {name: next(row for row in rows if f"{name}@example.com" in row) for name in ("ana", "bob", "mia", "mute")}
    assert ">local<" in said["ana"] and ">SSO<" in said["bob"] and ">SCIM<" in said["mia"]
    assert "no proven method" in said["mute"] and "no proven method" not in said["ana"]


def test_a_link_that_opens_an_account_asks_for_a_proof_first(signed_in, olga, ana):
    """Re-authentication: as for every other thing that opens doors."""
    browser = signed_in(olga)
    with transaction():
        session.query(LoginSession).update({"proved_at": None})
    assert browser.post(f"/people/{ana.id}/link").location.startswith("/me/prove")
    assert session.query(Event).filter_by(kind="user.link_created").count() == 0


def test_the_page_of_the_directory_shows_its_calls_and_errors_and_a_token_once(app, admin):
    text = admin.post("/settings/scim/tokens").text
    token = text.partition("oc_")[2].split('"')[0].split("<")[0]
    header = {"Authorization": f"Bearer oc_{token}"}
    browser = app.test_client()
    assert browser.get("/scim/v2/Users", headers=header).status_code == 200
    assert browser.get('/scim/v2/Users?filter=displayName co "x"', headers=header).status_code == 400
    shown = admin.get("/settings/scim").text
    assert "GET /Users" in shown and "is supported, with" in shown and f"oc_{token}" not in shown
    assert "http://localhost/scim/v2" in shown
