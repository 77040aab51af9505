"""Everything on one machine: supervises web, worker, clock and the embedded Redis, and restarts what dies."""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
import sys
from pathlib import Path

from app.core import redis as redis_server

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
programs=web,worker,clock
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
    oncall = [sys.executable, str(Path(sys.argv[0]).resolve())]
    found = [("web", [*oncall, "web"], 1), ("worker", [*oncall, "worker"], int(config["WORKER_PROCESSES"])),
             ("clock", [*oncall, "clock"], 1)]
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
    text += GROUP
    path = run / "supervisor.conf"
    path.touch(mode=0o600)
    path.write_text(text)
    return path


def run(config: dict[str, str], root: Path) -> None:
    """Become the supervisor. Ctrl-C or SIGTERM stops every part together, in at most 8 seconds, then Redis."""
    os.environ["ONCALL_INSTANCE"] = config["ONCALL_INSTANCE"]
    path = written(config, root)
    sys.stdout.flush()
    make_output_openable()
    os.execv(sys.executable, [sys.executable, "-m", "supervisor.supervisord", "-c", str(path)])


def make_output_openable() -> None:
    """The supervisor opens its own output by name, which a socket (systemd's journal) refuses: a pipe is put before it."""
    if stat.S_ISSOCK(os.fstat(1).st_mode):
        relay = subprocess.Popen(["cat"], stdin=subprocess.PIPE, start_new_session=True)
        assert relay.stdin is not None
        os.dup2(relay.stdin.fileno(), 1)


def _escaped(text: str) -> str:
    return text.replace("%", "%%")
