"""The page about oneself: profile, password, logins and API tokens."""

from __future__ import annotations

from typing import Any

from flask import g, redirect, request, url_for

from app.core.access import access
from app.core.db import session
from app.core.errors import Invalid, NotFound
from app.core.forms import number_of, refuse
from app.core.pages import go, page
from app.core.web import actor
from app.identity import credentials, devices, pages, service, signin
from app.identity.door import blueprint, here, me
from app.identity.models import ApiToken, Device, LoginSession
from app.identity.reauth import needs_proof


def _shown(*, status: int = 200, **more: Any) -> Any:
    return page("identity/profile.html", pages.profile_page(me(), here=here().id, **more), status=status)


@blueprint.get("/")
@access("own.read")
def home() -> Any:
    """People come for the incidents."""
    return redirect("/incidents")


@blueprint.get("/me")
@access("own.read")
def profile() -> Any:
    """My page."""
    return _shown()


@blueprint.post("/me")
@access("own.edit")
def change_profile() -> Any:
    """Change my name or time zone."""
    values = {name: request.form[name] for name in ("name", "time_zone") if name in request.form}
    try:
        service.save_user({"email": me().email, **values}, by=actor())
    except Invalid as refusal:
        return _shown(form=values, problems=refusal.problems, status=422)
    return go(url_for(".profile"), "Saved")


@blueprint.post("/me/password")
@access("own.edit")
def change_password() -> Any:
    """Change my password; my other logins end."""
    try:
        signin.change_password(me(), request.form.get("present", ""), request.form.get("password", ""), by=actor(),
                               keep=here().id)
    except Invalid as refusal:
        return _shown(problems=refusal.problems, status=422)
    return go(url_for(".profile"), "Password changed. Your other logins have ended.")


@blueprint.post("/me/logins/end")
@access("own.edit")
def end_logins() -> Any:
    """End the login `login`, or (without it) all but this one."""
    chosen = request.form.get("login", "")
    by, user = actor(), me()
    if chosen:
        count = signin.end_logins(user, by=by, only=number_of(chosen))
    else:
        count = signin.end_logins(user, by=by, but=here().id)
    return go(url_for(".profile"), f"{count} login{'' if count == 1 else 's'} ended")


@blueprint.post("/me/devices")
@access("own.edit")
def keep_device() -> Any:
    """Stay signed in on this device."""
    login = session.get_one(LoginSession, here().id)
    if login.device_id is None:
        g.device = devices.keep(login)
    return go(url_for(".profile"), "You stay signed in here, up to 90 days after the last use")


@blueprint.post("/me/devices/<int:device_id>/end")
@access("own.edit")
def end_device(device_id: int) -> Any:
    """Stay signed in no longer on one of my devices."""
    device = session.get(Device, device_id)
    if device is None or device.user_id != me().id:
        raise NotFound("There is no such device.")
    devices.end(device, by=actor())
    return go(url_for(".profile"), "The device is signed out")


@blueprint.post("/me/tokens")
@access("own.edit")
@needs_proof
def add_token() -> Any:
    """Create an API token and show it this once."""
    days = request.form.get("days", "")
    try:
        if days and not number_of(days):
            refuse("expires_days", "Write a number of days")
        _, text = credentials.create_token(me(), by=actor(), name=request.form.get("token_name", ""),
                                           scopes=request.form.getlist("scopes") or None,
                                           days=int(days) if days else None)
    except Invalid as refusal:
        return _shown(problems=refusal.problems, form={"token_name": request.form.get("token_name"), "days": days},
                      status=422)
    return _shown(secret=text)


@blueprint.post("/me/tokens/<int:token_id>/revoke")
@access("own.edit")
def revoke_token(token_id: int) -> Any:
    """Revoke one of my API tokens."""
    token = session.get(ApiToken, token_id)
    if token is None or token.user_id != me().id:
        raise NotFound("There is no such token.")
    credentials.revoke_token(token, by=actor())
    return go(url_for(".profile"), f"The token {token.name} is revoked")
