"""What others wrote: pinned with its checksums, free to use and to pass on, and listed."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, metadata

import pytest
from packaging.markers import Marker

from tests.source import ROOT
from tests.test_architecture import nothing

FREE = re.compile(r"\b(MIT|BSD|0BSD|Apache|ISC|PSF|Python Software Foundation|MPL|Mozilla Public|LGPL|Lesser General|ZPL|Zope|"
                  r"Unlicense|HPND|PostgreSQL|CC0|Public Domain|BlueOak|Zlib|Repoze)\b", re.I)
NAMED_ELSEWHERE = {"axe-playwright-python": "MIT, in its LICENSE", "pagerduty": "MIT, in its repository"}
FILES = ("requirements.txt", "requirements-test.txt")


def pins(name: str) -> list[str]:
    """The lines of a list of packages, each whole."""
    return (ROOT / name).read_text().replace("\\\n", "").splitlines()


def packages(name: str) -> list[str]:
    """The packages of a list that are for this machine."""
    found = [re.match(r"([\w.-]+)(?:\[\S+\])?==\S+(?:\s*;\s*([^-]*(?:-(?!-)[^-]*)*))?", line) for line in pins(name)]
    return [one[1] for one in found if one is not None and (not one[2] or Marker(one[2].strip()).evaluate())]


def licence(package: str) -> str:
    """What it says of its licence, in whichever of the three places."""
    if package in NAMED_ELSEWHERE:
        return NAMED_ELSEWHERE[package]
    said = metadata(package)
    classifiers = [one.rpartition("::")[2].strip() for one in said.get_all("Classifier") or () if one.startswith("License ::")]
    return " / ".join(filter(None, [said.get("License-Expression"), *classifiers, (said.get("License") or "").partition("\n")[0][:80]]))


@pytest.mark.parametrize("name", FILES)
def test_every_package_is_pinned_with_its_checksums(name):
    """HRD-41"""
    lines = [line for line in pins(name) if line.strip() and not line.startswith(("#", "--"))]
    nothing(f"{line[:60]} is not pinned" for line in lines if not re.match(r"[\w.\-\[\],]+==[\w.+!]+(\s|$)", line))
    nothing(f"{line[:60]} has no checksum" for line in lines if "--hash=sha256:" not in line)
    assert len(lines) > 30


@pytest.mark.parametrize("name", FILES)
def test_every_package_may_be_used_and_passed_on_freely(name):
    """HRD-41, QUAL-42: the list is made from what is installed; one whose licence is unknown fails here."""
    said = {}
    for package in packages(name):
        try:
            said[package] = licence(package)
        except PackageNotFoundError:  # only what tests or another system need
            assert name != "requirements.txt", f"{package} is not installed"
    nothing(f"{package}: {words or 'no licence'}" for package, words in sorted(said.items()) if not FREE.search(words))
