"""The rules of the house, held against every file: imports, names, sizes and words. The data is in house_map.py."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator

import pytest

from app import cli
from tests import house_map as house
from tests import source

APP = source.files("app")
PLUGINS = source.files("plugins")
COMMANDS = {f"{module.replace('.', '/')}.py" for module in cli.COMMANDS}
OUTSIDE = {"app/__init__.py", "app/wiring.py", "app/navigation.py", "app/timetable.py", "app/belongings.py", "app/sealed.py",
           "app/personal.py",
           "app/cli.py", "app/hookspecs.py", "app/plugin_api.py"}


def nothing(breaches: Iterable[str]) -> None:
    """Fail with every breach by name."""
    found = sorted(set(breaches))
    assert not found, "\n" + "\n".join(found)


def place(path: str) -> tuple[str, str]:
    """Domain and file of a path or module: `app/oncall/rules.py` and `app.oncall.rules` are ("oncall", "rules")."""
    parts = path.removesuffix(".py").replace(".", "/").split("/")[1:]
    return parts[0] if parts else "", parts[1] if len(parts) > 1 else "__init__"


def rank(domain: str, name: str) -> float:
    """How high a file stands within a domain; the domain itself is everywhere."""
    extra = house.EXTRAS.get(f"{domain}/{name}")
    return extra.rank if extra else house.RANKS.get(name, -1)


def is_known(domain: str, name: str) -> bool:
    """Whether a file stands in the grid or is listed; others are named by a test of their own."""
    return domain == "core" or name in {*house.RANKS, "__init__"} or f"{domain}/{name}" in house.EXTRAS


def is_edge(path: str) -> bool:
    """Whether a file may touch the request."""
    domain, name = place(path)
    extra = house.EXTRAS.get(f"{domain}/{name}")
    if domain == "core":
        return name in house.CORE_EDGE
    return name in house.EDGE or bool(extra and extra.edge)


def in_domains() -> Iterator[source.Import]:
    """Every import of a domain's file from the application."""
    for path in APP:
        if path not in OUTSIDE and path not in house.FREE:
            yield from (found for found in source.imports(path) if found.module.startswith("app."))


def fault(found: source.Import) -> str:
    """Why an import goes up; "" when it goes down."""
    domain, name = place(found.path)
    if not is_known(domain, name) or found.module == "app.hookspecs" and found.path == "app/core/plugins.py":
        return ""
    if found.module.count(".") == 1 and f"{found.module.replace('.', '/')}.py" in OUTSIDE:
        return "" if found.path in COMMANDS or found.module == "app.plugin_api" else "nobody imports it"
    other, file = place(found.module)
    if domain != "core" and other == "core":
        return ""
    if house.DOMAINS.index(other) > house.DOMAINS.index(domain):
        return f"{other} stands above {domain}"
    if domain == "core" or file == "__init__":
        return ""
    return _file_fault((domain, name), (other, file))


def _file_fault(own: tuple[str, str], other: tuple[str, str]) -> str:
    if not is_known(*other):
        return ""
    extra = house.EXTRAS.get("/".join(other))
    if own[0] != other[0]:
        if not (other[1] in house.PUBLIC or (extra and extra.public)):
            return f"{other[1]} is {other[0]}'s own affair"
        return f"{other[1]} stands above {own[1]}" if rank(*other) > rank(*own) else ""
    return "" if rank(*other) < rank(*own) else f"{other[1]} does not stand below {own[1]}"


def test_every_folder_of_the_application_is_a_domain_in_the_order():
    nothing(domain for domain in {place(path)[0] for path in APP if path.count("/") > 1} - set(house.DOMAINS))


def test_every_import_goes_down_in_both_orders():
    """QUAL-39; with names of files and vendors below, rights, kinds and settings in test_wiring, tiers in core/test_limits."""
    nothing(f"{found}: {why}" for found in in_domains() if (why := fault(found)))


def test_every_file_of_a_domain_is_in_the_grid_or_listed_with_its_reason():
    nothing(f"{path}: give it a name of the grid, or list it in house_map.EXTRAS with its rank and reason"
            for path in APP if path.count("/") > 1 and not is_known(*place(path)))


def test_no_exception_outlives_its_file():
    listed = [*(f"app/{name}.py" for name in house.EXTRAS), *house.LATE_IMPORTS,
              *(name.partition(":")[0] for name in house.LARGER)]
    nothing(f"{path} is listed in house_map.py and does not exist" for path in listed
            if not (source.ROOT / path).exists())


def test_nothing_is_imported_inside_a_function_without_a_reason():
    nothing(str(found) for path in APP if path not in house.LATE_IMPORTS
            for found in source.imports(path) if found.late)


def test_only_the_edge_touches_the_request():
    names = {"flask": {"request", "session"}, "flask_login": {"current_user"}}
    for path in [path for path in APP if path not in OUTSIDE and not is_edge(path)]:
        taken = {(node.module, name.name) for node in ast.walk(source.tree(path))
                 if isinstance(node, ast.ImportFrom) for name in node.names}
        nothing(f"{path} imports {module}.{name}" for module, name in taken if name in names.get(module or "", ()))


def test_plugins_import_only_the_plugin_api_and_the_application_no_plugin():
    nothing(str(found) for path in PLUGINS if "/tests/" not in path for found in source.imports(path)
            if found.module.split(".")[0] == "app" and found.module != "app.plugin_api")
    nothing(str(found) for path in APP for found in source.imports(path) if found.module.split(".")[0] == "plugins")


def test_no_name_is_given_twice_in_one_file():
    """The second would silently take the place of the first; a setter belongs to its property."""
    for path in [*APP, *PLUGINS, *source.files("tests", "bench")]:
        given = Counter(name for name, function in source.functions(path) if not function.decorator_list)
        nothing(f"{path} defines {name} {often} times" for name, often in given.items() if often > 1)


@pytest.mark.parametrize("name", sorted(house.FORBIDDEN_NAMES))
def test_no_file_is_named_after_nothing(name):
    nothing(path for path in [*APP, *PLUGINS, *source.files("tests")] if f"/{name}.py" in path or f"/{name}/" in path)


def test_only_core_commits_enqueues_and_publishes():
    nothing(f"{path}:{line} calls {owner}.{name}()" for path in [*APP, *PLUGINS] if not path.startswith("app/core/")
            for line, owner, name in source.calls(path) if name in house.ONLY_IN_CORE and owner != "service")


def test_commands_and_queries_neither_open_nor_end_a_transaction():
    low = [path for path in APP if place(path)[1] in ("rules", "models", "queries", "service", "forms")]
    nothing(f"{path}:{line} calls {name}()" for path in low
            if not path.startswith("app/core/") and path not in house.OWN_TRANSACTION
            for line, _, name in source.calls(path) if name in ("rollback", "transaction"))


def test_no_vendor_is_named_in_the_application():
    plugins = {path.split("/")[1].split("_")[0] for path in PLUGINS} - house.ROADS
    vendor = re.compile(rf"(?<![a-z])({'|'.join(sorted(house.VENDORS | plugins))})(?![a-z])", re.IGNORECASE)
    nothing(f"{path}: {found.group(0)}" for path in APP if path not in house.MAY_NAME_VENDORS
            for found in vendor.finditer(source.text(path)))


def test_whatever_calls_out_by_http_does_so_at_one_place():
    """HRD-13: so the one table of addresses holds for subscribers, exports, sign-on and plugins as for those that are tried."""
    calls = re.compile(r"\bhttpx\.(Client|AsyncClient|get|post|put|patch|delete|request|stream)\b|\burlopen\b|\bhttp\.client\b"
                       r"|\burllib3\b|\bimport requests\b|\bcreate_connection\(|\bsocket\.socket\(")
    known = {"app/core/http.py", "app/core/outbound.py", "app/core/up.py"}  # the last asks whether its own port is free
    nothing(f"{path} calls out by itself" for path in [*APP, *PLUGINS]
            if path not in known and "/tests/" not in path and calls.search(source.text(path)))


def test_what_time_it_is_is_asked_at_one_place():
    """QUAL-20: so that tests can say. Beside it: the limiter, which counts in Redis by the machine's own clock, and backups."""
    asks = re.compile(r"datetime\.(now|utcnow|today)\(|date\.today\(")
    known = {"app/core/clock.py", "app/core/backup.py"}
    nothing(f"{path} asks the time by itself" for path in APP if path not in known and asks.search(source.text(path)))


def test_no_test_waits_for_time_to_pass():
    """QUAL-20: but where a real process or a real connection is waited for, which is in these files."""
    waiting = {"tests/servers.py", "tests/fakes.py", "tests/journeys/system.py", "tests/journeys/test_flood.py",
               "tests/browser/test_together.py", "tests/core/test_live_bursts.py", "tests/runbooks/test_killed.py"}
    sleeps = re.compile(r"(time|asyncio)\.sleep\(")
    nothing(f"{path} sleeps" for path in source.files("tests") if path not in waiting and sleeps.search(source.text(path)))
