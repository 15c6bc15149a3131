"""A scratch project with an empty home, by itself or filled and indexed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.program import Place
from tests.semantic.corpus import write
from tests.semantic.places import PATIENCE, built


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    place = Place(tmp_path_factory.mktemp("place").resolve(), PATIENCE)
    yield place
    place.end()


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The corpus, indexed with the model: to be searched and looked at, not changed."""
    place = Place(tmp_path_factory.mktemp("town").resolve(), PATIENCE)
    write(place.project)
    built(place)
    yield place
    place.end()
