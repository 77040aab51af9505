"""Pages of notices: the composer with its preview, one notice with its updates, templates."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for

from app.core.access import access
from app.core.db import session, take_back
from app.core.errors import Invalid, NotFound
from app.core.forms import number_of
from app.core.pages import go, page
from app.core.web import actor
from app.status_pages import notice_forms, notices, queries, rendering, rules, templates
from app.status_pages.models import Notice, NoticeUpdate, StatusPage
from app.status_pages.notice_forms import Preview, composer
from app.status_pages.subscribing import recipients
from app.status_pages.texts import html

blueprint = Blueprint("status_notices", __name__)


@blueprint.get("/status-pages/<key>/notices/-/new")
@access("status_page.write")
def new(key: str) -> Response:
    """The composer of a new notice."""
    found = _writable(key)
    return page("status_pages/compose.html", composer(found, None, actor(), typed=request.args.to_dict()))


@blueprint.post("/status-pages/<key>/notices/-/new")
@access("status_page.write")
def create(key: str) -> Response:
    """Publish a new notice, keep it as a draft, or show what readers would see."""
    found = _writable(key)
    return _written(found, None)


@blueprint.get("/status-pages/<key>/notices/<notice>")
@access("status_page.read")
def show(key: str, notice: str) -> Response:
    """One notice with its updates, and the composer of the next."""
    found = queries.page_for(key, actor())
    one = queries.notice_of(found, notice, by=actor())
    return page("status_pages/notice.html", composer(found, one, actor(), typed=request.args.to_dict()))


@blueprint.post("/status-pages/<key>/notices/<notice>")
@access("status_page.write")
def publish(key: str, notice: str) -> Response:
    """Publish the next update, or show what readers would see."""
    found = _writable(key)
    return _written(found, queries.notice_of(found, notice, by=actor()))


@blueprint.post("/status-pages/<key>/notices/<notice>/publish")
@access("status_page.write")
def publish_draft(key: str, notice: str) -> Response:
    """Show a draft to readers."""
    found = _writable(key)
    notices.publish_draft(queries.notice_of(found, notice, by=actor()), by=actor())
    return go(url_for(".show", key=key, notice=notice), "It is published")


@blueprint.post("/status-pages/<key>/notices/<notice>/discard")
@access("status_page.write")
def discard(key: str, notice: str) -> Response:
    """Throw a draft away."""
    found = _writable(key)
    notices.discard(queries.notice_of(found, notice, by=actor()), by=actor())
    return go(url_for("status_pages.show", key=key), "The draft is gone")


@blueprint.post("/status-pages/<key>/notices/<notice>/link")
@access("status_page.write")
def link(key: str, notice: str) -> Response:
    """Link it with an incident."""
    found = _writable(key)
    one, number = queries.notice_of(found, notice, by=actor()), request.form.get("incident", "").strip().lstrip("#")
    if not number_of(number):
        raise NotFound("There is no incident of this number")
    notices.link(one, number_of(number), by=actor())
    return go(url_for(".show", key=key, notice=notice), f"Linked with #{number}; readers do not see it")


@blueprint.post("/status-pages/<key>/notices/<notice>/updates/<number>")
@access("status_page.write")
def edit_update(key: str, notice: str, number: str) -> Response:
    """Other words for an update, or take back one that waits."""
    found = _writable(key)
    update = _update(queries.notice_of(found, notice, by=actor()), number)
    if request.form.get("cancel"):
        notices.cancel_update(update, by=actor())
    else:
        notices.edit_update(update, request.form.get("text", ""), by=actor())
    return go(url_for(".show", key=key, notice=notice), "Saved")


@blueprint.get("/status-pages/<key>/templates")
@access("status_page.edit")
def kept(key: str) -> Response:
    """The texts that are kept."""
    return page("status_pages/templates.html", notice_forms.templates_page(key, actor()))


@blueprint.post("/status-pages/<key>/templates")
@access("status_page.edit")
def keep(key: str) -> Response:
    """Keep a text, or replace the one of this name."""
    found = queries.page_for(key, actor(), "status_page.edit")
    try:
        templates.save(found, request.form, by=actor())
    except Invalid as refusal:
        errors = notice_forms.faults(refusal)
        return page("status_pages/templates.html", notice_forms.templates_page(
            key, actor(), values=request.form, errors=errors), status=422)
    return go(url_for(".kept", key=key), "The template is kept")


@blueprint.post("/status-pages/<key>/templates/<number>/remove")
@access("status_page.edit")
def remove_template(key: str, number: str) -> Response:
    """Throw a text away."""
    found = queries.page_for(key, actor(), "status_page.edit")
    templates.remove(found, number, by=actor())
    return go(url_for(".kept", key=key), "The template is gone")


def _writable(key: str) -> StatusPage:
    return queries.page_for(key, actor(), "status_page.write")


def _update(notice: Notice, number: str) -> NoticeUpdate:
    found = next((one for one in notice.updates if str(one.id) == number), None)
    if found is None:
        raise NotFound
    return found


def _written(found: StatusPage, notice: Notice | None) -> Response:
    form, by = request.form, actor()
    values = notice_forms.read(form, form.getlist("components"), {
        name.removeprefix("change-"): state for name, state in form.items() if name.startswith("change-")})
    template = "status_pages/notice.html" if notice else "status_pages/compose.html"
    if form.get("use"):
        return page(template, composer(found, notice, by, typed={**values, "text": ""}))
    try:
        said = notice_forms.said_of(values, found.time_zone)
        made = _made(found, notice, values, said)
    except Invalid as refusal:
        take_back()
        return page(template, composer(found, notice, by, typed=values, invalid=refusal), status=422)
    if form.get("preview"):
        return _previewed(found, notice, values, made)
    word = "is kept as a draft" if made.draft else "is published"
    return go(url_for(".show", key=found.slug, notice=made.public_id), f"{made.title} {word}")


def _made(found: StatusPage, notice: Notice | None, values: dict[str, object], said: notices.Said) -> Notice:
    if notice is None:
        return notices.open_notice(found, notice_forms.notice_values(values, found.time_zone), said, by=actor())
    notices.say(notice, said, by=actor())
    return notice


def _previewed(found: StatusPage, notice: Notice | None, values: dict[str, object], made: Notice) -> Response:
    """What readers would see after it, and how many would be told; nothing is kept."""
    whole = request.form.get("preview") == "page"
    if whole:
        made.draft = False
        session.flush()
        shown = rendering.page(found, base=f"/status/{found.slug}")
        take_back()
        return Response(shown.body, mimetype=shown.mimetype, headers={**shown.headers, "Cache-Control": "no-store"})
    preview = Preview(html(str(values["text"])), made.state, rules.worst(one.state for one in found.components),
                      recipients(found, "notice", made.components))
    take_back()
    session.expire_all()
    by = actor()
    status = queries.page_for(found.slug, by)
    again = queries.notice_of(status, notice.public_id, by=by) if notice else None
    return page("status_pages/notice.html" if again else "status_pages/compose.html",
                composer(status, again, by, typed=values, preview=preview))
