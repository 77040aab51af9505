"""Many browsers with one page open: WebSockets on bare asyncio that note when they are told of a change."""

from __future__ import annotations

import asyncio
import base64
import os
import time
from collections import defaultdict

PING, PONG, CLOSE = 9, 10, 8


class Viewer(asyncio.Protocol):
    """One open page. `told` collects, by mark, when each viewer's frame with that mark was whole."""

    def __init__(self, path: str, cookie: str, marks: list[bytes], told: dict[bytes, list[float]]) -> None:
        self.path, self.cookie, self.marks, self.told = path, cookie, marks, told
        self.buffer = bytearray()
        self.ready: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.upgraded = False
        self.seen: set[bytes] = set()
        self.bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the socket."""
        assert isinstance(transport, asyncio.WriteTransport)
        self.transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        head = (f"GET {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nCookie: {self.cookie}\r\n\r\n")
        transport.write(head.encode())

    def data_received(self, data: bytes) -> None:
        """Take frames apart (RFC 6455, 5.2); what a server sends is not masked."""
        self.buffer += data
        if not self.upgraded and not self._upgrade():
            return
        while (frame := self._frame()) is not None:
            self._take(*frame)

    def _upgrade(self) -> bool:
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        if not self.buffer.startswith(b"HTTP/1.1 101"):
            self._failed(bytes(self.buffer[:60]).decode(errors="replace"))
            return False
        del self.buffer[:end + 4]
        self.upgraded = True
        return True

    def _frame(self) -> tuple[int, bytes] | None:
        if len(self.buffer) < 2:
            return None
        length, start = self.buffer[1], 2
        if length >= 126:
            start = 4 if length == 126 else 10
            length = int.from_bytes(self.buffer[2:start])
        if len(self.buffer) < start + length:
            return None
        frame = self.buffer[0] & 15, bytes(self.buffer[start:start + length])
        del self.buffer[:start + length]
        return frame

    def _take(self, kind: int, payload: bytes) -> None:
        self.bytes += len(payload)
        if kind == PING:
            self.transport.write(bytes([0x80 | PONG, 0x80 | len(payload), 0, 0, 0, 0]) + payload)
            return
        if kind == CLOSE:
            self._failed("closed by the server")
            return
        if not self.ready.done():
            self.ready.set_result(True)
        for mark in self.marks:
            if mark not in self.seen and mark in payload:
                self.seen.add(mark)
                self.told[mark].append(time.time())

    def connection_lost(self, error: Exception | None) -> None:
        """It ended."""
        self._failed("hung up")

    def _failed(self, reason: str) -> None:
        if not self.ready.done():
            self.ready.set_exception(ConnectionError(reason))


class Crowd:
    """Viewers of one page."""

    def __init__(self) -> None:
        self.viewers: list[Viewer] = []
        self.marks: list[bytes] = []
        self.told: dict[bytes, list[float]] = defaultdict(list)

    async def open(self, number: int, port: int, path: str, cookies: list[str]) -> None:
        """Open so many, 50 at a time by one person after the other, and wait until each has its first frame."""
        for start in range(0, number, 50):
            cookie = cookies[start // 50 % len(cookies)]
            fresh = await asyncio.gather(*(asyncio.get_running_loop().create_connection(
                lambda cookie=cookie: Viewer(path, cookie, self.marks, self.told), "127.0.0.1", port)
                for _ in range(min(50, number - start))))
            self.viewers += [viewer for _, viewer in fresh]
            await asyncio.gather(*(asyncio.wait_for(viewer.ready, 60) for _, viewer in fresh))

    async def wait(self, mark: bytes, within: float) -> list[float]:
        """When each was told of the mark; those that were not within so many seconds are missing."""
        until = time.time() + within
        while len(self.told[mark]) < len(self.viewers) and time.time() < until:
            await asyncio.sleep(0.02)
        return self.told[mark]

    def close(self) -> None:
        """All go."""
        for viewer in self.viewers:
            viewer.transport.close()
