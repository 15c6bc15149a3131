"""The code that is searched: two large code bases, and this repository."""

from __future__ import annotations

import random
import shutil
import sys
import sysconfig
import tarfile
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from benchmarks.questions import Question, questions
from benchmarks.retrieval.pairs import strip

ROOT = Path(__file__).parents[2]
KEPT = ROOT / ".rigs" / "retrieval"
"""What takes long to make, so that another run need not make it again."""
DJANGO = "5.2.8"
PAIRS = 3_000
"""Of a first sentence and a function, drawn from all there are. Where several functions have the same
sentence, each of them is right, and it is asked once for each."""
_QUESTIONS = "benchmarks/questions.jsonl"
_NO_LIBRARY = ("test", "tests", "idle_test", "site-packages", "ensurepip", "pydoc_data", "__pycache__")


class Corpus(msgspec.Struct, frozen=True):
    name: str
    root: Path
    asked: tuple[Question, ...]
    left_out: frozenset[str] = frozenset()
    """Files that are not searched: those that hold the questions."""

    def kept(self, what: str) -> Path:
        """The file of something that is kept of it."""
        return KEPT / f"{self.name}.{what}"


def standard_library() -> Corpus:
    """That of the interpreter that runs this, without tests."""

    def fetch(folder: Path) -> Path:
        library = folder / "Lib"
        shutil.copytree(sysconfig.get_paths()["stdlib"], library, ignore=shutil.ignore_patterns(*_NO_LIBRARY))
        return library

    return _stripped(f"python-{'.'.join(map(str, sys.version_info[:3]))}", fetch)


def django() -> Corpus:
    """The package, without its tests; ``make bench-retrieval`` fetches it."""

    def fetch(folder: Path) -> Path:
        with tarfile.open(KEPT / f"django-{DJANGO}.tar.gz") as file:
            file.extractall(folder, filter="data")
        return folder / f"django-{DJANGO}" / "django"

    return _stripped(f"django-{DJANGO}", fetch)


def this_repository() -> Corpus:
    """As it lies there, asked what people wrote down."""
    return Corpus("akmon", ROOT, tuple(questions()), frozenset({_QUESTIONS}))


def _stripped(name: str, fetch: Callable[[Path], Path]) -> Corpus:
    corpus = Corpus(name, KEPT / name, ())
    notes = corpus.kept("questions.json")
    if not notes.exists():
        shutil.rmtree(corpus.root, ignore_errors=True)
        with TemporaryDirectory() as folder:
            source = fetch(Path(folder))
            found = strip(source, corpus.root / source.name)
        (corpus.root / ".git").mkdir()  # what the repository above ignores is not ignored here
        pairs = [Question(text, found[text]) for text in sorted(found) for _ in found[text]]
        notes.write_bytes(msgspec.json.encode(pairs))
    known = msgspec.json.decode(notes.read_bytes(), type=list[Question])
    return msgspec.structs.replace(
        corpus, asked=tuple(random.Random(0).sample(known, min(PAIRS, len(known))))
    )
