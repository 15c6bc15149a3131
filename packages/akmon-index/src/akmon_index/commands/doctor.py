"""``akmon index doctor``: what is installed, whether the model works, whether the index is sound."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Literal

import msgspec

from akmon_core.errors import AkmonError
from akmon_core.plugins import Workplace
from akmon_core.text import neutralise
from akmon_index.commands.parsing import print_json
from akmon_index.embed import open_embedder
from akmon_index.engine import Index
from akmon_index.models import LIBRARIES, chosen, default_choice, installed, needed


class Check(msgspec.Struct, frozen=True):
    name: str
    status: Literal["ok", "warning", "failed"]
    detail: str


def examine(index: Index, place: Workplace, *, as_json: bool) -> int:
    """Prints what was found; 1 if something failed."""
    checks = [*_libraries(), _guarded("files", lambda: _files(place)), _model(place), _index(index)]
    if as_json:
        print_json({"checks": checks})
    else:
        for check in checks:
            print(f"{check.status:<8} {check.name:<22} {neutralise(check.detail)}")
    return 1 if any(check.status == "failed" for check in checks) else 0


def _libraries() -> list[Check]:
    checks = []
    for kind, (module, package) in LIBRARIES.items():
        if installed(kind):
            checks.append(Check(kind, "ok", f"{module} is installed"))
        else:
            checks.append(Check(kind, "ok", f"not installed; if wanted: pip install '{package}'"))
    return checks


def _files(place: Workplace) -> Check:
    from pathlib import Path

    from akmon_index.files import list_sources

    return Check("files", "ok", f"{len(list_sources(Path(place.root), place.withheld)):,} to be indexed")


def _model(place: Workplace) -> Check:
    """Loads the model and embeds a text with it; a server is asked."""

    def tried() -> Check:
        if chosen(place) is None and default_choice() is None:
            try:
                needed(place)
            except AkmonError as error:
                return Check("model", "warning", str(error))
        choice = needed(place)
        with closing(open_embedder(place, choice)) as embedder:
            found = embedder.id
        return Check("model", "ok", f"{found.name} ({choice.origin}), {found.dimension} dimensions")

    return _guarded("model", tried)


def _index(index: Index) -> Check:
    def looked() -> Check:
        if problem := index.damage():
            return Check("index", "failed", f"{problem}. Begin anew: akmon index clear, akmon index build")
        status = index.status()
        if status.counts is None:
            return Check("index", "ok", "not built yet: akmon index build")
        counts = status.counts
        if status.model is None:
            return Check(
                "index", "ok", f"sound; {counts.chunks:,} pieces by words: akmon index build adds meaning"
            )
        if counts.embedded < counts.texts:
            left = counts.texts - counts.embedded
            return Check("index", "warning", f"sound; {left:,} texts are not embedded: akmon index build")
        return Check("index", "ok", f"sound; {counts.chunks:,} pieces, all embedded with {status.model.name}")

    return _guarded("index", looked)


def _guarded(name: str, check: Callable[[], Check]) -> Check:
    try:
        return check()
    except AkmonError as error:
        return Check(name, "failed", str(error))
