"""Each numbered check of what was asked for is named by a test or a measurement; what is not, says here why."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from tests import source
from tests.test_architecture import nothing

# How many there are of each kind, numbered from 1.
CHECKS = {"CAT": 32, "ESC": 46, "HRD": 41, "IDN": 43, "ING": 46, "INS": 28, "IPG": 40, "MIG": 31, "NTF": 45, "PM": 31, "PTN": 29,
          "QUAL": 42, "RB": 30, "SCH": 41, "SRC": 37, "STAT": 34, "WF": 36}
ALL = {f"{kind}-{number:02}" for kind, most in CHECKS.items() for number in range(1, most + 1)}
ID = re.compile(rf"\b(?:{'|'.join(CHECKS)})-\d\d\b")
TEXTS = re.compile(r'"""(.*?)"""', re.DOTALL)

# What no test and no measurement names yet, and why.
WAITS = "its own test is being written beside what it is about"
NOT_YET: dict[str, str] = {
    **dict.fromkeys((
        "QUAL-01", "QUAL-02", "QUAL-03", "QUAL-04", "QUAL-06", "QUAL-07", "QUAL-12"), WAITS),
    "QUAL-29": "local and absolute time is tested, a tab that stays open over midnight or a change of the clocks is not",
    "QUAL-31": "all of this runs on one Debian with Python 3.11 as root; no other system and no other Python was tried",
    "QUAL-34": "errors are worded and tested one by one; no test walks all of them",
}


def named() -> Counter[str]:
    """The checks that stand in what tests and measurements say of themselves, and how often."""
    paths = source.files("tests", "bench")
    return Counter(check for path in paths for said in TEXTS.findall(source.text(path)) for check in ID.findall(said))


def test_every_check_is_named_or_says_why_not() -> None:
    """QUAL-41: this is the report; it is empty when all stand in the one or the other place."""
    nothing(f"{check} is named by no test" for check in sorted(ALL - named().keys() - NOT_YET.keys()))


def test_no_check_is_both_named_and_missing() -> None:
    """QUAL-41: what is named by now leaves the list."""
    nothing(f"{check} is named, and NOT_YET says: {NOT_YET[check]}" for check in sorted(named().keys() & NOT_YET.keys()))


def test_only_checks_are_named_that_exist() -> None:
    """QUAL-41: a number that was mistyped hides a check that is missing."""
    nothing(f"{check} is no check" for check in sorted((named().keys() | NOT_YET.keys()) - ALL))
    assert sum(CHECKS.values()) == len(ALL) == 632


@pytest.mark.parametrize("check", sorted(NOT_YET))
def test_a_reason_is_a_sentence(check: str) -> None:
    """QUAL-41: not a word."""
    assert len(NOT_YET[check].split()) > 4
