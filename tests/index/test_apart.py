"""An embedder in a process of its own, with libraries that are made up: what it does when that goes wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from akmon_core.errors import AkmonError, SettingsError, ToolError
from akmon_index.embed.apart import ApartEmbedder
from akmon_index.models import Choice

LIBRARY = """
import os, time
print("loading, please wait")  # libraries do such things

class SentenceTransformer:
    def __init__(self, folder, **_):
        {begin}
        with open(os.environ["EMBEDDER_PIDS"], "a") as file:
            file.write(f"{{os.getpid()}}\\n")

    def bfloat16(self):
        pass

    def encode_query(self, texts, **_):
        return self.encode(texts, 1.0)

    def encode_document(self, texts, **_):
        return self.encode(texts, 0.0)

    def encode(self, texts, last):
        import numpy as np
        print("encoding", len(texts))
        if "hang" in texts:
            time.sleep(600)
        if "fail" in texts:
            raise RuntimeError("not enough\\nroom")
        return np.array([[len(text), 1.0, last] for text in texts], np.float32)
"""
PATIENCE = 60


class Libraries:
    """Stand-ins for sentence-transformers and what belongs to it, beside a model."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.model = folder / "model"
        self.model.mkdir()
        for name in ("config.json", "model.safetensors"):
            (self.model / name).write_text("{}")
        for name in ("transformers/__init__.py", "torch/__init__.py", "torch/cpu.py"):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text("")
        (folder / "torch/__init__.py").write_text("from torch import cpu\n")
        (folder / "transformers/utils.py").write_text(
            "class logging:\n"
            "    disable_progress_bar = staticmethod(lambda: None)\n"
            "    set_verbosity_error = staticmethod(lambda: None)\n"
        )
        self.begins_with("pass")

    def begins_with(self, statement: str) -> None:
        """When the model is loaded."""
        path = self.folder / "sentence_transformers.py"
        path.write_text(LIBRARY.format(begin=statement))

    def embedder(self) -> ApartEmbedder:
        return ApartEmbedder(Choice(kind="sentence-transformers", name=str(self.model)))

    @property
    def pids(self) -> list[int]:
        """Of the processes that have loaded the model, in their order."""
        path = self.folder / "pids"
        return [int(line) for line in path.read_text().split()] if path.exists() else []


@pytest.fixture
def libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Libraries:
    monkeypatch.setenv("EMBEDDER_PIDS", str(tmp_path / "pids"))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.syspath_prepend(str(tmp_path))
    return Libraries(tmp_path)


def until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < end
        time.sleep(0.01)


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def test_texts_have_their_vectors_whatever_the_library_prints(libraries: Libraries) -> None:
    with closing(libraries.embedder()) as embedder:
        assert (embedder.id.dimension, embedder.id.name) == (
            3,
            f"sentence-transformers:{libraries.model}",
        )
        texts = ["x" * (50 - number) for number in range(50)]
        rows = embedder.passages(texts)
        assert np.allclose(rows[:, 0] / rows[:, 1], [len(text) for text in texts])
        assert np.allclose(np.linalg.norm(rows, axis=1), 1)
        assert embedder.query("a\udcff").argmax() == 0
        assert embedder.passages([]).shape == (0, 3)
    assert len(libraries.pids) == 1
    assert not runs(libraries.pids[0])


def test_it_is_begun_again_after_it_was_killed(libraries: Libraries) -> None:
    with closing(libraries.embedder()) as embedder:
        embedder.query("a")
        os.kill(libraries.pids[0], signal.SIGKILL)
        with pytest.raises(ToolError, match=r"has ended \(-9\)"):
            until(lambda: bool(embedder.query("a") is None))
        assert np.allclose(embedder.query("a"), np.array([1, 1, 1]) / 3**0.5)
    assert len(libraries.pids) == 2


def test_what_fails_is_told_and_the_next_text_is_embedded(libraries: Libraries) -> None:
    with closing(libraries.embedder()) as embedder:
        with pytest.raises(ToolError, match="failed: not enough room"):
            embedder.passages(["a", "fail"])
        assert len(embedder.passages(["a"])) == 1
    assert len(libraries.pids) == 1


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("raise ValueError('no such layer')", "cannot be loaded: no such layer"),
        ("os._exit(3)", "has ended"),
        ("import sys; sys.exit('the disk is full')", r"has ended \(1\): the disk is full"),
    ],
)
def test_a_model_that_cannot_be_loaded_is_an_error_in_words(
    libraries: Libraries, statement: str, said: str
) -> None:
    libraries.begins_with(statement)
    with closing(libraries.embedder()) as embedder, pytest.raises(AkmonError, match=said):
        embedder.query("a")
    libraries.begins_with("pass")


def test_a_folder_that_is_not_there_is_for_the_person_to_set(libraries: Libraries) -> None:
    missing = Choice(kind="sentence-transformers", name="/not/there")
    with closing(ApartEmbedder(missing)) as embedder, pytest.raises(SettingsError, match="does not exist"):
        embedder.query("a")


@pytest.mark.parametrize("when", ["loading", "computing"])
def test_closing_ends_it_whatever_it_is_at(libraries: Libraries, when: str) -> None:
    if when == "loading":
        libraries.begins_with(
            'open(os.environ["EMBEDDER_PIDS"], "w").write(str(os.getpid())); time.sleep(600)'
        )
    errors: list[str] = []

    def ask() -> None:
        try:
            embedder.passages(["hang"])
        except ToolError as error:
            errors.append(str(error))

    embedder = libraries.embedder()
    waiting = threading.Thread(target=ask)
    waiting.start()
    until(lambda: bool(libraries.pids))
    embedder.close()
    waiting.join(PATIENCE)
    assert len(errors) == 1
    assert not runs(libraries.pids[0])
    with pytest.raises(ToolError, match="closed"):
        embedder.query("a")


def test_it_does_not_outlive_akmon(libraries: Libraries) -> None:
    program = (
        "import sys; from akmon_index.embed.apart import ApartEmbedder; "
        "from akmon_index.models import Choice; "
        "ApartEmbedder(Choice(kind='sentence-transformers', name=sys.argv[1])).query('a'); "
        "print('asked', flush=True); sys.stdin.read()"
    )
    env = {**os.environ, "PYTHONPATH": str(libraries.folder)}
    with subprocess.Popen(
        [sys.executable, "-c", program, str(libraries.model)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=env,
    ) as akmon:
        assert akmon.stdout
        assert akmon.stdout.readline() == b"asked\n"
        assert runs(libraries.pids[0])
        akmon.kill()
    until(lambda: not runs(libraries.pids[0]))
