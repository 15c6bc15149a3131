"""Builds the index of a made-up project, keeps it up, asks it, and prints figures.

``python -m benchmarks.indexing_steps FOLDER ROUNDS``; ``FOLDER`` is empty.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from akmon_core.errors import SettingsError
from akmon_core.plugins import Workplace
from akmon_core.rules import parse_rule, withholding
from akmon_index.build import Changed, Progress, refresh_vectors, refresh_words
from akmon_index.embed import open_embedder
from akmon_index.embed.hashed import HashedEmbedder
from akmon_index.engine import Index
from akmon_index.models import Choice, chosen
from akmon_index.places import index_file
from akmon_index.ranking import search
from akmon_index.store import Store
from akmon_index.values import Embedder, Filters
from benchmarks.indexing_project import PER_FOLDER, make, write

FILES = 10_000
CHANGED = 10
EMBEDDED = 2_000
"""Texts that a model of one's own embeds: minutes on a processor."""
_QUERIES = (
    "where is a header parsed?",
    "open a socket and wait for a connection",
    "read line",
    "temporary directory",
    "compare two trees of files",
    "retry after a timeout",
    "decode bytes as unicode",
    "raise an error if closed",
    "format a date",
    "parse command line arguments",
    "compress data",
    "lock between threads",
    "test subclass",
    "copy a file with its permissions",
    "quote a string for the shell",
    "run a process and read its output",
    "urlsplit",
    "setUp",
    "self assertEqual result",
    "round a decimal number",
)
_T = TypeVar("_T")
RULES = tuple(
    parse_rule(f"read({glob})", "deny")
    for glob in ("secrets/**", "**/*.key", "**/private/**", "data/**/raw/*.csv", "docs/internal/**")
)
"""A project may have such: each file is judged by them, each time."""


class Counting:
    """An embedder that remembers how many texts it was given."""

    def __init__(self, inner: Embedder) -> None:
        self.id = inner.id
        self.texts = 0
        self._inner = inner

    def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.texts += len(texts)
        return self._inner.passages(texts)

    def query(self, text: str) -> NDArray[np.float32]:
        return self._inner.query(text)


class Project:
    def __init__(self, folder: Path) -> None:
        self.root = folder.resolve() / "project"
        self.place = Workplace(
            root=str(self.root), cache=str(folder.resolve() / "cache"), config="",
            withheld=withholding(RULES), learn=lambda _: None,
        )  # fmt: skip
        self.store = Store(index_file(self.place))
        self.embedder = Counting(HashedEmbedder())

    def words(self) -> Changed:
        return refresh_words(
            self.store, self.root, self.place.withheld, progress=_quietly, stopped=lambda: False
        )

    def vectors(self) -> int:
        """How many texts were embedded."""
        before = self.embedder.texts
        refresh_vectors(self.store, self.embedder, progress=_quietly, stopped=lambda: False)
        return self.embedder.texts - before


def main() -> None:
    folder, rounds = Path(sys.argv[1]), int(sys.argv[2])
    own = chosen(Project(folder).place)
    os.environ["AKMON_INDEX_MODEL"] = "hashed"
    project = Project(folder)
    paths = make(project.root, FILES)
    figures = _built(project, paths)
    figures |= _asked(project, rounds, "words")
    figures |= _embedded(project)
    figures |= _asked(project, rounds, "both")
    figures |= _process(project, rounds)
    figures |= _kept(project, paths, rounds)
    project.store.close()
    print(json.dumps(figures | _of_own(folder / "own", own)))


def _built(project: Project, paths: Sequence[Path]) -> dict[str, float]:
    size = sum(path.stat().st_size for path in paths)
    took, _ = _timed(project.words)
    counts = project.store.counts()
    return {
        "files_rate": counts.files / took,
        "chunks_rate": counts.chunks / took,
        "bytes_rate": size / took / 1e6,
        "chunks": counts.chunks,
        "words_bytes": counts.bytes / counts.chunks,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _embedded(project: Project) -> dict[str, float]:
    took, texts = _timed(project.vectors)
    counts = project.store.counts()
    return {"vectors_rate": texts / took, "all_bytes": counts.bytes / counts.chunks}


def _kept(project: Project, paths: Sequence[Path], rounds: int) -> dict[str, float]:
    """Nothing has changed; a few files have; a folder was renamed, and then deleted."""
    unchanged = [_timed(project.words)[0] for _ in range(rounds)]
    changes = [_changed(project, paths, number + 1) for number in range(rounds)]
    folder = paths[0].parent
    folder.rename(folder.with_name("renamed"))
    renamed, _ = _timed(project.words)
    again = project.vectors()
    for path in folder.with_name("renamed").iterdir():
        path.unlink()
    deleted, done = _timed(project.words)
    if done.removed != PER_FOLDER:
        raise RuntimeError(f"{done.removed} of {PER_FOLDER} deleted files were noticed")
    return {
        "unchanged": median(unchanged) * 1000,
        "changed": median(took for took, _, _ in changes) * 1000,
        "changed_read": max(read for _, read, _ in changes),
        "changed_embedded": max(embedded for _, _, embedded in changes),
        "renamed": renamed * 1000,
        "renamed_embedded": again,
        "deleted": deleted * 1000,
    }


def _changed(project: Project, paths: Sequence[Path], age: int) -> tuple[float, int, int]:
    """Seconds of taking it in with vectors, the files that were read, the texts that were embedded."""
    for path in paths[-1 :: -len(paths) // CHANGED]:
        text = path.read_text(encoding="utf-8")
        write(path, text.replace("\ndef ", f"\ndef changed_{age}_", 1), age)
    took, (read, embedded) = _timed(lambda: (project.words().read, project.vectors()))
    return took, read, embedded


def _asked(project: Project, rounds: int, by: str) -> dict[str, float]:
    """Whole searches by an index that has been asked before, and the ranking alone."""
    index = Index(project.place)
    vector = project.embedder.query if by == "both" else lambda _: None

    def whole(query: str) -> None:
        index.search(query, Filters(), progress=_quietly, stopped=lambda: False)

    def ranked(query: str) -> None:
        search(project.store, query, Filters(), vector=vector(query))

    figures: dict[str, float] = {}
    for name, ask in (("search", whole), ("ranking", ranked)):
        ask(_QUERIES[0])
        times = sorted(_timed(lambda: ask(query))[0] for _ in range(rounds) for query in _QUERIES)  # noqa: B023
        figures[f"{name}_{by}_p50"] = times[len(times) // 2] * 1000
        figures[f"{name}_{by}_p95"] = times[len(times) * 95 // 100] * 1000
    index.close()
    return figures


def _process(project: Project, rounds: int) -> dict[str, float]:
    """``akmon search`` from its start to its end, and a bare interpreter."""
    environ = {
        "HOME": str(project.root.parent / "home"), "PATH": os.environ["PATH"], "LANG": "C.UTF-8",
        "AKMON_CACHE_DIR": project.place.cache, "AKMON_INDEX_MODEL": "hashed",
    }  # fmt: skip
    akmon = str(Path(sys.executable).with_name("akmon"))

    def run(*command: str) -> None:
        subprocess.run(command, cwd=project.root, env=environ, stdout=subprocess.DEVNULL, check=True)

    times = [
        (_timed(lambda: run(akmon, "search", "where is a header parsed?"))[0],
         _timed(lambda: run(sys.executable, "-c", "pass"))[0])
        for _ in range(rounds)
    ]  # fmt: skip
    return {
        "process": median(each[0] for each in times) * 1000,
        "bare": median(each[1] for each in times) * 1000,
    }


def _of_own(folder: Path, choice: Choice | None) -> dict[str, float]:
    """How fast the model that is set embeds, over a part; nothing if there is none."""
    if choice is None or choice.kind == "hashed":
        return {}
    part = Project(folder)
    make(part.root, EMBEDDED // 6)
    part.words()
    try:
        with closing(open_embedder(part.place, choice)) as embedder:
            embedder.query("to have it loaded")
            took, texts = _timed(
                lambda: refresh_vectors(
                    part.store, embedder, progress=_quietly, stopped=lambda: False, most=EMBEDDED
                )
            )
    except SettingsError as error:
        print(f"{choice.spec} is not measured: {error}", file=sys.stderr)
        return {}
    return {"own_rate": texts / took}


def _timed(do: Callable[[], _T]) -> tuple[float, _T]:
    began = time.perf_counter()
    done = do()
    return time.perf_counter() - began, done


def _quietly(_: Progress) -> None:
    """Nobody is shown how far it is."""


if __name__ == "__main__":
    main()
