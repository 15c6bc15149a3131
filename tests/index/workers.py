"""Works on an index in processes that can be killed: ``python -m tests.index.workers PROJECT``.

For each line on standard input a process is forked off, which is fast as all is loaded before. The line
says what it does, in which folder the index is, and after how many seconds of processor time the kernel ends
it: in the midst of anything and with nothing of its own run, as by ``kill -9``; 0 is never. The answer is its
exit code, negative if it was ended, and the processor time that it took.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from akmon_core.errors import AkmonError
from akmon_core.plugins import Workplace
from akmon_index.build import pending, refresh_vectors, refresh_words
from akmon_index.embed.hashed import HashedEmbedder
from akmon_index.engine import Index
from akmon_index.places import index_file
from akmon_index.store import Store
from akmon_index.values import Filters, ModelId

LOG = "embedded"
"""In the folder of the index: the name of each function that was embedded, a line each time it was."""
TIMES = 8


class Noting:
    """Embeds functions, without the path above them as moved files keep their vectors, and notes which."""

    id = ModelId(name="noting", dimension=HashedEmbedder.id.dimension)

    def __init__(self, log: Path) -> None:
        self._log = log
        self._hashed = HashedEmbedder()

    def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        bodies = [text[text.index("def ") :] for text in texts]
        with self._log.open("ab", buffering=0) as file:
            file.write("".join(f"{re.split(r'[ (]', body)[1]}\n" for body in bodies).encode())
        return self._hashed.passages(bodies)

    def query(self, text: str) -> NDArray[np.float32]:
        return self._hashed.query(text)


def workplace(project: Path, folder: Path) -> Workplace:
    return Workplace(
        root=str(project), cache=str(folder), config="", withheld=lambda _: False, learn=lambda _: None
    )


def build(place: Workplace) -> None:
    """Until nothing is left to do, by turns with others that are at it."""
    file = index_file(place)
    assert file
    store, embedder = Store(file), Noting(Path(place.cache, LOG))
    while True:
        done = refresh_words(
            store, Path(place.root), place.withheld, progress=lambda _: None, stopped=lambda: False
        )
        refresh_vectors(store, embedder, progress=lambda _: None, stopped=lambda: False, most=150)
        if not done.busy and not pending(store):
            return
        time.sleep(0.001)


def commands(place: Workplace) -> None:
    """As ``akmon index build`` does."""
    for _ in range(TIMES):
        index = Index(place)
        try:
            index.build(progress=lambda _: None, stopped=lambda: False)
        except AkmonError as error:
            if "another akmon works on the vectors of this project" not in str(error):
                raise
        index.close()


def searches(place: Workplace) -> None:
    index = Index(place)
    for _ in range(3 * TIMES):
        index.search("what works?", Filters(), progress=lambda _: None, stopped=lambda: False)
    index.close()


def clears(place: Workplace) -> None:
    for _ in range(TIMES):
        Index(place).clear()
        time.sleep(0.02)


_WORK: dict[str, Callable[[Workplace], None]] = {
    "build": build,
    "commands": commands,
    "searches": searches,
    "clears": clears,
}


def main() -> None:
    for line in sys.stdin:
        what, folder, seconds = line.split()
        process = os.fork()
        if not process:
            _work(_WORK[what], workplace(Path(sys.argv[1]), Path(folder)), float(seconds))
        _, status, used = os.wait4(process, 0)
        print(os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, flush=True)


def _work(do: Callable[[Workplace], None], place: Workplace, seconds: float) -> None:
    code = 1
    try:
        signal.setitimer(signal.ITIMER_PROF, seconds)  # what it sends ends a process that does not handle it
        do(place)
        code = 0
    finally:
        if code:
            traceback.print_exc()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
