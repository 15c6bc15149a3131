"""Whether this folder is trusted: what was answered before, and the question where a person can be asked."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from akmon_config.paths import state_dir
from akmon_core.text import one_line

if TYPE_CHECKING:
    from akmon_config.claims import Claims
    from akmon_config.trust import Trust


def trust_store(environ: Mapping[str, str] = os.environ) -> Trust:
    """Raises ``SettingsError`` if there is no place for it."""
    from akmon_config.trust import Trust

    return Trust(state_dir(environ) / "trust.json")


def is_trusted(root: Path, *, this_run: bool = False, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether what the folder at the canonical ``root`` says counts in full; asks nobody.

    ``this_run`` (``--trust``) is a yes to the folder as it is, which is not kept.
    Raises ``SettingsError`` if answers cannot be read, or if the folder cannot be trusted at all.
    """
    from akmon_config.claims import claims
    from akmon_core.errors import SettingsError

    found = claims(root)
    if this_run:
        if found.problems:
            raise SettingsError(f"--trust: this folder cannot be trusted: {found.problems[0]}")
        return True
    return bool(found.claims) and trust_store(environ).status_of(found) == "trusted"


def settle_trust(
    root: Path, *, interactive: bool, this_run: bool = False, environ: Mapping[str, str] = os.environ
) -> tuple[str, ...]:
    """Asks a person at the terminal if something waits for trust; gives what else to warn of.

    To be called before a session is composed. An answer is kept; ``is_trusted`` then knows it.
    """
    from akmon_config.claims import claims
    from akmon_config.trust import ask_trust

    found = claims(root)
    if this_run or not (found.claims or found.problems):
        return ()
    store = trust_store(environ)
    if store.status_of(found) == "trusted":
        return ()
    if interactive and not store.declined(found):
        if ask_trust(found, sys.stdin, sys.stderr, store.changes(found)):
            store.trust(found)
            return ()
        store.decline(found)
    return tuple(_warnings(found, store))


def _warnings(found: Claims, store: Trust) -> Iterator[str]:
    """What a person should hear where nobody was asked, or the answer was no.

    What waits in the project's settings and policies is said when these are read.
    """
    from akmon_config.claims import FURTHER

    if store.status_of(found) == "changed" and (changes := store.changes(found)):
        yield f"this folder is not as it was when you trusted it: {one_line('; '.join(changes), 500)}"
    running = [further.path for further in FURTHER if any(further.path == each.path for each in found.claims)]
    if running:
        yield f"this folder is not trusted, so {', '.join(running)} runs nothing: akmon trust"
    for problem in found.problems:
        yield f"this folder cannot be trusted: {problem}"
