"""What the pages about edits say in words."""

from __future__ import annotations

import pytest

from app.oncall.edit_pages import handover_words


@pytest.mark.parametrize(("every", "unit", "words"), [
    (1, "week", "every Sunday at 09:00"), (2, "week", "every 2 weeks, on Sunday at 09:00"),
    (1, "hour", "every hour from 09:00 on"), (3, "month", "every 3 months, on day 5 at 09:00")])
def test_when_a_layer_hands_over_is_told_in_words(every, unit, words):
    told = handover_words({"every": every, "unit": unit}, "2026-07-05T09:00", "America/New_York")
    assert told == f"Hands over {words}, New York time"
    assert handover_words({"every": every, "unit": unit}, "soon", "UTC") == ""
