"""Tables to download: no cell is computed by whoever opens it."""

import pytest

from app.core.sheets import inert
from tests import source
from tests.test_architecture import nothing


@pytest.mark.parametrize("cell", ["=1+1", "+49 30 1", "-2", "@here", "\tword", "\rword"])
def test_what_a_spreadsheet_would_compute_is_shown_as_it_is(cell):
    """INS-20."""
    assert inert(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "word", "1=1", 7, -7, None])
def test_anything_else_stays(cell):
    assert inert(cell) is cell


def test_whoever_writes_a_table_makes_its_cells_inert():
    """INS-20: also the next file that writes one."""
    nothing(path for path in source.files("app", "plugins")
            if "csv.writer(" in source.text(path) or "DictWriter(" in source.text(path)
            if "inert(" not in source.text(path) and "map(inert" not in source.text(path))
