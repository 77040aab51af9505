"""The forms of a page as a browser without script sends them: only what stands there, and what a person types."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from tests import build

TYPED = {"email": "new@example.com", "url": "https://example.com/x", "number": "3", "date": "2031-01-05", "password": build.PASSWORD,
         "datetime-local": "2031-01-05T09:00", "time": "09:00"}


@dataclass
class Form:
    """A form as a browser would send it untouched, but for what must be filled in."""

    action: str
    values: dict[str, list[str]] = field(default_factory=dict)

    def press(self, browser: Any, **typed: str) -> Any:
        """Send it."""
        return browser.post(self.action, data={**self.values, **typed})


class _Reader(HTMLParser):
    """The forms of a page that change something."""

    def __init__(self, here: str) -> None:
        super().__init__()
        self.here, self.found, self.form, self.choice, self.area = here, list[Form](), None, "", ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        """A form begins, or a field of one."""
        said = dict(attrs)
        if tag == "form":
            self.form = Form(said.get("action") or self.here) if said.get("method") == "post" else None
            self.found += [self.form] if self.form else []
        elif self.form is not None and "disabled" not in said:
            name = said.get("name") or ""
            getattr(self, f"_{tag}", lambda *_: None)(name, said, self.form.values)

    def _button(self, name: str, said: dict[str, str], values: dict[str, list[str]]) -> None:
        if name not in ("", "preview") and name not in values and said.get("type", "submit") == "submit":
            values[name] = [said.get("value") or ""]

    def _input(self, name: str, said: dict[str, str], values: dict[str, list[str]]) -> None:
        kind = said.get("type", "text")
        if name and kind != "file" and ("checked" in said or kind not in ("checkbox", "radio")):
            values.setdefault(name, []).append(said.get("value") or (TYPED.get(kind, "some") if "required" in said else ""))

    def _textarea(self, name: str, said: dict[str, str], values: dict[str, list[str]]) -> None:
        self.area, values[name] = name, ["some words"]

    def _select(self, name: str, said: dict[str, str], values: dict[str, list[str]]) -> None:
        self.choice = name

    def _option(self, _: str, said: dict[str, str], values: dict[str, list[str]]) -> None:
        if self.choice and ("selected" in said or said.get("value") and self.choice not in values):
            values[self.choice] = [said.get("value") or ""]

    def handle_data(self, data: str) -> None:
        """What stands in a text already."""
        if self.area and self.form is not None and data.strip():
            self.form.values[self.area] = [data.strip()]

    def handle_endtag(self, tag: str) -> None:
        """A form ends, or a field of one."""
        self.form = None if tag == "form" else self.form
        self.choice, self.area = "" if tag == "select" else self.choice, "" if tag == "textarea" else self.area


def forms(here: str, text: str) -> list[Form]:
    """Those that change something, in their order."""
    reader = _Reader(here)
    reader.feed(text)
    return reader.found
