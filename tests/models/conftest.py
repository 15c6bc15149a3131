"""One misbehaving server for all tests of this folder, and an environment that names no provider."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.models.faults import FaultServer, fault_server


@pytest.fixture(scope="session")
def server() -> Iterator[FaultServer]:
    with fault_server() as running:
        yield running


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("OPENAI_", "ANTHROPIC_", "AKMON_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
