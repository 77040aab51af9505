"""The door for mail: an SMTP server that stores each mail as a delivery, commits, and only then answers 250.

Sources: RFC 5321 (answers, sizes), RFC 1870 (SIZE), RFC 3207 (STARTTLS), RFC 6531 (UTF-8 in addresses).
"""

from __future__ import annotations

import asyncio
import signal
import ssl
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, ClassVar

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from app.core import clock, skew
from app.core.db import session
from app.core.errors import RateLimited
from app.core.mail_reading import MOST_BYTES, letter
from app.core.mail_sources import tag_of
from app.ingest import door
from app.ingest.models import Integration
from app.ingest.refusals import count_wrong
from app.notifications import mail_addresses, mail_replies
from app.plugin_api import Inbound, Rejected, Retry

log = structlog.get_logger()
READER = "email"
THREADS, SESSIONS, PATIENCE = 8, 100, 60.0
LINE = 32_768  # more than RFC 5321 allows a line: what a sloppy sender writes must not be lost for it
LATER = "451 4.3.0 Not now, please try again"
NOBODY = "550 5.1.1 There is no such address here"


class Receiver(SMTP):
    """One session: as many as can be served are let in, the others are told to come back."""

    line_length_limit = LINE
    present: ClassVar[set[int]] = set()

    def connection_made(self, transport: Any) -> None:
        """Count it, and end it at once when there are too many: the sender keeps its mail and tries again."""
        Receiver.present.add(id(self))  # which TLS, begun within a session, adds no second time
        super().connection_made(transport)
        if len(Receiver.present) > SESSIONS:
            transport.write(b"421 4.3.2 Too many connections, please try again\r\n")
            transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        """Room for another."""
        Receiver.present.discard(id(self))
        super().connection_lost(error)


@dataclass
class Mailroom:
    """What the server asks while a sender speaks. All that touches the database runs in a thread, inside the app."""

    app: Flask
    domain: str = ""
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(THREADS, "mail"))

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str],
    ) -> str:
        """Only addresses that an integration has."""
        ip = str((session.peer or ("",))[0])
        answer = await self._inside(lambda: self._known(address, ip))
        if answer == "250 OK":
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """250 once it is stored for every address; what is stored for some and not for others is told by those."""
        ip = str((session.peer or ("",))[0])
        answers = [await self._inside(lambda to=to: self._take(to, envelope, ip)) for to in envelope.rcpt_tos]
        for first in ("4", "2"):  # a sender that comes again repeats nothing: the Message-ID is known by then
            if (found := next((one for one in answers if one.startswith(first)), "")):
                return found
        return answers[0]

    async def _inside(self, act: Callable[[], str]) -> str:
        def run() -> str:
            with self.app.app_context():
                try:
                    return act()
                except RateLimited:
                    return "421 4.7.0 Too many wrong addresses, please try again later"
                except (SQLAlchemyError, Retry) as fault:
                    log.error("mail.postponed", reason=str(fault).splitlines()[0][:300])
                    return LATER
                except Exception:
                    log.exception("mail.failed")
                    return LATER
                finally:
                    session.remove()
        return await asyncio.get_running_loop().run_in_executor(self.pool, run)

    def _known(self, address: str, ip: str) -> str:
        if self._integration(address) is not None or mail_addresses.parts(address)[0]:
            return "250 OK"
        count_wrong(ip)
        return NOBODY

    def _integration(self, address: str) -> Integration | None:
        local, _, domain = address.rpartition("@")
        if self.domain and domain.lower() != self.domain.lower():
            return None
        return door.find(local.partition("+")[0])

    def _take(self, address: str, envelope: Envelope, ip: str) -> str:
        """Store it for one address, without the secret parts of all it was sent to, and say what became of it."""
        sender, content = envelope.mail_from or "", envelope.content
        raw = content if isinstance(content, bytes) else str(content).encode()
        if mail_addresses.parts(address)[0]:
            return self._hear(address, raw, ip)
        integration = self._integration(address)
        if integration is None:
            return NOBODY
        headers = {"content-type": "message/rfc822", "x-envelope-from": sender[:300], "return-path": f"<{sender[:300]}>"}
        body = f"Return-Path: <{sender[:300]}>\r\n".encode("utf-8", "replace") + masked(raw, envelope.rcpt_tos)
        inbound = Inbound("MAIL", headers, {}, body, clock.now(), parts={"reader": READER, "tag": tag_of(address)})
        session.expunge_all()
        outcome = door.receive(integration, inbound, ip=ip)
        if outcome.status in ("accepted", "duplicate"):
            return f"250 2.0.0 Stored as delivery {outcome.delivery}"
        return f"550 5.7.1 {outcome.reason[:200]}"

    def _hear(self, address: str, raw: bytes, ip: str) -> str:
        """An answer to a page; what it did, or why it did nothing, is told by mail to whom the page was sent."""
        try:
            mail_replies.take(letter(raw), [address], ip=ip)
        except Rejected as fault:
            return f"550 5.6.0 {fault.reason[:200]}"
        return "250 2.0.0 Heard"


def masked(raw: bytes, recipients: Iterable[str]) -> bytes:
    """The mail without what is secret in these addresses; of those for answers that is all before the @."""
    for address in recipients:
        local = address.rpartition("@")[0]
        secret = local if mail_addresses.parts(address)[0] else local.partition("+")[0]
        raw = raw.replace(secret.encode(), b"TOKEN")
    return raw


def server_of(room: Mailroom, certificate: str = "") -> Callable[[], Receiver]:
    """Makes the session of each connection; with a certificate it may go on under TLS."""
    context = None
    if certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
    return lambda: Receiver(room, data_size_limit=MOST_BYTES, enable_SMTPUTF8=True, timeout=PATIENCE, tls_context=context,
                            hostname=room.domain or None, ident="OnCall")


def run(app: Flask) -> None:
    """Take mail in until told to stop."""
    skew.follow(app)
    asyncio.run(_serve(app))


async def _serve(app: Flask) -> None:
    config, stop, loop = app.config, asyncio.Event(), asyncio.get_running_loop()
    room = Mailroom(app, config["MAIL_IN_DOMAIN"])
    server = await loop.create_server(server_of(room, config["MAIL_IN_CERTIFICATE"]), config["MAIL_IN_HOST"],
                                      int(config["MAIL_IN_PORT"] or 25))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with server:
        await stop.wait()
