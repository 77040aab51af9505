"""The statement on accessibility: for everybody, with whom to tell."""

import pytest


def test_the_statement_names_conformance_gaps_and_a_contact(app, client, signed_in, olga):
    """QUAL-30: found from the sign-in and from every page, read without a login."""
    page = client.get("/accessibility").text
    assert all(part in page for part in ("conform <b>partially</b>", "2.2, level AA", "Known gaps", "Contact", "an administrator"))
    assert 'href="/accessibility"' in client.get("/login").text and "Olga" not in page
    own = signed_in(olga)
    assert 'href="/accessibility"' in own.get("/me").text and "installation: Olga" in own.get("/accessibility").text


@pytest.mark.parametrize(("contact", "link"), [("help@example.com", "mailto:help@example.com"), ("https://example.com/a", "https://example.com/a")])
def test_the_contact_is_a_link_to_what_the_setting_names(app, client, contact, link):
    """QUAL-30: a mail address or a page."""
    app.config["CONTACT"] = contact
    assert f'<a href="{link}">{contact}</a>' in client.get("/accessibility").text
