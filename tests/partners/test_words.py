"""Partners are spoken to in their language."""

from __future__ import annotations

import pytest

from app.core.db import session, transaction
from app.partners.models import Partner
from app.partners.words import PARTNERS
from app.status_pages.reader_words import READERS
from app.status_pages.words import TABLE, Words


@pytest.fixture
def german(outside):
    """Pat reads German."""
    with transaction():
        session.get_one(Partner, outside.pat.id).language = "de"


def test_mail_button_and_pages_are_in_the_partner_s_language(outside, german, app, mailed, smtp):
    """Numbers: the language of a partner; what people wrote stays as it is."""
    browser = app.test_client()
    path = mailed("pat@partner.example")
    mail = smtp.to("pat@partner.example")[0]
    assert mail.subject == "Ihr Link zu den Statusseiten" and "Guten Tag Pat" in mail.text and "Shop status" in mail.text
    assert "Weiter als p…@partner.example" in browser.get(path).text
    browser.post("/partner/open", data={"token": path.rpartition("/")[2]})
    assert "Geteilt mit Partner Ltd" in browser.get("/partner").text and 'lang="de"' in browser.get("/partner").text
    for here, word in (("", "Alle Systeme laufen"), ("/history", "Keine Meldungen in diesem Monat")):
        assert word in browser.get(f"/partner/pages/shop{here}").text
    assert "Hier ist keine Seite für Sie" in browser.get("/partner/pages/nowhere").text


def test_the_door_speaks_what_the_browser_wants(outside, client):
    """PTN-05: the same for every address, whoever it is."""
    for wanted, word in (("es-ES,es;q=0.9", "Recibir un enlace"), ("fr", "Recevoir un lien"), ("ja", "Get a link"), ("", "Get a link")):
        assert word in client.get("/partner/login", headers={"Accept-Language": wanted}).text


def test_the_language_is_chosen_where_the_partner_is_added_and_changed(outside, signed_in, olga):
    """A form for it; another one than there is is refused."""
    admin = signed_in(olga)
    form = {"email": "uwe@partner.example", "name": "Uwe", "language": "de"}
    admin.post("/partners/-/new", data=form)
    made = session.query(Partner).filter_by(email=form["email"]).one()
    assert made.language == "de"
    admin.post(f"/partners/{made.id}", data={"name": "Uwe", "language": "fr"})
    assert admin.post(f"/partners/{made.id}", data={"name": "Uwe", "language": "xx"}).status_code == 422
    session.expire_all()
    assert session.get_one(Partner, made.id).language == "fr"


def test_every_word_is_there_in_every_language():
    """Four each, none empty, and each names what the others name."""
    for table in (TABLE, READERS, PARTNERS):
        for key, said in table.items():
            assert len(said) == 4 and all(said), key
            assert len({tuple(sorted(part.partition("}")[0] for part in one.split("{")[1:])) for one in said}) == 1, key
    assert not TABLE.keys() & (READERS.keys() | PARTNERS.keys()) and Words("de", PARTNERS)("open") == "Öffnen"
