"""The ranks of files by what others use of them."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_index.references import Symbols
from akmon_index.repomap import ranks


def file(defines: str = "", uses: str = "") -> Symbols:
    return Symbols(tuple(sorted(set(defines.split()))), Counter(uses.split()))


def test_what_many_files_use_ranks_first() -> None:
    files = {
        "core.py": file("load save"),
        "rare.py": file("seldom", "load"),
        "a.py": file("", "load save"),
        "b.py": file("", "load"),
        "c.py": file("", "load seldom"),
    }
    found = ranks(files)
    order = sorted(found, key=found.__getitem__, reverse=True)
    assert order[:2] == ["core.py", "rare.py"]
    assert sum(found.values()) == pytest.approx(1)


def test_what_is_mentioned_draws_the_ranks_to_it() -> None:
    files = {
        "a.py": file("alpha", "beta"),
        "b.py": file("beta", "alpha"),
        "c.py": file("gamma", "alpha beta"),
    }
    plain, asked = ranks(files), ranks(files, {"gamma", "unknown"})
    assert asked["c.py"] > plain["c.py"]
    assert ranks(files, {"unknown"}) == plain


@pytest.mark.parametrize(
    ("strong", "weak"),
    [("parse_header", "parse"), ("parseHeader", "parse"), ("parse", "_parse"), ("parse", "common")],
)
def test_a_name_weighs_by_what_it_says(strong: str, weak: str) -> None:
    others = {f"{number}.py": file("common") for number in range(6)}
    files = {
        "user.py": file("", f"{strong} {weak}"),
        "strong.py": file(strong),
        "weak.py": file(weak),
        **others,
    }
    found = ranks(files)
    assert found["strong.py"] > found["weak.py"]


def test_use_of_its_own_names_lifts_no_file() -> None:
    files = {"own.py": file("alpha", "alpha " * 50), "plain.py": file("beta", "")}
    found = ranks(files)
    assert found["own.py"] == pytest.approx(found["plain.py"])


def test_no_files_have_no_ranks() -> None:
    assert ranks({}) == {}
    assert ranks({"a.md": Symbols()}, {"x"}) == {"a.md": pytest.approx(1)}


names = st.lists(st.sampled_from(["alpha", "beta", "_gamma", "long_delta_name", "epsilonZeta"]), max_size=6)


@given(st.lists(st.tuples(names, names), min_size=1, max_size=8), names)
def test_ranks_are_shares_of_one_whatever_the_graph_is(
    pairs: list[tuple[list[str], list[str]]], asked: list[str]
) -> None:
    files = {f"{n}.py": file(" ".join(d), " ".join(u)) for n, (d, u) in enumerate(pairs)}
    found = ranks(files, asked)
    assert list(found) == list(files)
    assert sum(found.values()) == pytest.approx(1)
    assert all(share >= 0 for share in found.values())
