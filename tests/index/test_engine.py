"""The index of a project: built, searched by meaning, kept up to date, and without its model."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from akmon_core.errors import AkmonError, SettingsError, ToolError
from akmon_core.plugins import Workplace
from akmon_index.build import Progress
from akmon_index.engine import Found, Index
from akmon_index.limits import INDEX_AUTO_CHUNKS
from akmon_index.places import index_file
from akmon_index.values import Filters
from tests.index.servers import Server


def quiet(_: Progress) -> None:
    pass


def never() -> bool:
    return False


def search(index: Index, query: str, **filters: Any) -> Found:
    return index.search(query, Filters(**filters), progress=quiet, stopped=never)


def build(index: Index) -> None:
    index.build(progress=quiet, stopped=never)


def paths(found: Found) -> list[str]:
    return [hit.path for hit in found.hits]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    """A project of two files, and the hashed embedder in the configuration."""
    for name in ("AKMON_INDEX_MODEL", "AKMON_INDEX_URL", "AKMON_INDEX_KEY"):
        monkeypatch.delenv(name, raising=False)
    project, config = tmp_path / "project", tmp_path / "config"
    project.mkdir()
    config.mkdir()
    (config / "index.toml").write_text('model = "hashed"\n')
    (project / "a.py").write_text("def open_socket(port):\n    return port\n")
    (project / "b.py").write_text("def read_header(line):\n    return line\n")
    return Workplace(
        root=str(project),
        cache=str(tmp_path / "cache"),
        config=str(config),
        withheld=lambda path: path.startswith("vault/"),
        learn=lambda _: None,
    )


@pytest.fixture
def server() -> Iterator[str]:
    """The address of an Ollama."""
    server = Server()
    yield server.url
    server.close()


def set_model(place: Workplace, text: str) -> None:
    (Path(place.config) / "index.toml").write_text(text)


def test_without_a_build_it_ranks_by_words_and_says_nothing_of_it(place: Workplace) -> None:
    with closing(Index(place)) as index:
        found = search(index, "socket")
        status = index.status()
    assert [(hit.path, hit.by, hit.symbol) for hit in found.hits] == [("a.py", ("words",), "open_socket")]
    assert found.note == ""
    assert status.model is None
    assert status.counts
    assert status.counts.files == 2


def test_after_a_build_it_ranks_by_meaning_too(place: Workplace) -> None:
    with closing(Index(place)) as index:
        build(index)
        found = search(index, "socket")
        status = index.status()
    assert paths(found)[0] == "a.py"
    assert found.hits[0].by == ("words", "meaning")
    assert status.model
    assert (status.model.name, status.chosen) == ("hashed", "hashed")
    assert status.counts
    assert status.counts.embedded == status.counts.texts == 2


def test_an_index_is_kept_for_later_processes_where_only_its_person_can_read(place: Workplace) -> None:
    with closing(Index(place)) as index:
        build(index)
    file = index_file(place)
    assert file
    assert file.stat().st_mode & 0o077 == 0
    assert file.parent.stat().st_mode & 0o077 == 0
    with closing(Index(place)) as again:
        assert search(again, "socket").hits[0].by == ("words", "meaning")


def test_what_changes_is_embedded_by_the_search_that_meets_it(place: Workplace) -> None:
    with closing(Index(place)) as index:
        build(index)
        (Path(place.root) / "c.py").write_text("def melt_glacier():\n    return 'ice'\n")
        first = found = search(index, "glacier")
        while found.note:  # a search waits only so long for what has changed to be embedded
            assert "not embedded yet" in found.note
            found = search(index, "glacier")
    assert paths(first)[0] == paths(found)[0] == "c.py"
    assert found.hits[0].by == ("words", "meaning")


def test_attending_brings_an_index_up_to_date_in_the_background(place: Workplace) -> None:
    with closing(Index(place)) as index:
        build(index)
        (Path(place.root) / "c.py").write_text("def melt_glacier():\n    return 'ice'\n")
        index.attend()
        while (counts := index.status().counts) is None or counts.embedded < 3:
            time.sleep(0.01)
    assert (counts.files, counts.embedded) == (3, 3)


def test_attending_makes_no_index_where_there_is_none(place: Workplace) -> None:
    with closing(Index(place)) as index:
        index.attend()
    assert not Path(place.cache).exists()


def test_many_changes_are_left_to_the_command_and_said_to_be(place: Workplace) -> None:
    with closing(Index(place)) as index:
        build(index)
        many = "".join(f"def work_{number}(x):\n    return {number}\n\n\n" for number in range(3000))
        for number in range(INDEX_AUTO_CHUNKS // 1000 + 1):
            (Path(place.root) / f"many{number}.py").write_text(many.replace("work", f"work{number}"))
        found = search(index, "work")
        index.attend()
        counts = index.status().counts
    assert counts
    assert counts.texts > INDEX_AUTO_CHUNKS + 2
    assert "found by words alone. Run: akmon index build" in found.note
    assert counts.embedded == 2


def test_another_model_rebuilds_cleanly(place: Workplace, server: str) -> None:
    with closing(Index(place)) as index:
        build(index)
    set_model(place, f'model = "ollama:tiny"\nurl = "{server}"\n')
    with closing(Index(place)) as index:
        assert search(index, "socket").hits[0].by == ("words", "meaning")  # with the model of the vectors
        build(index)
        status = index.status()
        assert search(index, "socket").hits[0].by == ("words", "meaning")
    assert status.model
    assert (status.model.name, status.model.dimension) == ("ollama:tiny", 3)
    assert status.counts
    assert status.counts.embedded == 2


def test_a_server_that_is_no_longer_set_is_not_asked(place: Workplace, server: str) -> None:
    set_model(place, f'model = "ollama:tiny"\nurl = "{server}"\n')
    with closing(Index(place)) as index:
        build(index)
    set_model(place, 'model = "hashed"\n')
    with closing(Index(place)) as index:
        found = search(index, "socket")
    assert found.hits[0].by == ("words",)
    assert "built with ollama:tiny, and hashed is set" in found.note
    assert "akmon index build" in found.note


def test_a_session_goes_over_to_the_model_that_another_process_has_built_with(
    place: Workplace, server: str
) -> None:
    with closing(Index(place)) as session, closing(Index(place)) as other:
        build(session)
        assert search(session, "socket").hits[0].by == ("words", "meaning")
        set_model(place, f'model = "ollama:tiny"\nurl = "{server}"\n')
        build(other)
        found = search(session, "socket")
    assert (found.note, found.hits[0].by) == ("", ("words", "meaning"))


def test_a_model_that_cannot_be_had_leaves_the_words_and_a_note(place: Workplace, server: str) -> None:
    set_model(place, f'model = "ollama:tiny"\nurl = "{server}"\n')
    with closing(Index(place)) as index:
        build(index)
    set_model(place, 'model = "ollama:tiny"\nurl = "http://127.0.0.1:9"\n')
    with closing(Index(place)) as index:
        found = search(index, "socket")
    assert [hit.by for hit in found.hits] == [("words",)]
    assert found.note.startswith("ranked by words alone: Ollama at http://127.0.0.1:9 cannot be asked")


def test_a_build_that_was_stopped_goes_on_where_it_was(place: Workplace) -> None:
    for number in range(200):
        (Path(place.root) / f"f{number}.py").write_text(f"def work_{number}():\n    return {number}\n")
    seen: list[Progress] = []

    def interrupt(progress: Progress) -> None:
        seen.append(progress)
        if progress.what == "vectors" and progress.done:
            raise KeyboardInterrupt

    with closing(Index(place)) as index:
        with pytest.raises(KeyboardInterrupt):
            index.build(progress=interrupt, stopped=never)
        counts = index.status().counts
        assert counts
        assert 0 < counts.embedded < counts.texts == 202
        again: list[Progress] = []
        index.build(progress=again.append, stopped=never)
        left = [progress for progress in again if progress.what == "vectors"]
        assert left[0].total == counts.texts - counts.embedded
        assert not [progress for progress in again if progress.what == "files" and progress.total > 202]
        assert search(index, "work 7").note == ""


def test_nothing_is_built_without_a_model_and_what_is_missing_is_said(place: Workplace) -> None:
    set_model(place, 'model = "bert"\n')
    with closing(Index(place)) as index:
        with pytest.raises(SettingsError, match="no embedding model"):
            build(index)
        assert paths(search(index, "socket")) == ["a.py"]


def test_without_a_cache_folder_words_are_kept_in_memory(place: Workplace) -> None:
    bare = Workplace(
        root=place.root, cache="", config=place.config, withheld=place.withheld, learn=place.learn
    )
    with closing(Index(bare)) as index:
        assert paths(search(index, "socket")) == ["a.py"]
        with pytest.raises(SettingsError, match="AKMON_CACHE_DIR"):
            build(index)


def test_a_whole_home_is_not_indexed(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", place.root)
    with closing(Index(place)) as index, pytest.raises(ToolError, match="whole home folder"):
        search(index, "socket")


def test_withheld_files_are_neither_indexed_nor_found(place: Workplace) -> None:
    (Path(place.root) / "vault").mkdir()
    (Path(place.root) / "vault" / "plan.py").write_text("def heist():\n    return 'gold'\n")
    with closing(Index(place)) as index:
        build(index)
        assert "vault/plan.py" not in paths(search(index, "heist gold"))
    file = index_file(place)
    assert file
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("SELECT path FROM file ORDER BY path").fetchall() == [("a.py",), ("b.py",)]


def test_clearing_forgets_everything_and_a_search_begins_anew(place: Workplace) -> None:
    with closing(Index(place)) as index:
        assert index.clear() is False
        build(index)
        assert index.clear() is True
        status = index.status()
        assert status.model is None
        assert status.counts
        assert (status.counts.files, status.counts.embedded) == (0, 0)
        assert paths(search(index, "socket")) == ["a.py"]


def test_what_was_cleared_comes_back_with_a_search_only(place: Workplace) -> None:
    with closing(Index(place)) as index:
        build(index)
        index.clear()
        index.attend()
        for thread in threading.enumerate():
            if thread.name == "akmon-index":
                thread.join()
        counts = index.status().counts
    assert counts
    assert counts.files == 0


def test_a_build_ends_well_though_files_change_while_it_runs(place: Workplace) -> None:
    """As another akmon in the project brings the words up to date after each turn."""

    def change(progress: Progress) -> None:
        if progress.what == "vectors" and not progress.done:
            (Path(place.root) / "c.py").write_text("def melt_glacier():\n    return 'ice'\n")
            with closing(Index(place)) as other:
                search(other, "glacier")

    set_model(place, 'model = "bert"\n')  # the other one embeds nothing
    with closing(Index(place)) as index:
        search(index, "socket")
        set_model(place, 'model = "hashed"\n')
        index.build(progress=change, stopped=never)
        counts = index.status().counts
    assert counts
    assert counts.embedded == counts.texts == 3


def test_that_the_vectors_have_gone_with_a_file_of_another_version_is_said(place: Workplace) -> None:
    with closing(Index(place)) as index:
        build(index)
    file = index_file(place)
    assert file
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA user_version = 99")
    with closing(Index(place)) as index:
        found = search(index, "socket")
        assert paths(found) == ["a.py"]
        assert "version 99" in found.note
        assert "akmon index build" in found.note
        build(index)
        assert search(index, "socket").note == ""


def test_damage_is_found(place: Workplace) -> None:
    with closing(Index(place)) as index:
        build(index)
        assert index.damage() == ""
    file = index_file(place)
    assert file
    with closing(sqlite3.connect(file)) as database:
        number, text = database.execute("SELECT id, text FROM body LIMIT 1").fetchone()
        database.execute("UPDATE entry_data SET block = zeroblob(length(block)) WHERE id > 10")
        database.commit()
        assert (number, bool(text)) == (1, True)
    with closing(Index(place)) as index:
        try:
            assert index.damage()
        except AkmonError as error:
            assert "damaged" in str(error)  # noqa: PT017


def test_several_searches_at_once_agree(place: Workplace) -> None:
    found: list[Sequence[str]] = []
    with closing(Index(place)) as index:
        build(index)
        threads = [
            threading.Thread(target=lambda: found.append(paths(search(index, "read header"))))
            for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(found) == 6
    assert {each[0] for each in found} == {"b.py"}
