"""Ranks the files of a project by how much others use what they define."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from itertools import chain
from typing import TYPE_CHECKING

from akmon_index.references import Symbols

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MENTIONED, _LONG, _PRIVATE, _COMMON = 10.0, 10.0, 0.1, 0.1
"""What a reference weighs more or less, as in the map of aider, whose weights these are: the name is asked
for; is long and of several words; begins with an underscore; is defined in more than ``_FEW`` files."""
_FEW = 5
_LONG_CHARS = 8
_HUMP = re.compile(r"[a-z][A-Z]")
_DAMPING = 0.85
"""Of PageRank, as first published."""
_ROUNDS = 100
_CLOSE = 1e-6
"""Sum of all changes in one round below which the ranks count as found."""


def ranks(files: Mapping[str, Symbols], mentioned: Collection[str] = ()) -> dict[str, float]:
    """PageRank of each file by its path; together 1. References flow to the files that define the name.

    ``mentioned`` are names: the files that define them are where the walk begins, and references to them
    weigh more.
    """
    import numpy as np

    if not files:
        return {}
    paths = list(files)
    ids, definer, defined = _definitions(files)
    user, used, weights = _references(files, ids)
    sizes = np.bincount(defined, minlength=len(ids)).astype(np.float64)
    weights *= _factors(ids, sizes, frozenset(mentioned))[used]
    start = _start(len(paths), definer, defined, ids, mentioned)
    return dict(
        zip(paths, _walk(start, (user, used, weights), (definer, defined), sizes).tolist(), strict=True)
    )


def _definitions(
    files: Mapping[str, Symbols],
) -> tuple[dict[str, int], NDArray[np.int64], NDArray[np.int64]]:
    """Number of each name; and for each definition, in order, its file and its name."""
    import numpy as np

    counts = [len(symbols.definitions) for symbols in files.values()]
    listed = list(chain.from_iterable(symbols.definitions for symbols in files.values()))
    ids = {name: number for number, name in enumerate(dict.fromkeys(listed))}
    defined = np.fromiter(map(ids.__getitem__, listed), np.int64, len(listed))
    return ids, np.repeat(np.arange(len(counts)), counts), defined


def _references(
    files: Mapping[str, Symbols], ids: Mapping[str, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """For each name that a file uses and some file defines: the file, the name, the root of how often."""
    import numpy as np

    found: list[int] = []
    counts: list[int] = []
    lengths: list[int] = []
    for symbols in files.values():
        before = len(found)
        for name, count in symbols.references.items():
            if (number := ids.get(name)) is not None:
                found.append(number)
                counts.append(count)
        lengths.append(len(found) - before)
    users = np.repeat(np.arange(len(lengths)), lengths)
    return users, np.array(found, np.int64), np.sqrt(np.array(counts, np.float64))


def _factors(
    ids: Mapping[str, int], sizes: NDArray[np.float64], mentioned: frozenset[str]
) -> NDArray[np.float64]:
    """What a reference to each name weighs."""
    import numpy as np

    factors = np.fromiter((_factor(name) for name in ids), np.float64, len(ids))
    for name in mentioned & ids.keys():
        factors[ids[name]] *= _MENTIONED
    return factors * np.where(sizes > _FEW, _COMMON, 1.0)


def _factor(name: str) -> float:
    compound = "_" in name.strip("_") or "-" in name or _HUMP.search(name)
    return (_LONG if compound and len(name) >= _LONG_CHARS else 1.0) * (_PRIVATE if name[:1] == "_" else 1.0)


def _start(
    files: int,
    definer: NDArray[np.int64],
    defined: NDArray[np.int64],
    ids: Mapping[str, int],
    mentioned: Collection[str],
) -> NDArray[np.float64]:
    """Where the walk begins: at the files that define what is mentioned, or anywhere."""
    import numpy as np

    asked = np.array(sorted(ids[name] for name in set(mentioned) if name in ids), np.int64)
    start = np.bincount(definer[np.isin(defined, asked)], minlength=files).astype(np.float64)
    return start / start.sum() if start.any() else np.full(files, 1.0 / files)


def _walk(
    start: NDArray[np.float64],
    references: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]],
    definitions: tuple[NDArray[np.int64], NDArray[np.int64]],
    sizes: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Rank flows from a file to the names that it uses, and on to each file that defines them.

    So a round takes as long as there are references and definitions, however many files define a name. What
    would flow from a file to itself is left out.
    """
    import numpy as np

    (user, used, weights), (definer, defined) = references, definitions
    files = len(start)
    own = _own(references, definitions, files, len(sizes))
    total = np.bincount(user, weights * sizes[used], files) - own
    ends = total <= 1e-9
    scale = np.where(ends, 0.0, 1.0 / np.where(ends, 1.0, total))
    rank = start
    for _ in range(_ROUNDS):
        sent = rank * scale
        by_name = np.bincount(used, sent[user] * weights, len(sizes))
        flow = np.bincount(definer, by_name[defined], files) - sent * own
        new = _DAMPING * (np.maximum(flow, 0.0) + rank[ends].sum() * start) + (1 - _DAMPING) * start
        new /= new.sum()
        moved = np.abs(new - rank).sum()
        rank = new
        if moved < _CLOSE:
            break
    return rank


def _own(
    references: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]],
    definitions: tuple[NDArray[np.int64], NDArray[np.int64]],
    files: int,
    names: int,
) -> NDArray[np.float64]:
    """What of each file's references is to names that it defines itself."""
    import numpy as np

    (user, used, weights), (definer, defined) = references, definitions
    here = np.isin(user * names + used, definer * names + defined)
    return np.bincount(user[here], weights[here], files).astype(np.float64)
