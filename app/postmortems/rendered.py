"""The long sections of a postmortem as HTML, worked out once after they are written, so that no reader waits for that."""

from __future__ import annotations

from hashlib import sha256

from markupsafe import Markup
from sqlalchemy import ColumnElement, String, cast, delete, select

from app.core.db import locked, session, transaction
from app.incidents import markdown
from app.postmortems import rules
from app.postmortems.models import Postmortem, PostmortemHtml, PostmortemVersion

LONG = 2000
"""Characters from which on a section is kept as HTML: shorter ones are as quick to render as to read."""


def digest(text: str) -> str:
    """By what the HTML of a text is found: made by another renderer it is another one's."""
    return sha256(f"{markdown.RENDERER}\n{text}".encode()).hexdigest()


def behind() -> ColumnElement[bool]:
    """Whether a postmortem was written, or the renderer changed, since its HTML was kept."""
    return Postmortem.rendered != cast(Postmortem.version, String) + f" {markdown.RENDERER}"


def html_of(postmortem: Postmortem, said: rules.Content) -> dict[str, Markup]:
    """What is kept of this text, by digest. It is as safe as what the renderer makes, which made it."""
    if all(len(one.body) < LONG for one in said.sections):
        return {}
    return {key: Markup(html) for key, html in session.execute(select(PostmortemHtml.digest, PostmortemHtml.html).where(
        PostmortemHtml.postmortem_id == postmortem.id))}


def keep(key: int) -> bool:
    """Keep the HTML of the versions that are read, and of no other. It is worked out with nothing open; says whether that
    was in time: who writes meanwhile is next."""
    found = session.get(Postmortem, key)
    if found is None:
        return False
    version, texts = found.version, _long(found)
    known = set(session.scalars(select(PostmortemHtml.digest).where(PostmortemHtml.postmortem_id == key)))
    session.rollback()
    made = {one: markdown.html(text) for one, text in texts.items() if one not in known}
    with transaction():
        found = locked(Postmortem, key)
        if found is None or found.version != version or not session.scalar(select(behind()).where(Postmortem.id == key)):
            return False
        session.execute(delete(PostmortemHtml).where(PostmortemHtml.postmortem_id == key,
                                                     PostmortemHtml.digest.not_in(texts)))
        session.add_all(PostmortemHtml(postmortem_id=key, digest=one, html=str(html)) for one, html in made.items())
        found.rendered = f"{version} {markdown.RENDERER}"
    return True


def _long(postmortem: Postmortem) -> dict[str, str]:
    """The long sections of the newest version and of the published one, by digest."""
    read = session.scalars(select(PostmortemVersion.content).where(
        PostmortemVersion.postmortem_id == postmortem.id,
        PostmortemVersion.number.in_({postmortem.version, postmortem.published or postmortem.version})))
    return {digest(one.body): one.body for content in read for one in rules.content(content).sections
            if len(one.body) >= LONG}
