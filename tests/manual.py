"""The manual as its tests read it: pages, their blocks of code, headings and links; and a world to try it in."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.journeys.system import ROOT, System

BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
SECRETS = {name: f"{name.lower().replace('_', '-')}-0123456789"
           for name in ("ALERTMANAGER_TOKEN", "EVENTS_TOKEN", "WEBHOOK_TOKEN", "ANA_PASSWORD")} | {"ROOM_URL": "https://chat.example.com/room"}
# What a shell of the manual does by another name here: `make` only says what it would do, `curl` fails on refusals.
SHELL = f"""set -euo pipefail
make() {{ command make --dry-run --directory '{ROOT}' "$@" > /dev/null; }}
curl() {{ command curl --silent --show-error --fail-with-body "$@"; }}
"""


@dataclass(frozen=True)
class Block:
    """A block of code: its language, its text without indentation, the heading above it."""

    language: str
    text: str
    heading: str


@dataclass(frozen=True)
class Page:
    """A page of the manual."""

    path: Path

    def __str__(self) -> str:
        return str(self.path.relative_to(ROOT))

    @cached_property
    def text(self) -> str:
        """Its whole text."""
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def prose(self) -> str:
        """Its text without code."""
        return re.sub(r"`[^`\n]*`", "", BLOCK.sub("", self.text))

    def blocks(self, *languages: str) -> list[Block]:
        """Its blocks of code in these languages, or all."""
        return [block for block in self._blocks() if not languages or block.language in languages]

    def _blocks(self) -> Iterator[Block]:
        for found in BLOCK.finditer(self.text):
            indent, language, text = found.groups()
            headings = re.findall(r"^#+ (.*)$", BLOCK.sub("", self.text[:found.start()]), re.MULTILINE)
            yield Block(language, re.sub(f"^{indent}", "", text, flags=re.MULTILINE), headings[-1] if headings else "")

    @cached_property
    def anchors(self) -> set[str]:
        """The names of its headings in links."""
        headings = re.findall(r"^#+ (.*)$", BLOCK.sub("", self.text), re.MULTILINE)
        return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}

    @cached_property
    def links(self) -> list[str]:
        """Where its links and pictures lead, within the project."""
        found: list[str] = re.findall(r"\]\(([^)\s]+)\)", self.prose)
        return [link for link in found if not re.match(r"\w+:", link)]

    @cached_property
    def commands(self) -> list[str]:
        """Each command line of its shell blocks, executed here or meant for another machine."""
        told = [block.text for block in self.blocks("sh")]
        told += ["\n".join(re.findall(r"^\$ (.*)$", block.text, re.MULTILINE)) for block in self.blocks("console")]
        return [line for text in told for line in text.splitlines() if line.strip()]


def pages() -> list[Page]:
    """All pages."""
    names = ["README.md", "CHANGELOG.md", "instance/README.md"]
    return [Page(ROOT / name) for name in names] + [Page(path) for path in sorted((ROOT / "docs").glob("*.md"))]


class World:
    """A started system in which pages are played as their reader would, each once, after the configuration document."""

    def __init__(self) -> None:
        self.system = System()
        self.system.start()
        self.folder = Path(tempfile.mkdtemp(dir=self.system.folder))
        for name, target in (("instance", self.system.folder), ("deploy", ROOT / "deploy")):
            (self.folder / name).symlink_to(target)
        self.played: dict[str, str] = {}
        self.play("docs/configuration-document.md")
        token = self.system.oncall("token", "create", "--user", "ana@example.com").strip()
        self.system.http.headers["Authorization"] = f"Bearer {token}"

    def play(self, name: str) -> str:
        """Write the files of the page, run its commands in one shell, and return what they said."""
        if name not in self.played:
            page = Page(ROOT / name)
            self.write_files(page)
            self.played[name] = self.shell("\n".join(self.here(block) for block in page.blocks("sh")))
        return self.played[name]

    def write_files(self, page: Page) -> None:
        """Keep the documents that begin with their name."""
        for block in page.blocks("yaml"):
            if named := re.match(r"# ([\w.-]+\.yaml)\n", block.text):
                (self.folder / named[1]).write_text(block.text, encoding="utf-8")

    def here(self, block: Block) -> str:
        """The commands of a block with the addresses of this system."""
        token = "EVENTS_TOKEN" if block.heading.startswith("PagerDuty") else "WEBHOOK_TOKEN"
        text = block.text.replace("http://127.0.0.1:8000", self.system.url)
        return text.replace("https://oncall.example.com/in/TOKEN", f"{self.system.url}/in/${token}")

    def shell(self, script: str) -> str:
        """Run it as a reader beside the running system. AssertionError with what was said when a command fails."""
        path = f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(["bash", "-c", SHELL + script], cwd=self.folder, text=True, timeout=240, check=False,
                              env={**self.system.environment, **SECRETS, "PATH": path},
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == 0, f"{script}\n--- said:\n{done.stdout}"
        return done.stdout

    def stop(self) -> None:
        """End the system."""
        self.system.stop()
        self.system.http.close()
        self.system.mail.stop()
