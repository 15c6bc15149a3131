"""Embeddings by sentence-transformers on this machine's processor."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
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

_BATCH = 16
_PAUSE = 0.01


class SentenceEmbedder:
    """Loads the model, which takes seconds. Never goes to the network unless ``download``.

    Weights are taken from safetensors files only, and no code that a model brings is run. Raises
    ``SettingsError``.
    """

    def __init__(self, choice: Choice, *, download: bool) -> None:
        try:
            from sentence_transformers import SentenceTransformer
            from transformers.utils import logging
        except ImportError as error:
            raise missing(choice, error) from None
        self._in_use = threading.Lock()  # tokenizers fail when two threads use one
        self._asked = threading.Event()
        logging.disable_progress_bar()  # the screen is not theirs
        logging.set_verbosity_error()
        weights = find_weights(choice, download=download)
        try:
            self._model: Any = SentenceTransformer(
                str(weights.folder),
                device="cpu",
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True},
            )
        except Exception as error:  # noqa: BLE001 - what damaged files raise has no other class in common
            reason = one_line(str(error), 300)
            raise SettingsError(f"the model in {weights.folder} cannot be loaded: {reason}.") from None
        if _is_fast_with_bfloat16():
            self._model.bfloat16()
        dimension = self._embed(self._model.encode_query, ["dimension"]).shape[1]
        self.id = ModelId(name=choice.spec, revision=weights.revision, dimension=int(dimension))

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
            with self._in_use:
                rows[batch] = self._embed(self._model.encode_document, [texts[number] for number in batch])
        return unit_rows(rows)

    def query(self, text: str) -> NDArray[np.float32]:
        self._asked.set()
        try:
            with self._in_use:
                row: NDArray[np.float32] = unit_rows(self._embed(self._model.encode_query, [text]))[0]
        finally:
            self._asked.clear()
        return row

    def _embed(self, encode: Any, texts: Sequence[str]) -> Any:
        cut = [text[:EMBEDDING_TEXT_CHARS] for text in texts]
        return encode(cut, batch_size=_BATCH, show_progress_bar=False, convert_to_numpy=True)


def _is_fast_with_bfloat16() -> bool:
    """Whether the processor computes with it: up to three times faster, and alike to two digits. Elsewhere
    it is slower than what the model comes with."""
    from torch import cpu

    known: Mapping[str, Any] = getattr(cpu, "get_capabilities", dict)()  # not in older versions
    return bool(known.get("amx_bf16") or known.get("avx512_bf16"))
