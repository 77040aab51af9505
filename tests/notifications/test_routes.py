"""The pages about how oneself is paged: methods, codes, rules, tests; and what others see of them."""

import hashlib
import hmac
import re

import pytest

from app.core.db import session
from app.notifications import queries
from app.notifications.models import ContactMethod, Message, NotificationRule
from tests import build
from tests.notifications.paged import messages

SEND = "app.notifications.ticks.send"


@pytest.fixture
def dora(app):
    """Dora has no contact method yet."""
    return build.user("dora", reachable=False)


def methods(person):
    session.expire_all()
    return session.query(ContactMethod).filter_by(user_id=person.id, removed_at=None).order_by(ContactMethod.id).all()


def code_in(mail):
    return re.search(r"\d{6}", mail.subject)[0]


def test_nobody_can_page_you_is_said_in_red(signed_in, dora):
    """NTF-04: on the profile, for oneself and for others."""
    html = signed_in(dora).get("/me").text
    assert "Nobody can page you" in html and "Test my pages" not in html
    assert "Nobody can page Dora" in signed_in(build.user("eva")).get(f"/people/{dora.id}").text


def test_an_address_is_proven_by_the_code_that_was_sent_to_it(now, tick, smtp, signed_in, dora):
    """Channels table; the code names no incident and no link."""
    browser = signed_in(dora)
    browser.post("/me/contacts", data={"channel": "email", "address": "dora@example.com", "name": "mail"})
    tick(SEND)
    mail, = smtp.to("dora@example.com")
    method, = methods(dora)
    assert method.proven_at is None and "/tap/" not in mail.text
    browser.post(f"/me/contacts/{method.id}/prove", data={"code": code_in(mail)})
    assert methods(dora)[0].usable and "Test my pages" in browser.get("/me").text


def test_the_fifth_wrong_code_voids_it(now, tick, smtp, signed_in, dora):
    """A wrong code is counted although nothing else changes."""
    browser = signed_in(dora)
    browser.post("/me/contacts", data={"channel": "email", "address": "dora@example.com"})
    tick(SEND)
    method, right = methods(dora)[0], code_in(smtp.to("dora@example.com")[0])
    wrong = f"{(int(right) + 1) % 10**6:06d}"
    for _ in range(5):
        browser.post(f"/me/contacts/{method.id}/prove", data={"code": wrong})
    browser.post(f"/me/contacts/{method.id}/prove", data={"code": right})
    assert not methods(dora)[0].usable and "no longer valid" in browser.get("/me").text


def test_an_old_code_does_not_count(now, tick, smtp, signed_in, dora):
    browser = signed_in(dora)
    browser.post("/me/contacts", data={"channel": "email", "address": "dora@example.com"})
    tick(SEND)
    now.shift(901)
    browser.post(f"/me/contacts/{methods(dora)[0].id}/prove", data={"code": code_in(smtp.to("dora@example.com")[0])})
    assert not methods(dora)[0].usable


def test_codes_are_sent_once_a_minute(now, tick, smtp, signed_in, dora):
    browser = signed_in(dora)
    browser.post("/me/contacts", data={"channel": "email", "address": "dora@example.com"})
    method, = methods(dora)
    answer = browser.post(f"/me/contacts/{method.id}/code")
    assert answer.status_code == 429 and answer.headers["Retry-After"] in ("60", "61") and "less than a minute ago" in answer.text
    assert len(messages("code")) == 1
    now.shift(61)
    browser.post(f"/me/contacts/{method.id}/code")
    assert len(messages("code")) == 2


@pytest.mark.parametrize(("typed", "sentence"), [
    ({"channel": "email", "address": ""}, "An address is needed"),
    ({"channel": "pigeon", "address": "roof"}, "There is no channel pigeon"),
    ({"channel": "webhook", "address": "example.com"}, "starts with https://"),
    ({"channel": "email", "address": "x@example.com", "name": "mail"}, "called mail already"),
])
def test_a_method_that_can_not_be_is_refused_at_its_field_and_stays_typed(signed_in, ana, typed, sentence):
    answer = signed_in(ana).post("/me/contacts", data=typed)
    assert answer.status_code == 422 and sentence in answer.text
    assert f'value="{typed["address"]}"' in answer.text and len(methods(ana)) == 1


def test_nobody_touches_the_methods_of_others(signed_in, ana, bob):
    """NTF-43: nor tests them."""
    method, browser = methods(ana)[0], signed_in(bob)
    answers = [browser.post(f"/me/contacts/{method.id}/{verb}", data={"code": "1"}).status_code
               for verb in ("code", "prove", "remove")]
    assert answers == [404, 404, 404] and methods(ana)[0].usable
    assert browser.get(f"/me/test/{ana.id}").status_code == 404


def test_a_webhook_gets_a_secret_that_is_shown_once_and_signs_what_is_sent(now, tick, http_sink, signed_in, dora):
    """Channels table: signed over timestamp and body; the code itself is signed already."""
    browser = signed_in(dora)
    browser.post("/me/contacts", data={"channel": "webhook", "address": f"{http_sink.url}/x", "name": "hook"})
    secret = queries.data_of(methods(dora)[0])["secret"]
    assert secret in browser.get("/me").text and secret not in browser.get("/me").text
    tick(SEND)
    call, = http_sink.calls
    text = call.headers["x-oncall-timestamp"].encode() + b"." + call.body
    assert call.headers["x-oncall-signature"] == f"v1={hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()}"


def test_others_see_addresses_masked(signed_in, ana, bob):
    """NTF-45."""
    build.contact(ana, "webhook", "https://example.com/hooks/secret")
    html = signed_in(bob).get(f"/people/{ana.id}").text
    assert "a…@example.com" in html and "https://example.com/…" in html and "hooks/secret" not in html


def test_rules_are_added_and_removed_by_plain_buttons(signed_in, http_sink, ana):
    """NTF-03: and the page says what they mean."""
    hook, browser = build.contact(ana, "webhook", f"{http_sink.url}/x", name="hook"), signed_in(ana)
    mail = methods(ana)[0]
    rows = {"minutes": ["0", "1,5"], "method": [str(mail.id), str(hook.id)]}
    browser.post("/me/rules/high", data={**rows, "press": "save"})
    assert "At once by mail, after 90 seconds by hook" in browser.get("/me").text
    browser.post("/me/rules/high", data={**rows, "press": "remove-0"})
    session.expire_all()
    assert [(rule.after, rule.method_id) for rule in session.query(NotificationRule)] == [(90, hook.id)]


def test_a_rule_that_can_not_be_is_refused_and_stays_typed(signed_in, ana):
    mail = str(methods(ana)[0].id)
    answer = signed_in(ana).post("/me/rules/high", data={"minutes": ["soon", "2000"], "method": [mail, mail]})
    assert answer.status_code == 422 and "Write minutes" in answer.text and 'value="soon"' in answer.text
    assert session.query(NotificationRule).count() == 0


def test_emptied_rules_fall_back_to_the_usual_ones_with_a_word_about_it(signed_in, ana):
    """NTF-04."""
    mail, browser = methods(ana)[0], signed_in(ana)
    build.rules(ana, (0, mail))
    answer = browser.post("/me/rules/high", data={"minutes": ["0"], "method": [str(mail.id)], "press": "remove-0"},
                          follow_redirects=True)
    assert "the usual ones count now" in answer.text and "These are the usual rules" in answer.text


def test_removing_the_last_method_warns(signed_in, ana):
    """NTF-04."""
    method, = methods(ana)
    build.rules(ana, (0, method))
    answer = signed_in(ana).post(f"/me/contacts/{method.id}/remove", follow_redirects=True)
    assert "Nothing is left that reaches you" in answer.text and session.query(NotificationRule).count() == 0


def test_a_test_goes_the_real_way_and_shows_what_became_of_it(now, tick, smtp, signed_in, ana):
    """NTF-43: marked as a test, nothing to press in it, once a minute."""
    browser = signed_in(ana)
    shown = browser.post("/me/contacts/test", follow_redirects=True)
    assert "On its way" in shown.text
    tick(SEND)
    mail, = smtp.to("ana@example.com")
    assert mail.subject.startswith("Test:") and "http" not in mail.text
    assert "sent" in browser.get(f"/me/test/{ana.id}").text
    now.shift(59)
    browser.post("/me/contacts/test")
    assert session.query(Message).count() == 1
    now.shift(2)
    browser.post("/me/contacts/test")
    assert session.query(Message).count() == 2


def test_a_test_that_fails_says_why(now, tick, smtp, signed_in, ana):
    smtp.refusal = "550 5.7.1 not here"
    browser = signed_in(ana)
    browser.post("/me/contacts/test")
    tick(SEND)
    assert "The mail server refused the message" in browser.get(f"/me/test/{ana.id}").text
