"""Static embeddings by model2vec: a table of word pieces, a hundred times faster than a transformer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from akmon_core.errors import SettingsError
from akmon_core.text import one_line
from akmon_index.embed.vectors import unit_rows
from akmon_index.embed.weights import find_weights
from akmon_index.limits import EMBEDDING_TEXT_CHARS
from akmon_index.models import Choice, missing
from akmon_index.values import ModelId

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class StaticEmbedder:
    """Never goes to the network unless ``download``. Raises ``SettingsError``."""

    def __init__(self, choice: Choice, *, download: bool) -> None:
        try:
            from model2vec import StaticModel
        except ImportError as error:
            raise missing(choice, error) from None
        weights = find_weights(choice, download=download)
        try:
            self._model: Any = StaticModel.from_pretrained(str(weights.folder))
        except Exception as error:  # noqa: BLE001 - what damaged files raise has no other class in common
            reason = one_line(str(error), 300)
            raise SettingsError(f"the model in {weights.folder} cannot be loaded: {reason}.") from None
        self.id = ModelId(name=choice.spec, revision=weights.revision, dimension=int(self._model.dim))

    def passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        cut = [text[:EMBEDDING_TEXT_CHARS] for text in texts]
        return unit_rows(
            self._model.encode(cut, use_multiprocessing=False).reshape(len(cut), self.id.dimension)
        )

    def query(self, text: str) -> NDArray[np.float32]:
        row: NDArray[np.float32] = self.passages([text])[0]
        return row

    def close(self) -> None:
        """Nothing is held but memory."""
