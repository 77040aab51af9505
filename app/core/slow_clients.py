"""The threads of a web process, which wait so long for a client and no longer: a slow one costs nobody else a page."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from typing import Any

from gunicorn.http.body import LengthReader
from gunicorn.http.errors import LimitRequestHeaders, NoMoreData
from gunicorn.workers.gthread import ThreadWorker
from werkzeug.exceptions import ClientDisconnected

HEADER_SECONDS, BODY_SECONDS = 10.0, 30.0
HEADER_BYTES = 16 * 1024


class Whole:
    """Reads the body of a request. One that ends too early is no body: gunicorn would pass on what has come of it."""

    def __init__(self, reader: Any) -> None:
        self.reader = reader

    def read(self, size: int) -> bytes:
        """So many bytes, fewer only at the end. Answers 400 when the client stopped before."""
        wanted = min(size, self.reader.length) if isinstance(self.reader, LengthReader) else 0
        try:
            found = bytes(self.reader.read(size))
        except NoMoreData:
            raise ClientDisconnected from None
        if len(found) < wanted:
            raise ClientDisconnected
        return found

    def is_read(self) -> bool:
        """Whether nothing more is awaited."""
        return not (self.reader.length if isinstance(self.reader, LengthReader) else self.reader.parser)


@dataclass(frozen=True)
class Awaited:
    """What a thread waits for, at the longest `until`: the header of a request, or its body."""

    until: float
    body: Whole | None = None

    def is_overdue(self, now: float) -> bool:
        """Whether it should have come by now; of a body that was read whole nothing is awaited."""
        return now >= self.until and (self.body is None or not self.body.is_read())


class Worker(ThreadWorker):  # type: ignore[misc]
    """Gunicorn's own waits for ever once the first byte has come. Whom it waits for too long stops being read from: that
    wakes the thread, which answers 400 or hangs up."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._awaited: dict[Any, Awaited] = {}

    def handle(self, conn: Any) -> Any:
        """In a thread: read a request of this connection and answer it."""
        self._awaited[conn] = Awaited(time.monotonic() + HEADER_SECONDS)
        try:
            return super().handle(conn)
        finally:
            del self._awaited[conn]

    def handle_request(self, req: Any, conn: Any) -> Any:
        """The header has come. One that is too long in all is answered with 431."""
        if sum(len(name) + len(value) + len(": \r\n") for name, value in req.headers) > HEADER_BYTES:
            raise LimitRequestHeaders("limit request headers size")
        whole = req.body.reader = Whole(req.body.reader)
        self._awaited[conn] = Awaited(time.monotonic() + BODY_SECONDS, whole)
        try:
            return super().handle_request(req, conn)
        finally:
            req.body.reader = whole.reader  # what is left of it is only cleared away

    def murder_pending(self) -> None:
        """Once a second, beside those who never said anything: those who do not come to an end."""
        super().murder_pending()
        now = time.monotonic()
        for conn, awaited in list(self._awaited.items()):
            if awaited.is_overdue(now):
                _stop_reading(conn.sock)


def _stop_reading(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RD)
    except OSError:
        pass  # it has hung up by itself
