"""An embedder in a process of its own: what loads for seconds and computes for minutes holds nothing up."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from akmon_core.errors import SettingsError, ToolError
from akmon_core.text import one_line
from akmon_index.embed.frames import Ask, Failed, Job, Ready, Vectors, read_frame, write_frame
from akmon_index.embed.vectors import unit_rows
from akmon_index.models import Choice
from akmon_index.values import ModelId

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BATCH = 16
"""Texts that are computed together: a query waits no longer than for one such batch."""
_PAUSE = 0.01
_SAID_CHARS = 300


class ApartEmbedder:
    """Its process begins at the first use, and anew if it has ended. Threads may share one.

    In a thread of akmon's own, a library such as torch would hold up the screen while it loads, and bring
    down the program where that ends meanwhile. All methods but ``close`` raise ``AkmonError``.
    """

    def __init__(self, choice: Choice, *, download: bool = False) -> None:
        self._job = Job(choice, download)
        self._in_use = threading.Lock()
        self._asked = threading.Event()
        self._beginning = threading.Lock()
        self._process: _Process | None = None
        self._id: ModelId | None = None
        self._closed = False

    @property
    def id(self) -> ModelId:
        with self._in_use:
            return self._id or self._begun()[1]

    def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """A few at a time, so that a query that comes meanwhile is not held up."""
        import numpy as np

        rows = np.zeros((len(texts), self.id.dimension), dtype=np.float32)
        # All texts of a batch cost as much as its longest one.
        order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
        for at in range(0, len(order), _BATCH):
            while self._asked.is_set():
                time.sleep(_PAUSE)
            batch = order[at : at + _BATCH]
            rows[batch] = self._vectors([texts[number] for number in batch], query=False)
        return unit_rows(rows)

    def query(self, text: str) -> NDArray[np.float32]:
        self._asked.set()
        try:
            row: NDArray[np.float32] = unit_rows(self._vectors([text], query=True))[0]
        finally:
            self._asked.clear()
        return row

    def close(self) -> None:
        """Ends the process at once; who waits for it gets a ``ToolError``."""
        with self._beginning:
            self._closed = True
            process = self._process
        if process:
            process.kill()
            with self._in_use:
                process.dispose()

    def _vectors(self, texts: Sequence[str], *, query: bool) -> NDArray[np.float32]:
        import numpy as np

        with self._in_use:
            process, model = self._begun()
            answer = process.ask(Ask([text.encode(errors="replace").decode() for text in texts], query))
            assert isinstance(answer, Vectors)
            return np.frombuffer(answer.data, np.float32).reshape(len(texts), model.dimension)

    def _begun(self) -> tuple[_Process, ModelId]:
        """The process, and what it has loaded; ``_in_use`` is held."""
        if self._process and self._id and self._process.runs:
            return self._process, self._id
        with self._beginning:
            if self._closed:
                raise ToolError("the index is closed.")
            if self._process:
                self._process.dispose()
            process = self._process = _Process(self._job.choice.spec)
        ready = process.ask(self._job)
        assert isinstance(ready, Ready)
        self._id = ready.id
        return process, ready.id


class _Process:
    def __init__(self, name: str) -> None:
        self._name = name
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
        # The same modules as here, and none of the folder that akmon works in.
        path = os.pathsep.join(filter(os.path.isabs, sys.path))
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "akmon_index.embed.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,  # Ctrl+C is for akmon, which ends it
        )

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def ask(self, asked: Job | Ask) -> Ready | Vectors:
        assert self._process.stdin
        assert self._process.stdout
        answer: Ready | Vectors | Failed | None
        try:
            write_frame(self._process.stdin, asked)
            answer = read_frame(self._process.stdout, Ready | Vectors | Failed)
        except OSError:  # it has ended
            answer = None
        except BaseException:
            self.kill()  # what it answers later would be taken for the answer to something else
            raise
        if answer is None:
            raise ToolError(self._ended())
        if isinstance(answer, Failed):
            raise (SettingsError if answer.settings else ToolError)(answer.text)
        return answer

    def kill(self) -> None:
        self._process.kill()

    def dispose(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in filter(None, (self._process.stdin, self._process.stdout, self._said)):
            with suppress(OSError):  # what it did not take is lost with it
                pipe.close()

    def _ended(self) -> str:
        code = self._process.wait()
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").strip().splitlines()
        said = one_line(lines[-1], _SAID_CHARS) if lines else "it said nothing"
        return (
            f"the process of the model {self._name} has ended ({code}): {said}. "
            "If memory ran out, choose a smaller model; see: akmon index doctor"
        )
