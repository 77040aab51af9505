"""The map of the house holds together: every path leads somewhere, every fact is worded, every view has its gate."""

from __future__ import annotations

import os
import re
import string
import subprocess
import sys
from importlib import import_module

import pytest
from flask import Flask

from app import timetable, wiring
from app.core.events import KINDS
from app.core.jobs import function
from app.core.settings import SETTINGS
from app.identity import rules
from tests import house_map as house
from tests import source
from tests.test_architecture import nothing

REFERENCE = source.ROOT / "docs" / "configuration.md"


def settings(app: Flask) -> dict[str, str]:
    """Every setting with its help, those of plugins included."""
    return {setting.name: setting.help for setting in SETTINGS} | {
        name: setting.help for name, setting in app.extensions["plugins"].settings}


def test_every_path_of_the_map_leads_to_a_function(app):
    paths = [row.reaction for row in wiring.SUBSCRIPTIONS] + [row.path for row in timetable.PERIODIC]
    paths += [*timetable.STARTUP, *(path for parts in wiring.PANELS.values() for path in parts.values())]
    assert all(callable(function(path)) for path in paths)


def test_every_table_is_known_without_the_doors():
    """What a backup writes, and a command sees, has all tables."""
    known = {f"{name.replace('.', '/')}.py" for name in wiring.MODELS}
    nothing(f"wiring.MODELS lacks {path}" for path in source.files("app") if "__tablename__" in source.text(path) and path not in known)


def test_every_subscription_hears_a_kind_that_exists(app):
    nothing(f"{row.reaction} listens to {row.pattern}, which nobody records" for row in wiring.SUBSCRIPTIONS
            if not any(row.pattern in (kind, "*") or re.fullmatch(row.pattern.replace("*", ".*"), kind) for kind in KINDS))


def test_every_kind_is_named_as_a_fact_and_worded_with_its_own_names(app):
    for name, kind in KINDS.items():
        assert re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", name), f"{name} is no noun.past_participle"
        used = {field.split(".")[0].split("[")[0] for _, field, _, _ in string.Formatter().parse(kind.sentence) if field}
        assert kind.sentence.strip(), f"{name} has no sentence"
        assert used <= {"actor", *kind.data}, f"{name} speaks of {used - {'actor', *kind.data}}, which it does not hold"


def test_every_setting_says_what_it_means(app):
    nothing(f"{name} has no help" for name, help in settings(app).items() if len(help.split()) < 2)


def test_every_setting_is_in_the_configuration_reference(app):
    if not REFERENCE.exists():
        pytest.skip("docs/configuration.md is not generated yet")
    nothing(f"{name} is not in docs/configuration.md" for name in settings(app) if f"`{name}`" not in REFERENCE.read_text())


def test_every_view_names_an_action_that_the_table_of_rights_knows(app):
    for rule in app.url_map.iter_rules():
        action = getattr(app.view_functions[rule.endpoint], "access", None)
        known = action in {*rules.TABLE, *house.OPEN_DOORS} or rule.endpoint in house.NO_GATE
        assert known, f"{rule} ({rule.endpoint}) has access {action!r}"


def test_every_feed_shows_blocks_that_its_template_has(app):
    for feed in (feed for module in wiring.FEEDS for feed in import_module(module).FEEDS):
        missing = set(feed.regions) - set(app.jinja_env.get_template(feed.template).blocks)
        assert not missing, f"{feed.template} has no block {missing}"


def test_no_region_takes_the_name_of_a_part_of_the_frame(app):
    taken = {"main", "live", "not-live"}
    for feed in (feed for module in wiring.FEEDS for feed in import_module(module).FEEDS):
        assert not taken & set(feed.regions), f"{feed.path} would replace a part of the frame"


def test_every_template_can_be_read(app):
    for name in app.jinja_env.list_templates(extensions=["html", "txt"]):
        app.jinja_env.get_template(name)


def test_a_worker_answers_no_requests_and_loads_nothing_that_only_pages_need(environment):
    loads = ("import sys; from app import create_app; app = create_app(doors=False);"
             "print([rule.endpoint for rule in app.url_map.iter_rules()], {'webauthn', 'authlib', 'jsonschema'} & set(sys.modules))")
    said = subprocess.run([sys.executable, "-c", loads], env=os.environ | environment(), capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "['static'] set()", said.stderr
