"""Fills a store with made-up texts and vectors, asks it as the tool does, and prints figures:
``whole_search.py CHUNKS QUERIES``, for which it runs itself as ``whole_search.py fill|ask PATH NUMBER``."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import numpy as np

from akmon_index.entries import add_file, key_of
from akmon_index.ranking import search
from akmon_index.store import Store, set_meta
from akmon_index.values import Chunk, Filters
from akmon_index.vectors import add_vectors
from benchmarks.vectors_scan import DIMENSION, Made

_PER_FILE = 50
_FILES_AT_ONCE = 200
_WORDS = 200_000
"""In the vocabulary. By Zipf's law the first three are in 80 to 99 % of the texts, the next twenty in 20 %
and more, and three hundred in 2 %, from which on a word of a million pieces counts as common."""
_LENGTHS = (40, 120)
"""Words of a text."""
_LANGUAGES = {"python": ".py", "typescript": ".ts", "go": ".go", "java": ".java", "markdown": ".md"}
_SYLLABLES = [first + vowel for first in "bdfgklmnprstvz" for vowel in "aeiou"]

_Draw: TypeAlias = Callable[[], tuple[str, Filters]]


def main() -> None:
    match sys.argv[1:]:
        case "fill", path, chunks:
            fill(Store(Path(path)), int(chunks))
        case "ask", path, queries:
            print(json.dumps(figures(Path(path), int(queries))))
        case chunks, queries:
            with TemporaryDirectory() as folder:
                path = str(Path(folder) / "index.db")
                for step in (("fill", path, chunks), ("ask", path, queries)):
                    subprocess.run([sys.executable, "-m", "benchmarks.whole_search", *step], check=True)


# --- the store --------------------------------------------------------------------------------------


class Text:
    """Words of a made-up vocabulary, by how common they are; the same each time."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.words = [_word(number) for number in range(_WORDS)]
        self._sums = np.cumsum(1 / np.arange(1, _WORDS + 1))

    def drawn(self, count: int) -> list[str]:
        at = np.searchsorted(self._sums, self.random.random(count) * self._sums[-1])
        return [self.words[number] for number in at]

    def of_rank(self, first: int, last: int, count: int) -> list[str]:
        return [self.words[number] for number in self.random.integers(first, last, count)]


def _word(number: int) -> str:
    letters, rest = "", number + len(_SYLLABLES)
    while rest:
        rest, syllable = divmod(rest, len(_SYLLABLES))
        letters += _SYLLABLES[syllable]
    return letters


def path_of(number: int) -> str:
    """Of a file: four folders deep, 25 files in the lowest."""
    suffix = list(_LANGUAGES.values())[number % len(_LANGUAGES)]
    lowest = number // 25
    return f"src/area{lowest % 8}/part{lowest // 8 % 10}/unit{lowest // 80}/file{number}{suffix}"


def fill(store: Store, chunks: int) -> None:
    text, made = Text(0), Made(max(chunks // 500, 10))
    for first in range(0, chunks // _PER_FILE, _FILES_AT_ONCE):
        files = range(first, min(first + _FILES_AT_ONCE, chunks // _PER_FILE))
        pieces = {number: list(_pieces(text, number)) for number in files}
        keys = [key_of(each) for of_file in pieces.values() for each in of_file]
        with store.writing() as connection:
            set_meta(connection, "dimension", str(DIMENSION))
            add_vectors(connection, keys, made.some(len(keys)))
            for number, of_file in pieces.items():
                add_file(connection, path_of(number), (1, 2, number), b"", b"", of_file)
    with store.writing() as connection:
        connection.execute("UPDATE file SET rank = (id % 97) / 97.0 / (SELECT count(*) FROM file)")
    store.close()


def _pieces(text: Text, number: int) -> Iterator[Chunk]:
    language = list(_LANGUAGES)[number % len(_LANGUAGES)]
    lengths = text.random.integers(*_LENGTHS, _PER_FILE)
    drawn = text.drawn(int(lengths.sum()))
    for place, end in enumerate(np.cumsum(lengths).tolist()):
        inside = drawn[end - int(lengths[place]) : end]
        lines = "\n".join(" ".join(inside[at : at + 6]) for at in range(0, len(inside), 6))
        symbol = f"{inside[0].title()}.{inside[1]}_{inside[2]}"
        yield Chunk(
            path=path_of(number),
            first=place * 30 + 1,
            last=place * 30 + 29,
            text=lines,
            symbol=symbol,
            kind="function",
            language=language,
            context=f"{path_of(number)}\nclass {inside[0].title()}",
        )


# --- the queries ------------------------------------------------------------------------------------


def kinds(text: Text) -> dict[str, _Draw]:
    """What is asked, by kind; each call draws another query."""

    def rare() -> str:
        return " ".join(text.of_rank(5_000, 100_000, 3))

    def mixed() -> str:
        return " ".join(
            text.of_rank(5_000, 100_000, 2) + text.of_rank(400, 3_000, 2) + text.of_rank(0, 20, 2)
        )

    def middling() -> str:
        return " ".join(text.of_rank(330, 500, 6))

    def common() -> str:
        return " ".join(text.of_rank(0, 40, 3))

    def question() -> str:
        return " ".join(text.drawn(12))

    def some() -> str:
        return (mixed, common, middling, question)[text.random.integers(4)]()

    def folder() -> str:
        area, part, unit = text.random.integers((0, 0, 0), (8, 10, 10)).tolist()
        return (
            "src",
            f"src/area{area}",
            f"src/area{area}/part{part}",
            f"src/area{area}/part{part}/unit{unit}",
        )[text.random.integers(4)]

    def glob() -> str:
        suffix = list(_LANGUAGES.values())[text.random.integers(len(_LANGUAGES))]
        area, part = text.random.integers((0, 0), (8, 10)).tolist()
        return (f"*{suffix}", f"src/area{area}/**/*{suffix}", f"**/part{part}/*/file*1{suffix}")[
            text.random.integers(3)
        ]

    def language() -> str:
        return list(_LANGUAGES)[text.random.integers(len(_LANGUAGES))]

    return {
        "rare words": lambda: (rare(), Filters()),
        "rare and common words": lambda: (mixed(), Filters()),
        "words that are not quite common": lambda: (middling(), Filters()),
        "very common words": lambda: (common(), Filters()),
        "questions of 12 words": lambda: (question(), Filters()),
        "in a folder": lambda: (some(), Filters(path=folder())),
        "in a glob": lambda: (some(), Filters(path=glob())),
        "in a language": lambda: (some(), Filters(language=language())),
        "in a folder and a language": lambda: (some(), Filters(path=folder(), language=language())),
    }


def figures(path: Path, queries: int) -> dict[str, float]:
    """Of ``queries`` for each kind: milliseconds, MB of memory at most, and bytes on disk for each piece."""
    text, made = Text(1), Made(max(_chunks(path) // 500, 10))
    store, chunks = Store(path), _chunks(path)
    found: dict[str, float] = {"first": _ask(store, made, *kinds(text)["rare and common words"]())}
    for name, draw in kinds(text).items():
        _ask(store, made, *draw())
        times = sorted(_ask(store, made, *draw()) for _ in range(queries))
        found |= {
            f"{name}, median": times[len(times) // 2],
            f"{name}, 95th percentile": times[len(times) * 95 // 100],
            f"{name}, longest": times[-1],
        }
    return found | {"memory": _peak() / 1e6, "bytes": path.stat().st_size / chunks}


def _chunks(path: Path) -> int:
    store = Store(path)
    chunks = store.counts().chunks
    store.close()
    return chunks


def _ask(store: Store, made: Made, query: str, filters: Filters) -> float:
    vector = made.some(1)[0]
    began = time.perf_counter()
    search(store, query, filters, vector=vector)
    return (time.perf_counter() - began) * 1000


def _peak() -> int:
    """Bytes of memory that the process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
