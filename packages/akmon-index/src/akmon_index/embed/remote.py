"""An embedder whose vectors come from a server, whatever protocol that speaks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from akmon_index.embed.server import batches
from akmon_index.embed.vectors import checked
from akmon_index.values import ModelId

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Ask: TypeAlias = Callable[[list[str], bool], Sequence[Sequence[float]]]
"""Gives a vector for each text, in their order; does not give up soon if the second one is true. Raises
``ToolError``."""


class RemoteEmbedder:
    """``name`` is that of the model as an index keeps it; its dimension is asked for when it is needed."""

    def __init__(self, name: str, server: str, ask: Ask) -> None:
        self._name = name
        self._server = server
        self._ask = ask
        self._dimension = 0

    @property
    def id(self) -> ModelId:
        if not self._dimension:
            self._vectors(["dimension"], patient=True)
        return ModelId(name=self._name, dimension=self._dimension)

    def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        rows = [self._vectors(batch, patient=True) for batch in batches(texts)]
        return np.concatenate(rows) if rows else np.zeros((0, self.id.dimension), dtype=np.float32)

    def query(self, text: str) -> NDArray[np.float32]:
        """Somebody waits for it."""
        row: NDArray[np.float32] = self._vectors(next(batches([text])), patient=False)[0]
        return row

    def close(self) -> None:
        """A request that is under way is left alone; connections end with akmon."""

    def _vectors(self, texts: list[str], *, patient: bool) -> NDArray[np.float32]:
        rows = checked(self._ask(texts, patient), len(texts), self._dimension, self._server)
        self._dimension = int(rows.shape[1])
        return rows
