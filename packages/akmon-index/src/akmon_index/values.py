"""The values that the parts of the index hand to each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

import msgspec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ChunkKind: TypeAlias = Literal["function", "class", "module", "section", "lines"]


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a file that can be found and shown by itself."""

    path: str
    """From the root of the project, with ``/`` between folders."""
    first: int
    """Number of its first line, from 1."""
    last: int
    text: str
    """Its lines as they are; of a class without those of its members, of which the first ones stay."""
    symbol: str = ""
    """Such as ``Session.send``, or the headings above a section: ``Install > Linux``."""
    kind: ChunkKind = "lines"
    language: str = ""
    """Such as ``python``; empty is unknown."""
    context: str = ""
    """What a reader of the piece alone misses: its path, and the signature of what it stands in. It is
    embedded, and searched for words, with the text."""


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """What a search stays in."""

    path: str = ""
    """A folder or file, or a glob such as ``src/**/*.py``; empty is everywhere."""
    language: str = ""
    limit: int = 10


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """A piece that fits a query."""

    path: str
    first: int
    last: int
    symbol: str
    language: str
    score: float
    """Higher is better; comparable within one search only."""
    text: str
    by: tuple[Literal["words", "meaning"], ...] = ()
    """What has found it."""


class ModelId(msgspec.Struct, frozen=True, kw_only=True):
    """What vectors were made with; others cannot be compared with them."""

    name: str
    """Such as ``sentence-transformers:all-MiniLM-L6-v2``."""
    revision: str = ""
    dimension: int


class Embedder(Protocol):
    """Turns text into vectors of length 1, whose dot product says how alike they are.

    Every method may take long, and raises ``AkmonError`` in words for people.
    """

    @property
    def id(self) -> ModelId: ...

    def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row each, of what is to be found."""
        ...

    def query(self, text: str) -> NDArray[np.float32]:
        """Of a question."""
        ...


class OpenEmbedder(Embedder, Protocol):
    """One that holds a process, a connection or memory."""

    def close(self) -> None:
        """Gives that back. Who waits for an answer in another thread gets an ``AkmonError``."""
        ...
