"""The parts of a system begin as copies of their supervisor: the program is loaded once, and all share what is in memory."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any, NoReturn

from setproctitle import setproctitle
from supervisor.loggers import Handler
from supervisor.medusa.asyncore_25 import ExitNow
from supervisor.options import ServerOptions
from supervisor.states import SupervisorStates
from supervisor.supervisord import Supervisor

import app
from app.core import plugins, serve

DOOR = 4  # the socket at which the web process listens; each part begins with it, and the others close it
SIGNALS = (signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP, signal.SIGCHLD, signal.SIGUSR2)  # what the supervisor hears itself
ENDING = (signal.SIGTERM, signal.SIGINT)
LATER = "app.identity.scim_"  # loaded by the first directory that calls: half a second, and few have one


def lose(_handler: Handler) -> None:
    """A line of a log that can't be written, since the disk is full or nobody reads it, is lost: supervisor's own way is to
    say so on standard error, where the same fault would end it."""


Handler.handleError = lose


class Options(ServerOptions):  # type: ignore[misc]
    """Supervisor's own, but a command of ours becomes that part instead of starting Python anew."""

    def __init__(self, main: Callable[[], None]) -> None:
        super().__init__()
        self._main = main

    def close_fd(self, fd: int) -> None:
        """In the child: whatever it inherited, but not the door."""
        if fd != DOOR:
            super().close_fd(fd)

    def execve(self, filename: str, argv: list[str], env: dict[str, str]) -> NoReturn:
        """In the child, its files and group set up: be what it is to be. Never returns."""
        if argv[:2] == ours():
            for number in SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            os.environ.clear()
            os.environ.update(env)
            sys.argv = argv[1:]
            if argv[2] == "web":
                serve.listen_at(DOOR)
            else:
                super().close_fd(DOOR)
            setproctitle(" ".join(argv))
            end(self._main)
        os.execve(filename, argv, env)


def ours() -> list[str]:
    """How each command of ours begins."""
    return [sys.executable, str(Path(sys.argv[0]).resolve())]


def preload(root: Path) -> None:
    """Load the application but for `LATER`, and its plugins. That begins nothing: no thread, no connection, no open file."""
    gc.disable()  # what is loaded stays: to look through it again and again while it grows takes a fifth of the time
    for module in walk_packages(app.__path__, "app."):
        if not module.name.startswith(LATER):
            import_module(module.name)
    plugins.load(root)
    gc.enable()
    gc.collect()
    gc.freeze()  # a collection that marked what was loaded would copy it into each process


def apart(work: Callable[[], Any]) -> int:
    """Do `work` in a copy of this process, so that nothing it opened or started is left here; its exit status.

    SIGTERM and Ctrl-C end the copy at once, wherever it is, and then this process, too.
    """
    sys.stdout.flush()
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    if not (pid := os.fork()):
        for number in ENDING:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
        end(work)
    told: list[int] = []

    def pass_on(number: int, _frame: object) -> None:
        told.append(number)
        os.kill(pid, signal.SIGTERM)
    former = {number: signal.signal(number, pass_on) for number in ENDING}
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    for number, handler in former.items():
        signal.signal(number, handler)
    if told:
        sys.exit(128 + told[0] if told[0] == signal.SIGINT else 0)
    return status


def end(work: Callable[[], Any]) -> NoReturn:
    """Do `work` and end the process, without a way back to what it is a copy of."""
    status: Any = 1
    try:
        status = work()
    except SystemExit as ending:
        status = ending.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status if isinstance(status, int) else 0 if status is None else 1)


def supervise(path: Path, main: Callable[[], None]) -> None:
    """Keep the parts of this configuration file running until told to stop; SIGHUP starts all of them again.

    `main` reads `sys.argv`, as at the start of a process.
    """
    again, first = True, True
    while again:
        options = Options(main)
        options.realize(["-c", str(path)])
        options.first, options.test = first, False
        try:
            Supervisor(options).main()
        except ExitNow:
            pass
        options.close_httpservers()
        options.close_logger()
        again, first = options.mood >= SupervisorStates.RESTARTING, False
