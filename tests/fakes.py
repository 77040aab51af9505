"""Other people's servers, played by real local ones: a mail server, a web server and a push service that record."""

from __future__ import annotations

import json
import os
import threading
import time
from base64 import urlsafe_b64encode
from collections import deque
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import http_ece
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.servers import eventually, free_port


@dataclass
class Mail:
    """One mail as it was handed over; `at` is the wall clock in seconds."""

    to: str
    message: EmailMessage
    at: float

    @property
    def subject(self) -> str:
        """The subject line, decoded."""
        return str(self.message["Subject"])

    @property
    def text(self) -> str:
        """The plain text part."""
        part = self.message.get_body(("plain",))
        return part.get_content() if part is not None else ""

    @property
    def html(self) -> str:
        """The HTML part."""
        part = self.message.get_body(("html",))
        return part.get_content() if part is not None else ""


class MailServer:
    """An SMTP server that keeps what it is given. `refusal` is its answer to the next recipients, such as "550 no"."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.refusal = ""
        self._server = Controller(self, hostname="127.0.0.1", port=free_port(), ready_timeout=10)
        self._server.start()
        self.url = f"smtp://127.0.0.1:{self._server.port}"

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:  # noqa: N802
        """Take or refuse a recipient."""
        if self.refusal:
            return self.refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep the mail, once for each recipient."""
        content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
        message = message_from_bytes(content, policy=policy.default)
        for recipient in envelope.rcpt_tos:
            self.mails.append(Mail(recipient, message, time.time()))
        return "250 OK"

    def to(self, address: str) -> list[Mail]:
        """The mails for one address, oldest first."""
        return [mail for mail in self.mails if mail.to == address]

    def wait(self, address: str, *, count: int = 1, within: float = 10.0) -> list[Mail]:
        """The mails for one address as soon as there are `count`."""
        found: list[Mail] = eventually(lambda: len(self.to(address)) >= count and self.to(address), within=within,
                                       what=f"mail {count} to {address}")
        return found

    def forget(self) -> None:
        """As new."""
        self.mails.clear()
        self.refusal = ""

    def stop(self) -> None:
        """Close the port."""
        self._server.stop()


@dataclass
class Call:
    """One request as it came; header names in lower case; `at` is the wall clock in seconds."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time.time)

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass
class Reply:
    """What the web server answers; `delay` in seconds before it does."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0


class WebServer:
    """A web server that records requests. `next_answers` are given once each, then `answer` again and again."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.answer = Reply()
        self.next_answers: deque[Reply] = deque()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def reply_to(self, call: Call) -> Reply:
        """What this request is answered."""
        return self.next_answers.popleft() if self.next_answers else self.answer

    def answers(self, *statuses: int) -> None:
        """Give these statuses once each, then what it gave before."""
        self.next_answers.extend(Reply(status) for status in statuses)

    def wait(self, count: int = 1, *, within: float = 10.0) -> list[Call]:
        """The requests as soon as there are `count`."""
        eventually(lambda: len(self.calls) >= count, within=within, what=f"request {count} at {self.url}")
        return self.calls

    def forget(self) -> None:
        """As new."""
        self.calls.clear()
        self.next_answers.clear()
        self.answer = Reply()

    def stop(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._server.server_close()


def _handler(server: WebServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            server.calls.append(Call(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            reply = server.reply_to(server.calls[-1])
            time.sleep(reply.delay)
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler


class PushService(WebServer):
    """A push service with one subscribed browser: it answers 201 and can read what was sent (RFC 8291)."""

    def __init__(self) -> None:
        super().__init__()
        self.answer = Reply(201)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._auth = os.urandom(16)

    def forget(self) -> None:
        """As new."""
        super().forget()
        self.answer = Reply(201)

    def subscription(self) -> dict[str, Any]:
        """What the browser's `pushManager.subscribe()` would give."""
        point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return {"endpoint": f"{self.url}/push/1", "expirationTime": None,
                "keys": {"p256dh": _base64url(point), "auth": _base64url(self._auth)}}

    @property
    def messages(self) -> list[Any]:
        """The JSON that the browser would read, oldest first."""
        return [json.loads(http_ece.decrypt(call.body, private_key=self._key, auth_secret=self._auth,
                                            version="aes128gcm")) for call in self.calls]


def _base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
