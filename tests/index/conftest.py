"""A scratch project with an empty home for tests that run the whole program."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.program import Place


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    place = Place(tmp_path_factory.mktemp("place").resolve())
    yield place
    place.end()
