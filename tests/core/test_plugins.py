"""Plugins are found, checked and kept apart from each other."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.core.plugin_sources import packaged
from app.core.plugins import MisspeltHook, Registry, load
from app.plugin_api import EventView

GOOD = '''
from app.plugin_api import Setting, Signal, hookimpl
from .words import NAME
heard = []

class Way:
    slug, name, fields, can = "{slug}", NAME, (), frozenset()
    def verify(self, inbound, config): pass
    def normalize(self, inbound, config): return [Signal("key", "firing")]

@hookimpl
def integrations(): return [Way()]

@hookimpl
def settings(): return [Setting("API_URL", "https://example.com")]

@hookimpl
def on_event(event): heard.append(event.kind); {then}
'''


def plant(root: Path, slug: str, code: str) -> None:
    folder = root / "plugins" / slug
    (folder / "templates").mkdir(parents=True)
    (folder / "plugin.py").write_text(code)
    (folder / "words.py").write_text('NAME = "A good one"')
    (folder / "README.md").write_text("Copy {url}")
    (folder / "templates" / "card.html").write_text("card")


def good(root: Path, slug: str = "good-one", then: str = "pass") -> Registry:
    plant(root, slug, GOOD.format(slug=slug, then=then))
    return load(root)


def test_a_folder_put_into_plugins_is_found(tmp_path: Path) -> None:
    registry = good(tmp_path)
    assert list(registry.integrations) == ["good-one"]
    assert [name for name, _ in registry.settings] == ["GOOD_ONE_API_URL"]
    installed = next(entry for entry in registry.installed if entry.slug == "good-one")
    assert (installed.name, installed.source, installed.enabled) == ("A good one", "bundled", True)


def test_its_guide_icon_and_templates_are_at_hand(tmp_path: Path) -> None:
    registry = good(tmp_path)
    assert registry.readme("good-one") == "Copy {url}" and registry.icon("good-one") is None
    assert registry.template_loader().list_templates() == ["good-one/card.html"]


def test_a_misspelt_hook_stops_the_start_and_names_the_nearest(tmp_path: Path) -> None:
    """QUAL-36."""
    plant(tmp_path, "typo", "from app.plugin_api import hookimpl\n@hookimpl\ndef integratons(): return []")
    with pytest.raises(MisspeltHook, match="Plugin typo .*'integratons'.*'integrations'"):
        load(tmp_path)


@pytest.mark.parametrize(("code", "reason"), [
    ("import nowhere_to_be_found", "ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
    ("def (", "SyntaxError"),
    ("raise SystemExit(3)", "SystemExit: 3"),
    ("api_version = 99", "it is written for plugin API 99, this is plugin API 1"),
    ("from app.plugin_api import hookimpl\n@hookimpl\ndef settings(): return [1]", "TypeError: settings() returned 1"),
    ("from app.plugin_api import hookimpl\n@hookimpl\ndef channels(): raise OSError('no')", "OSError: no"),
    ("from app.plugin_api import hookimpl\n@hookimpl\ndef channels(wrong): return []", "wrong"),
])
def test_a_faulty_plugin_is_listed_and_the_others_work(tmp_path: Path, code: str, reason: str) -> None:
    """QUAL-36, QUAL-37: with the last line of its traceback; one for another plugin API with both versions."""
    plant(tmp_path, "faulty", code)
    registry = good(tmp_path)
    assert [broken.slug for broken in registry.broken] == ["faulty"]
    assert reason in registry.broken[0].reason
    assert list(registry.integrations) == ["good-one"]


def test_two_plugins_cannot_offer_the_same_way_in(tmp_path: Path) -> None:
    plant(tmp_path, "another", GOOD.format(slug="good-one", then="pass"))
    registry = good(tmp_path)
    assert registry.owner("integration", "good-one") == "another"
    assert "is offered by another already" in registry.broken[0].reason


def test_a_plugin_that_is_off_stays_known_but_hears_nothing(tmp_path: Path) -> None:
    registry = good(tmp_path, then="raise OSError('heard it')")
    event = EventView(1, "incident.opened", datetime.now(UTC), "user:1", "incident:1", {})
    assert [(slug, str(fault)) for slug, fault in registry.tell(event)] == [("good-one", "heard it")]
    registry.given_off = frozenset({"good-one"})
    assert registry.tell(event) == [] and not registry.is_on("integration", "good-one")
    assert registry.installed[0].enabled is False


def offered(registry: Registry, slug: str) -> tuple[object, ...]:
    """All that a plugin brings."""
    return (list(registry.integrations), [name for name, _ in registry.settings], registry.readme(slug), list(registry.listeners),
            registry.template_loader().list_templates(), [(one.slug, one.name) for one in registry.installed])


def test_an_installed_package_brings_a_plugin_that_is_like_one_in_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """QUAL-37: way in, settings, guide, templates and listener; the version is the package's."""
    in_folder, away = good(tmp_path / "own"), tmp_path / "packages"
    plant(away, "code", GOOD.format(slug="good-one", then="pass"))
    (away / "plugins" / "code").rename(away / "some_plugin_code")
    (away / "some_plugin_code" / "plugin.py").rename(away / "some_plugin_code" / "__init__.py")
    info = away / "some_plugin-2.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: some-plugin\nVersion: 2.5\n")
    (info / "entry_points.txt").write_text("[oncall.plugins]\ngood-one = some_plugin_code\n")
    monkeypatch.syspath_prepend(away)
    assert [found.slug for found in packaged()] == ["good-one"]
    packed = load(tmp_path / "nothing")
    assert (packed.installed[0].version, packed.installed[0].source) == ("2.5", "package")
    assert offered(packed, "good-one") == offered(in_folder, "good-one")
