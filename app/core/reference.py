"""Writes the parts of docs/ that the code knows better: `python -m app.core.reference` after a change."""

from __future__ import annotations

import dataclasses
import inspect
import re
from pathlib import Path
from typing import Any, get_args

from app import plugin_api
from app.core.jobs import function
from app.core.plugins import Registry, load
from app.core.reading import addressed
from app.core.settings import SETTINGS, Setting

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = "https://oncall.example.com/in/TOKEN"
BEGIN = "<!-- {name}: written by `python -m app.core.reference` -->"
END = "<!-- end of {name} -->"


def settings_table(registry: Registry) -> str:
    """Every setting of the application and of the plugins, one row each."""
    own = [Setting(name, one.default, one.help, one.secret) for name, one in registry.settings]
    rows = [f"| `{one.name}` | {_default(one)} | {_cell(one.help)}{_range(one)}{' *(secret)*' if one.secret else ''} |"
            for one in (*SETTINGS, *own)]
    return "\n".join(["| setting | default | meaning |", "|---|---|---|", *rows])


def _default(setting: Setting) -> str:
    return f"`{setting.default}`" if setting.default else "–"


def _range(setting: Setting) -> str:
    return f" ({setting.between[0]} to {setting.between[1]})" if setting.between else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;") if "`" not in text else text.replace("|", "\\|")


def retention_table() -> str:
    """Everything that goes after a time, one row each."""
    kept = map(function, function("app.timetable.RETENTION"))  # type: ignore[call-overload]
    rows = [f"| {one.name} | {_days(one.days)} | {one.stays} |" for one in kept]
    return "\n".join(["| what | days | what stays |", "|---|---|---|", *rows])


def _days(days: int | str) -> str:
    setting = next((one for one in SETTINGS if one.name == days), None)
    return f"`{setting.name}`: {setting.default}{_range(setting)}" if setting else str(days)


def guides(registry: Registry) -> str:
    """The set-up guide of every plugin, under a list of them."""
    found = [(one.slug, registry.readme(one.slug)) for one in registry.installed if one.source == "bundled"]
    titles = [re.sub(r"^# ", "", text.partition("\n")[0]) for _, text in found]
    contents = [f"- [{title}](#{_anchor(title)}): {_roads(registry, slug)}"
                for title, (slug, _) in zip(titles, found, strict=True)]
    return "\n".join([*contents, "", "\n\n".join(_lowered(text) for _, text in found)])


def _roads(registry: Registry, slug: str) -> str:
    roads = {"integration": "alerts in", "channel": "messages out", "action": "actions of workflows",
             "calendar": "calendars kept in step", "target": "runbooks", "importer": "moving in"}
    return ", ".join(roads[kind] for kind in registry.kinds(slug))


def _lowered(text: str) -> str:
    """One guide within the page: its headings one deeper, its address an example."""
    parts = re.split(r"(^ *```.*?^ *```$)", text.strip(), flags=re.DOTALL | re.MULTILINE)
    parts[::2] = [re.sub(r"^#", "##", part, flags=re.MULTILINE) for part in parts[::2]]
    return addressed("".join(parts), ADDRESS)


def _anchor(title: str) -> str:
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def offered() -> str:
    """What plugins may import, one row each."""
    things = {name: getattr(plugin_api, name) for name in sorted(plugin_api.__all__, key=str.lower)}
    rows = [f"| `{name}{_arguments(thing)}` | {_cell(_meaning(thing))} |" for name, thing in things.items()]
    return "\n".join(["| name | is |", "|---|---|", *rows])


def _arguments(thing: Any) -> str:
    if dataclasses.is_dataclass(thing):
        return f"({', '.join(field.name for field in dataclasses.fields(thing))})"
    return f"({', '.join(inspect.signature(thing).parameters)})" if inspect.isfunction(thing) else ""


def _meaning(thing: Any) -> str:
    if get_args(thing):
        return " ".join(f"`{value}`" for value in get_args(thing))
    if not (inspect.isclass(thing) or inspect.isroutine(thing)):
        return f"`{thing}`" if isinstance(thing, int) else "marks a hook"
    return (inspect.getdoc(thing) or "").partition("\n\n")[0].replace("\n", " ")


def pages(registry: Registry) -> dict[str, str]:
    """The whole text that each page with generated parts should have, by its name in docs/."""
    parts = {"configuration.md": ("settings", settings_table(registry)), "operate.md": ("retention", retention_table()),
             "integrations.md": ("guides", guides(registry)), "plugins.md": ("names", offered())}
    return {page: _filled((ROOT / "docs" / page).read_text(encoding="utf-8"), *part) for page, part in parts.items()}


def _filled(page: str, name: str, text: str) -> str:
    """The page with `text` between the two marks of this name."""
    begin, end = BEGIN.format(name=name), END.format(name=name)
    before, found, rest = page.partition(begin)
    if not found or end not in rest:
        raise ValueError(f"the page has no place for {name}")
    return f"{before}{begin}\n{text}\n{end}{rest.partition(end)[2]}"


if __name__ == "__main__":
    for page, text in pages(load(ROOT)).items():
        (ROOT / "docs" / page).write_text(text, encoding="utf-8")
