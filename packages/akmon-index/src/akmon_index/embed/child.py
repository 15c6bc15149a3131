"""The process of an embedder, which ``apart`` begins and talks to. It ends with its input."""

from __future__ import annotations

import os
import sys
from typing import IO

from akmon_core.errors import AkmonError, SettingsError
from akmon_core.text import one_line
from akmon_index.embed.frames import Ask, Failed, Job, Ready, Vectors, read_frame, write_frame
from akmon_index.embed.sentence import SentenceEmbedder


def main() -> None:
    # What libraries print is no answer.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with answers:
        _serve(sys.stdin.buffer, answers)


def _serve(asked: IO[bytes], answers: IO[bytes]) -> None:
    job: Job | None = read_frame(asked, Job)
    if job is None:
        return
    try:
        embedder = SentenceEmbedder(job.choice, download=job.download)
    except AkmonError as error:
        write_frame(answers, Failed(str(error), settings=isinstance(error, SettingsError)))
        return
    write_frame(answers, Ready(embedder.id))
    while (ask := read_frame(asked, Ask)) is not None:
        write_frame(answers, _answer(embedder, ask))


def _answer(embedder: SentenceEmbedder, ask: Ask) -> Vectors | Failed:
    try:
        return Vectors(embedder.vectors(ask.texts, query=ask.query).tobytes())
    except Exception as error:  # noqa: BLE001 - whatever goes wrong in the library is told, and the next text may do
        reason = one_line(str(error), 300) or type(error).__name__
        return Failed(f"the model {embedder.id.name} failed: {reason}. Choose another model.")


if __name__ == "__main__":
    main()
