"""Load that does not wait for answers (QUAL-02): an HTTP client on bare asyncio, cheap enough to share the machine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

PATIENCE = 60.0


@dataclass(frozen=True)
class Answer:
    """What one request got. Times are wall-clock seconds; `intended` is when it should have been sent."""

    status: int
    body: bytes
    intended: float
    done: float

    @property
    def took(self) -> float:
        """Milliseconds from when it should have been sent, so that a generator that falls behind hides nothing."""
        return (self.done - self.intended) * 1000


class Wire(asyncio.Protocol):
    """One connection that is kept alive; one request at a time."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.waiting: asyncio.Future[tuple[int, bytes]] | None = None
        self.transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready."""
        assert isinstance(transport, asyncio.WriteTransport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """An answer is whole when its body has the length that its head names."""
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self.buffer[:end]).lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15:].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self.buffer) < end + 4 + length:
            return
        answer = int(head[9:12]), bytes(self.buffer[end + 4:end + 4 + length])
        self.buffer.clear()
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_result(answer)

    def connection_lost(self, error: Exception | None) -> None:
        """The other side hung up."""
        self.transport = None
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_exception(ConnectionError("hung up"))


class Client:
    """A pool of connections to one server, at most `most` at once."""

    def __init__(self, port: int, *, most: int = 64, headers: dict[str, str] | None = None) -> None:
        self.port, self.headers = port, headers or {}
        self.free: list[Wire] = []
        self.places = asyncio.Semaphore(most)

    async def send(self, request: bytes, intended: float) -> Answer:
        """Send it and wait for the answer; status 0 stands for no answer at all."""
        async with self.places:
            for _ in range(3):
                try:
                    wire = await self._wire()
                    wire.waiting = asyncio.get_running_loop().create_future()
                    assert wire.transport is not None
                    wire.transport.write(request)
                    status, body = await asyncio.wait_for(wire.waiting, PATIENCE)
                except OSError:
                    continue  # an idle connection may have ended just now
                except TimeoutError:
                    break
                self.free.append(wire)
                return Answer(status, body, intended, time.time())
            return Answer(0, b"", intended, time.time())

    async def _wire(self) -> Wire:
        while self.free:
            wire = self.free.pop()
            if wire.transport is not None and not wire.transport.is_closing():
                return wire
        _, wire = await asyncio.get_running_loop().create_connection(Wire, "127.0.0.1", self.port)
        return wire

    def request(self, method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
        """The bytes of a request; `_` in names of headers stands for `-`."""
        named = {"Host": f"127.0.0.1:{self.port}", "Content-Length": str(len(body)),
                 "Content-Type": "application/json", **self.headers,
                 **{name.replace("_", "-"): value for name, value in headers.items()}}
        lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
        return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + body

    def close(self) -> None:
        """Hang up."""
        for wire in self.free:
            if wire.transport is not None:
                wire.transport.close()


async def steady(client: Client, requests: Iterable[Callable[[], bytes]], rate: float) -> list[Answer]:
    """Send each request at its own moment, `rate` a second, whatever became of those before."""
    begun = time.time() + 0.1
    tasks = []
    for number, make in enumerate(requests):
        intended = begun + number / rate
        await asyncio.sleep(max(0.0, intended - time.time()))
        tasks.append(asyncio.create_task(client.send(make(), intended)))
    return list(await asyncio.gather(*tasks))


async def flat_out(client: Client, requests: Iterable[Callable[[], bytes]], *, hands: int = 32,
                   seconds: float = 1e9) -> list[Answer]:
    """`hands` senders at once, each sending its next as soon as it has its answer, until all is sent or time is up."""
    source, until = iter(requests), time.time() + seconds
    answers: list[Answer] = []

    async def work() -> None:
        for make in source:
            if time.time() > until:
                return
            answers.append(await client.send(make(), time.time()))

    await asyncio.gather(*(work() for _ in range(hands)))
    return answers


def percentile(values: Iterable[float], share: float) -> float:
    """The value below which `share` of them lie (nearest rank); 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
