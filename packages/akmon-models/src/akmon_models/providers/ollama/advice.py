"""What to do about what Ollama says."""

from __future__ import annotations

import re

from akmon_core.errors import ProviderErrorKind
from akmon_models.failures import Advice

_ADVICE: tuple[tuple[str, ProviderErrorKind | None, str], ...] = (
    (
        r"no answer from|no connection to",
        None,
        "Start Ollama with `ollama serve` if it is not running there, or set its address (OLLAMA_HOST).",
    ),
    (
        r"model .*not found",
        "model_not_found",
        "Fetch it with `ollama pull {model}`, or choose a model that is installed.",
    ),
    (
        r"does not support tools",
        "bad_request",
        "akmon works by calling tools: choose a model that can. `ollama show MODEL` tells what one can do.",
    ),
    (
        r"not support thinking|think value",
        "bad_request",
        "Leave out the effort (--effort), or choose a model that thinks.",
    ),
    (
        r"requires more system memory|out of memory|unable to allocate|failed to allocate",
        "bad_request",
        "Choose a smaller model, or a window of less than {num_ctx} tokens (AKMON_OLLAMA_NUM_CTX).",
    ),
    (
        r"unknown model architecture|error loading model|unable to load model",
        "bad_request",
        "Update Ollama, fetch the model again with `ollama pull {model}`, or choose another one.",
    ),
    (
        r"^unauthorized\b",
        "authentication",
        "Models in Ollama's cloud need an account: sign in with `ollama signin`, or set OLLAMA_API_KEY.",
    ),
)
"""By what was said: the kind of failure that it really is, if the status does not tell, and what to do."""

_OVERFLOW = (
    "Its window is {num_ctx} tokens here: start a new session, or ask for a larger one "
    "(AKMON_OLLAMA_NUM_CTX) if the model and the memory allow it."
)


def advice(model: str, num_ctx: int) -> Advice:
    """The advice for a model that is asked for a window of ``num_ctx`` tokens."""

    def advise(kind: ProviderErrorKind, said: str) -> tuple[ProviderErrorKind, str] | None:
        words = {"model": model, "num_ctx": f"{num_ctx:,}"}
        if kind == "context_overflow":
            return kind, _OVERFLOW.format(**words)
        for pattern, own, what in _ADVICE:
            if re.search(pattern, said, re.IGNORECASE):
                return own or kind, what.format(**words)
        return None

    return advise
