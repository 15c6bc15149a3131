"""The index of a project: searched by words and by meaning, kept up to date, built, described."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from akmon_core.errors import AkmonError, SettingsError, ToolError
from akmon_core.plugins import Workplace
from akmon_index.build import Changed, Progress, Report, Stopped, pending, refresh_vectors, refresh_words
from akmon_index.chunk import words
from akmon_index.embed import open_embedder
from akmon_index.limits import INDEX_AUTO_CHUNKS, INDEX_CLOSE_SECONDS, INDEX_PATIENCE
from akmon_index.models import SERVERS, Choice, chosen, needed, parse_choice
from akmon_index.places import index_file
from akmon_index.ranking import search
from akmon_index.store import Counts, Store
from akmon_index.values import Filters, Hit, ModelId, OpenEmbedder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BUILD = "akmon index build"
_LOOK_SECONDS = 0.1
"""Between two looks whether another process has ended its work on the index."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    hits: tuple[Hit, ...]
    note: str = ""
    """Why they may be fewer or worse than they could be; empty if they are not."""


class Status(msgspec.Struct, frozen=True, kw_only=True):
    root: str
    file: str
    """Where the index is kept; it need not exist. Empty: only in memory."""
    exists: bool
    model: ModelId | None = None
    """What the vectors were made with; None if there are none."""
    chosen: str = ""
    """The model that is set; empty if none is."""
    counts: Counts | None = None


class Index:
    """Of one project. Threads may share one. Nothing is read or loaded before it is needed."""

    def __init__(self, place: Workplace) -> None:
        self._place = place
        self._root = Path(place.root)
        self.file = index_file(place)
        self._store = Store(self.file)
        self._embedder: OpenEmbedder | None = None
        self._embedder_of: ModelId | None = None
        """The vectors that it was opened for: another process may have made others since."""
        self._opening = threading.Lock()
        self._starting = threading.Lock()
        self._ending = threading.Event()
        self._worker: threading.Thread | None = None
        self._again = False
        self._left = 1
        """Texts without a vector when it was last looked; at first there may be some."""

    def search(self, query: str, filters: Filters, *, progress: Report, stopped: Stopped) -> Found:
        """What fits ``query`` best, in the files as they are now. Raises ``ToolError``.

        What has changed and is not embedded within ``INDEX_PATIENCE`` seconds is found by its words.
        """
        if not words(query):
            raise ToolError("the query has no word in it. Say in a few words what to look for.")
        done = self._refresh_words(progress, stopped)
        vector, note = self._vector_of(query)
        if vector is not None:
            note = self._catch_up(bool(done.read) or done.busy)
        hits = search(self._store, query, filters, vector=vector, there=self._is_shown)
        return Found(hits=tuple(hits), note=note or self._begun_anew())

    def build(self, *, progress: Report, stopped: Stopped, download: bool = False) -> ModelId:
        """Brings words and vectors up to date with the model that is set; another model's vectors go.

        May be ended at any moment; the next call goes on from there. Raises ``AkmonError``.
        """
        if self.file is None:
            raise SettingsError("there is no cache folder to keep an index in. Set AKMON_CACHE_DIR.")
        choice = needed(self._place)
        self._refuse_homes()
        embedder = self._use(open_embedder(self._place, choice, download=download), None)
        with self._opening:
            self._embedder_of = embedder.id  # which loads it
        if self._refresh_words(progress, stopped).busy:  # what rules of here withhold may still be there
            raise ToolError("another akmon reads the files of this project. Wait for it, and try again.")
        done = refresh_vectors(self._store, embedder, progress=progress, stopped=stopped)
        if not done and not stopped() and pending(self._store):
            raise ToolError("another akmon works on the vectors of this project. Wait for it, and try again.")
        return embedder.id

    def status(self) -> Status:
        """Raises ``AkmonError``."""
        choice = chosen(self._place)
        known = Status(
            root=self._place.root,
            file=str(self.file or ""),
            exists=bool(self.file and self.file.exists()),
            chosen=choice.spec if choice else "",
        )
        if not known.exists:
            return known
        return msgspec.structs.replace(known, model=self._store.model(), counts=self._store.counts())

    def damage(self) -> str:
        """What is wrong with the file; empty if nothing is. Raises ``ToolError`` if it cannot be read."""
        if self.file is None or not self.file.exists():
            return ""
        with self._store.writing() as connection:  # what checks the words counts as writing
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            try:
                connection.execute("INSERT INTO entry (entry) VALUES ('integrity-check')")
            except sqlite3.DatabaseError as error:
                found = str(error)
        return "" if found == "ok" else str(found)

    def clear(self) -> bool:
        """Forgets everything; whether there was anything. Raises ``ToolError``."""
        if self.file is None or not self.file.exists():
            return False
        self._store.clear()
        return True

    def attend(self) -> None:
        """Brings an index that there is up to date, in the background; returns at once."""
        if self.file and self.file.exists():
            self._start()

    def close(self) -> None:
        """Ends what runs in the background, or leaves it to itself after ``INDEX_CLOSE_SECONDS``."""
        with self._starting:
            self._ending.set()
            worker, embedder = self._worker, self._embedder
        if embedder:
            embedder.close()
        if worker:
            worker.join(INDEX_CLOSE_SECONDS)
        if not (worker and worker.is_alive()):
            self._store.close()

    # --- words ------------------------------------------------------------------------------------------

    def _refresh_words(self, progress: Report, stopped: Stopped) -> Changed:
        """Waits for others that are at it: long only if there is nothing yet."""
        self._refuse_homes()
        end = time.monotonic() + INDEX_PATIENCE
        while not stopped():
            done = refresh_words(
                self._store, self._root, self._place.withheld, progress=progress, stopped=stopped
            )
            if not done.busy or (time.monotonic() > end and self._store.meta("ranked")):
                return done
            time.sleep(_LOOK_SECONDS)
        return Changed(stopped=True)

    def _is_shown(self, path: str) -> bool:
        """Rules may have come, and files gone, since they were indexed."""
        return not self._place.withheld(path) and os.path.lexists(self._root / path)

    def _refuse_homes(self) -> None:
        with suppress(RuntimeError):  # nobody's home is known
            if Path.home().resolve().is_relative_to(self._root):
                raise ToolError(
                    f"{self._root} holds a whole home folder, and is not indexed. Start akmon in a project."
                )

    def _begun_anew(self) -> str:
        """That what there was has gone, as long as no vectors have been made since."""
        why = self._store.begun_anew
        return f"{why} If it had vectors, run: {_BUILD}" if why and self._store.model() is None else ""

    # --- meaning ----------------------------------------------------------------------------------------

    def _vector_of(self, query: str) -> tuple[NDArray[np.float32] | None, str]:
        """That of the query, by the model that the vectors were made with; or why it has none."""
        made = self._store.model()
        if made is None:
            return None, ""
        try:
            embedder = self._of_vectors(made)
            vector = embedder.query(query)
            if embedder.id != made:
                raise SettingsError(f"the model {made.name} is another one now. Run: {_BUILD}")
        except AkmonError as error:
            return None, f"ranked by words alone: {error}"
        return vector, ""

    def _of_vectors(self, made: ModelId) -> OpenEmbedder:
        """Raises ``AkmonError``."""
        with self._opening:
            if self._embedder is None or self._embedder_of != made:
                self._use(open_embedder(self._place, self._choice_of(made)), made)
            assert self._embedder
            return self._embedder

    def _use(self, embedder: OpenEmbedder, made: ModelId | None) -> OpenEmbedder:
        """In the place of the one before. ``made`` are the vectors that it is for."""
        with self._starting:
            before, self._embedder = self._embedder, embedder
            self._embedder_of = made
            if self._ending.is_set():
                embedder.close()
        if before:
            before.close()
        return embedder

    def _choice_of(self, made: ModelId) -> Choice:
        """A server is asked only if it is the one that is set: text goes nowhere by chance."""
        choice = chosen(self._place)
        if choice and choice.spec == made.name:
            return choice
        kept = parse_choice(made.name, origin="the index")
        if kept.kind in SERVERS:
            now = f"{choice.spec} is set" if choice else "no model is set"
            raise SettingsError(
                f"the index was built with {made.name}, and {now}. Set that one again, or run: {_BUILD}"
            )
        return kept

    def _catch_up(self, changed: bool) -> str:
        """Gives what has changed a moment to be embedded; what to say if that was not enough."""
        if changed or self._left:
            self._left = pending(self._store)
        if not self._left:
            return ""
        if self._left <= INDEX_AUTO_CHUNKS:
            if worker := self._start():
                worker.join(INDEX_PATIENCE)
            self._left = pending(self._store)
        advice = f" Run: {_BUILD}" if self._left > INDEX_AUTO_CHUNKS else ""
        pieces = "1 piece is" if self._left == 1 else f"{self._left:,} pieces are"
        return f"{pieces} not embedded yet, and found by words alone.{advice}" if self._left else ""

    def _start(self) -> threading.Thread | None:
        """What brings the index up to date in the background, and does so once more if it is at it.

        None once the index is closed.
        """
        with self._starting:
            if self._ending.is_set():
                return None
            self._again = True
            if not (self._worker and self._worker.is_alive()):
                self._worker = threading.Thread(target=self._work, name="akmon-index", daemon=True)
                self._worker.start()
            return self._worker

    def _work(self) -> None:
        while not self._ending.is_set():
            with self._starting:
                if not self._again:
                    self._worker = None
                    return
                self._again = False
            with suppress(AkmonError):  # a search meets the same problem, and says so
                self._bring_up_to_date()

    def _bring_up_to_date(self) -> None:
        stopped: Callable[[], bool] = self._ending.is_set
        self._refuse_homes()
        if self._store.is_empty():  # nobody has searched here yet, or it was cleared
            return
        done = refresh_words(
            self._store, self._root, self._place.withheld, progress=_quietly, stopped=stopped
        )
        if done.busy:  # what rules of here withhold may still be there, and is not to be embedded
            return
        made = self._store.model()
        if made is None or stopped() or not 0 < pending(self._store) <= INDEX_AUTO_CHUNKS:
            return
        embedder = self._of_vectors(made)
        if embedder.id == made:  # otherwise all that there is would be dropped
            refresh_vectors(self._store, embedder, progress=_quietly, stopped=stopped, most=INDEX_AUTO_CHUNKS)


def _quietly(_progress: Progress) -> None:
    """Nobody is shown how far it is."""
