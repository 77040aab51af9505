"""Where plugins come from: folders of this checkout and installed packages."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.machinery import ModuleSpec
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

ENTRY_POINTS = "oncall.plugins"
HOME = "oncall_plugins"


@dataclass
class Found:
    """A plugin that is there but not loaded; `load` imports it and may raise anything."""

    slug: str
    source: str
    version: str
    folder: Path
    load: Callable[[], ModuleType]


def bundled(root: Path) -> list[Found]:
    """The folders of `root`/plugins that hold a plugin.py, in the order of their names."""
    ours = _own_version()
    return [Found(path.parent.name, "bundled", ours, path.parent, partial(import_folder, path.parent))
            for path in sorted((root / "plugins").glob("*/plugin.py"))]


def packaged() -> list[Found]:
    """The entry points of installed packages, in the order of their names."""
    return [_from_package(entry) for entry in sorted(entry_points(group=ENTRY_POINTS), key=lambda entry: entry.name)]


def import_folder(folder: Path) -> ModuleType:
    """Import `folder`/plugin.py as oncall_plugins.<slug>.plugin, so that it may import its neighbours relatively."""
    name = f"{HOME}.{folder.name}"
    sys.modules.setdefault(HOME, _package(HOME, []))
    sys.modules[name] = _package(name, [str(folder)])
    spec = spec_from_file_location(f"{name}.plugin", folder / "plugin.py")
    if spec is None or spec.loader is None:
        raise ImportError(f"{folder} holds no plugin.py")
    for stale in [other for other in sys.modules if other.startswith(f"{name}.")]:
        del sys.modules[stale]
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _package(name: str, path: list[str]) -> ModuleType:
    spec = ModuleSpec(name, None, is_package=True)
    spec.submodule_search_locations = path
    return module_from_spec(spec)


def _from_package(entry: EntryPoint) -> Found:
    found = Found(entry.name, "package", entry.dist.version if entry.dist else "", Path(), entry.load)

    def load() -> ModuleType:
        module: ModuleType = entry.load()
        found.folder = Path(module.__file__ or "").resolve().parent
        return module

    found.load = load
    return found


def _own_version() -> str:
    try:
        return version("oncall-platform")
    except PackageNotFoundError:
        return ""
