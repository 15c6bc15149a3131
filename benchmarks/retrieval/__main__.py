"""Measures how well searches find what is meant: ``python -m benchmarks.retrieval``.

Needs akmon-index and an embedding model beside the interpreter that runs it: ``make bench-retrieval``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import closing
from functools import cache

from akmon_core.plugins import Workplace
from akmon_index.build import Progress, refresh_vectors, refresh_words
from akmon_index.embed import open_embedder
from akmon_index.files import ripgrep
from akmon_index.models import needed, parse_choice
from akmon_index.store import Store
from akmon_index.values import Embedder
from benchmarks.retrieval.corpora import KEPT, Corpus, django, standard_library, this_repository
from benchmarks.retrieval.scores import Way, score
from benchmarks.retrieval.ways import keywords, ours, windows

CORPORA: dict[str, Callable[[], Corpus]] = {
    "python": standard_library,
    "django": django,
    "akmon": this_repository,
}


def main() -> int:
    options = _options()
    KEPT.mkdir(parents=True, exist_ok=True)
    place = Workplace(root="", cache="", config="", withheld=lambda _: False, learn=lambda _: None)
    choice = parse_choice(options.model) if options.model else needed(place)
    with closing(open_embedder(place, choice)) as embedder:
        for name in options.corpus or CORPORA:
            corpus = CORPORA[name]()
            store = build(corpus, embedder)
            print(f"\n{corpus.name}, {len(corpus.asked):,} questions, {choice.spec}\n")
            print(table(corpus, ways(corpus, store, embedder)), flush=True)
            store.close()
    return 0


def build(corpus: Corpus, embedder: Embedder) -> Store:
    """The index of it, kept from the last run as far as it holds."""
    store = Store(corpus.kept("index"))

    def report(progress: Progress) -> None:
        _show(progress.what, progress.done, progress.total)

    refresh_words(store, corpus.root, corpus.left_out.__contains__, progress=report, stopped=lambda: False)
    refresh_vectors(store, embedder, progress=report, stopped=lambda: False)
    return store


def ways(corpus: Corpus, store: Store, embedder: Embedder) -> dict[str, Way]:
    vector = cache(embedder.query)
    return {
        "ripgrep, each word": keywords(corpus, store, ripgrep(corpus.root)),
        "windows, vectors alone": windows(
            corpus, embedder, lambda done, total: _show("windows", done, total)
        ),
        **ours(store, vector),
    }


def table(corpus: Corpus, found: dict[str, Way]) -> str:
    rows = ["| way | MRR@10 | recall@10 |", "| --- | ---: | ---: |"]
    for name, way in found.items():
        got = score(corpus.root, corpus.asked, way)
        rows.append(f"| {name} | {got.mrr:.3f} | {got.recall:.3f} |")
        _show(name, 1, 1)
    return "\n".join(rows)


def _show(what: str, done: int, total: int) -> None:
    if sys.stderr.isatty() or done == total:
        end = "\n" if done == total else ""
        print(f"\r{what}: {done:,} of {total:,}", end=end, file=sys.stderr, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="benchmarks.retrieval", description=(__doc__ or "").partition(":")[0]
    )
    parser.add_argument("--corpus", choices=CORPORA, action="append", help="only this; may be repeated")
    parser.add_argument("--model", default="", help="such as static:/folder; else the one that is set")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
