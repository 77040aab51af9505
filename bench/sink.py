"""The other end of the webhook channel: takes every message at once and remembers when it came."""

from __future__ import annotations

import asyncio
import re
import time

from tests.servers import free_port

MARK = re.compile(rb"problem-[0-9a-z-]+")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Sink:
    """`first` holds the wall-clock time of the first page about each problem, by the mark in its title. It answers after
    so many seconds, as a provider far away does; `began` and `ended` are when the first and the last message came."""

    def __init__(self, delay: float = 0) -> None:
        self.delay, self.began, self.ended = delay, 0.0, 0.0
        self.port = free_port()
        self.first: dict[str, float] = {}
        self.count = 0
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Where messages go."""
        return f"http://127.0.0.1:{self.port}/"

    async def __aenter__(self) -> Sink:
        self._server = await asyncio.get_running_loop().create_server(lambda: _Call(self), "127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()

    def take(self, body: bytes) -> None:
        """A message came."""
        self.count += 1
        self.ended = time.time()
        self.began = self.began or self.ended
        for found in MARK.findall(body):  # a bundle names several
            self.first.setdefault(found.decode(), time.time())

    async def wait(self, marks: list[str], within: float) -> list[str]:
        """Wait until each mark was paged; those that were not within so many seconds."""
        until = time.time() + within
        while time.time() < until:
            if all(mark in self.first for mark in marks):
                break
            await asyncio.sleep(0.05)
        return [mark for mark in marks if mark not in self.first]


class _Call(asyncio.Protocol):
    def __init__(self, sink: Sink) -> None:
        self.sink, self.buffer = sink, bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self.buffer[:end]).lower()
        length = int(head[head.find(b"content-length:") + 15:].split(b"\r\n", 1)[0])
        if len(self.buffer) >= end + 4 + length:
            self.sink.take(bytes(self.buffer[end + 4:end + 4 + length]))
            del self.buffer[:end + 4 + length]
            asyncio.get_running_loop().call_later(self.sink.delay, self.transport.write, OK)
