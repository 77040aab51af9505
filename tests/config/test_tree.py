"""Documents are read as people mean them, and hostile ones are refused quickly."""

from __future__ import annotations

import json
import resource
import time

import pytest

from app.config.tree import Unreadable, read


def test_words_that_older_yaml_would_twist_stay_as_they_were_written() -> None:
    value, _ = read(b"on: off\nat: 09:00\nday: 2026-01-05\nno: NO\n12: 0x1f\nempty:\nyes: true\nhalf: 0.5\nn: -3\n")
    assert value == {"on": "off", "at": "09:00", "day": "2026-01-05", "no": "NO", "12": "0x1f", "empty": None,
                     "yes": True, "half": 0.5, "n": -3}


def test_json_is_read_too_with_letters_beyond_sixteen_bits() -> None:
    said = {"name": "Feuerwehr 🚒 \\ud83d", "list": [1, None, True], "tab": "a\tb/"}
    assert read(json.dumps(said).encode())[0] == said


def test_every_value_knows_its_line_and_column() -> None:
    _, place = read(b"users:\n  - email: a\n    name:   Ana\n")
    spot = place.at(("users", 0, "name"))
    assert (spot.line, spot.column) == (3, 13)
    key = place.at(("users", 0, "name"), key=True)
    assert (key.line, key.column) == (3, 5)


def test_an_alias_repeats_what_its_anchor_says() -> None:
    assert read(b"a: &x [1, 2]\nb: *x\n")[0] == {"a": [1, 2], "b": [1, 2]}


@pytest.mark.parametrize(("text", "why", "line"), [
    (b"a: 1\na: 2\n", "stands here twice; first on line 1", 2),
    (b"a: !!python/object/apply:os.system [ls]\n", "tag", 1),
    (b"a: !!binary aGk=\n", "tag", 1),
    (b"a: &a [*a]\n", "stands for nothing that is complete", 1),
    (b"a: *b\n", "stands for nothing", 1),
    (b"a: 1\n---\nb: 2\n", "one document", 2),
    (b"? [a]\n: 1\n", "A key must be text", 1),
    (b"a: [1, 2\nb: 3\n", "expected", 2),
    (b"\xff\xfe\x00", "not UTF-8", 1),
    (b"[" * 100_000, "nested more than", 1),
    (b"a: 'x\0y'", "control characters", 1),
])
def test_what_is_no_plain_document_is_refused_with_its_line(text: bytes, why: str, line: int) -> None:
    """MIG-11: keys that stand twice, tags that make objects, aliases of themselves."""
    with pytest.raises(Unreadable, match=why) as refused:
        read(text)
    assert refused.value.line == line


def bomb() -> bytes:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    return "\n".join(lines).encode()


@pytest.mark.parametrize("text", [
    bomb(), b"x: '" + b"y" * 10_000_000 + b"'", b"x" * 11_000_000, b"a: &a " + b"y" * 1000 + b"\nb: [" + b"*a," * 9000 + b"]",
    b"{" * 1_000_000, b"- " * 1_000_000, b"&a " * 1_000_000])
def test_hostile_documents_are_refused_in_a_second_without_eating_memory(text: bytes) -> None:
    """MIG-11: of its own time, however busy the machine is."""
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises(Unreadable):
        read(text)
    assert time.process_time() - started < 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000
