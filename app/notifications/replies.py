"""One road for every answer: whose it is, what it is about, and the command that anybody on the web would have called."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flask import current_app
from sqlalchemy import func, select

from app.core import clock, secrets
from app.core.access import Actor
from app.core.db import alone, session, transaction
from app.core.errors import Failure, Invalid
from app.core.events import record
from app.core.forms import number_of
from app.core.jobs import function
from app.identity.models import User
from app.incidents import service as incidents
from app.incidents.models import Incident
from app.notifications import compose, events, queries, service, threads
from app.notifications.channel_models import HeardReply, ReplyCode, Surface
from app.notifications.models import ContactMethod, Message
from app.plugin_api import Answered, Reply

WAYS = {"sms": "SMS", "voice": "phone", "email": "e-mail"}
PAGED = timedelta(days=7)
STRANGERS_AN_HOUR, LINK_SECONDS = 5, 900
STOPPED = "stopped by its owner"
OPT = {"stop": (STOPPED, "is stopped: nothing is sent there until it is started again"),
       "start": ("", "is started again")}


def hear(channel: str, reply: Reply, *, plugin: str, ip: str = "") -> Answered:
    """What came of a reply, in a transaction of its own."""
    with transaction():
        return answer(channel, reply, plugin=plugin, ip=ip)


def answer(channel: str, reply: Reply, *, plugin: str, ip: str = "") -> Answered:
    """Route a reply to its person and act as them; the same reply again gets the same answer. Needs a transaction."""
    once = secrets.digest(f"{plugin} {channel} {reply.id}") if reply.id else secrets.new_token()
    alone(f"reply:{once}")
    if reply.post and (threads.post_of(channel, reply.post) is None or not _whose(channel, reply)):
        return Answered(reply, False, "", silent=True)
    known = session.scalar(select(HeardReply).where(HeardReply.once == once))
    if known is not None:
        return Answered(reply, known.done, str(known.said["text"]), message=_shown(known.incident_id, reply))
    row = HeardReply(once=once[:64], channel=channel, sender=secrets.digest(reply.sender) if reply.sender else "",
                     action=reply.action[:40])
    found = _routed(channel, reply, ip, row)
    row.done, row.said = found.done, {"text": found.text}
    if reply.post and found.done:
        row.said = {**row.said, "post": reply.post, "note": threads.newest(row.incident_id or 0)}
    session.add(row)
    return found


def _routed(channel: str, reply: Reply, ip: str, row: HeardReply) -> Answered:
    methods = _whose(channel, reply)
    if reply.action in OPT and methods:
        return Answered(reply, True, _opt(methods, reply.action, channel))
    methods = [method for method in methods if method.usable and method.user.is_active]
    if not methods:
        return _stranger(channel, reply, row)
    order = current_app.extensions["orders"].get(reply.action)
    found = None if order else _about(methods, reply)
    if isinstance(found, str):
        return Answered(reply, False, found)
    method, incident = found or (methods[0], None)
    row.user_id, row.incident_id = method.user_id, incident.id if incident else None
    by = Actor(method.user.ref, method.user.name, _way(channel), method.user_id, ip=ip)
    done, text, ask = _done(reply, incident, by, order)
    return Answered(reply, done, text, message=_shown(row.incident_id, reply), ask=ask)


def _whose(channel: str, reply: Reply) -> list[ContactMethod]:
    """The proven methods of whoever answered: by the sender's address, first the one that the message was
    sent to, else that one."""
    message = _message(reply.message)
    if not reply.sender:
        return [message.method] if message is not None and message.channel == channel else []
    return list(session.scalars(select(ContactMethod).where(
        ContactMethod.channel == channel, func.lower(ContactMethod.address) == reply.sender.lower(),
        ContactMethod.proven_at.is_not(None), ContactMethod.removed_at.is_(None)).order_by(
            ContactMethod.id != (message.method_id if message else 0), ContactMethod.id)))


def _message(key: str) -> Message | None:
    return session.get(Message, number_of(key))


def _about(methods: Sequence[ContactMethod], reply: Reply) -> tuple[ContactMethod, Incident] | str:
    """Whose answer to which incident it is, or the question that has to be asked back."""
    if reply.action != "help" and (named := _named(reply, methods[0].channel)):
        return methods[0], named
    if reply.incident:  # a number that was said is never taken for another
        return f"There is no incident {reply.incident[:20]}. {help_text(methods)}"
    if reply.code:
        codes = {code.user_id: code.incident for code in session.scalars(select(ReplyCode).where(
            ReplyCode.user_id.in_([method.user_id for method in methods]), ReplyCode.code == reply.code,
            ReplyCode.last_used_at > clock.now() - PAGED).order_by(ReplyCode.last_used_at))}
        for method in methods:
            if method.user_id in codes:
                return method, codes[method.user_id]
        return f"There is no incident {reply.code}. {help_text(methods)}"
    fitting = [(method, incident) for method in methods for incident in open_of(method.user)
               if reply.action != "acknowledge" or incident.status == "triggered"]
    return fitting[0] if len(fitting) == 1 and reply.action != "help" else help_text(methods)


def _named(reply: Reply, channel: str) -> Incident | None:
    """The incident that the reply names by its number, or by the message or post that it answers."""
    if number := number_of("" if reply.post else reply.incident):
        return session.get(Incident, number)
    if reply.post or reply.message.startswith("post-"):
        surface = threads.post_of(channel, reply.post) if reply.post else session.get(Surface, number_of(reply.message[5:]))
        return surface.incident if surface else None
    message = _message(reply.message)
    return message.incident if message else None


def open_of(user: User) -> list[Incident]:
    """The incidents that the person was paged for in the last 7 days and that are not resolved."""
    paged = select(Message.incident_id).where(Message.user_id == user.id, Message.kind.in_(compose.ACTIONABLE),
                                              Message.queued_at > clock.now() - PAGED)
    return list(session.scalars(select(Incident).where(Incident.id.in_(paged), Incident.status != "resolved")
                                .order_by(Incident.id.desc()).limit(10)))


def help_text(methods: Sequence[ContactMethod]) -> str:
    """What is open for these people, and how to answer."""
    codes = {(code.user_id, code.incident_id): code.code for code in session.scalars(select(ReplyCode).where(
        ReplyCode.user_id.in_([method.user_id for method in methods])))}
    lines = [f"{codes.get((method.user_id, one.id), '')} #{one.id} {one.title[:40]}".strip()
             for method in methods for one in open_of(method.user)]
    if not lines:
        return "Nothing is open for you."
    how = ("Reply A and the code to acknowledge, R and the code to resolve." if codes
           else "Answer ack or resolve and the number.")
    return f"Open: {'; '.join(lines[:4])}. {how}"


def _done(reply: Reply, incident: Incident | None, by: Actor, order: str | None) -> tuple[bool, str, str]:
    """Call the command; a refusal is an answer, too, and names the field that is missing."""
    try:
        if order or incident is None:
            return True, str(function(str(order))(by=by, text=reply.text)), ""
        path = current_app.extensions["answers"].get(reply.action)
        if path is None:
            return False, f"{reply.action} is nothing that can be answered.", ""
        return True, str(function(path)(incident, by=by, text=reply.text)), ""
    except Invalid as refusal:
        first = refusal.problems[0] if refusal.problems else None
        said = first.message if first else refusal.detail
        return False, f"{said.rstrip('.')}.", first.field if first else ""
    except Failure as refusal:
        return False, f"{refusal.detail.rstrip('.')}.", ""


def acknowledge(incident: Incident, *, by: Actor, text: str = "") -> str:
    """The answer "acknowledge"."""
    return f"#{incident.id} acknowledged by {incidents.acknowledge(incident, by=by).acknowledged_name}."


def resolve(incident: Incident, *, by: Actor, text: str = "") -> str:
    """The answer "resolve"; its text is the resolution note."""
    return f"#{incident.id} resolved by {incidents.resolve(incident, by=by, note=text).resolved_name}."


def note(incident: Incident, *, by: Actor, text: str = "") -> str:
    """The answer "note"."""
    incidents.add_note(incident, text, by=by)
    return f"Your note is on #{incident.id}."


def details(incident: Incident, *, by: Actor, text: str = "") -> str:
    """The answer "details": changes nothing."""
    where = f" in {incident.service.name}" if incident.service else ""
    standing = compose.standing(incident) or "Nobody has it yet"
    return f"{incident.title or 'No title'}{where}. {standing}. {incident.description[:250]}".strip()[:400]


def list_open(*, by: Actor, text: str = "") -> str:
    """The order "list"."""
    return help_text([method for method in queries.methods_of(session.get_one(User, by.user_id)) if method.usable][:1])


def _way(channel: str) -> str:
    found = current_app.extensions["plugins"].channels.get(channel)
    return WAYS.get(channel) or (found.name if found else channel)


def _shown(incident_id: int | None, reply: Reply) -> Any:
    incident = session.get(Incident, incident_id) if incident_id is not None else None
    return compose.posted(incident, reply.message or f"incident-{incident.id}") if incident else None


def _opt(methods: Sequence[ContactMethod], action: str, channel: str) -> str:
    """STOP and START: this channel of this address only."""
    reason, what = OPT[action]
    for method in methods:
        if action == "stop" and method.disabled_at is None:
            method.disabled_at, method.disabled_reason = clock.now(), reason
        elif action == "start" and method.disabled_reason == STOPPED:
            method.disabled_at, method.disabled_reason = None, ""
        record(events.OPTED, method.user.ref, by=Actor(method.user.ref, method.user.name, _way(channel), method.user_id),
               name=method.name, channel=channel, person=method.user.name, what=what)
    return f"{_way(channel)} {what}. Pages by other ways are not touched."


def _stranger(channel: str, reply: Reply, row: HeardReply) -> Answered:
    """Nobody's address: they hear how to make it theirs, and after five times an hour nothing."""
    heard = session.scalar(select(func.count()).select_from(HeardReply).where(
        HeardReply.channel == channel, HeardReply.sender == row.sender, HeardReply.user_id.is_(None),
        HeardReply.at > clock.now() - timedelta(hours=1)))
    text = f"Nobody here is reached by this {_way(channel)} address, so nothing was changed."
    return Answered(reply, False, text, link=link_for(channel, reply) if reply.sender else "",
                    silent=(heard or 0) >= STRANGERS_AN_HOUR)


def link_for(channel: str, reply: Reply) -> str:
    """Where the owner of this address, signed in, makes it a contact method of theirs; valid for 15 minutes."""
    said = {"channel": channel, "address": reply.sender, "name": reply.sender_name[:40],
            "until": clock.now().timestamp() + LINK_SECONDS}
    return f"{current_app.config['BASE_URL']}/me/link/{secrets.seal(json.dumps(said), bound_to='link')}"


def linked(token: str) -> dict[str, str]:
    """The channel, address and name that such a link holds. Raises Invalid when it is none or too old."""
    try:
        said = json.loads(secrets.open_(token, bound_to="link"))
    except (secrets.Unreadable, ValueError):
        raise Invalid("This link is not known.") from None
    if said["until"] < clock.now().timestamp():
        raise Invalid("This link is older than 15 minutes. Press the button again for a new one.")
    return {name: str(said[name]) for name in ("channel", "address", "name")}


def say_back(channel: str, found: Answered) -> None:
    """Send the sentence to who replied, as a message of its own; strangers get none. Needs a transaction."""
    method = next((one for one in _whose(channel, found.reply) if one.usable), None)
    if method is None or found.silent or not found.text:
        return
    for row in service.plain_message("reply", method, once=f"reply:{secrets.new_token()}"):
        compose.seal_data(row, {"text": found.text})
