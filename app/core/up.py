"""Everything on one machine: supervises web, worker, clock, the mail receiver and the embedded Redis, restarts what dies."""

from __future__ import annotations

import fcntl
import os
import shlex
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from app.core import prefork
from app.core import redis as redis_server
from app.core.errors import Conflict

LOCK, BACKLOG = 3, 2048  # the supervisor closes every file that it inherits from number 5 upwards

PART = """
[program:{name}]
command={command}
process_name={process}
numprocs={count}
directory={root}
autorestart=true
startsecs=1
startretries=1000000
stopsignal=TERM
stopwaitsecs=8
stopasgroup={as_group}
killasgroup=true
priority={priority}
stdout_logfile=/dev/fd/1
stdout_logfile_maxbytes=0
redirect_stderr=true
"""
# Groups are stopped one after the other, what is inside one together: all that works, then the Redis beneath it.
GROUP = """
[group:oncall]
programs={names}
"""
MAIN = """[supervisord]
nodaemon=true
silent=true
logfile={run}/supervisor.log
logfile_maxbytes=1MB
logfile_backups=1
loglevel=info
pidfile={run}/supervisor.pid
childlogdir={run}
minfds=4096
umask=077
"""


def parts(config: dict[str, str]) -> list[tuple[str, list[str], int]]:
    """Name, command line and number of processes of each part, in the order in which they start."""
    oncall = prefork.ours()
    found = [("web", [*oncall, "web"], 1), ("worker", [*oncall, "worker"], int(config["WORKER_PROCESSES"])),
             ("clock", [*oncall, "clock"], 1)]
    if config["MAIL_IN_PORT"]:
        found.append(("mail", [*oncall, "mail"], 1))
    if not config["REDIS_URL"]:
        found.insert(0, ("redis", redis_server.embedded_command(config["ONCALL_INSTANCE"]), 1))
    return found


def written(config: dict[str, str], root: Path) -> Path:
    """The supervisor's configuration file in instance/run, readable by the owner only."""
    run = Path(config["ONCALL_INSTANCE"]) / "run"
    run.mkdir(mode=0o700, exist_ok=True)
    text = MAIN.format(run=_escaped(str(run)))
    for priority, (name, command, count) in enumerate(parts(config), 1):
        text += PART.format(name=name, command=_escaped(shlex.join(command)), count=count, root=_escaped(str(root)),
                            process="%(program_name)s" if count == 1 else "%(program_name)s-%(process_num)d",
                            as_group="true" if name == "web" else "false", priority=priority)
    text += GROUP.format(names=",".join(name for name, _, _ in parts(config) if name != "redis"))
    path = run / "supervisor.conf"
    path.touch(mode=0o600)
    path.write_text(text)
    return path


def claim(config: dict[str, str]) -> int:
    """The lock of this instance, held until it is closed: a second supervisor would take the first one's Redis away.

    Raises Conflict when the instance runs already or its port is taken.
    """
    run = Path(config["ONCALL_INSTANCE"]) / "run"
    run.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(run / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _bound(config).close()
    except BlockingIOError:
        os.close(lock)
        raise Conflict(f"{config['ONCALL_INSTANCE']} is running already. Stop that one first, or set ONCALL_INSTANCE "
                       "to another folder.") from None
    except Conflict:
        os.close(lock)
        raise
    return lock


def _bound(config: dict[str, str]) -> socket.socket:
    """A socket at the address of HOST and PORT. Raises Conflict when there can be none."""
    host, port = config["HOST"], int(config["PORT"])
    try:
        family, kind, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        found = socket.socket(family, kind)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
        return found
    except OSError as fault:
        raise Conflict(f"Nothing can listen on {host} port {port}: {fault.strerror}. Set HOST and PORT to an address "
                       "of this machine that is free.") from None


def run(config: dict[str, str], root: Path, lock: int, *, main: Callable[[], None]) -> None:
    """Be the supervisor of parts that each call `main` with a command line.

    Ctrl-C or SIGTERM stops every part together, in at most 8 seconds, then Redis. The address is listened at from here on:
    whoever comes while the web process starts again waits for it, instead of being turned away or cut off.
    """
    os.environ["ONCALL_INSTANCE"] = config["ONCALL_INSTANCE"]
    path = written(config, root)
    sys.stdout.flush()
    make_output_openable()
    if lock != LOCK:
        os.dup2(lock, LOCK)
    os.set_inheritable(LOCK, True)
    door = _bound(config)
    door.listen(BACKLOG)
    if (number := door.detach()) != prefork.DOOR:
        os.dup2(number, prefork.DOOR, inheritable=False)
    prefork.supervise(path, main)


def make_output_openable() -> None:
    """The supervisor opens its own output by name, which a socket (journald) refuses: a pipe is put before it."""
    if stat.S_ISSOCK(os.fstat(1).st_mode):
        relay = subprocess.Popen(["cat"], stdin=subprocess.PIPE, start_new_session=True)
        assert relay.stdin is not None
        os.dup2(relay.stdin.fileno(), 1)


def _escaped(text: str) -> str:
    return text.replace("%", "%%")
