"""Every provider, tested for everything: a provider or a cell that is missing is a failure."""

from __future__ import annotations

from importlib import import_module

import pytest

from akmon_models.registry import PROVIDERS
from tests.models.faults import FaultServer
from tests.models.matrix.bench import Bench
from tests.models.matrix.cells.names import CELLS, NAMES
from tests.models.matrix.table import TABLE, Row

for group in ("said", "written", "broken", "refused", "timed", "again", "sent"):
    import_module(f"tests.models.matrix.cells.{group}")


def test_every_provider_is_in_the_table() -> None:
    assert {row.provider for row in TABLE} == set(PROVIDERS) - {"scripted"}
    assert {row.format.origin for row in TABLE if row.provider == "openai"} == {"responses", "chat"}


def test_every_cell_has_a_test_and_every_exemption_a_reason() -> None:
    assert set(CELLS) == set(NAMES)
    for row in TABLE:
        assert set(row.format.exempt) <= set(NAMES)
        assert all(row.format.exempt.values())


@pytest.mark.parametrize("cell", NAMES)
@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_cell(row: Row, cell: str, server: FaultServer) -> None:
    if reason := row.format.exempt.get(cell):
        pytest.skip(reason)
    CELLS[cell](Bench(row, server))
