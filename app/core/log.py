"""Logs: one JSON object a line, with the request that caused it, without bodies, addresses, tokens or cookies."""

from __future__ import annotations

import logging
import re
import sys
import threading
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Any, TextIO
from uuid import uuid4

import structlog
from structlog.stdlib import ProcessorFormatter

MASK = "***"
# What nobody needs to read in a log: addresses of mail, phone numbers, credentials in headers, addresses and cookies, and
# whatever looks like one of our tokens.
HIDDEN = tuple((re.compile(pattern), to) for pattern, to in (
    (r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", MASK),
    (r"\+\d[\d ()/.-]{5,18}\d", MASK),
    (r"(?i)\b(bearer|basic|geniekey)\s+[\w.~+/=-]+", rf"\1 {MASK}"),
    (r"(/(?:in|heartbeat|tap|calendar|setup|join|prefs|hook)/)[\w.~-]{8,}", rf"\1{MASK}"),
    (r"(?i)\b((?:token|secret|password|api_?key|signature|cookie|oncall\w*)=)[^&\s;,'\"\\]+", rf"\1{MASK}"),
    (r"(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[A-Z])(?=[\w-]*[a-z])[\w-]{32,}", MASK)))

PLAIN = frozenset({"time", "level", "request_id", "method", "route", "actor"})  # written by ourselves, and by nobody else

_request: ContextVar[str] = ContextVar("request_id", default="")
render = structlog.processors.JSONRenderer()
Line = MutableMapping[str, Any]


def request_id() -> str:
    """The id of the request because of which all this happens; "" where none began it."""
    return _request.get()


def id_for(given: str, config: Mapping[str, Any]) -> str:
    """The id of a request: that which a trusted proxy has `given` it, else a new one."""
    trusted = int(config["TRUSTED_PROXIES"]) > 0 and re.fullmatch(r"[A-Za-z0-9-]{8,64}", given)
    return given if trusted else uuid4().hex


def begin_request(given: str) -> None:
    """From now on, in this thread of work, everything is because of this request."""
    _request.set(given)


@contextmanager
def because_of(given: str) -> Iterator[None]:
    """Inside, everything is because of this request; "" changes nothing."""
    token = _request.set(given or _request.get())
    try:
        yield
    finally:
        _request.reset(token)


def masked(text: str) -> str:
    """The text without what must not stand in a log."""
    for pattern, to in HIDDEN:
        text = pattern.sub(to, text)
    return text


def _because(_logger: Any, _name: str, line: Line) -> Line:
    if request := _request.get():
        line.setdefault("request_id", request)
    return line


def _without_secrets(_logger: Any, _name: str, line: Line) -> Line:
    return {name: value if name in PLAIN or isinstance(value, int | float | None) else masked(str(value))
            for name, value in line.items()}


SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars, _because, structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"), structlog.processors.format_exc_info]


def init_log(level: str, to: TextIO | None = None) -> None:
    """Configure logging once for this process, ours and that of every library; levels are those of the standard library."""
    out = to or sys.stderr
    structlog.configure(
        processors=[*SHARED, _without_secrets, render],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper(), logging.INFO)),
        logger_factory=structlog.WriteLoggerFactory(out), cache_logger_on_first_use=to is None)
    logging.getLogger("oncall").setLevel(level.upper())
    logging.basicConfig(level=logging.WARNING, handlers=[handler(out)])
    sys.excepthook = _crashed
    threading.excepthook = lambda fault: _crashed(fault.exc_type, fault.exc_value, fault.exc_traceback)


def handler(out: TextIO) -> logging.Handler:
    """What writes the lines of libraries, as JSON like ours."""
    found = logging.StreamHandler(out)
    found.setFormatter(ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_logger_name, *SHARED],
        processors=[ProcessorFormatter.remove_processors_meta, _without_secrets, render]))
    return found


def _crashed(kind: type[BaseException], fault: BaseException | None, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt | SystemExit):
        return
    structlog.get_logger().critical("process.failed", exc_info=(kind, fault, trace))
