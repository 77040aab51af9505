"""Stored secrets open only with the right key, in the right place."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.core import secrets

HERE = "integration:3/signing_secret"


@pytest.fixture(autouse=True)
def own_keys() -> Iterator[None]:
    kept = dict(secrets._keys)
    secrets.configure(secrets.new_key())
    yield
    secrets._keys.clear()
    secrets._keys.update(kept)


def test_a_sealed_text_opens_again_and_does_not_show_itself() -> None:
    sealed = secrets.seal("hunter2 für alle", bound_to=HERE)
    assert "hunter2" not in sealed
    assert secrets.open_(sealed, bound_to=HERE) == "hunter2 für alle"


def test_the_same_text_is_never_sealed_alike() -> None:
    assert secrets.seal("a", bound_to=HERE) != secrets.seal("a", bound_to=HERE)


def test_a_sealed_text_copied_to_another_row_does_not_open() -> None:
    sealed = secrets.seal("hunter2", bound_to=HERE)
    with pytest.raises(secrets.Unreadable):
        secrets.open_(sealed, bound_to="integration:4/signing_secret")


def test_an_altered_text_does_not_open() -> None:
    sealed = secrets.seal("hunter2", bound_to=HERE)
    middle = len(sealed) // 2  # every bit of it counts; the last letter of a base64 text has some that do not
    altered = sealed[:middle] + ("A" if sealed[middle] != "A" else "B") + sealed[middle + 1:]
    for wrong in (altered, sealed[:20], "", "nonsense", sealed.split(".")[0] + ".ü"):
        with pytest.raises(secrets.Unreadable):
            secrets.open_(wrong, bound_to=HERE)


def test_keys_rotate_without_losing_a_secret() -> None:
    first, second = secrets.new_key(), secrets.new_key()
    secrets.configure(first)
    old = secrets.seal("kept", bound_to=HERE)
    secrets.configure(f"{second},{first}")
    assert secrets.open_(old, bound_to=HERE) == "kept" and not secrets.is_current(old)
    new = secrets.seal(secrets.open_(old, bound_to=HERE), bound_to=HERE)
    secrets.configure([second])
    assert secrets.open_(new, bound_to=HERE) == "kept" and secrets.is_current(new)
    with pytest.raises(secrets.Unreadable, match=secrets.sealed_by(old)):
        secrets.open_(old, bound_to=HERE)


@pytest.mark.parametrize("keys", ["", "short", "ü" * 43, ","])
def test_what_is_no_key_is_refused(keys: str) -> None:
    with pytest.raises(ValueError):
        secrets.configure(keys)


def test_tokens_are_long_and_differ() -> None:
    one, other = secrets.new_token("oc_"), secrets.new_token("oc_")
    assert one != other and one.startswith("oc_") and len(one) == 46


def test_only_the_end_of_a_long_secret_is_shown() -> None:
    assert secrets.mask("0123456789abcdef") == "…cdef"
    assert secrets.mask("short") == "…"


def test_equal_texts_are_the_same_and_others_are_not() -> None:
    assert secrets.same("ä", "ä") and not secrets.same("a", "b") and not secrets.same("a", "\ud800")
    assert secrets.digest("a") == "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
