"""Templates that people write into requests: names and filters inside of `{{ }}`, nothing else. Never a program.

The text is read with Jinja's parser and worked out here, over mappings, lists and plain values alone: there is no
attribute to reach, nothing to call, no loop. Values are rendered inside the strings of a body that was parsed before,
so that no value can change its shape, and what a value holds is never read as a template.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, TemplateError, nodes

from app.core.forms import CONTROL
from app.core.masking import MASK, mask
from app.core.template_filters import FILTERS, Missing, text_of

__all__ = ["MASK", "MOST_TEXT", "MOST_VALUE", "Rendered", "faults", "mask", "names", "render", "render_header",
           "render_url"]

MOST_TEXT, MOST_VALUE = 32 * 1024, 256 * 1024
SECRET = "secret"
Path = tuple[str, ...]
Context = Mapping[str, Any]
# Comments are text like any other: their marks stand for nothing that anybody types.
_READER = Environment(keep_trailing_newline=True, comment_start_string="{#\0", comment_end_string="\0#}")  # noqa: S701


@dataclass(frozen=True)
class Rendered:
    """The value, and a sentence for each name that stood for nothing."""

    value: Any
    warnings: tuple[str, ...] = ()


@dataclass
class _Run:
    """One rendering: what the names stand for, what was missing, how much has been written."""

    context: Context
    warnings: list[str] = field(default_factory=list)
    size: int = 0

    def rendered(self, value: Any) -> Rendered:
        return Rendered(value, tuple(dict.fromkeys(self.warnings)))


def render(value: Any, context: Context) -> Rendered:
    """`value` with every template in its strings worked out; a string that is one single `{{ }}` keeps its type.

    A leaf that is missing is empty and gives a warning. Raises ValueError with a sentence for whatever can't be.
    """
    run = _Run(context)
    return run.rendered(_inside(value, run))


def render_url(text: str, context: Context) -> Rendered:
    """A web address: each value is percent-encoded for its place, but for a secret that the address begins with."""
    run, said = _Run(context), []
    for at, part in enumerate(_parts(text)):
        if isinstance(part, str):
            said.append(part)
            continue
        value = text_of(_worth(part, run))
        whole = at == 0 and _path(part)[:1] == (SECRET,)
        said.append(value if whole or value == MASK else quote(value, safe=""))
    return run.rendered(_counted("".join(said), run))


def render_header(text: str, context: Context) -> Rendered:
    """The value of a header. Raises ValueError when a line break or another control character would get into it."""
    run = _Run(context)
    said = "".join(part if isinstance(part, str) else text_of(_worth(part, run)) for part in _parts(text))
    if CONTROL.search(said) or "\n" in said or "\r" in said:
        raise ValueError("A header must not hold a line break or another control character")
    return run.rendered(_counted(said, run))


def names(value: Any) -> set[Path]:
    """Every name that the templates in `value` use: `{{ incident.title|upper }}` is ("incident", "title")."""
    return {path for _, text in _strings(value) for part in _parts(text) if not isinstance(part, str)
            for path in _paths(part)}


def faults(value: Any, roots: Collection[str]) -> Iterator[tuple[str, str]]:
    """What is wrong with the templates in `value`, as (place, sentence); names begin with one of `roots`."""
    for place, text in _strings(value):
        try:
            parts = [part for part in _parts(text) if not isinstance(part, str)]
        except ValueError as fault:
            yield place, str(fault)
            continue
        for path in sorted({path for part in parts for path in _paths(part)}):
            if path[0] not in roots:
                yield place, f"There is no {path[0]} here; names begin with {', '.join(sorted(roots))}"
            elif path[0] == SECRET and len(path) != 2:
                yield place, "Write a secret as secret.<name>"


def _inside(value: Any, run: _Run) -> Any:
    if isinstance(value, str):
        return _text(value, run)
    if isinstance(value, Mapping):
        return {key: _inside(item, run) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_inside(item, run) for item in value]
    return value


def _text(text: str, run: _Run) -> Any:
    parts = _parts(text)
    if len(parts) == 1 and not isinstance(parts[0], str):
        value = _worth(parts[0], run)
        _counted(text_of(value), run)
        return value
    return _counted("".join(part if isinstance(part, str) else text_of(_worth(part, run)) for part in parts), run)


def _counted(text: str, run: _Run) -> str:
    run.size += len(text)
    if run.size > MOST_VALUE:
        raise ValueError(f"What the templates give is longer than {MOST_VALUE // 1024} KiB")
    return text


def _strings(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Every string inside of `value` with its place; names of fields are no templates."""
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _strings(item, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list | tuple):
        for at, item in enumerate(value):
            yield from _strings(item, f"{place}[{at}]")


@lru_cache(maxsize=2048)
def _parts(text: str) -> tuple[str | nodes.Expr, ...]:
    """The text cut into what is said literally and what is worked out. Raises ValueError with a sentence."""
    if "{{" not in text and "{%" not in text:
        return (text,)
    if len(text) > MOST_TEXT:
        raise ValueError(f"A template has at most {MOST_TEXT // 1024} KiB")
    try:
        found = _READER.parse(text)
    except (TemplateError, RecursionError) as fault:
        said = getattr(fault, "message", None) or "it is nested too deep"
        raise ValueError(f"The template can't be read: {said}") from None
    parts: list[str | nodes.Expr] = []
    for output in found.body:
        if not isinstance(output, nodes.Output):
            raise ValueError("A template has names and filters in {{ }} only, no {% %}")
        parts += [part.data if isinstance(part, nodes.TemplateData) else _allowed(part) for part in output.nodes]
    return tuple(parts)


def _allowed(part: nodes.Expr) -> nodes.Expr:
    """The expression, when it is made of names, constants and filters only. Raises ValueError."""
    if isinstance(part, nodes.Filter) and isinstance(part.node, nodes.Expr):
        if part.name not in FILTERS:
            raise ValueError(f"There is no filter {part.name}; there are {', '.join(FILTERS)}")
        if part.kwargs or part.dyn_args or part.dyn_kwargs:
            raise ValueError(f"The filter {part.name} takes plain values only")
        for piece in (part.node, *part.args):
            _allowed(piece)
        if any(path[0] == SECRET for path in _paths(part.node)):
            raise ValueError("A secret takes no filter")
    elif isinstance(part, nodes.Getattr | nodes.Getitem | nodes.Name):
        _path(part)
    elif not isinstance(part, nodes.Const):
        raise ValueError("Only names with dots and filters can stand in {{ }}")
    return part


def _path(part: nodes.Node) -> Path:
    """`incident.labels["pod"]` as its steps; () for what is no name. Raises ValueError for a name that is computed."""
    if isinstance(part, nodes.Name):
        return (part.name,)
    if isinstance(part, nodes.Getattr):
        return (*_base(part.node), part.attr)
    if isinstance(part, nodes.Getitem):
        if not isinstance(part.arg, nodes.Const) or not isinstance(part.arg.value, str | int):
            raise ValueError("In [ ] stands a text or a number")
        return (*_base(part.node), str(part.arg.value))
    return ()


def _base(part: nodes.Node) -> Path:
    path = _path(part)
    if not path:
        raise ValueError("Only names with dots and filters can stand in {{ }}")
    return path


def _paths(part: nodes.Expr) -> Iterator[Path]:
    if isinstance(part, nodes.Filter):
        for piece in (part.node, *part.args):
            if isinstance(piece, nodes.Expr):
                yield from _paths(piece)
    elif path := _path(part):
        yield path


def _worth(part: nodes.Expr, run: _Run) -> Any:
    """The value of an expression; a missing leaf is "" and noted."""
    value = _value(part, run)
    if isinstance(value, Missing):
        run.warnings.append(f"{value.name} is empty")
        return ""
    return value


def _value(part: nodes.Node, run: _Run) -> Any:
    if isinstance(part, nodes.Const):
        return part.value
    if isinstance(part, nodes.Filter) and part.node is not None:
        value, more = _value(part.node, run), [_value(one, run) for one in part.args]
        if isinstance(value, Missing) and part.name != "default":
            return value
        return FILTERS[part.name](value, *_plain(part.name, more))
    path = _path(part)
    if path[0] not in run.context:
        raise ValueError(f"There is no {path[0]} here")
    value = run.context[path[0]]
    for step in path[1:]:
        value = _step(value, step)
    return Missing(".".join(path)) if value is None else value


def _plain(name: str, more: list[Any]) -> list[Any]:
    if len(more) > FILTERS[name].most or len(more) < FILTERS[name].least:
        raise ValueError(f"The filter {name} takes another number of values")
    return ["" if isinstance(one, Missing) else one for one in more]


def _step(value: Any, step: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(step)
    if isinstance(value, list | tuple) and step.lstrip("-").isdecimal() and len(step) < 10:
        return value[int(step)] if -len(value) <= int(step) < len(value) else None
    return None
