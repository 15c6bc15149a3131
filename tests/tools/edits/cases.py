"""A case of the edit corpus, and those written out in text files here.

There ``## NAME`` begins a case, ``## NAME [all]`` one that replaces all occurrences. ``@ before``, ``@ old``,
``@ new``, ``@ after`` begin its texts; ``@ refused`` may stand instead of the last. Visible signs stand for
what could not be seen, see ``SIGNS``. A file ends with a line end unless it ends with ``⊣``; ``old`` and
``new`` do not unless they end with ``⏎``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

SIGNS = {"⇥": "\t", "␠": " ", "␍\n": "\r\n", "⍽": "\u00a0", "⏎": "\n", "⊣\n": "", "⌁": "\u200b", "␊": ""}


@dataclass(frozen=True)
class Case:
    before: str
    old: str
    new: str
    after: str | None
    """None is refused."""
    replace_all: bool = False
    name: str = ""

    def named(self, name: str) -> Case:
        return replace(self, name=name)


def written() -> Iterator[Case]:
    for file in sorted(Path(__file__).parent.glob("*.txt")):
        for text in file.read_text("utf-8").split("\n## ")[1:]:
            name, *parts = text.split("\n@ ")
            texts = {kind: rest for kind, _, rest in (part.partition("\n") for part in parts)}
            yield _case(f"{file.stem}: {name.strip()}", texts)


def _case(name: str, texts: dict[str, str]) -> Case:
    assert set(texts) in ({"before", "old", "new", "after"}, {"before", "old", "new", "refused"}), (
        name,
        set(texts),
    )
    after = _shown(texts["after"].rstrip("\n") + "\n") if "after" in texts else None
    return Case(
        before=_shown(texts["before"] + "\n"),
        old=_shown(texts["old"]),
        new=_shown(texts["new"]),
        after=after,
        replace_all=name.endswith("[all]"),
        name=name,
    )


def _shown(text: str) -> str:
    for sign, meant in SIGNS.items():
        text = text.replace(sign, meant)
    return text
