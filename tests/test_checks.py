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

# What no test and no measurement names yet, and what is not run.
NOT_YET: dict[str, str] = {
    "QUAL-03": "of what may run beside the ingest only figures are read meanwhile (bench.storm); no backup, retention, import or open pages",
    "QUAL-04": "bench.handing counts what 1, 2 and 4 workers hand over; deliveries that so many workers drain are counted by nobody",
    "QUAL-06": "nothing runs for 24 hours; bench.footprint weighs memory after 800 deliveries, and open files are not counted",
    "QUAL-29": "local and absolute time is tested, a tab that stays open over midnight or a change of the clocks is not",
    "QUAL-31": "all of this runs on one Debian with Python 3.11 as root; no other system and no other Python was tried",
    "QUAL-34": "errors are worded and tested one by one; no test walks all of them",
}

# What is named by a test or a measurement that shows much less than the check says, and what it does show.
PARTLY: dict[str, str] = {
    "CAT-15": "two edges against each other 200 times; no three that close a triangle",
    "ESC-01": "the fifty are threads of one process",
    "ESC-21": "60 acknowledgements a database in `make test`, 2,400 in `make soak`; workers and timer are threads of one process",
    "ESC-23": "three clocks as threads of one process, and killed processes in journeys; neither Redis nor database is away for minutes",
    "HRD-35": "every migration goes down and up, one time with rows; no two releases run side by side",
    "HRD-36": "one whole system is stopped again and again under load; two of each that take turns are not",
    "HRD-41": "pins, checksums and licences are tested; known faults of packages are looked for by `make audit`, which needs the network",
    "ING-15": "the fifty are threads of one process",
    "IPG-22": "fifty notes at a barrier, not a hundred actions of all kinds",
    "QUAL-01": "`make bench` measures each target once, on the machine it runs on, and fails for a figure that lost a fifth",
    "QUAL-05": "plans are read for the search of alerts, the inbox and what is read of one person, not for every page",
    "QUAL-07": "three viewers of two kinds of rights cost two renders; a thousand are only timed (bench.viewing)",
    "QUAL-12": "run twice: one standby on the same machine is promoted by hand; the last second is about two; no network is cut",
    "QUAL-13": "half of a doubled system is killed, on one machine instead of two",
    "QUAL-15": "a channel that trickles holds no thread; that ingest and other channels keep their targets meanwhile is not measured",
    "QUAL-17": "rounds are made by `make soak`; two migrations at once (HRD-34) are run once",
    "QUAL-27": "Chromium alone, at the width of a telephone and of a desk",
    "QUAL-32": "every command is executed; how long a newcomer takes is measured by nobody",
    "QUAL-40": "types and linter, and mutants in `make soak`; no program counts the lines that tests reach",
    "RB-21": "two threads of one process, 50 incidents one after the other, 200 in `make soak`",
    "SCH-12": "two threads of one process, a hundred times",
}


def named() -> Counter[str]:
    """The checks that stand in what tests and measurements say of themselves, and how often."""
    paths = source.files("tests", "bench")
    return Counter(check for path in paths for said in TEXTS.findall(source.text(path)) for check in ID.findall(said))


def test_every_check_is_named_or_says_why_not() -> None:
    """QUAL-41: what fails is missing; what is printed (`pytest -rP`) are those that wait and those that are shown in part."""
    for title, some in (("not yet", NOT_YET), ("in part", PARTLY)):
        print(f"{title}: {len(some)}", *(f"  {check}: {why}" for check, why in sorted(some.items())), sep="\n")
    nothing(f"{check} is named by no test" for check in sorted(ALL - named().keys() - NOT_YET.keys()))


def test_no_check_is_both_named_and_missing() -> None:
    """QUAL-41: what is named by now leaves the list."""
    nothing(f"{check} is named, and NOT_YET says: {NOT_YET[check]}" for check in sorted(named().keys() & NOT_YET.keys()))


def test_what_is_shown_in_part_is_named() -> None:
    """QUAL-41: and is not missing at the same time."""
    nothing(f"{check} is named by no test" for check in sorted(PARTLY.keys() - named().keys()))


def test_only_checks_are_named_that_exist() -> None:
    """QUAL-41: a number that was mistyped hides a check that is missing."""
    nothing(f"{check} is no check" for check in sorted((named().keys() | NOT_YET.keys() | PARTLY.keys()) - ALL))
    assert sum(CHECKS.values()) == len(ALL) == 632


@pytest.mark.parametrize("check", sorted(NOT_YET | PARTLY))
def test_a_reason_is_a_sentence(check: str) -> None:
    """QUAL-41: not a word."""
    assert len((NOT_YET | PARTLY)[check].split()) > 4
