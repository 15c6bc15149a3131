"""Vectors in two small forms: their signs, which are scanned in memory, and a byte for each dimension."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCK = 65_536
"""Vectors whose codes lie together; one step of reading, and of the scan."""


class Codes:
    """The signs of all vectors: 48 bytes each for 384 dimensions. Grows without being copied."""

    def __init__(self, dimension: int, generation: str = "") -> None:
        self.dimension = dimension
        self.generation = generation
        self.last = 0
        """The highest number of a vector that is in it."""
        self._words = -(-dimension // 64)
        self._filled = 0
        self._ids: list[NDArray[np.int64]] = []
        self._blocks: list[NDArray[np.uint64]] = []
        """Each of ``(words, BLOCK)``: one word of all codes after the other, which is fastest to scan."""

    def __len__(self) -> int:
        return max(len(self._blocks) - 1, 0) * BLOCK + self._filled

    def extend(self, rows: Sequence[tuple[int, bytes]]) -> None:
        """Adds vectors by number and ``code_of``; numbers only rise."""
        import numpy as np

        while rows:
            if not self._blocks or self._filled == BLOCK:
                self._ids.append(np.empty(BLOCK, np.int64))
                self._blocks.append(np.empty((self._words, BLOCK), np.uint64))
                self._filled = 0
            part, rows = rows[: BLOCK - self._filled], rows[BLOCK - self._filled :]
            to = slice(self._filled, self._filled + len(part))
            bits = np.frombuffer(b"".join(code for _, code in part), np.uint64)
            self._blocks[-1][:, to] = bits.reshape(len(part), self._words).T
            self._ids[-1][to] = [number for number, _ in part]
            self._filled += len(part)
            self.last = part[-1][0]

    def nearest(self, code: bytes, count: int, allowed: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """Numbers of the ``count`` vectors that differ least from ``code``, of those ``allowed`` (sorted)."""
        import numpy as np

        if not len(self):
            return np.empty(0, np.int64)
        word = np.frombuffer(code, np.uint64)
        rows = [self._rows(at, allowed) for at in range(len(self._blocks))]
        blocks = [self._distances(at, each, word) for at, each in enumerate(rows)]
        size = self._words * 64 + 1
        tally = sum((np.bincount(each, minlength=size) for each in blocks), np.zeros(size, np.int64))
        cut = int(np.searchsorted(np.cumsum(tally), count))
        inside = [self._ids[at][rows[at]][each < cut] for at, each in enumerate(blocks)]
        edge = [self._ids[at][rows[at]][each == cut] for at, each in enumerate(blocks)]
        return np.concatenate(inside + edge)[:count]

    def _rows(self, at: int, allowed: NDArray[np.int64] | None) -> slice | NDArray[np.int64]:
        """Where in a block the vectors are that are ``allowed``."""
        import numpy as np

        ids = self._ids[at][: self._filled] if at == len(self._ids) - 1 else self._ids[at]
        if allowed is None:
            return slice(0, len(ids))
        first, end = np.searchsorted(allowed, (ids[0], ids[-1] + 1))
        wanted = allowed[first:end]
        found = np.searchsorted(ids, wanted)
        rows: NDArray[np.int64] = found[ids[found] == wanted]
        return rows

    def _distances(
        self, at: int, rows: slice | NDArray[np.int64], code: NDArray[np.uint64]
    ) -> NDArray[np.uint16]:
        import numpy as np

        block = self._blocks[at]
        distances: NDArray[np.uint16] = np.bitwise_count(block[0, rows] ^ code[0]).astype(np.uint16)
        for number in range(1, self._words):
            distances += np.bitwise_count(block[number, rows] ^ code[number])
        return distances


def code_of(vectors: NDArray[np.float32]) -> list[bytes]:
    """The signs of each row, filled up to whole words of 64 bits."""
    import numpy as np

    bits = np.packbits(vectors > 0, axis=1)
    missing = -bits.shape[1] % 8
    return [row.tobytes() for row in np.pad(bits, ((0, 0), (0, missing)))]


def quantised(vectors: NDArray[np.float32]) -> list[tuple[float, bytes]]:
    """Each row as a scale and one signed byte per dimension: a quarter of its size."""
    import numpy as np

    scales = np.maximum(np.abs(vectors).max(axis=1), 1e-12) / 127
    rows = np.rint(vectors / scales[:, None]).astype(np.int8)
    return [(float(scale), row.tobytes()) for scale, row in zip(scales, rows, strict=True)]
