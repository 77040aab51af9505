"""What a step is about to send, rendered: the whole call, its secrets apart, and what of it may be shown."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.connections import queries as connections
from app.core import clock, templating
from app.core.acting import Action, Call, Order
from app.core.errors import Failure
from app.core.forms import duration
from app.core.mail import is_mail_address
from app.core.secrets import digest
from app.core.signatures import sign
from app.core.templating import MASK
from app.notifications import accounts
from app.oncall.queries import named, on_duty, schedule_by_key
from app.plugin_api import Message
from app.runbooks import vault

SHOWN = 4 * 1024
KEPT = 64 * 1024
MARK = 60
Values = dict[str, Any]
OURS = frozenset({"content-length", "host", "transfer-encoding", "connection"})


@dataclass(frozen=True)
class Prepared:
    """A call of a step. `call` is a web address, `action` a plugin's verb with its `order` and `config`, `mails` are
    mails. `hidden` are the secrets in it, `shown` is what people may see of it."""

    slug: str
    timeout: float = 30.0
    hidden: tuple[str, ...] = ()
    shown: Values = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    call: Call | None = None
    oauth: tuple[str, str, str, str] | None = None
    action: Action | None = None
    order: Order | None = None
    config: Mapping[str, Any] = field(default_factory=dict, repr=False)
    mails: tuple[tuple[str, Message], ...] = ()
    routes: Any = None


@dataclass(frozen=True)
class Wish:
    """A node with all that its templates can name. `rehearsal`: secrets are masked, and no use of one is noted."""

    node: Mapping[str, Any]
    context: Mapping[str, Any]
    team_id: int | None
    mark: str
    rehearsal: bool = False


def mark_of(run_id: int, started: float, node: str) -> str:
    """What names one order of one run for good, also towards others who have a run of this number."""
    whole = f"oncall-{run_id}-{int(started):x}-{node.replace('_', '-')}"
    return whole if len(whole) <= MARK else f"{whole[:MARK - 9]}-{digest(whole)[:8]}"


def given(wish: Wish, secrets: Mapping[str, str]) -> tuple[Values, tuple[str, ...]]:
    """The node's `with`, rendered, and warnings. Raises ValueError."""
    rendered = templating.render(wish.node.get("with") or {}, {**wish.context, templating.SECRET: secrets})
    return rendered.value, rendered.warnings


def prepare(wish: Wish) -> Prepared:
    """Render what the step sends. Raises ValueError with a sentence where that can't be."""
    slug, secrets = str(wish.node["action"]), _secrets(wish)
    timeout = float(duration(wish.node["timeout"])) if wish.node.get("timeout") else 30.0
    make = {"webhook": _webhook, "email": _mail}.get(slug, _plugin)
    try:
        return make(wish, secrets, timeout)
    except (ValueError, Failure) as fault:
        raise ValueError(templating.mask(str(fault), _real(secrets))) from None


def _secrets(wish: Wish) -> dict[str, str]:
    names = {path[1] for path in templating.names(wish.node.get("with") or {}) if path[0] == templating.SECRET}
    if wish.rehearsal:
        return dict.fromkeys(names, MASK)
    found = vault.values(names, wish.team_id)
    if absent := sorted(names - found.keys()):
        raise ValueError(f"There is no secret {', '.join(absent)} any more")
    return found


def _webhook(wish: Wish, secrets: Mapping[str, str], timeout: float) -> Prepared:
    said, context = wish.node.get("with") or {}, {**wish.context, templating.SECRET: secrets}
    url = templating.render_url(str(said.get("url") or ""), context)
    headers = {str(name): templating.render_header(str(value), context)
               for name, value in (said.get("headers") or {}).items()}
    body = templating.render(said.get("body"), context)
    auth = templating.render({name: said[name] for name in ("auth", "auth_user", "auth_secret", "auth_url", "auth_scope")
                              if said.get(name)}, context)
    call = _call(str(said.get("method") or "POST"), url.value, {name: one.value for name, one in headers.items()},
                 body.value)
    proved, oauth = _proved(call, auth.value, wish.mark)
    hidden = (*secrets.values(), *([str(auth.value["auth_secret"])] if auth.value.get("auth_secret") else ()))
    if auth.value.get("auth") == "basic":
        hidden = (*hidden, proved.headers["Authorization"].removeprefix("Basic "))
    hidden = tuple(text for text in hidden if text != MASK)
    warnings = [*url.warnings, *(warning for one in headers.values() for warning in one.warnings), *body.warnings,
                *auth.warnings]
    return Prepared("webhook", timeout, hidden, shown(proved, hidden), tuple(dict.fromkeys(warnings)), call=proved,
                    oauth=oauth)


def _call(method: str, url: str, headers: Mapping[str, str], body: Any) -> Call:
    known = {name.lower() for name in headers}
    if forbidden := sorted(known & OURS):
        raise ValueError(f"The header {forbidden[0]} is not yours to set")
    more = {} if "content-type" in known or body in (None, "") else {
        "Content-Type": "text/plain; charset=utf-8" if isinstance(body, str) else "application/json"}
    raw = None if body in (None, "") else body.encode() if isinstance(body, str) else json.dumps(
        body, ensure_ascii=False).encode()
    return Call(method, url, {**headers, **more}, body=raw)


def _proved(call: Call, auth: Mapping[str, Any], mark: str) -> tuple[Call, tuple[str, str, str, str] | None]:
    """The call with its proof and its key, and how to get a token where that is the proof."""
    kind, user, secret = auth.get("auth", "none"), str(auth.get("auth_user", "")), str(auth.get("auth_secret", ""))
    more: dict[str, str] = {"Idempotency-Key": mark}
    if kind == "basic":
        more["Authorization"] = f"Basic {b64encode(f'{user}:{secret}'.encode()).decode()}"
    elif kind == "bearer":
        more["Authorization"] = f"Bearer {secret}"
    elif kind == "signed":
        more |= sign(call.content(), secret=secret, at=clock.now(), delivery=mark)
    oauth = (str(auth.get("auth_url", "")), user, secret, str(auth.get("auth_scope", ""))) if kind == "oauth2" else None
    return Call(call.method, call.url, {**call.headers, **more}, body=call.body), oauth


def _plugin(wish: Wish, secrets: Mapping[str, str], timeout: float) -> Prepared:
    connection = connections.connection_by_key(str(wish.node.get("connection") or ""))
    if connection is None or connection.team_id not in (None, wish.team_id):
        raise ValueError(f"There is no connection {wish.node.get('connection')} any more")
    action = connections.action_of(connection)
    if not wish.rehearsal:
        connection.used_at = clock.now()
    said, warnings = given(wish, secrets)
    order, config = Order(wish.mark, said), connections.settings_of(connection)
    hidden = (*(text for text in secrets.values() if text != MASK), *connections.secret_values(connection))
    return Prepared(action.slug, timeout, hidden, shown(action.prepare(order, config), hidden), warnings, action=action,
                    order=order, config=config)


def _mail(wish: Wish, secrets: Mapping[str, str], timeout: float) -> Prepared:
    said, warnings = given(wish, secrets)
    people = list(dict.fromkeys([*_addresses(str(said.get("to") or "")), *_duty(str(said.get("schedule") or ""))]))
    if not people:
        raise ValueError("This names nobody to write to")
    subject, text = " ".join(str(said.get("subject", "")).split()), str(said.get("text", ""))
    mails = tuple((address, Message(f"{wish.mark}-{number}", "notice", subject, text, urgency="low"))
                  for number, address in enumerate(people))
    seen = {"method": "MAIL", "to": people, "subject": subject, "body": text[:SHOWN]}
    return Prepared("email", timeout, tuple(secrets.values()), templating.mask(seen, _real(secrets)), warnings, mails=mails,
                    routes=None if wish.rehearsal else accounts.routes("email"))


def _real(secrets: Mapping[str, str]) -> list[str]:
    return [text for text in secrets.values() if text != MASK]


def _addresses(text: str) -> list[str]:
    found = [part.strip() for part in text.replace(";", ",").split(",") if part.strip()]
    wrong = [part for part in found if not is_mail_address(part)]
    if wrong:
        raise ValueError(f"{wrong[0][:100]} is no e-mail address")
    return found


def _duty(key: str) -> list[str]:
    schedule = schedule_by_key(key) if key else None
    if key and schedule is None:
        raise ValueError(f"There is no schedule {key}")
    if schedule is None:
        return []
    people = named(on_duty(schedule, clock.now()).people).values()
    return [person.email for person in people]


def shown(call: Call, hidden: Iterable[str]) -> Values:
    """A request as people may see it: proofs and secrets masked, the body cut."""
    headers = {name: MASK if name.lower() in ("authorization", "x-oncall-signature") else value
               for name, value in call.headers.items()}
    body = call.content().decode("utf-8", "replace")
    said = {"method": call.method, "url": call.url, "headers": headers, "body": body[:KEPT]}
    return {**templating.mask(said, hidden), "size": len(body)}
