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


def waiting_for_trust(
    root: Path, *, this_run: bool = False, environ: Mapping[str, str] = os.environ
) -> tuple[Claims, tuple[str, ...]] | None:
    """What a person has to be asked of the folder before anything is read of it, and what is new of that;
    None if they have answered, or if there is nothing to ask.
    """
    from akmon_config.claims import claims

    found = claims(root)
    if this_run or not (found.claims or found.problems):
        return None
    store = trust_store(environ)
    if store.status_of(found) == "trusted" or store.declined(found):
        return None
    return found, store.changes(found)


def keep_answer(found: Claims, *, yes: bool, environ: Mapping[str, str] = os.environ) -> None:
    """Keeps what a person has answered about ``found``."""
    store = trust_store(environ)
    if yes:
        store.trust(found)
    else:
        store.decline(found)


def settle_trust(
    root: Path, *, interactive: bool, this_run: bool = False, environ: Mapping[str, str] = os.environ
) -> tuple[str, ...]:
    """Asks a person at the terminal if something waits for trust; gives what else to warn of.

    To be called before a session is composed. An answer is kept; ``is_trusted`` then knows it.
    """
    from akmon_config.claims import claims
    from akmon_config.trust import ask_trust

    if interactive and (waiting := waiting_for_trust(root, this_run=this_run, environ=environ)):
        found, changes = waiting
        keep_answer(found, yes=ask_trust(found, sys.stdin, sys.stderr, changes), environ=environ)
    found = claims(root)
    if this_run or not (found.claims or found.problems):
        return ()
    store = trust_store(environ)
    return () if store.status_of(found) == "trusted" else tuple(_warnings(found, store))


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
