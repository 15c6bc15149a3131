"""The file of the index: whole, private, and shared by processes."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from akmon_core.errors import ToolError
from akmon_index.entries import add_file, forget_file
from akmon_index.store import VERSION, Store, set_meta
from akmon_index.values import Chunk


def put(store: Store, *paths: str) -> None:
    with store.writing() as connection:
        for path in paths:
            chunk = Chunk(path=path, first=1, last=1, text=f"the text of {path}")
            add_file(connection, path, (1, 2, 3), b"content", b"", [chunk])


def paths(store: Store) -> list[str]:
    with store.reading() as connection:
        return [row[0] for row in connection.execute("SELECT path FROM file ORDER BY path")]


def fails_after_forgetting(connection: sqlite3.Connection) -> None:
    forget_file(connection, 1)
    raise KeyError


def other_process(code: str, path: Path) -> subprocess.Popen[str]:
    begin = "import sys; from pathlib import Path; from akmon_index.store import Store\n"
    command = [sys.executable, "-c", f"{begin}store = Store(Path(sys.argv[1]))\n{code}", str(path)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def ends(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def test_what_is_written_is_there_for_the_next_one_and_private(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "project.sqlite"
    store = Store(path)
    put(store, "a.py", "b.py")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(Path(f"{path}-wal").stat().st_mode) == 0o600
    assert paths(Store(path)) == ["a.py", "b.py"]
    store.close()
    assert paths(store) == ["a.py", "b.py"]
    counts = store.counts()
    assert (counts.files, counts.chunks, counts.texts, counts.embedded) == (2, 2, 2, 0)
    assert counts.bytes > 0


def test_a_store_in_memory_needs_no_file() -> None:
    store = Store(None)
    put(store, "a.py")
    assert (paths(store), store.counts().bytes, store.begun_anew) == (["a.py"], 0, "")


def test_a_step_that_fails_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "i.sqlite")
    put(store, "a.py")
    with pytest.raises(KeyError), store.writing() as connection:
        fails_after_forgetting(connection)
    assert paths(store) == ["a.py"]
    with pytest.raises(ToolError, match="UNIQUE"):
        put(store, "b.py", "a.py")
    assert paths(store) == ["a.py"]


def test_a_file_of_another_version_is_begun_anew_with_a_word(tmp_path: Path) -> None:
    path = tmp_path / "i.sqlite"
    first = Store(path)
    put(first, "a.py")
    first.close()
    raw = sqlite3.connect(path)
    raw.execute(f"PRAGMA user_version = {VERSION + 1}")
    raw.close()
    store = Store(path)
    assert paths(store) == []
    assert f"version {VERSION + 1}" in store.begun_anew
    put(store, "b.py")
    assert paths(Store(path)) == ["b.py"]


@pytest.mark.parametrize("damage", [b"no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_file_is_begun_anew_with_a_word(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "i.sqlite"
    path.write_bytes(damage)
    store = Store(path)
    assert paths(store) == []
    assert "damaged" in store.begun_anew
    put(store, "b.py")
    assert paths(Store(path)) == ["b.py"]


def test_damage_that_shows_later_is_said_and_the_next_use_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "i.sqlite"
    store = Store(path)
    put(store, *(f"file{number}.py" for number in range(500)))
    store.close()
    data = bytearray(path.read_bytes())
    data[4096 * 3 :] = b"\xaa" * (len(data) - 4096 * 3)
    path.write_bytes(data)
    with pytest.raises(ToolError, match=r"damaged.*Try again"):
        store.counts()
    assert paths(store) == []
    put(store, "a.py")
    assert paths(Store(path)) == ["a.py"]


def test_processes_that_open_a_new_file_at_once_all_can(tmp_path: Path) -> None:
    script = (
        "import os, sys\nfrom pathlib import Path\nfrom akmon_index.store import Store\n"
        "for number in range(40):\n"
        "    begin, held = os.pipe()\n"
        "    children = []\n"
        "    for _ in range(6):\n"
        "        children.append(os.fork())\n"
        "        if not children[-1]:\n"
        "            os.close(held)\n"
        "            os.read(begin, 1)\n"  # ends for all of them when the parent closes its end
        "            code = 1\n"
        "            try:\n"
        "                code = Store(Path(sys.argv[1], f'{number}.db')).counts().files\n"
        "            finally:\n"
        "                os._exit(code)\n"
        "    os.close(begin)\n"
        "    os.close(held)\n"
        "    ends = [os.waitpid(child, 0)[1] for child in children]\n"
        "    print(*ends)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, check=True)
    assert done.stdout.split() == [b"0"] * 240


def test_a_file_that_another_process_uses_is_not_taken_from_under_it(tmp_path: Path) -> None:
    path = tmp_path / "i.sqlite"
    put(Store(path), "a.py")
    other = other_process("store.counts(); print('open', flush=True); input()", path)
    try:
        assert said(other) == "open"
        raw = sqlite3.connect(path)
        raw.execute("PRAGMA user_version = 77")
        raw.close()
        with pytest.raises(ToolError, match=r"version 77.*Another akmon has it open.*end that one"):
            paths(Store(path))
    finally:
        ends(other)
    assert paths(Store(path)) == []


def test_only_one_does_a_thing_at_a_time_and_a_killed_one_lets_go(tmp_path: Path) -> None:
    path = tmp_path / "i.sqlite"
    other = other_process("with store.alone('words') as ours: print(ours, flush=True); input()", path)
    try:
        assert said(other) == "True"
        with Store(path).alone("words") as ours, Store(path).alone("vectors") as others:
            assert (ours, others) == (False, True)
    finally:
        ends(other)
    with Store(path).alone("words") as ours, Store(path).alone("words") as twice:
        assert (ours, twice) == (True, False)


def test_only_one_thread_does_a_thing_in_memory() -> None:
    store = Store(None)
    seen: list[bool] = []

    def attempt() -> None:
        with store.alone("words") as ours:
            seen.append(ours)

    with store.alone("words"):
        thread = threading.Thread(target=attempt)
        thread.start()
        thread.join()
    attempt()
    assert seen == [False, True]


@pytest.mark.parametrize("steps", [1, 7, 23])
def test_a_process_killed_while_it_writes_leaves_whole_files(tmp_path: Path, steps: int) -> None:
    path = tmp_path / "i.sqlite"
    other = other_process(
        "from akmon_index.entries import add_file\nfrom akmon_index.values import Chunk\n"
        "for number in range(10**9):\n"
        "    with store.writing() as connection:\n"
        "        for part in 'ab':\n"
        "            name = f'{number}{part}'\n"
        "            chunk = Chunk(path=name, first=1, last=1, text='x' * 3000)\n"
        "            add_file(connection, name, (1, 2, 3), b'', b'', [chunk])\n"
        "            print(number, flush=True)\n",
        path,
    )
    for _ in range(steps):
        said(other)
    os.kill(other.pid, signal.SIGKILL)
    other.communicate()
    store = Store(path)
    found = paths(store)
    assert len(found) % 2 == 0
    assert len(found) >= (steps - 1) // 2 * 2
    with store.reading() as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        entries = connection.execute("SELECT count(*) FROM entry WHERE entry MATCH 'x*'").fetchone()[0]
    assert entries == len(found) == store.counts().chunks
    assert store.begun_anew == ""


def test_one_reads_what_is_there_while_another_writes(tmp_path: Path) -> None:
    path = tmp_path / "i.sqlite"
    put(Store(path), "a.py")
    writer = Store(path)
    with writer.writing() as connection:
        forget_file(connection, 1)
        assert paths(Store(path)) == ["a.py"]
    assert paths(Store(path)) == []


def test_clearing_forgets_everything_and_gives_the_room_back(tmp_path: Path) -> None:
    store = Store(tmp_path / "i.sqlite")
    put(store, *(f"file{number}.py" for number in range(300)))
    with store.writing() as connection:
        set_meta(connection, "model", '{"name": "m", "dimension": 3}')
    before = store.counts().bytes
    store.clear()
    assert (paths(store), store.model(), store.counts().chunks) == ([], None, 0)
    assert store.counts().bytes < before
    put(store, "a.py")
    assert paths(store) == ["a.py"]


def test_a_place_that_cannot_be_written_is_an_error_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ToolError, match=r"file/i.sqlite cannot be used: Not a directory"):
        paths(Store(tmp_path / "file" / "i.sqlite"))


def test_a_link_in_the_place_of_the_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "i.sqlite").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ToolError, match="cannot be used"):
        paths(Store(tmp_path / "i.sqlite"))
    assert not (tmp_path / "elsewhere").exists()
