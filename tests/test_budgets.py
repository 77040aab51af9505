"""Sizes and form of every file: budgets, docstrings, annotations, and templates that keep the security policy."""

from __future__ import annotations

import ast
import re
from functools import cache

from tests import house_map as house
from tests import source
from tests.test_architecture import nothing

APP = source.files("app")
PLUGINS = source.files("plugins")
CODE = [*APP, *PLUGINS, *source.files("tests", "bench", "migrations")]
TEMPLATES = source.files("templates", "plugins", pattern="*.html")
PAGES = [path for path in TEMPLATES if not path.startswith(house.MAIL_TEMPLATES)]
INLINE = {
    "an inline script": re.compile(r"<script(?![^>]*\bsrc=)", re.IGNORECASE),
    "an inline style sheet": re.compile(r"<style\b", re.IGNORECASE),
    "a style attribute": re.compile(r"<[a-z][^>{]*\sstyle=", re.IGNORECASE),
    "an event attribute": re.compile(r"<[a-z][^>{]*\son[a-z]+=", re.IGNORECASE),
    "a javascript: address": re.compile(r"[\"']javascript:", re.IGNORECASE),
    "another site's script, style or image": re.compile(r"(?:src|<link[^>]*href)=[\"']?https?://", re.IGNORECASE),
}


def is_larger(path: str, name: str = "") -> bool:
    """Whether an exception is listed for the file or one of its functions."""
    return any(path.startswith(listed) for listed in house.LARGER if ":" not in listed) or (
        f"{path}:{name}" in house.LARGER)


def is_test(path: str) -> bool:
    """Whether the file holds tests."""
    return path.split("/")[-1].startswith("test_")


def lines(path: str) -> int:
    """How long a file is."""
    return len(source.text(path).splitlines())


@cache
def sized():
    """Path, name and function of all code without an exception."""
    return [(path, name, function) for path in CODE for name, function in source.functions(path)
            if not is_larger(path, name)]


def test_no_file_is_longer_than_its_budget():
    nothing(f"{path}: {lines(path)} lines" for path in CODE if lines(path) > house.FILE_LINES and not is_larger(path))


def test_no_template_is_longer_than_its_budget():
    nothing(f"{path}: {lines(path)} lines" for path in TEMPLATES
            if lines(path) > house.TEMPLATE_LINES and not is_larger(path))


def test_no_function_is_longer_than_its_budget():
    nothing(f"{path}:{name}: {source.length(function)} lines" for path, name, function in sized()
            if source.length(function) > house.FUNCTION_LINES)


def test_no_test_is_longer_than_its_budget():
    nothing(f"{path}:{name}: {source.length(function)} lines" for path, name, function in sized()
            if is_test(path) and name.startswith("test_") and source.length(function) > house.TEST_LINES)


def test_no_function_takes_many_parameters_by_position():
    nothing(f"{path}:{name}: {source.positional(function)} parameters" for path, name, function in sized()
            if source.positional(function) > house.POSITIONAL and not path.endswith(("commands.py", "conftest.py")) and not is_test(path))


def test_no_block_stands_in_too_many_blocks():
    nothing(f"{path}:{name}: {source.nesting(function)} deep" for path, name, function in sized()
            if source.nesting(function) > house.NESTING)


def test_every_module_opens_with_a_sentence():
    modules = [path for path in CODE if not path.startswith("migrations")]
    nothing(path for path in modules
            if not (ast.get_docstring(source.tree(path)) or "").split("\n\n")[0].endswith((".", "?", "`")))


def test_every_public_function_of_the_application_says_what_it_does():
    nothing(f"{path}:{name} has no docstring" for path in [*APP, *PLUGINS] if not is_test(path)
            for name, function in source.functions(path)
            if not ast.get_docstring(function) and is_public(path, name))


def is_public(path: str, name: str) -> bool:
    """Whether others may call it: no part is private, and it stands in no function."""
    outer = {found for found, _ in source.functions(path)}
    parts = name.split(".")
    within = any(".".join(parts[:end]) in outer for end in range(1, len(parts)))
    return not within and not any(part.startswith("_") for part in parts)


def test_every_function_of_the_application_is_annotated():
    nothing(f"{path}:{name}" for path in [*APP, *PLUGINS] if not is_test(path)
            for name, function in source.functions(path) if not is_annotated(function))


def is_annotated(function: source.Function) -> bool:
    """Whether every parameter but `self` and the answer have a type."""
    given = function.args
    named = [*given.posonlyargs, *given.args, *given.kwonlyargs, *filter(None, (given.vararg, given.kwarg))]
    return function.returns is not None and all(
        argument.annotation or argument.arg in ("self", "cls") for argument in named)


def test_no_template_holds_what_the_security_policy_forbids():
    nothing(f"{path}: {what}: {found.group(0)[:80]}" for path in PAGES for what, pattern in INLINE.items()
            for found in pattern.finditer(re.sub(r"{#.*?#}", "", source.text(path), flags=re.DOTALL)))
