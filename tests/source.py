"""Reads the project's own source: files, imports, functions and their sizes, for the architecture tests."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMPOUND = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.Match, ast.AsyncFor, ast.AsyncWith)
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Import:
    """One imported module at a line; `late` when it stands inside a function."""

    path: str
    line: int
    module: str
    late: bool

    def __str__(self) -> str:
        return f"{self.path}:{self.line} imports {self.module}"


def files(*folders: str, pattern: str = "*.py") -> list[str]:
    """The paths of all files below the folders, relative to the project."""
    return sorted(str(path.relative_to(ROOT)) for folder in folders for path in (ROOT / folder).rglob(pattern))


@cache
def text(path: str) -> str:
    """What a file holds."""
    return (ROOT / path).read_text()


@cache
def tree(path: str) -> ast.Module:
    """A file's syntax tree."""
    return ast.parse(text(path), path)


@cache
def imports(path: str) -> list[Import]:
    """Every module that a file imports; `from app.x import y` is `app.x.y` where that is a file."""
    late = {id(node) for _, function in functions(path) for node in ast.walk(function)}
    return [Import(path, node.lineno, module, id(node) in late) for node in ast.walk(tree(path))  # type: ignore[attr-defined]
            for module in _modules(node)]


def _modules(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [name.name for name in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    base = "." * node.level + (node.module or "")
    return sorted({_deepest(base, name.name) for name in node.names})


def _deepest(base: str, name: str) -> str:
    folder = ROOT / base.replace(".", "/") / name
    return f"{base}.{name}" if folder.is_dir() or folder.with_suffix(".py").exists() else base


@cache
def functions(path: str) -> list[tuple[str, Function]]:
    """Every function of a file with its full name, `Class.method`."""
    return list(_functions(tree(path), ""))


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, Function]]:
    for child in ast.iter_child_nodes(node):
        name = f"{prefix}{getattr(child, 'name', '')}"
        if isinstance(child, Function):
            yield name, child
        inside = isinstance(child, (ast.ClassDef, *Function.__args__))
        yield from _functions(child, f"{name}." if inside else prefix)


def length(function: Function) -> int:
    """Lines of a function, its decorators not counted."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def positional(function: Function) -> int:
    """Parameters that a caller may give by position, `self` not counted."""
    names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    return len([name for name in names if name not in ("self", "cls")])


def nesting(node: ast.AST, depth: int = 0) -> int:
    """How deep blocks stand in blocks; `elif` goes no deeper than its `if`, inner functions begin anew."""
    deepest = depth
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.ClassDef, *Function.__args__)):
            continue
        alternative = isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
        deeper = isinstance(child, COMPOUND) and not alternative
        deepest = max(deepest, nesting(child, depth + deeper))
    return deepest


def calls(path: str) -> Iterator[tuple[int, str, str]]:
    """Line, owner and name of every call in a file: `session.commit()` is (7, "session", "commit")."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            target = node.func
            if isinstance(target, ast.Attribute):
                yield node.lineno, ast.unparse(target.value), target.attr
            elif isinstance(target, ast.Name):
                yield node.lineno, "", target.id
