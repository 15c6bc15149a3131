"""The smallest embedder: hashes each word to a dimension. For tests and for trying; it knows no meaning."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING

from akmon_index.chunk import words
from akmon_index.values import ModelId

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DIMENSION = 256


class HashedEmbedder:
    """The same text has the same vector everywhere and always."""

    id = ModelId(name="hashed", revision="1", dimension=DIMENSION)

    def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        from akmon_index.embed.vectors import unit_rows

        rows = np.zeros((len(texts), DIMENSION), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in words(text):
                row[_dimension(word)] += 1
        return unit_rows(np.sqrt(rows))

    def query(self, text: str) -> NDArray[np.float32]:
        row: NDArray[np.float32] = self.passages([text])[0]
        return row

    def close(self) -> None:
        """Nothing is held but memory."""


def _dimension(word: str) -> int:
    return int.from_bytes(blake2b(word.encode(), digest_size=2).digest()) % DIMENSION
