"""A directory provisions people and teams: in the shapes that those in use really send."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.core.db import session, transaction
from app.core.events import Event
from app.identity.models import LoginSession, User
from tests.identity.directory import GROUP, PERSON, SHAPES, directory


@pytest.fixture
def okta(app):
    """The directory."""
    return directory(app)


def kinds():
    """The kinds of all events, in their order."""
    return list(session.scalars(select(Event.kind).order_by(Event.id)))


def test_a_new_person_can_be_looked_up_and_has_a_version(okta):
    made = okta.person("mia")
    assert (made.status_code, made.mimetype) == (201, "application/scim+json")
    assert made.headers["Location"] == made.json["meta"]["location"] == f"http://localhost/scim/v2/Users/{made.json['id']}"
    assert made.headers["ETag"] == made.json["meta"]["version"]
    assert {name: made.json[name] for name in ("userName", "displayName", "active", "externalId")} == {
        "userName": "mia@example.com", "displayName": "Mia Example", "active": True, "externalId": "ext-mia"}
    assert "password" not in made.json and "title" not in made.json
    assert okta.get(f"/Users/{made.json['id']}") == made.json
    assert kinds() == ["user.created", "user.address_vouched"]


@pytest.mark.parametrize(("shape", "act"), SHAPES, ids=[name for name, _ in SHAPES])
def test_a_leaver_is_out_in_every_shape_that_senders_use(okta, bob, signed_in, token, shape, act):
    """IDN-14, IDN-15, IDN-09: the open login and the token refuse at the next request."""
    browser, machine = signed_in(bob), token(bob)
    answer = act(okta, f"/Users/{bob.id}")
    assert (answer.status_code, answer.json["active"]) == (200, False)
    assert browser.get("/people").headers["Location"].startswith("/login")
    assert browser.get("/api/v1/me").status_code == 401
    assert okta.app.test_client().get("/api/v1/me", headers=machine).status_code == 401
    assert kinds().count("user.deactivated") == 1


def test_a_deleted_person_is_gone_for_the_directory_and_stays_in_history(okta, bob, payments, signed_in):
    """IDN-15"""
    browser = signed_in(bob)
    assert okta.call("DELETE", f"/Users/{bob.id}").status_code == 204
    for method in ("GET", "DELETE"):
        gone = okta.call(method, f"/Users/{bob.id}")
        assert (gone.status_code, gone.json["status"]) == (404, "404")
    assert okta.get("/Users", filter='userName eq "bob@example.com"')["totalResults"] == 0
    assert browser.get("/api/v1/me").status_code == 401
    assert session.get_one(User, bob.id).name == "Bob" and "user.deactivated" in kinds()


def test_who_comes_back_may_sign_in_but_no_old_login_or_token_lives_again(okta, bob, signed_in, token):
    """IDN-15"""
    browser, machine = signed_in(bob), token(bob)
    okta.patch(f"/Users/{bob.id}", {"op": "replace", "value": {"active": False}})
    back = okta.patch(f"/Users/{bob.id}", {"op": "Replace", "path": "active", "value": "True"})
    assert (back.status_code, back.json["active"]) == (200, True)
    assert browser.get("/api/v1/me").status_code == 401
    assert okta.app.test_client().get("/api/v1/me", headers=machine).status_code == 401
    assert signed_in(session.get_one(User, bob.id)).get("/api/v1/me").status_code == 200


def test_a_deleted_person_who_is_sent_again_is_the_same_person(okta):
    first = okta.person("mia").json["id"]
    okta.call("DELETE", f"/Users/{first}")
    again = okta.person("mia")
    assert (again.status_code, again.json["id"], again.json["active"]) == (201, first, True)


@pytest.mark.both_databases
def test_filters_choose_before_pages_are_cut(okta):
    """IDN-16: with 300 people, the 250th is found; every page together is everybody, each once."""
    with transaction():
        session.add_all(User(email=f"p{number}@example.com", name=f"P{number}", external_id=f"x{number}",
                             memberships=[]) for number in range(300))
    for text in ('userName eq "P250@Example.com"', 'externalId eq "x250"', 'emails.value eq "p250@example.com"',
                 'userName Eq "p250@example.com" and active eq true', 'emails eq "p250@example.com"'):
        found = okta.get("/Users", filter=text)
        assert (found["totalResults"], [one["displayName"] for one in found["Resources"]]) == (1, ["P250"]), text
        assert okta.get("/Users", filter=f'id eq "{found["Resources"][0]["id"]}"')["totalResults"] == 1
    pages = [okta.get("/Users", startIndex=str(first), count="70") for first in range(1, 301, 70)]
    seen = [one["id"] for page in pages for one in page["Resources"]]
    assert len(seen) == len(set(seen)) == 300 and {page["totalResults"] for page in pages} == {300}
    assert [len(okta.get("/Users", count=count)["Resources"]) for count in ("1000", "0")] == [200, 0]


@pytest.mark.parametrize("text", ['userName co "a"', 'userName eq "a" or active eq true', 'not (active eq true)',
                                  'nickName eq "a"', "userName eq", 'emails[type eq "work"]', 'userName pr', "x"])
def test_a_filter_that_is_not_understood_is_refused(okta, bob, text):
    """IDN-16: never everybody."""
    answer = okta.call("GET", f"/Users?filter={text}")
    assert (answer.status_code, answer.json["scimType"]) == (400, "invalidFilter")
    assert answer.json["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"] and answer.json["status"] == "400"


@pytest.mark.parametrize("taken", [{"userName": "BOB@example.com", "externalId": "new"}, {"externalId": "ext-mia"}])
def test_what_is_taken_is_refused_and_changes_nothing(okta, bob, taken):
    """IDN-17"""
    okta.person("mia")
    before = len(kinds())
    answer = okta.person("eve", **taken)
    assert (answer.status_code, answer.json["scimType"]) == (409, "uniqueness")
    assert len(kinds()) == before and session.scalar(select(User).where(User.email == "eve@example.com")) is None


@pytest.mark.parametrize(("wrong", "named"), [
    ({"userName": ["x"]}, "userName"), ({"active": "perhaps"}, "active"), ({"timezone": "Moon/Base"}, "timezone"),
    ({"emails": [{"value": "no address"}]}, "emails"), ({"userName": ""}, "userName"), ({"emails": "x"}, "emails")])
def test_a_wrong_value_is_refused_by_its_name(okta, wrong, named):
    """IDN-17"""
    answer = okta.person("mia", **wrong)
    assert (answer.status_code, answer.json["scimType"]) == (400, "invalidValue") and named in answer.json["detail"]
    assert kinds() == []


@pytest.mark.parametrize("operations", [
    [{"op": "zap", "path": "active", "value": False}], [{"op": "replace", "path": "active"}], [], [{}], "x", [7],
    [{"op": "replace", "path": "active", "value": False}, {"op": "replace", "path": "userName", "value": 7}]])
def test_a_patch_that_is_not_understood_changes_nothing(okta, bob, operations):
    """IDN-14: never 200 for a shape that was not understood."""
    answer = okta.call("PATCH", f"/Users/{bob.id}", {"Operations": operations})
    assert answer.status_code == 400 and answer.json["scimType"] and okta.get(f"/Users/{bob.id}")["active"] is True
    assert kinds() == []


def test_a_person_changes_name_and_address_in_the_shapes_of_both(okta):
    key = okta.person("mia").json["id"]
    done = okta.patch(f"/Users/{key}", {"op": "Replace", "path": 'emails[type eq "work"].value',
                                          "value": "m@example.com"},
                      {"op": "Add", "path": "name.familyName", "value": "Other"},
                      {"op": "Replace", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
                       "value": "Ops"})
    assert (done.status_code, done.json["emails"][0]["value"], done.json["name"]["familyName"]) == (
        200, "m@example.com", "Other")
    done = okta.patch(f"/Users/{key}", {"op": "replace", "value": {
        'emails[type eq "work"].value': "mia@example.org", "displayName": "Mia"}})
    assert (done.json["emails"][0]["value"], done.json["displayName"]) == ("mia@example.org", "Mia")
    assert session.get_one(User, int(key)).email == "mia@example.org"


def test_a_version_that_is_past_is_refused(okta, bob):
    seen = okta.get(f"/Users/{bob.id}")["meta"]["version"]
    assert okta.call("GET", f"/Users/{bob.id}", **{"If-None-Match": seen}).status_code == 304
    rename = {"op": "replace", "path": "displayName", "value": "Robert"}
    assert okta.patch(f"/Users/{bob.id}", rename, **{"If-Match": seen}).status_code == 200
    late = okta.patch(f"/Users/{bob.id}", {**rename, "value": "Bobby"}, **{"If-Match": seen})
    assert (late.status_code, okta.get(f"/Users/{bob.id}")["displayName"]) == (412, "Robert")
    assert okta.call("DELETE", f"/Users/{bob.id}", **{"If-Match": seen}).status_code == 412


def test_break_glass_accounts_are_none_of_its(okta):
    """IDN-19"""
    root = session.scalar(select(User).where(User.break_glass))
    assert okta.get("/Users")["totalResults"] == 0
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        assert okta.call(method, f"/Users/{root.id}", {"userName": "x@example.com"}).status_code == 404
    assert okta.person("root").status_code == 409
    assert okta.group("Ops", root).status_code == 400


@pytest.mark.parametrize("scopes", [None, ["admin"], ["config:write", "incidents:write"]])
def test_a_token_without_the_scope_is_refused(okta, olga, token, scopes):
    """IDN-19: not even one with all of an admin's rights; and the scope opens nothing else."""
    refused = okta.app.test_client().get("/scim/v2/Users", headers=token(olga, scopes=scopes))
    assert (refused.status_code, refused.mimetype, refused.json["status"]) == (403, "application/scim+json", "403")
    assert okta.app.test_client().get("/api/v1/teams", headers=okta.header).status_code == 403
    wrong = okta.app.test_client().get("/scim/v2/Users", headers={"Authorization": "Bearer oc_wrong"})
    assert (wrong.status_code, wrong.mimetype) == (401, "application/scim+json")


def test_the_token_is_worth_nothing_once_its_owner_is_no_admin(okta, olga):
    root = session.scalar(select(User).where(User.break_glass))
    with transaction():
        session.get_one(User, root.id).role = "member"
    assert okta.call("GET", "/Users").status_code == 403


def test_the_last_admin_is_not_taken_away(okta, olga):
    """IDN-26: unless somebody else administers."""
    with transaction():
        root = session.scalar(select(User).where(User.break_glass))
        root.break_glass = False
    assert okta.call("DELETE", f"/Users/{olga.id}").status_code == 204
    assert okta.call("DELETE", f"/Users/{root.id}").status_code == 409
    assert session.scalar(select(LoginSession)) is None


def test_the_service_says_what_it_can_do(okta):
    """IDN-17"""
    config = okta.get("/ServiceProviderConfig")
    assert (config["patch"], config["etag"], config["bulk"]["supported"], config["filter"]["maxResults"]) == (
        {"supported": True}, {"supported": True}, False, 200)
    assert [one["endpoint"] for one in okta.get("/ResourceTypes")["Resources"]] == ["/Users", "/Groups"]
    assert [one["id"] for one in okta.get("/Schemas")["Resources"]] == [PERSON, GROUP]
    assert okta.get(f"/Schemas/{GROUP}")["name"] == "Group" and okta.get("/ResourceTypes/User")["schema"] == PERSON
    assert okta.call("POST", "/Bulk", {}).status_code == okta.call("GET", "/Schemas/x").status_code == 404
