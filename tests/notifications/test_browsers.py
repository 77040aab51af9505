"""Web push to the browsers of a person, and hostile words in every channel."""

import pytest

from app.core.db import session, transaction
from app.notifications.browsers import add_browser
from app.notifications.models import ContactMethod
from tests import build
from tests.fakes import Reply
from tests.notifications.paged import as_actor, hook, page, play

SEND = "app.notifications.ticks.send"
PATH = "/api/v1/me/push-subscriptions"


@pytest.fixture
def dora(app):
    """Dora has no contact method yet."""
    return build.user("dora", reachable=False)


HOSTILE = "<img src=x onerror=1> *bold* @channel <!here> javascript:alert(1) " + "x" * 10_000


def test_markup_in_a_title_stays_text(now, tick, smtp, http_sink, push_sink, ana):
    """NTF-32: in mail, push and webhook; nothing is longer than its reader takes."""
    hook(ana, http_sink)
    browser(ana, push_sink)
    page(ana, title=HOSTILE[:300], description=HOSTILE)
    tick(SEND)
    mail, = smtp.to("ana@example.com")
    assert "<img" not in mail.html and "&lt;img src=x onerror=1&gt;" in mail.html and 'href="javascript' not in mail.html
    assert len(mail.subject) <= 250 and "\n" not in mail.subject
    assert len(push_sink.calls[0].body) <= 4096 and "<img src=x" in push_sink.messages[0]["title"]


def browser(person, sink):
    with transaction():
        return add_browser(person, sink.subscription(), by=as_actor(person), name="Push to Chrome")


def test_there_may_be_any_number_of_browsers_of_one_kind(push_sink, dora):
    """Private windows leave one behind each: the twenty-third is taken like the first."""
    one = push_sink.subscription()
    for number in range(25):
        with transaction():
            add_browser(dora, {**one, "endpoint": f"{one['endpoint']}/{number}"}, by=as_actor(dora), name="Firefox " * 8)
    assert len({found.name for found in session.query(ContactMethod).filter_by(user_id=dora.id)}) == 25


def test_a_browser_gets_what_its_service_worker_reads(now, tick, push_sink, dora):
    """NTF-33, NTF-34: flat JSON: the incident to open, a tag of its own, a button that acknowledges."""
    browser(dora, push_sink)
    page(dora, severity="critical")
    tick(SEND)
    said, headers = push_sink.messages[0], push_sink.calls[0].headers
    assert said["url"] == "http://localhost/incidents/1" and said["tag"] == "incident-1" and not said["silent"]
    assert said["severity"] == "critical" and said["acknowledge_url"].startswith("http://localhost/tap/")
    assert (headers["ttl"], headers["urgency"]) == ("3600", "high") and headers["authorization"].startswith("vapid ")


@pytest.mark.parametrize("status", [404, 410])
def test_a_browser_that_is_gone_leaves_the_list_and_its_owner_is_told(now, tick, push_sink, smtp, ana, status):
    """NTF-35, HRD-21: one attempt, no row any more, a mail about it; and the same browser may come back."""
    browser(ana, push_sink)
    push_sink.answer = Reply(status)
    page(ana)
    tick(SEND)
    play(now, tick, 30, step=5)
    assert len(push_sink.calls) == 1
    assert [mail.subject for mail in smtp.to("ana@example.com")].count("A way to page you no longer works") == 1
    assert browser(ana, push_sink).usable and session.query(ContactMethod).filter_by(removed_at=None).count() == 2


def test_the_other_screens_of_whoever_answered_stop_ringing(now, tick, run_jobs, push_sink, dora):
    """NTF-34: the notice takes the place of the page, silently; nobody is paged by it."""
    from app.incidents import service as incidents
    from app.incidents.models import Incident

    browser(dora, push_sink)
    page(dora)
    tick(SEND)
    with transaction():
        incidents.acknowledge(session.get_one(Incident, 1), by=as_actor(dora))
    run_jobs()
    tick(SEND)
    rang, stopped = push_sink.messages
    assert stopped["tag"] == rang["tag"] and stopped["silent"] and not stopped["acknowledge_url"]
    assert stopped["title"].startswith("Acknowledged: #1")


def test_a_browser_subscribes_renews_and_leaves(signed_in, push_sink, ana, bob):
    """NTF-35, NTF-36, IDN-37: the same browser replaces its row and keeps its rules; whoever uses it next takes it over."""
    hers, his, said = signed_in(ana), signed_in(bob), push_sink.subscription()
    assert hers.post(PATH, json=said).status_code == 201
    method = session.query(ContactMethod).filter_by(channel="webpush").one()
    build.rules(ana, (0, method))
    assert hers.post(PATH, json=said).json["id"] == str(method.id)
    assert his.post(PATH, json=said).status_code == 201
    session.expire_all()
    assert [one.user_id for one in session.query(ContactMethod).filter_by(channel="webpush")] == [bob.id]
    assert his.delete(PATH, json={"endpoint": said["endpoint"]}).status_code == 204
    assert session.query(ContactMethod).filter_by(channel="webpush").count() == 0


@pytest.mark.parametrize("body", [
    {}, {"endpoint": "https://push.example.com/1"}, {"endpoint": "ftp://push", "keys": {"p256dh": "a", "auth": "b"}},
    {"endpoint": "https://push.example.com/1", "keys": {"p256dh": "a"}}])
def test_what_is_no_subscription_is_refused_at_its_field(signed_in, ana, body):
    assert signed_in(ana).post(PATH, json=body).status_code == 422
    assert session.query(ContactMethod).count() == 1


def test_pages_name_the_key_the_worker_and_what_a_telephone_needs(client, signed_in, ana):
    """NTF-35: no dead button: it waits hidden for a browser that can, and only where there is a key."""
    html = signed_in(ana).get("/me").text
    assert 'name="vapid-key"' in html and 'data-push="subscribe"' in html
    worker, manifest = client.get("/sw.js"), client.get("/manifest.webmanifest")
    assert worker.headers["Service-Worker-Allowed"] == "/" and worker.headers["Cache-Control"] == "no-cache"
    sizes = {(icon["sizes"], icon.get("purpose", "any")) for icon in manifest.get_json(force=True)["icons"]}
    assert sizes == {("192x192", "any"), ("512x512", "any"), ("512x512", "maskable"), ("96x96", "monochrome")}


def test_without_a_key_there_is_no_button(app, signed_in, ana):
    """NTF-35."""
    app.config["VAPID_PUBLIC_KEY"] = ""
    html = signed_in(ana).get("/me").text
    assert "data-push" not in html and "has no key for web push" in html
