"""Which texts fit a few words best, in any script."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator, Sequence

_WORD = re.compile(r"\w+")
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff"
    "\U00020000-\U000323af]+"
)
"""Scripts that put no spaces between words (and Korean, which glues endings to them)."""
_WHOLE = 3
"""A shorter word of the query must occur as it is; a longer one may begin a word of the text."""
_SATURATION = 1.5
_TITLE_WEIGHT = 3


def rank(query: str, texts: Sequence[tuple[str, str]]) -> list[int]:
    """The indexes of ``texts`` (a title and a body each) that have a word of ``query``, best first.

    A word counts more the fewer texts have it (as in BM25), and three times as much in a title.
    """
    terms = query_terms(query)
    counts = [[_weight(term, title, body) for term in terms] for title, body in _indexed(texts)]
    rarity = [math.log(1 + len(texts) / (1 + sum(row[at] > 0 for row in counts))) for at in range(len(terms))]
    scores = [
        sum(rare * count / (count + _SATURATION) for rare, count in zip(rarity, row, strict=True))
        for row in counts
    ]
    found = [at for at, score in enumerate(scores) if score > 0]
    return sorted(found, key=lambda at: -scores[at])


def lines_with(terms: Sequence[str], text: str) -> Iterator[str]:
    """The lines of ``text`` that have one of ``terms``."""
    for line in text.split("\n"):
        words = _words(line)
        if any(_count(term, words) for term in terms):
            yield line


def query_terms(query: str) -> list[str]:
    """What a query asks for: its words, and of a run without spaces each two characters."""
    return list(dict.fromkeys(term for word in _runs(query) for term in _pairs(word)))


def _indexed(texts: Sequence[tuple[str, str]]) -> list[tuple[list[str], list[str]]]:
    return [(_words(title), _words(body)) for title, body in texts]


def _weight(term: str, title: list[str], body: list[str]) -> int:
    return _TITLE_WEIGHT * _count(term, title) + _count(term, body)


def _count(term: str, words: list[str]) -> int:
    if len(term) < _WHOLE:
        return words.count(term)
    return sum(word.startswith(term) for word in words)


def _words(text: str) -> list[str]:
    """The words of a text; of a run without spaces each character and each two."""
    return [term for word in _runs(text) for term in (*_singles(word), *_pairs(word))]


def _runs(text: str) -> Iterator[str]:
    for word in _WORD.findall(unicodedata.normalize("NFKC", text).casefold()):
        at = 0
        for run in _UNSPACED.finditer(word):
            yield from filter(None, (word[at : run.start()], run[0]))
            at = run.end()
        if at < len(word):
            yield word[at:]


def _pairs(word: str) -> list[str]:
    if len(word) < 2 or not _UNSPACED.match(word):
        return [word]
    return [word[at : at + 2] for at in range(len(word) - 1)]


def _singles(word: str) -> str:
    return word if len(word) > 1 and _UNSPACED.match(word) else ""
