"""The door: prove who sends, check the form, store the raw delivery, commit, answer. Nothing else happens here."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from flask import current_app
from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from app.core import secrets, signatures
from app.core.db import AWAY, db, session, transaction
from app.core.errors import Failure
from app.core.jobs import stir, wake
from app.core.log import request_id
from app.core.together import Together
from app.ingest import credentials, genuine, readers
from app.ingest.models import ORIGINAL, Delivery, Integration, RefusedRequest
from app.plugin_api import Inbound, Rejected

LIMIT = 1024 * 1024
KEY_HEADERS = ("idempotency-key", "x-idempotency-key", "x-delivery-id")
HIDDEN = ("authorization", "cookie", "x-api-key", "x-routing-key", "proxy-authorization")
DRAIN = "app.ingest.ticks.drain"


@dataclass
class TooLarge(Failure):
    """The body is larger than the door is wide."""

    most: int = LIMIT

    def __post_init__(self) -> None:
        self.status, self.title = 413, "Too large"
        self.detail = f"A delivery has at most {self.most >> 20} MiB ({self.most:,} bytes) after decompression"


@dataclass(frozen=True)
class Outcome:
    """What the sender is told: `accepted`, `duplicate`, `rejected` (400) or `refused` (401), with the delivery's id."""

    status: str
    delivery: str = ""
    reason: str = ""
    fault: Rejected | None = None


def unpacked(body: bytes, encoding: str, most: int = LIMIT) -> bytes:
    """The body after decompression, never more than the limit in memory. Raises TooLarge, or Rejected when broken."""
    if encoding in ("", "identity"):
        if len(body) > most:
            raise TooLarge(most=most)
        return body
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise Rejected(f"The content encoding {encoding[:40]} is not known; send gzip, deflate or none")
    # Many senders write deflate without the frame that RFC 9110, 8.4.1.2 asks for: both are taken.
    for form in (47,) if "gzip" in encoding else (15, -15):
        try:
            found = zlib.decompressobj(wbits=form).decompress(body, most + 1)
        except zlib.error:
            continue
        if len(found) > most:
            raise TooLarge(most=most)
        return found
    raise Rejected(f"The body is not {encoding}")


def receive(integration: Integration, inbound: Inbound, *, ip: str = "") -> Outcome:
    """Store one delivery and say what the sender hears; the answer leaves only after the commit.

    Raises Retry when the plugin had to ask somebody and got no answer: nothing is stored, the sender knocks again.
    """
    plugin = readers.reader_of(integration, inbound.parts)
    try:
        signature = check_signature(integration, inbound)
        config = genuine.check(integration, plugin, inbound)
    except Rejected as fault:
        return _turned_away(integration, inbound, fault, ip)
    away = readers.away(integration, inbound.parts)
    state = "held" if integration.paused_at is not None or away else "received"
    values = _values(integration, inbound, state=state, ip=ip, signature=signature, note=away)
    values["delivery_key"] = values["delivery_key"] or genuine.delivery_key(plugin, inbound)
    if hasattr(plugin, "same"):
        values["body_hash"] = hashlib.sha256(plugin.same(inbound)).hexdigest()
    outcome: Outcome = _shared(_store).ask(values)
    if hasattr(plugin, "confirm"):
        plugin.confirm(inbound, config)
    return outcome


def put(integration: Integration, said: Mapping[str, Any], *, at: datetime) -> None:
    """Store what the house itself has to say by an integration, in the open transaction: then it is as any delivery."""
    inbound = Inbound("POST", {"content-type": "application/json"}, {}, json.dumps(said, ensure_ascii=False).encode(), at)
    session.execute(insert(Delivery).values(_values(integration, inbound, state="received", ip="", signature="")))
    wake(DRAIN)


def find(token: str) -> Integration | None:
    """The integration that this token opens, detached; asked anew each time: a renewed token is dead at once."""
    found: Integration | None = _shared(_find).ask(token)
    if found is not None and found.token_hash != secrets.digest(token):
        credentials.note_use(found.id, "token", secrets.digest(token))
    return found


def _shared(work: Any) -> Together[Any, Any]:
    """Requests of the same moment share a query and a commit, since a commit costs more than all else here."""
    places = current_app.extensions.setdefault("door", {})
    place = places.get(work)
    return place or places.setdefault(work, Together(work, hopeless=AWAY))


def _find(tokens: Sequence[str]) -> list[Integration | None]:
    try:
        found = credentials.by_tokens(tokens)
        session.expunge_all()
    finally:
        session.rollback()
    return [found.get(token) for token in tokens]


def _store(rows: Sequence[dict[str, Any]]) -> list[Outcome]:
    """In arrival order; rows with a key in the order of their keys, since two processes that crossed would deadlock."""
    outcomes: dict[int, Outcome] = {}
    with transaction():
        for at in sorted(range(len(rows)), key=lambda at: (rows[at]["delivery_key"] or "", at)):
            key = session.execute(_once(db.engine.dialect.name), rows[at]).scalar_one_or_none()
            outcomes[at] = Outcome("accepted", str(key)) if key is not None else (
                Outcome("duplicate", str(_repeat(rows[at]))))
        wake(DRAIN)
        _show({row["integration_id"] for at, row in enumerate(rows)
               if row["state"] == "held" or outcomes[at].status == "duplicate"})
    return [outcomes[at] for at in range(len(rows))]


def _show(ids: set[int]) -> None:
    """What nobody will work on shows at once on the pages of its integrations."""
    for key in session.scalars(select(Integration.key).where(Integration.id.in_(ids))) if ids else ():
        stir(f"integration/{key}", "delivery.received")


def check_signature(integration: Integration, inbound: Inbound) -> str:
    """`valid` when a secret is set and fits, "" when none is set. Raises Rejected naming what is wrong."""
    if integration.secret_sealed is None:
        return ""
    scheme = {**credentials.scheme_of(integration), "packed": inbound.packed}
    try:
        signatures.check(inbound.body, inbound.headers, inbound.received_at,
                         secrets=[credentials.secret_of(integration)], **scheme)
        return "valid"
    except Rejected:
        former = credentials.former_secrets(integration)
        if not former:
            raise
    fits = signatures.check(inbound.body, inbound.headers, inbound.received_at, secrets=former, **scheme)
    credentials.note_use(integration.id, "secret", former[fits])
    return "old secret"


def _values(integration: Integration, inbound: Inbound, **more: Any) -> dict[str, Any]:
    headers = {name: "…" if name in HIDDEN or "signature" in name or "token" in name else value[:2000]
               for name, value in inbound.headers.items()}
    key = next((inbound.headers[name] for name in KEY_HEADERS if inbound.headers.get(name)), None)
    key = key or (_signed_time(integration, inbound) if more["signature"] else None)
    return {
        "integration_id": integration.id, "received_at": inbound.received_at, "next_at": inbound.received_at,
        "method": inbound.method, "headers": headers, "query": _public(inbound.query), "body": inbound.body,
        "parts": dict(inbound.parts),
        "delivery_key": key[:300] if key else None, "body_hash": hashlib.sha256(inbound.body).hexdigest(),
        "note": "", "results": [], "attempts": 0, "request_id": request_id(), **more,
    }


def _signed_time(integration: Integration, inbound: Inbound) -> str | None:
    """The time inside a valid signature: the same bytes with it again are the captured request, not a new one."""
    scheme = credentials.scheme_of(integration)
    return f"signed {inbound.headers[scheme['timestamp_header'].lower()]}" if scheme["signed"] != "body" else None


def _public(query: Mapping[str, str]) -> dict[str, str]:
    return {name: "…" if name in ("token", "key", "secret") else value[:500] for name, value in query.items()}


@cache
def _once(dialect: str) -> Any:
    """Insert unless the same key and bytes are there: the unique index decides, never a look beforehand."""
    maker = postgresql_insert if dialect == "postgresql" else sqlite_insert
    return maker(Delivery.__table__).on_conflict_do_nothing(
        index_elements=["integration_id", "delivery_key", "body_hash"], index_where=ORIGINAL).returning(Delivery.id)


def _repeat(values: dict[str, Any]) -> int:
    """Log the repeat beside its original; returns the original's id."""
    first = session.execute(select(Delivery.id).where(
        Delivery.integration_id == values["integration_id"], Delivery.delivery_key == values["delivery_key"],
        Delivery.body_hash == values["body_hash"], Delivery.state.not_in(("duplicate", "rejected")))).scalar_one()
    session.execute(insert(Delivery).values({**values, "state": "duplicate", "duplicate_of": first,
                                             "note": f"the same as delivery {first}"}))
    return int(first)


def _turned_away(integration: Integration, inbound: Inbound, fault: Rejected, ip: str) -> Outcome:
    """Refused (who it is, is not proven): only counted. Rejected (it can't be read): stored with the reason."""
    with transaction():
        stir(f"integration/{integration.key}", "delivery.refused" if fault.unauthenticated else "delivery.rejected")
        if fault.unauthenticated:
            session.execute(insert(RefusedRequest).values(integration_id=integration.id, at=inbound.received_at,
                                                          ip=ip[:64], reason=fault.reason[:300]))
            return Outcome("refused", reason=fault.reason, fault=fault)
        values = _values(integration, inbound, state="rejected", ip=ip, signature="", processed_at=inbound.received_at)
        key = session.execute(insert(Delivery).values({**values, "note": fault.reason[:1000]})
                              .returning(Delivery.id)).scalar_one()
        return Outcome("rejected", str(key), fault.reason, fault)


def reject_unreadable(integration: Integration, inbound: Inbound, fault: Rejected, *, ip: str = "") -> Outcome:
    """A body that could not even be unpacked: stored as rejected, so that its sender's owner sees it."""
    return _turned_away(integration, inbound, fault, ip)

