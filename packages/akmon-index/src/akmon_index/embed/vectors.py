"""What every embedder does with the vectors that it gets: checks them, and brings them to length 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from akmon_core.errors import ToolError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LARGEST = 1e18
"""No model gives such values, and their squares still are numbers."""


def unit_rows(rows: Any) -> NDArray[np.float32]:
    """``rows`` as one array, each of length 1; a row of zeros stays one."""
    import numpy as np

    array = np.asarray(rows, dtype=np.float64)
    lengths = np.linalg.norm(array, axis=1, keepdims=True)
    return np.asarray(array / np.where(lengths > 0, lengths, 1), dtype=np.float32)


def checked(rows: Sequence[Sequence[float]], count: int, dimension: int, server: str) -> NDArray[np.float32]:
    """The vectors that a server gave for ``count`` texts. ``dimension`` is 0 as long as it is not known.

    Raises ``ToolError`` if they are not so many, not all of one dimension, or no numbers.
    """
    import numpy as np

    if len(rows) != count:
        raise ToolError(f"{server} gave {len(rows)} vectors for {count} texts. Use another embedding model.")
    widths = {len(row) for row in rows} | ({dimension} if dimension else set())
    if len(widths) > 1 or 0 in widths:
        raise ToolError(
            f"{server} gave vectors of different dimensions ({', '.join(map(str, sorted(widths)))}). "
            "Use another embedding model, or build the index anew: akmon index clear, akmon index build."
        )
    array = np.asarray(rows, dtype=np.float64)
    if not (np.abs(array) < _LARGEST).all():  # not so for what is no number, either
        raise ToolError(f"{server} gave vectors that are no numbers. Use another embedding model.")
    return unit_rows(array)
