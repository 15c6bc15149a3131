"""An index is whole whenever a process that works on it is killed, and however many work on it at once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from akmon_index.build import pending
from akmon_index.limits import INDEX_EMBEDDED_AT_ONCE
from akmon_index.places import index_file
from akmon_index.ranking import search
from akmon_index.store import Store
from akmon_index.values import Filters
from tests.index.workers import LOG, workplace

ROUNDS = 20
FILES = 240
OLD = 1_700_000_000
"""Seconds: long enough ago for the time of a change to be sure."""
REPOSITORY = Path(__file__).parents[2]


class Worker:
    """A process that does what is asked of it in processes of their own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def begin(self, what: str, folder: Path, seconds: float = 0) -> None:
        assert self._process.stdin
        print(what, folder, seconds, file=self._process.stdin, flush=True)

    def ended(self) -> tuple[int, float]:
        """The exit code of what was begun, and its processor time."""
        assert self._process.stdout
        code, seconds = self._process.stdout.readline().split()
        return int(code), float(seconds)


@contextmanager
def worker(project: Path) -> Iterator[Worker]:
    command = [sys.executable, "-m", "tests.index.workers", str(project)]
    environ = os.environ | {"AKMON_INDEX_MODEL": "hashed"}
    with subprocess.Popen(
        command, cwd=REPOSITORY, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Worker(process)
        assert process.stdin
        process.stdin.close()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    project = tmp_path.resolve() / "project"
    for number in range(FILES):
        write(project / f"part{number % 7}/f{number}.py", number, 0)
    return project


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the index is."""
    folder = tmp_path.resolve() / "cache"
    folder.mkdir()
    return folder


def write(path: Path, number: int, age: int) -> None:
    """A file with one function, which uses another one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"def work_{number}_{age}(thing):\n    # {age}\n    return work_{number // 2}_0(thing)\n")
    os.utime(path, (OLD + age, OLD + age))


def change(project: Path, chance: random.Random, age: int) -> None:
    """Many files get another text, a folder another name; some files go, and new ones come."""
    paths = sorted(project.rglob("*.py"))
    for path in chance.sample(paths, 70):
        write(path, int(path.stem[1:]), age)
    for path in chance.sample(paths, 5):
        path.unlink()
    chance.choice(sorted(project.iterdir())).rename(project / f"moved{age}")
    for number in range(5):
        write(project / f"part0/f{FILES + 5 * age + number}.py", FILES + 5 * age + number, age)


def store_of(project: Path, folder: Path) -> Store:
    file = index_file(workplace(project, folder))
    assert file
    return Store(file)


def given(folder: Path) -> list[str]:
    """What was embedded, as often as it was."""
    return (folder / LOG).read_text().split() if (folder / LOG).exists() else []


def embedded(store: Store) -> set[str]:
    """What has a vector."""
    with store.reading() as connection:
        return {row[0] for row in connection.execute("SELECT symbol FROM chunk WHERE vector > 0")}


def check(store: Store) -> None:
    """Opens as it is, holds together, and can be searched."""
    with store.writing() as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.execute("INSERT INTO entry (entry) VALUES ('integrity-check')")
        orphans = (
            "SELECT (SELECT count(*) FROM chunk WHERE file NOT IN (SELECT id FROM file)), "
            "(SELECT count(*) FROM chunk WHERE id NOT IN (SELECT id FROM body)), "
            "(SELECT count(*) FROM chunk WHERE vector > 0 AND vector NOT IN (SELECT id FROM vector)), "
            "(SELECT count(*) FROM vector WHERE id NOT IN (SELECT id FROM code))"
        )
        assert connection.execute(orphans).fetchone() == (0, 0, 0, 0)
    assert store.begun_anew == ""
    if store.counts().files:
        assert search(store, "work thing", Filters())


def contents(store: Store) -> tuple[list[Any], list[Any], list[Any]]:
    """Files; pieces with their vectors; words, in how many pieces each is, and how often."""
    with store.writing() as connection:
        files = "SELECT path, size, mtime_ns, inode, content, symbols FROM file ORDER BY path"
        pieces = (
            "SELECT path, first, last, symbol, kind, chunk.language, chunk.key, context, "
            "text, scale, data, bits "
            "FROM chunk JOIN file ON file.id = chunk.file JOIN body ON body.id = chunk.id "
            "LEFT JOIN vector ON vector.id = chunk.vector LEFT JOIN code ON code.id = chunk.vector "
            "ORDER BY path, first"
        )
        connection.execute("CREATE VIRTUAL TABLE temp.word USING fts5vocab(main, entry, row)")
        words = connection.execute("SELECT * FROM temp.word ORDER BY term").fetchall()
        connection.execute("DROP TABLE temp.word")
        # The names that a file uses are counted in no order.
        known = [(*row, msgspec.msgpack.decode(names)) for *row, names in connection.execute(files)]
        return known, connection.execute(pieces).fetchall(), words


def ranks(store: Store) -> dict[str, float]:
    with store.reading() as connection:
        return dict(connection.execute("SELECT path, rank FROM file"))


def test_killed_at_any_moment_it_is_whole_and_goes_on_from_there(project: Path, folder: Path) -> None:
    chance, killed, undisturbed = random.Random(9), 0, folder.with_name("undisturbed")
    undisturbed.mkdir()
    store, other = store_of(project, folder), store_of(project, undisturbed)
    with worker(project) as process:
        process.begin("build", undisturbed)
        code, whole = process.ended()
        assert code == 0
        for age in range(1, ROUNDS + 1):
            before = embedded(store)
            (folder / LOG).write_text("")
            process.begin("build", folder, chance.uniform(0.01, 1) * whole)
            code, took = process.ended()
            assert code in (0, -signal.SIGPROF)
            killed += code != 0
            whole = whole if code else min(whole, took)  # the first one was slow
            check(store)
            assert not before & set(given(folder))
            assert len(given(folder)) <= len(embedded(store) - before) + INDEX_EMBEDDED_AT_ONCE
            change(project, chance, age)
        assert killed >= ROUNDS // 4
        for each in (folder, undisturbed):
            process.begin("build", each)
            assert process.ended()[0] == 0
    assert pending(store) == 0
    assert contents(store) == contents(other)
    assert min(ranks(store).values()) > 0
    assert ranks(store) == pytest.approx(ranks(other), abs=1e-5)


def test_two_that_build_at_once_embed_each_text_once(project: Path, folder: Path) -> None:
    alone = folder.with_name("alone")
    alone.mkdir()
    with worker(project) as one, worker(project) as two:
        for process in (one, two):
            process.begin("build", folder)
        assert [one.ended()[0], two.ended()[0]] == [0, 0]
        one.begin("build", alone)
        assert one.ended()[0] == 0
    store = store_of(project, folder)
    check(store)
    assert sorted(given(folder)) == sorted(embedded(store)) == sorted(given(alone))
    assert contents(store) == contents(store_of(project, alone))


def test_one_builds_another_searches_and_a_third_clears(project: Path, folder: Path) -> None:
    with worker(project) as builder, worker(project) as reader, worker(project) as other:
        tasks = {"commands": builder, "searches": reader, "clears": other}
        for what, process in tasks.items():
            process.begin(what, folder)
        assert [process.ended()[0] for process in tasks.values()] == [0, 0, 0]
        builder.begin("commands", folder)
        assert builder.ended()[0] == 0
    store = store_of(project, folder)
    check(store)
    assert (store.counts().files, store.counts().embedded) == (FILES, FILES)
