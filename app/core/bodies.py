"""What a form and an address may hold: so many fields, however they are written, and nothing that no database takes."""

from __future__ import annotations

import io
from typing import Any

import flask
from werkzeug.datastructures import ImmutableMultiDict, MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser
from werkzeug.routing import IntegerConverter, UnicodeConverter, ValidationError

from app.core.forms import DIGITS

NUL, INSTEAD = "\0", "\N{REPLACEMENT CHARACTER}"


class Name(UnicodeConverter):
    """A part of an address. Nothing has NUL in its name, so with one the address leads nowhere."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.regex = self.regex.replace("[^/]", r"[^/\x00]")


class Number(IntegerConverter):
    """A number in an address. What is more than any id leads nowhere."""

    def to_python(self, value: str) -> int:
        """The number."""
        if len(value) > DIGITS:
            raise ValidationError
        return int(super().to_python(value))


class Values(ImmutableMultiDict[str, Any]):
    """What an address or a form says, without NUL, which nobody can type and PostgreSQL can't store."""

    def __init__(self, mapping: Any = None) -> None:
        pairs = mapping.items(multi=True) if isinstance(mapping, MultiDict) else mapping or ()
        super().__init__([(name.replace(NUL, INSTEAD), value.replace(NUL, INSTEAD) if isinstance(value, str) else value)
                          for name, value in pairs])


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
    """A request whose forms have a limit, and whose texts can be stored."""

    form_data_parser_class = Fields
    parameter_storage_class = Values
