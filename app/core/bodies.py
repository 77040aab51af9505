"""How much a form may hold: so many fields, however it is written."""

from __future__ import annotations

import io
from typing import Any

import flask
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser


class Fields(FormDataParser):
    """Werkzeug counts the fields of forms in parts only."""

    def parse(self, stream: Any, mimetype: str, content_length: int | None, options: dict[str, str] | None = None) -> Any:
        """Fields and files of a form. Answers 413, before they are taken apart, when they are too many."""
        if mimetype == "application/x-www-form-urlencoded":
            body = stream.read()
            if self.max_form_parts is not None and body.count(b"&") >= self.max_form_parts:
                raise RequestEntityTooLarge(f"A form has at most {self.max_form_parts:,} fields.")
            stream = io.BytesIO(body)
        return super().parse(stream, mimetype, content_length, options)


class Request(flask.Request):
    """A request whose forms have a limit."""

    form_data_parser_class = Fields
