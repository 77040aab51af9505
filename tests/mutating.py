"""Source in which one comparison is another: loaded in place of the file with `-p tests.mutating` and MUTANT=<path>:<number>."""

from __future__ import annotations

import ast
import importlib.abc
import importlib.machinery
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).parents[1]
INSTEAD: dict[type[ast.cmpop], ast.cmpop] = {
    ast.Lt: ast.LtE(), ast.LtE: ast.Lt(), ast.Gt: ast.GtE(), ast.GtE: ast.Gt(), ast.Eq: ast.NotEq(), ast.NotEq: ast.Eq(),
    ast.In: ast.NotIn(), ast.NotIn: ast.In(), ast.Is: ast.IsNot(), ast.IsNot: ast.Is()}


def comparisons(tree: ast.Module) -> list[tuple[ast.Compare, int]]:
    """Each operator of the source: where it stands, and which of a chain it is."""
    return [(node, at) for node in ast.walk(tree) if isinstance(node, ast.Compare) for at in range(len(node.ops))]


def mutant(path: str, number: int) -> tuple[str, str]:
    """The source of a file with another operator in this place, and what was done to it."""
    tree = ast.parse((ROOT / path).read_text())
    node, at = comparisons(tree)[number]
    before = ast.unparse(node)
    node.ops[at] = INSTEAD[type(node.ops[at])]
    return ast.unparse(tree), f"{path}:{node.lineno} {before} -> {ast.unparse(node)}"


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives the mutant where its module is asked for."""

    def __init__(self, path: str, number: int) -> None:
        self.name = path.removesuffix(".py").replace("/", ".")
        self.path, self.source = path, mutant(path, number)[0]

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> Any:
        """It is ours."""
        return importlib.machinery.ModuleSpec(name, self) if name == self.name else None

    def exec_module(self, module: ModuleType) -> None:
        """Run it."""
        module.__file__ = str(ROOT / self.path)
        exec(compile(self.source, self.path, "exec"), module.__dict__)


if asked := os.environ.get("MUTANT"):
    _path, _, _number = asked.rpartition(":")
    sys.meta_path.insert(0, Finder(_path, int(_number)))
