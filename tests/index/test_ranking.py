"""Fusion of rankings, filters, and places that are shown once."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from akmon_core.pathglobs import matches_path
from akmon_index.entries import add_file, forget_file, key_of
from akmon_index.ranking import fuse, glob_pattern, search
from akmon_index.store import Store, set_meta
from akmon_index.values import Chunk, ChunkKind, Filters, Hit
from akmon_index.vectors import add_vectors

EVERYWHERE = Filters()


def chunk(
    path: str,
    text: str,
    first: int = 1,
    last: int = 9,
    symbol: str = "",
    language: str = "python",
    kind: ChunkKind = "lines",
) -> Chunk:
    return Chunk(path=path, first=first, last=last, text=text, symbol=symbol, language=language, kind=kind)


def filled(*chunks: Chunk) -> Store:
    store = Store(None)
    files: dict[str, list[Chunk]] = {}
    for each in chunks:
        files.setdefault(each.path, []).append(each)
    with store.writing() as connection:
        for path, of_file in files.items():
            add_file(connection, path, (1, 2, 3), b"", b"", of_file)
    return store


def embed(store: Store, vectors: dict[Chunk, list[float]]) -> None:
    with store.writing() as connection:
        set_meta(connection, "dimension", str(len(next(iter(vectors.values())))))
        keys = [key_of(each) for each in vectors]
        add_vectors(connection, keys, np.array(list(vectors.values()), np.float32))


def toward(*values: float) -> NDArray[np.float32]:
    return np.array(values, np.float32)


def paths(hits: list[Hit]) -> list[str]:
    return [hit.path for hit in hits]


def test_words_in_the_symbol_and_the_path_count_more_than_in_the_text() -> None:
    store = filled(
        chunk("one.py", "open a socket, then close it and be done with it"),
        chunk("socket/two.py", "then close it and be done with it at once now"),
        chunk("three.py", "then close it and be done with it at once now", symbol="Server.socket"),
        chunk("four.py", "nothing of the kind"),
    )
    assert paths(search(store, "socket", EVERYWHERE, map_weight=0)) == ["three.py", "socket/two.py", "one.py"]


def test_what_both_have_found_comes_first_and_each_hit_says_what_found_it() -> None:
    words, both, meaning = (
        chunk("w.py", "parse header"),
        chunk("b.py", "parse title"),
        chunk("m.py", "read line"),
    )
    store = filled(words, both, meaning)
    embed(store, {both: [0.9, 0.4], meaning: [1, 0]})
    hits = search(store, "parse", EVERYWHERE, vector=toward(1, 0))
    assert paths(hits)[0] == "b.py"
    assert {hit.path: hit.by for hit in hits} == {
        "w.py": ("words",), "b.py": ("words", "meaning"), "m.py": ("meaning",),
    }  # fmt: skip
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert {hit.by for hit in search(store, "parse", EVERYWHERE)} == {("words",)}


def test_a_query_without_a_word_of_the_piece_finds_it_by_meaning() -> None:
    piece = chunk("m.py", "sign in")
    store = filled(piece)
    embed(store, {piece: [1, 0]})
    assert search(store, "authentication", EVERYWHERE) == []
    assert search(store, "?!", EVERYWHERE) == []
    assert paths(search(store, "authentication", EVERYWHERE, vector=toward(1, 0))) == ["m.py"]
    assert paths(search(store, "?!", EVERYWHERE, vector=toward(1, 0))) == ["m.py"]


def test_ten_hits_are_ten_places() -> None:
    overlapping = [chunk("long.py", f"common {n}", first=n * 5 + 1, last=n * 5 + 8) for n in range(40)]
    others = [chunk(f"f{n}.py", "common and more words than that of every kind") for n in range(12)]
    hits = search(filled(*overlapping, *others), "common", Filters(limit=25))
    assert len(hits) == 25
    lines = [(hit.path, line) for hit in hits for line in range(hit.first, hit.last + 1)]
    assert len(lines) == len(set(lines))


def test_the_better_of_a_class_and_its_method_is_shown() -> None:
    whole = chunk("a.py", "class of many things", first=1, last=90, symbol="Session")
    method = chunk("a.py", "def send", first=20, last=30, symbol="Session.send")
    assert [hit.symbol for hit in search(filled(whole, method), "send", EVERYWHERE)] == ["Session.send"]


def test_a_file_that_has_gone_gives_its_place_to_the_next() -> None:
    store = filled(*(chunk(f"f{number}.py", "common") for number in range(5)))
    hits = search(store, "common", Filters(limit=3), there=lambda path: path not in ("f0.py", "f2.py"))
    assert paths(hits) == ["f1.py", "f3.py", "f4.py"]
    with store.writing() as connection:
        forget_file(connection, 2)
    assert paths(search(store, "common", EVERYWHERE)) == ["f0.py", "f2.py", "f3.py", "f4.py"]


def test_a_vector_whose_text_has_gone_is_no_hit() -> None:
    first, second = chunk("a.py", "one"), chunk("b.py", "two")
    store = filled(first, second)
    embed(store, {first: [1, 0], second: [0.9, 0.1]})
    with store.writing() as connection:
        forget_file(connection, 1)
    assert paths(search(store, "zebra", EVERYWHERE, vector=toward(1, 0))) == ["b.py"]


def test_copies_share_a_vector_and_are_all_found() -> None:
    one, copy = chunk("a.py", "the same"), chunk("b/a.py", "the same")
    store = filled(one, copy)
    embed(store, {one: [1, 0]})
    assert store.counts().embedded == store.counts().texts == 1
    assert paths(search(store, "zebra", EVERYWHERE, vector=toward(1, 0))) == ["a.py", "b/a.py"]


def test_the_map_decides_between_what_is_about_as_good() -> None:
    store = filled(chunk("a.py", "common"), chunk("b.py", "common"), chunk("c.py", "common quicksort"))
    with store.writing() as connection:
        connection.execute("UPDATE file SET rank = 0.4 WHERE path != 'a.py'")
    assert paths(search(store, "quicksort common", EVERYWHERE, map_weight=0.3)) == ["c.py", "b.py", "a.py"]
    assert paths(search(store, "quicksort common", EVERYWHERE, map_weight=0)) == ["c.py", "a.py", "b.py"]


def test_a_class_takes_no_place_from_its_members_nor_they_from_it() -> None:
    outline = chunk(
        "a.py", "class Sorter: quicksort quicksort", first=1, last=40, symbol="Sorter", kind="class"
    )
    member = chunk(
        "a.py", "def sort(self): quicksort", first=10, last=20, symbol="Sorter.sort", kind="function"
    )
    hits = search(filled(outline, member), "quicksort", EVERYWHERE)
    assert {hit.symbol for hit in hits} == {"Sorter", "Sorter.sort"}


TESTS = (
    "tests/a.py",
    "pkg/tests/a/b.py",
    "test_a.py",
    "src/conftest.py",
    "test/a.js",
    "spec/a.rb",
    "a/src/test/java/X.java",
    "src/a.test.ts",
    "src/a.spec.tsx",
    "src/a_test.go",
    "src/WidgetTests.cs",
    "src/__tests__/a.js",
)
NO_TESTS = ("src/testing.py", "src/latest.py", "django/test/client.py", "contest/a.py", "src/attestation.go")


@pytest.mark.parametrize("path", TESTS)
def test_tests_come_behind_what_they_test_unless_they_are_asked_about(path: str) -> None:
    store = filled(chunk(path, "sorts quickly sorts quickly"), chunk("zz.py", "sorts quickly and more of it"))
    assert paths(search(store, "sorts quickly", EVERYWHERE)) == ["zz.py", path]
    assert paths(search(store, "tests that it sorts quickly", EVERYWHERE)) == [path, "zz.py"]


@pytest.mark.parametrize("path", NO_TESTS)
def test_what_only_sounds_like_a_test_does_not(path: str) -> None:
    store = filled(chunk(path, "sorts quickly sorts quickly"), chunk("zz.py", "sorts quickly and more of it"))
    assert paths(search(store, "sorts quickly", EVERYWHERE)) == [path, "zz.py"]


PLACES = ("src/a.py", "src/app/b.py", "src/app/c.js", "srcs/d.py", "src.py", "docs/[id].md", "docs/x/[id].md")


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("", PLACES),
        (".", PLACES),
        ("**", PLACES),
        ("src", PLACES[:3]),
        ("./src/", PLACES[:3]),
        ("src/a.py", ("src/a.py",)),
        ("src/app", ("src/app/b.py", "src/app/c.js")),
        ("app", ()),
        ("*.py", ("src/a.py", "src/app/b.py", "srcs/d.py", "src.py")),
        ("src/**/*.py", ("src/a.py", "src/app/b.py")),
        ("src/*", ("src/a.py",)),
        ("src*/**", PLACES[:4]),
        ("**/app/*", ("src/app/b.py", "src/app/c.js")),
        ("docs/[id].md", ("docs/[id].md",)),
        ("docs/**/[[]id].md", ("docs/[id].md", "docs/x/[id].md")),
        ("'; DROP TABLE file; --", ()),
    ],
)
def test_a_search_stays_in_a_folder_a_file_or_a_glob(path: str, found: tuple[str, ...]) -> None:
    chunks = {chunk(place, f"common {number}"): [1.0, number / 10] for number, place in enumerate(PLACES)}
    store = filled(*chunks)
    embed(store, chunks)
    filters = Filters(path=path, limit=50)
    expected = sorted(found)
    assert sorted(paths(search(store, "common", filters))) == expected
    assert sorted(paths(search(store, "zebra", filters, vector=toward(1, 0)))) == expected


def test_filters_come_before_the_limit() -> None:
    near = [
        chunk(f"near/{number}.js", f"common word {number}", language="javascript") for number in range(3000)
    ]
    far = chunk("far/a.py", "a common thing among many other things that are in it")
    store = filled(*near, far)
    embed(store, {**{each: [1, 0.001 * at] for at, each in enumerate(near)}, far: [-1, 0.5]})
    for filters in (
        Filters(path="far", limit=5),
        Filters(language="Python", limit=5),
        Filters(path="*.py", limit=5),
    ):
        assert paths(search(store, "common word", filters)) == ["far/a.py"]
        assert paths(search(store, "zebra", filters, vector=toward(1, 0))) == ["far/a.py"]
    assert search(store, "common", Filters(path="far", language="javascript"), vector=toward(1, 0)) == []


def test_words_that_are_everywhere_do_not_hide_the_rare_one() -> None:
    pieces = [Chunk(path="big.txt", first=n, last=n, text="common words") for n in range(1, 20_100)]
    others = [Chunk(path="other.txt", first=n, last=n, text="usual") for n in range(1, 20_100)]
    store = filled(*pieces, *others, chunk("z.py", "common words, and quicksort"))
    assert paths(search(store, "common quicksort", EVERYWHERE)) == ["z.py", *["big.txt"] * 9]
    assert len(search(store, "common words", EVERYWHERE)) == 10
    assert len(search(store, "common", Filters(path="z.py"))) == 1
    assert len(search(store, "common usual", EVERYWHERE)) == 10


def many(count: int) -> list[Chunk]:
    """Pieces in which a word ``wN`` is in every ``N``-th, in files of 50 and two languages."""
    return [
        Chunk(
            path=f"area{n // 50 % 4}/f{n // 50}.{('py', 'js')[n // 50 % 2]}",
            first=n * 10 + 1,
            last=n * 10 + 5,
            text=" ".join(f"w{step}" for step in (1, 2, 3, 5, 7, 11, 997) if n % step == 0) + " x" * (n % 13),
            language=("python", "javascript")[n // 50 % 2],
        )
        for n in range(count)
    ]


@pytest.fixture(scope="module")
def large() -> Store:
    return filled(*many(60_000))


def ranked(store: Store, query: str, count: int, where: str = "1") -> list[int]:
    """First lines of what an exhaustive ranking finds."""
    expression = " OR ".join(f'"{word}"' for word in query.split())
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT first FROM entry JOIN chunk ON chunk.id = entry.rowid JOIN file ON file.id = chunk.file "
            f"WHERE entry MATCH ? AND {where} ORDER BY bm25(entry, 2.0, 3.0, 1.0), entry.rowid LIMIT ?",
            (expression, count),
        )
        return [row[0] for row in rows]


@pytest.mark.parametrize("query", ["w997", "w11", "w11 w997", "w7 w11", "w997 w7 w11", "w5"])
def test_words_that_are_not_common_are_ranked_as_if_all_were_looked_at(large: Store, query: str) -> None:
    hits = search(large, query, Filters(limit=20), map_weight=0)
    assert [hit.first for hit in hits] == ranked(large, query, 20)
    hits = search(large, query, Filters(limit=20, language="python"), map_weight=0)
    assert [hit.first for hit in hits] == ranked(large, query, 20, "chunk.language = 'python'")
    hits = search(large, query, Filters(limit=20, path="area1"), map_weight=0)
    assert [hit.first for hit in hits] == ranked(large, query, 20, "file.path LIKE 'area1/%'")


def test_a_query_as_long_as_a_file_is_looked_for_by_its_first_words() -> None:
    store = filled(*many(100))
    asked: list[str] = []
    with store.reading() as connection:
        connection.set_trace_callback(asked.append)
    hits = search(store, f"w11 {' '.join(f'other{n}' for n in range(2_000))}", Filters(limit=5))
    assert [hit.first for hit in hits] == ranked(store, "w11", 5)
    assert len([one for one in asked if not one.startswith("--")]) < 200  # those are within others


@pytest.mark.parametrize("path", ["", "*.py", "area1"])
def test_pieces_of_a_small_project_are_all_looked_at_for_any_number_of_words(path: str) -> None:
    store = filled(*many(19_000))
    query = "w1 w2 w3 w5 w7 w11 w997"
    where = {"": "1", "*.py": "file.path LIKE '%.py'", "area1": "file.path LIKE 'area1/%'"}[path]
    hits = search(store, query, Filters(limit=20, path=path), map_weight=0)
    assert [hit.first for hit in hits] == ranked(store, query, 20, where)


@pytest.mark.parametrize(
    ("query", "path", "language"),
    [
        ("w1", "", ""),
        ("w1 w2", "", ""),
        ("w1 w2", "area1", ""),
        ("w1 w2 w3", "**/f7*", ""),
        ("w1 w2", "", "javascript"),
        ("w2 w1", "*.py", "python"),
        ("w1 nowhere", "area2/f2.py", ""),
    ],
)
def test_words_that_are_in_most_pieces_still_find_some_with_all_of_them(
    large: Store, query: str, path: str, language: str
) -> None:
    hits = search(large, query, Filters(path=path, language=language))
    assert len(hits) == 10
    wanted = set(query.split()) - {"nowhere"}
    assert all(wanted <= set(hit.text.split()) for hit in hits)
    assert all(language in ("", hit.language) for hit in hits)
    meant = glob_pattern({"": "**", "area1": "area1/**"}.get(path, path))
    assert all(re.fullmatch(meant, hit.path) for hit in hits)


def test_of_many_words_the_rarest_choose_and_all_of_them_rank(large: Store) -> None:
    hits = search(large, "w5 w7 w11", Filters(limit=50), map_weight=0)
    assert all("w7" in hit.text.split() or "w11" in hit.text.split() for hit in hits)
    assert all({"w5", "w7", "w11"} <= set(hit.text.split()) for hit in hits[:10])


def test_pieces_that_came_after_many_had_gone_are_found_like_others() -> None:
    store = filled(*many(25_000))
    with store.writing() as connection:  # as if a million pieces had come and gone
        connection.execute(
            "INSERT INTO chunk (id, file, first, last, symbol, kind, language, key, vector) "
            "VALUES (1000000, 0, 0, 0, '', '', '', x'00', 0)"
        )
        late = [chunk("late.py", f"w1 w2 late {n}", first=n * 10, last=n * 10) for n in range(30)]
        add_file(connection, "late.py", (1, 2, 3), b"", b"", late)
        connection.execute("DELETE FROM chunk WHERE id = 1000000")
    assert len(search(store, "w1", EVERYWHERE)) == 10
    assert len(search(store, "w1 w1", Filters(path="area1"))) == 10
    assert paths(search(store, "w1", Filters(path="late.py"))) == ["late.py"] * 10
    assert paths(search(store, "late", EVERYWHERE)) == ["late.py"] * 10
    with store.writing() as connection:
        forget_file(
            connection, connection.execute("SELECT id FROM file WHERE path = 'late.py'").fetchone()[0]
        )
    assert search(store, "late", EVERYWHERE) == []
    assert search(store, "w1", Filters(path="late.py")) == []


def test_a_filter_finds_by_meaning_what_is_far_from_the_query() -> None:
    near = {chunk(f"near/{n}.py", f"piece {n}"): [1, n / 20_000] for n in range(12_000)}
    far = {chunk(f"far/{n}.js", f"piece {n}", language="javascript"): [-1, n / 20_000] for n in range(11_000)}
    store = filled(*near, *far)
    embed(store, {**near, **far})
    for filters in (Filters(path="far"), Filters(path="*.js"), Filters(language="javascript")):
        hits = search(store, "zebra", filters, vector=toward(1, 0.5))
        assert len(hits) == 10
        assert all(path.startswith("far/") for path in paths(hits))
    assert set(paths(search(store, "zebra", Filters(path="near"), vector=toward(1, 0)))) <= {
        each.path for each in near
    }


orders = st.lists(st.lists(st.integers(0, 30), unique=True), min_size=1, max_size=4)


@given(orders)
def test_fused_scores_do_not_depend_on_the_order_of_the_lists(lists: list[list[int]]) -> None:
    one = fuse(lists)
    other = fuse(lists[::-1])
    assert one.keys() == other.keys() == {number for found in lists for number in found}
    assert all(one[number] == pytest.approx(other[number]) for number in one)


@given(orders)
def test_what_is_ahead_in_every_list_is_ahead_in_all(lists: list[list[int]]) -> None:
    scores = fuse(lists)
    for one in scores:
        for other in scores:
            ahead = [
                one in found and (other not in found or found.index(one) < found.index(other))
                for found in lists
            ]
            if one != other and all(ahead):
                assert scores[one] > scores[other]


@given(orders, st.integers(0, 30))
def test_being_found_once_more_never_lowers_a_score(lists: list[list[int]], number: int) -> None:
    assert fuse([*lists, [number]])[number] > fuse(lists).get(number, 0.0)


names = st.text("ab.[]-!*?", min_size=1, max_size=4).filter(lambda name: name not in (".", ".."))


@given(
    st.lists(names | st.just("**"), min_size=2, max_size=4),
    st.lists(st.text("ab.]-", min_size=1, max_size=3), max_size=4),
)
def test_globs_mean_what_they_mean_in_rules(pattern: list[str], path: list[str]) -> None:
    parts = [part for part in path if part not in (".", "..")]
    if not parts:
        return
    glob, name = "/".join(pattern), "/".join(parts)
    if pattern[-1] == "**" and matches_path("/".join(pattern[:-1]) or "**", name):
        return  # there, what a folder holds includes itself, which is no file of it
    assert bool(re.fullmatch(glob_pattern(glob), name)) == matches_path(glob, name)


@pytest.mark.parametrize(
    ("glob", "path"),
    [("*a" * 30 + "*b", "a" * 200), ("**/*a/" * 15 + "b", "/".join("a" * 60)), ("**/" * 40 + "b", "a/" * 60)],
)
def test_a_glob_of_many_stars_does_not_try_all_ways_to_part_a_path(glob: str, path: str) -> None:
    assert re.fullmatch(glob_pattern(glob), path) is None
    assert re.fullmatch(glob_pattern(glob), f"{path.rstrip('/')}/b" if "/" in glob else f"{path}b")


@given(
    st.lists(st.tuples(st.sampled_from(PLACES), st.integers(1, 60), st.integers(0, 9)), max_size=20),
    st.integers(1, 12),
    st.sampled_from(["", "src", "*.py", "src/a.py"]),
)
def test_hits_are_ranked_apart_within_the_filter_and_no_more_than_asked(
    rows: list[tuple[str, int, int]], limit: int, path: str
) -> None:
    store = filled(*(chunk(place, f"common {first}", first, first + length) for place, first, length in rows))
    hits = search(store, "common", Filters(limit=limit, path=path))
    assert len(hits) <= limit
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    lines = [(hit.path, line) for hit in hits for line in range(hit.first, hit.last + 1)]
    assert len(lines) == len(set(lines))
    for hit in hits:
        assert (
            path in ("", hit.path)
            or hit.path.startswith(f"{path}/")
            or (path[0] == "*" and hit.path[-3:] == ".py")
        )
