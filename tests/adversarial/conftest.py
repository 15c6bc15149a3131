"""An arena for each test, and a way to say what came of a case."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.adversarial.arena import Arena
from tests.adversarial.cases import CASES
from tests.adversarial.listener import Listener
from tests.adversarial.person import Person
from tests.adversarial.table import note


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


@pytest.fixture
def arena(tmp_path: Path, listener: Listener) -> Iterator[Arena]:
    arena = Arena(tmp_path.resolve(), listener)
    yield arena
    arena.end()


@pytest.fixture(params=["screen", "plain"])
def person(arena: Arena, request: pytest.FixtureRequest) -> Person:
    return Person(arena, plain=request.param == "plain")


@pytest.fixture
def seen() -> Callable[[str, str], None]:
    """``seen(id, words)`` says what was observed of a case, once all that it requires has been checked."""
    return lambda id, words: note(CASES[id], words)
