"""The scan over signs, and the closer look at values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from akmon_index.codes import Codes, code_of
from akmon_index.store import Store, next_generation, set_meta
from akmon_index.vectors import add_vectors, nearest


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    scaled: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return scaled


def some(count: int, dimension: int = 384, seed: int = 1, groups: int = 0) -> NDArray[np.float32]:
    """Vectors of length 1; with ``groups``, around as many centres, as those of real texts are."""
    numbers = np.random.default_rng(seed)
    vectors = numbers.standard_normal((count, dimension), dtype=np.float32)
    if groups:
        centres = unit(np.random.default_rng(0).standard_normal((groups, dimension), dtype=np.float32))
        vectors = centres[numbers.integers(0, groups, count)] + vectors * np.float32(0.6 / dimension**0.5)
    return unit(vectors)


def put(store: Store, vectors: NDArray[np.float32], first: int = 0) -> None:
    with store.writing() as connection:
        set_meta(connection, "dimension", str(vectors.shape[1]))
        keys = [str(first + number).encode() for number in range(len(vectors))]
        assert add_vectors(connection, keys, vectors) == len(vectors)


def find(store: Store, vector: NDArray[np.float32], count: int = 10) -> list[int]:
    """Numbers of the nearest vectors, from 0 as they were put."""
    with store.reading() as connection:
        return [number - 1 for number, _ in nearest(store, connection, vector)][:count]


def test_the_ten_nearest_of_many_are_nearly_all_found() -> None:
    vectors = some(30_000, groups=60)
    queries = some(50, seed=2, groups=60)
    store = Store(None)
    put(store, vectors)
    exact = np.argsort(-(queries @ vectors.T), axis=1)[:, :10]
    shared = [len(set(find(store, query)) & set(row)) for query, row in zip(queries, exact, strict=True)]
    assert sum(shared) / (10 * len(queries)) >= 0.95


def test_scores_are_close_to_the_true_products() -> None:
    vectors = some(200, dimension=100)
    store = Store(None)
    put(store, vectors)
    with store.reading() as connection:
        found = nearest(store, connection, vectors[7])
    assert found[0][0] == 8
    assert len(found) == 200
    assert np.allclose(
        [score for _, score in found], [vectors[number - 1] @ vectors[7] for number, _ in found], atol=0.01
    )


def test_what_comes_later_is_added_to_what_is_in_memory() -> None:
    store = Store(None)
    vectors = some(300, dimension=65)
    put(store, vectors[:200])
    assert find(store, vectors[150], 1) == [150]
    codes = store.codes
    put(store, vectors[200:], first=200)
    assert find(store, vectors[250], 1) == [250]
    assert store.codes is codes
    assert codes
    assert len(codes) == 300


def test_vectors_that_another_process_has_dropped_are_no_longer_found(tmp_path: Path) -> None:
    reader, writer = Store(tmp_path / "i.sqlite"), Store(tmp_path / "i.sqlite")
    put(writer, some(5))
    assert len(find(reader, some(1)[0])) == 5
    with writer.writing() as connection:
        connection.execute("DELETE FROM vector WHERE id != 2")
        connection.execute("DELETE FROM code WHERE id != 2")
        next_generation(connection)
    assert find(reader, some(1)[0]) == [1]


def test_a_query_of_another_dimension_finds_nothing() -> None:
    store = Store(None)
    assert find(store, some(1)[0]) == []
    put(store, some(5, dimension=64))
    assert find(store, some(1)[0]) == []


def test_the_same_text_is_kept_once() -> None:
    store = Store(None)
    vectors = some(2)
    with store.writing() as connection:
        assert add_vectors(connection, [b"one", b"two"], vectors) == 2
        assert add_vectors(connection, [b"two", b"one"], vectors) == 0
        assert connection.execute("SELECT count(*) FROM code").fetchone() == (2,)


@given(
    signs=st.lists(st.integers(0, 2**64 - 1), max_size=40),
    query=st.integers(0, 2**64 - 1),
    count=st.integers(1, 12),
    allowed=st.none() | st.sets(st.integers(1, 40)),
)
def test_the_scan_gives_the_nearest_of_what_is_allowed(
    signs: list[int], query: int, count: int, allowed: set[int] | None
) -> None:
    codes = Codes(64)
    half = len(signs) // 2
    rows = [(number, sign.to_bytes(8, "little")) for number, sign in enumerate(signs, 1)]
    codes.extend(rows[:half])
    codes.extend(rows[half:])
    only = None if allowed is None else np.array(sorted(allowed), np.int64)
    found = codes.nearest(query.to_bytes(8, "little"), count, only).tolist()
    distances = {number: (sign ^ query).bit_count() for number, sign in enumerate(signs, 1)}
    meant = sorted(d for number, d in distances.items() if allowed is None or number in allowed)[:count]
    assert sorted(distances[number] for number in found) == meant
    assert len(set(found)) == len(found)
    assert allowed is None or set(found) <= allowed


def test_more_than_a_block_is_scanned_whole() -> None:
    codes = Codes(64)
    rows = [(number, (number % 251).to_bytes(8, "little")) for number in range(1, 140_001)]
    for at in range(0, len(rows), 50_000):
        codes.extend(rows[at : at + 50_000])
    codes.extend([(200_000, (2**64 - 1).to_bytes(8, "little"))])
    assert len(codes) == 140_001
    assert codes.last == 200_000
    assert codes.nearest((2**64 - 1).to_bytes(8, "little"), 1).tolist() == [200_000]
    of_zero = codes.nearest(bytes(8), 557)
    assert {int(number) % 251 for number in of_zero} == {0}


def test_codes_are_filled_up_to_whole_words() -> None:
    assert code_of(np.array([[1.0, -1.0, 0.5]], np.float32)) == [b"\xa0" + bytes(7)]
