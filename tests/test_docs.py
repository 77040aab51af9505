"""The manual is true: its commands run, its documents apply, its links lead somewhere, its lists are complete."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator

import pytest
import yaml

from app import cli
from app.core import reference
from app.core.plugins import load
from app.core.settings import SETTINGS
from tests.journeys.system import ROOT
from tests.manual import Page, World, pages
from tests.servers import eventually
from tests.test_architecture import nothing

PAGES = pages()
COMMANDS = {name for names in cli.COMMANDS.values() for name in names}
TARGETS = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
each_page = pytest.mark.parametrize("page", PAGES, ids=str)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """A running system with the organisation of the configuration document."""
    made = World()
    yield made
    made.stop()


def problems(world: World) -> dict[str, str]:
    """The state of each incident by its title."""
    return {one["title"]: one["status"] for one in world.system.get("/incidents?limit=200")["items"]}


@pytest.mark.parametrize("page", [page for page in PAGES if page.blocks("sh")], ids=str)
def test_every_command_of_a_page_succeeds(world: World, page: Page):
    """QUAL-32: of README and docs; how long a newcomer takes is measured by nobody."""
    world.play(str(page))


def test_the_example_document_applies_once_and_is_the_same_after_an_export(world: World):
    said = world.play("docs/configuration-document.md")
    assert "created service checkout" in said
    assert said.count("nothing to change") == 1 and '"changes": []' in said


def test_the_senders_of_the_readme_open_and_resolve_incidents(world: World):
    world.play("README.md")
    eventually(lambda: problems(world).get("Disk is full") == "resolved", what="the resolved incident")
    eventually(lambda: problems(world).get("Checkout is slow"), what="the incident of the Events sender")


def test_the_first_hour_ends_with_a_page_in_a_mailbox(world: World):
    world.play("docs/first-hour.md")
    eventually(lambda: any("Checkout is down" in mail.subject for name in ("ana", "bob")
                           for mail in world.system.mail.to(f"{name}@example.com")), what="the mail")


def test_the_calls_of_the_api_page_take_an_incident_from_open_to_resolved(world: World):
    said = world.play("docs/api.md")
    assert problems(world)["Payments are slow"] == "resolved"
    assert '"incident.note_added"' in said


def test_a_backup_made_as_told_is_whole(world: World):
    assert world.play("docs/operate.md").count(", verified\n") == 2
    assert (world.folder / "backup-keys" / "encryption_keys").exists()


@each_page
def test_no_link_is_dead(page: Page):
    """QUAL-33: neither to a page nor to a heading of it."""
    for link in page.links:
        name, _, anchor = link.partition("#")
        target = (page.path.parent / name).resolve() if name else page.path
        assert target.exists(), f"{page}: {link}"
        assert not anchor or anchor in Page(target).anchors, f"{page}: {link}"


@each_page
def test_every_command_that_a_page_names_exists(page: Page):
    told = "\n".join(page.commands) + "\n" + "\n".join(re.findall(r"`([^`\n]+)`", page.text))
    nothing(f"{page}: oncall {word}" for word in re.findall(r"(?<![\w./-])oncall ([a-z-]+)\b(?!/)", told)
            if not word.startswith("-") and word not in COMMANDS | {"env"})
    nothing(f"{page}: make {word}" for word in re.findall(r"\bmake ([a-z-]+)\b", told) if word not in TARGETS)
    nothing(f"{page}: {path}" for path in re.findall(r"\bdeploy/[\w./*-]*[\w*]", told)
            if path != "deploy/.env" and not list(ROOT.glob(path)))


@each_page
def test_every_block_is_of_a_kind_that_is_checked_and_can_be_read(page: Page):
    for block in page.blocks():
        assert block.language in ("sh", "console", "text", "yaml", "json", "toml", "python"), block
        {"yaml": yaml.safe_load, "json": json.loads, "toml": tomllib.loads,
         "python": lambda text: compile(text, str(page), "exec")}.get(block.language, str)(block.text)


@each_page
def test_every_setting_that_a_page_writes_down_is_one(page: Page):
    known = known_settings()
    nothing(f"{page}: {name}" for block in page.blocks("toml") for name in tomllib.loads(block.text)
            if name not in known)


def known_settings() -> set[str]:
    """The names of all settings."""
    return {one.name for one in SETTINGS} | {name for name, _ in load(ROOT).settings} | {"ONCALL_INSTANCE"}


def test_the_lists_that_come_from_the_code_are_up_to_date():
    """QUAL-33: settings, and each channel and integration from its plugin's README."""
    stale = [name for name, text in reference.pages(load(ROOT)).items() if text != Page(ROOT / "docs" / name).text]
    assert stale == [], "run python -m app.core.reference"


def test_every_command_has_its_line_in_the_list_of_commands():
    told = Page(ROOT / "docs/install.md").text
    nothing(f"oncall {name} is not in docs/install.md" for name in COMMANDS if f"`oncall {name}" not in told)


def test_every_page_is_reached_from_the_readme():
    linked = {link.partition("#")[0] for link in Page(ROOT / "README.md").links}
    nothing(f"{page} is not linked" for page in PAGES if str(page).startswith("docs/") and str(page) not in linked)
