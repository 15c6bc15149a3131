"""Words and vectors are brought up to date step by step, by one process at a time, and survive its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from akmon_core.errors import ProviderError, ToolError
from akmon_index.build import Changed, Progress, pending, refresh_vectors, refresh_words
from akmon_index.limits import INDEX_EMBEDDED_AT_ONCE, INDEX_SPARE_VECTORS, INDEX_WRITTEN_FILES
from akmon_index.ranking import search
from akmon_index.store import Store
from akmon_index.values import Filters, ModelId

OLD = 1_700_000_000
"""Seconds: long enough ago for the time of a change to be sure."""


class Letters:
    """Counts letters: texts with the same ones are alike. Remembers what it was asked."""

    def __init__(self, name: str = "letters", fails_after: int = 10**9) -> None:
        self.id = ModelId(name=name, dimension=26)
        self.asked: list[str] = []
        self._fails_after = fails_after

    def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if len(self.asked) >= self._fails_after:
            raise ProviderError("connection", "the server is gone")
        self.asked += texts
        return np.array([self.query(text) for text in texts], np.float32)

    def query(self, text: str) -> NDArray[np.float32]:
        counts = np.array([text.lower().count(chr(97 + at)) + 0.01 for at in range(26)], np.float32)
        unit: NDArray[np.float32] = counts / np.linalg.norm(counts)
        return unit


class Watch:
    """Takes progress, and stops what reports it after ``most`` reports."""

    def __init__(self, most: int = 10**9) -> None:
        self.seen: list[Progress] = []
        self._most = most

    def __call__(self, progress: Progress) -> None:
        self.seen.append(progress)

    def stopped(self) -> bool:
        return len(self.seen) >= self._most


def write(root: Path, name: str, text: str, seconds: int = OLD) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (seconds, seconds))


def words(store: Store, root: Path, watch: Watch | None = None) -> Changed:
    watch = watch or Watch()
    return refresh_words(store, root, lambda _: False, progress=watch, stopped=watch.stopped)


def vectors(store: Store, embedder: Letters, watch: Watch | None = None, most: int | None = None) -> int:
    watch = watch or Watch()
    return refresh_vectors(store, embedder, progress=watch, stopped=watch.stopped, most=most)


def find(store: Store, query: str, embedder: Letters | None = None) -> list[str]:
    vector = embedder.query(query) if embedder else None
    return [hit.path for hit in search(store, query, Filters(limit=50), vector=vector)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    write(root, "src/a.py", "def parse_header(line):\n    return line.split(':')\n")
    write(root, "src/b.py", "def open_socket(port):\n    return port\n")
    write(root, "notes.md", "# Weather\n\nHow it was.\n")
    return root


def many(root: Path, count: int) -> None:
    for number in range(count):
        write(root, f"m/f{number:04}.py", f"def work_{number}():\n    return 'common {number}'\n")


def test_only_what_has_changed_is_read_again(root: Path) -> None:
    store = Store(None)
    assert words(store, root) == Changed(read=3)
    assert words(store, root) == Changed()
    write(root, "src/a.py", "def quicksort(items):\n    return items\n", OLD + 1)
    assert words(store, root) == Changed(read=1)
    assert find(store, "quicksort") == ["src/a.py"]
    assert find(store, "header") == []
    assert find(store, "socket") == ["src/b.py"]


def test_a_file_that_was_only_touched_keeps_its_pieces(root: Path) -> None:
    store = Store(None)
    words(store, root)
    with store.reading() as connection:
        before = connection.execute("SELECT * FROM chunk").fetchall()
    os.utime(root / "src/a.py", (OLD + 9, OLD + 9))
    assert words(store, root) == Changed(read=1)
    assert words(store, root) == Changed()
    with store.reading() as connection:
        assert connection.execute("SELECT * FROM chunk").fetchall() == before


def test_a_file_that_changed_a_moment_ago_is_looked_at_again(root: Path) -> None:
    store = Store(None)
    words(store, root)
    path = root / "src/a.py"
    path.write_text("def one(): pass\n")
    assert words(store, root).read == 1
    status = path.stat()
    with path.open("r+") as file:  # as fast as the clock of a file system may be slow
        file.write("def two(): pass\n")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert words(store, root).read == 1
    assert find(store, "two") == ["src/a.py"]


def test_deleted_renamed_and_withheld_files_are_forgotten(root: Path) -> None:
    store = Store(None)
    words(store, root)
    (root / "src/b.py").rename(root / "src/listener.py")
    (root / "notes.md").unlink()
    assert words(store, root) == Changed(read=1, removed=2)
    assert find(store, "weather") == []
    assert find(store, "socket") == ["src/listener.py"]
    done = refresh_words(
        store, root, lambda path: path == "src/a.py", progress=Watch(), stopped=lambda: False
    )
    assert done == Changed(removed=1)
    assert find(store, "header") == []


def test_what_was_put_in_is_taken_out_whole(root: Path) -> None:
    store = Store(None)
    many(root, 30)
    words(store, root)
    for path in root.rglob("*.*"):
        path.unlink()
    assert words(store, root).removed == 33
    with store.writing() as connection:
        assert connection.execute("SELECT count(*) FROM body").fetchone() == (0,)
        connection.execute("INSERT INTO entry (entry) VALUES ('integrity-check')")
    assert find(store, "common work header") == []


def test_stopped_at_any_time_it_goes_on_from_there(root: Path) -> None:
    store = Store(None)
    many(root, 3 * INDEX_WRITTEN_FILES)
    watch = Watch(1)
    done = words(store, root, watch)
    assert (done.read, done.stopped) == (INDEX_WRITTEN_FILES, True)
    assert watch.seen == [Progress(INDEX_WRITTEN_FILES, 3 * INDEX_WRITTEN_FILES + 3, "files")]
    watch = Watch()
    assert words(store, root, watch) == Changed(read=2 * INDEX_WRITTEN_FILES + 3)
    assert watch.seen[-1] == Progress(2 * INDEX_WRITTEN_FILES + 3, 2 * INDEX_WRITTEN_FILES + 3, "files")
    assert store.counts().files == 3 * INDEX_WRITTEN_FILES + 3


def test_while_one_builds_another_finds_what_is_there(root: Path, tmp_path: Path) -> None:
    builder, reader = Store(tmp_path / "i.db"), Store(tmp_path / "i.db")
    many(root, 2 * INDEX_WRITTEN_FILES)
    seen: list[tuple[bool, int]] = []

    def look(_: Progress) -> None:
        seen.append((words(reader, root).busy, len(find(reader, "common"))))

    refresh_words(builder, root, lambda _: False, progress=look, stopped=lambda: False)
    assert seen[0] == (True, 50)
    assert words(reader, root) == Changed()


def test_files_that_are_referred_to_rank_higher(root: Path) -> None:
    store = Store(None)
    write(root, "src/c.py", "from a import parse_header\n\ndef use():\n    return parse_header('x: y')\n")
    words(store, root)
    with store.reading() as connection:
        ranks = dict(connection.execute("SELECT path, rank FROM file"))
    assert ranks["src/a.py"] > ranks["src/b.py"] > 0


def test_the_map_is_drawn_later_if_the_process_ended_before(root: Path) -> None:
    store = Store(None)

    def interrupt(_: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        refresh_words(store, root, lambda _: False, progress=interrupt, stopped=lambda: False)
    assert words(store, root) == Changed()
    with store.reading() as connection:
        assert connection.execute("SELECT min(rank) > 0 FROM file").fetchone() == (1,)


def test_a_look_at_what_has_not_changed_writes_nothing(root: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "i.db")
    words(store, root)
    with Store(tmp_path / "i.db").writing():  # where another one writes, what wants to write has to wait
        assert words(store, root) == Changed()


def build_elsewhere(root: Path, path: Path) -> subprocess.Popen[str]:
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from akmon_index.build import refresh_words\nfrom akmon_index.store import Store\n"
        "def tell(progress): print(progress.done, flush=True)\n"
        "refresh_words(Store(Path(sys.argv[2])), Path(sys.argv[1]), lambda _: False, progress=tell, "
        "stopped=lambda: False)\nprint('end', flush=True)\n"
    )
    command = [sys.executable, "-c", code, str(root), str(path)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("steps", [0, 1, 3])
def test_a_build_that_is_killed_leaves_what_it_had_and_another_goes_on(
    root: Path, tmp_path: Path, steps: int
) -> None:
    many(root, 6 * INDEX_WRITTEN_FILES)
    process = build_elsewhere(root, tmp_path / "i.db")
    assert process.stdout
    for _ in range(steps):
        process.stdout.readline()
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    store = Store(tmp_path / "i.db")
    kept = store.counts().files
    assert kept >= steps * INDEX_WRITTEN_FILES
    assert words(store, root).read == 6 * INDEX_WRITTEN_FILES + 3 - kept
    assert store.begun_anew == ""
    assert store.counts().files == 6 * INDEX_WRITTEN_FILES + 3
    with store.writing() as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.execute("INSERT INTO entry (entry) VALUES ('integrity-check')")


def test_two_processes_that_build_at_once_make_one_whole_index(root: Path, tmp_path: Path) -> None:
    many(root, 2 * INDEX_WRITTEN_FILES)
    both = [build_elsewhere(root, tmp_path / "i.db") for _ in range(2)]
    outputs = [process.communicate()[0] for process in both]
    assert [output.split()[-1] for output in outputs] == ["end", "end"]
    store = Store(tmp_path / "i.db")
    assert words(store, root) == Changed()
    assert store.counts().files == 2 * INDEX_WRITTEN_FILES + 3


# --- vectors ----------------------------------------------------------------------------------------


def test_each_text_is_embedded_once_and_a_moved_file_costs_nothing(root: Path) -> None:
    store, embedder = Store(None), Letters()
    write(root, "copy/b.py", (root / "src/b.py").read_text())
    words(store, root)
    assert pending(store) == 3
    assert vectors(store, embedder) == len(embedder.asked) == 3
    (root / "src/a.py").rename(root / "src/moved.py")
    words(store, root)
    assert (pending(store), vectors(store, embedder), len(embedder.asked)) == (0, 0, 3)
    assert find(store, "parse_header line split", embedder)[0] == "src/moved.py"
    assert {"copy/b.py", "src/b.py"} <= set(find(store, "zzz", embedder))


def test_a_changed_file_costs_its_changed_pieces_only(root: Path) -> None:
    store, embedder = Store(None), Letters()
    functions = [f"def work_{number}(items):\n" + f"    print(items, {number})\n" * 30 for number in range(6)]
    write(root, "src/c.py", "\n\n".join(functions))
    words(store, root)
    vectors(store, embedder)
    assert len(embedder.asked) >= 9
    before = len(embedder.asked)
    functions[3] = functions[3].replace("print", "emit")
    write(root, "src/c.py", "\n\n".join(functions), OLD + 1)
    words(store, root)
    assert 1 <= vectors(store, embedder) == len(embedder.asked) - before <= 2


def test_vectors_are_kept_batch_by_batch(root: Path) -> None:
    store = Store(None)
    many(root, 2 * INDEX_EMBEDDED_AT_ONCE)
    words(store, root)
    total = pending(store)
    watch = Watch(2)
    assert vectors(store, Letters(), watch) == INDEX_EMBEDDED_AT_ONCE
    assert watch.seen == [Progress(done, total, "vectors") for done in (0, INDEX_EMBEDDED_AT_ONCE)]
    with pytest.raises(ProviderError):
        vectors(store, Letters(fails_after=INDEX_EMBEDDED_AT_ONCE))
    assert pending(store) == total - 2 * INDEX_EMBEDDED_AT_ONCE
    assert vectors(store, Letters(), most=1) == 1
    assert vectors(store, Letters()) == total - 2 * INDEX_EMBEDDED_AT_ONCE - 1
    assert (pending(store), store.counts().embedded) == (0, total)


def test_a_batch_takes_no_longer_the_more_texts_wait(root: Path) -> None:
    def steps(files: int) -> int:
        """Of SQLite, in hundreds, from the first batch to the second."""
        store, counted, seen = Store(None), [0], []
        many(root, files)
        words(store, root)

        class Counts(Letters):
            def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
                seen.append(counted[0])
                return super().passages(texts)

        def count() -> int:
            counted[0] += 1
            return 0

        with store.reading() as connection:
            connection.set_progress_handler(count, 100)
        vectors(store, Counts(), most=2 * INDEX_EMBEDDED_AT_ONCE)
        return seen[1] - seen[0]

    few, many_more = steps(3 * INDEX_EMBEDDED_AT_ONCE), steps(12 * INDEX_EMBEDDED_AT_ONCE)
    assert 0 < many_more < 1.2 * few


def test_vectors_of_another_model_are_dropped(root: Path) -> None:
    store = Store(None)
    words(store, root)
    assert store.model() is None
    vectors(store, Letters())
    other = Letters("others")
    assert find(store, "weather", other)
    assert vectors(store, other) == len(other.asked) == 3
    assert store.model() == other.id
    assert store.counts().embedded == 3
    assert len(find(store, "zzz", other)) == 3


def test_vectors_made_for_an_index_that_was_cleared_meanwhile_are_not_kept(root: Path) -> None:
    store = Store(None)
    words(store, root)

    class Clears(Letters):
        def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
            store.clear()
            return super().passages(texts)

    assert vectors(store, Clears()) == 0
    assert (store.model(), store.counts().texts) == (None, 0)


def test_vectors_of_a_wrong_size_are_an_error_and_not_kept(root: Path) -> None:
    store = Store(None)
    words(store, root)

    class Short(Letters):
        def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
            return super().passages(texts)[:, :20]

    with pytest.raises(ToolError, match=r"gave vectors of the shape \(3, 20\) for 3 texts"):
        vectors(store, Short())
    assert pending(store) == 3


def test_only_one_makes_vectors_at_a_time(root: Path, tmp_path: Path) -> None:
    store, other = Store(tmp_path / "i.db"), Store(tmp_path / "i.db")
    words(store, root)
    second = Letters()
    seen: list[int] = []

    class Looks(Letters):
        def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
            seen.append(vectors(other, second))
            return super().passages(texts)

    assert vectors(store, Looks()) == 3
    assert (seen, second.asked) == ([0], [])


def test_vectors_of_texts_that_have_gone_are_deleted_once_they_are_many(root: Path) -> None:
    store, embedder = Store(None), Letters()
    words(store, root)
    vectors(store, embedder)
    with store.writing() as connection:
        numbers = range(10, 12 + INDEX_SPARE_VECTORS)
        connection.executemany(
            "INSERT INTO vector VALUES (?, ?, 1, zeroblob(26))",
            ((number, b"%d" % number) for number in numbers),
        )
        connection.executemany("INSERT INTO code VALUES (?, zeroblob(8))", ((number,) for number in numbers))
    vectors(store, embedder)
    with store.reading() as connection:
        assert connection.execute("SELECT count(*) FROM vector").fetchone() == (3,)
        assert connection.execute("SELECT count(*) FROM code").fetchone() == (3,)
    assert len(find(store, "zzz", embedder)) == 3
