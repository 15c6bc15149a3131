"""Embeddings by sentence-transformers on this machine's processor, in the process that ``child`` is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from akmon_core.errors import SettingsError
from akmon_core.text import one_line
from akmon_index.embed.weights import find_weights
from akmon_index.limits import EMBEDDING_TEXT_CHARS
from akmon_index.models import Choice, missing
from akmon_index.values import ModelId

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class SentenceEmbedder:
    """Loads the model, which takes seconds. Never goes to the network unless ``download``.

    Weights are taken from safetensors files only, and no code that a model brings is run. Raises
    ``SettingsError``.
    """

    def __init__(self, choice: Choice, *, download: bool) -> None:
        weights = find_weights(choice, download=download)  # before what takes seconds to import
        try:
            from sentence_transformers import SentenceTransformer
            from transformers.utils import logging
        except ImportError as error:
            raise missing(choice, error) from None
        logging.disable_progress_bar()  # the screen is not theirs
        logging.set_verbosity_error()
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
        dimension = self.vectors(["dimension"], query=True).shape[1]
        self.id = ModelId(name=choice.spec, revision=weights.revision, dimension=int(dimension))

    def vectors(self, texts: Sequence[str], *, query: bool) -> NDArray[np.float32]:
        """A row for each text, of any length."""
        import numpy as np

        encode = self._model.encode_query if query else self._model.encode_document
        cut = [text[:EMBEDDING_TEXT_CHARS] for text in texts]
        rows = encode(cut, batch_size=len(cut), show_progress_bar=False, convert_to_numpy=True)
        return np.ascontiguousarray(rows, dtype=np.float32)


def _is_fast_with_bfloat16() -> bool:
    """Whether the processor computes with it: up to three times faster, and the same to a cosine of
    0.9999. Elsewhere it is slower than what the model comes with."""
    from torch import cpu

    known: Mapping[str, Any] = getattr(cpu, "get_capabilities", dict)()  # not in older versions
    return bool(known.get("amx_bf16") or known.get("avx512_bf16"))
