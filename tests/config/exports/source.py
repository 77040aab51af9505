"""Another product's API over real HTTP: it answers what an export holds, is busy now and then, and is never written to."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Source:
    """Serves `export` below `prefix`: `of(path)` names the answer of a path. `asked` are the paths that were asked."""

    def __init__(self, export: dict[str, Any], of: Any) -> None:
        self.export, self.of = export, of
        self.asked: list[str] = []
        self.refuse: list[int] = []
        self.written: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._server.server_close()


def _handler(source: Source) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            source.asked.append(parts.path.strip("/"))
            found = source.of(source.export, parts.path.strip("/"), parse_qs(parts.query)) or {}
            status = source.refuse.pop(0) if source.refuse else found if isinstance(found, int) else 200
            body = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if status == 429:
                self.send_header("Retry-After", "0")
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            source.written.append(self.path)

        do_PUT = do_DELETE = do_PATCH = do_POST

        def log_message(self, format: str, *args: Any) -> None:
            pass
    return Handler
