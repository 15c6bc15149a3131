"""Which folders a person trusts to change how akmon works there, bound to the content of what does that."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, TextIO, TypeAlias

import msgspec

from akmon_config.claims import Claim, Claims, claims
from akmon_config.privatefile import locked, read_private, write_private
from akmon_core.errors import SettingsError
from akmon_core.limits import TRUST_STORE_BYTES
from akmon_core.text import one_line

Status: TypeAlias = Literal["trusted", "untrusted", "changed", "nothing to trust"]


class Answer(msgspec.Struct, frozen=True):
    """What a person said of a folder as it was then."""

    yes: bool
    at: float
    """Seconds since 1970-01-01 UTC."""
    claims: tuple[Claim, ...]


class _Stored(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: Literal[1] = 1
    folders: dict[str, Answer] = {}
    """By canonical root."""


class Trust:
    """The answers in the file at ``path``. Every method may raise ``SettingsError`` for that file."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self._clock = clock

    def claims(self, root: Path) -> Claims:
        return claims(root)

    def status(self, root: Path) -> Status:
        """For the canonical ``root``. What is trusted is that folder as it was: none below it, no other."""
        return self.status_of(claims(root))

    def status_of(self, found: Claims) -> Status:
        if not found.claims and not found.problems:
            return "nothing to trust"
        answer = self._read().folders.get(found.root)
        if answer is None or not answer.yes:
            return "untrusted"
        return "trusted" if _same(answer, found) and not found.problems else "changed"

    def declined(self, found: Claims) -> bool:
        """Whether a person has said no to the folder as it is now."""
        answer = self._read().folders.get(found.root)
        return answer is not None and not answer.yes and _same(answer, found)

    def changes(self, found: Claims) -> tuple[str, ...]:
        """What is no longer as it was when a person answered, one line each; empty if nobody has."""
        answer = self._read().folders.get(found.root)
        return tuple(_changes(answer.claims, found.claims)) if answer else ()

    def trust(self, found: Claims) -> None:
        """Records that a person trusts the folder as ``found``: exactly what was shown."""
        if found.problems:
            raise SettingsError(f"{_shown(found.root)} cannot be trusted: {found.problems[0]}")
        self._answer(found, yes=True)

    def decline(self, found: Claims) -> None:
        self._answer(found, yes=False)

    def forget(self, root: Path) -> bool:
        """Takes the answer for ``root`` back; whether there was one."""
        with locked(self.path):
            folders = dict(self._read().folders)
            known = folders.pop(str(root), None) is not None
            if known:
                self._write(folders)
        return known

    def answers(self) -> dict[str, Answer]:
        """By canonical root."""
        return dict(self._read().folders)

    def _answer(self, found: Claims, *, yes: bool) -> None:
        with locked(self.path):
            answer = Answer(yes, self._clock(), found.claims)
            self._write({**self._read().folders, found.root: answer})

    def _read(self) -> _Stored:
        data = read_private(self.path, TRUST_STORE_BYTES)
        if data is None:
            return _Stored()
        try:
            return msgspec.json.decode(data, type=_Stored)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise SettingsError(
                f"{_shown(str(self.path))} is damaged, so no folder counts as trusted. "
                "Delete it: you are asked again about each folder."
            ) from None

    def _write(self, folders: dict[str, Answer]) -> None:
        try:
            data = msgspec.json.encode(_Stored(folders=folders))
        except UnicodeEncodeError:
            raise SettingsError(
                "a folder whose path is not UTF-8 text cannot be trusted. Rename it."
            ) from None
        if len(data) > TRUST_STORE_BYTES:
            raise SettingsError(f"{_shown(str(self.path))} is full. Forget folders: akmon trust list.")
        write_private(self.path, data)


def trust_question(found: Claims, changes: tuple[str, ...] = ()) -> str:
    """What the folder would do, for people: all of it, with nothing in it that steers a terminal."""
    wants = "This folder wants to change how akmon works here, or have it run something"
    lines = [f"{wants}: {_shown(found.root)}"]
    for claim in found.claims:
        lines += [
            f"  {claim.path}",
            *(f"    {line}" for line in claim.says or ("is used by another of them",)),
        ]
    if changes:
        lines += ["It is not as it was when you last answered:", *(f"  {line}" for line in changes)]
    for problem in found.problems:
        lines.append(f"It cannot be trusted: {problem}")
    lines.append("Trust it only if you know where it comes from. Without that, akmon works here by your own")
    lines.append("settings, and the folder can only make it more careful.")
    return "\n".join(lines)


def ask_trust(found: Claims, input: TextIO, output: TextIO, changes: tuple[str, ...] = ()) -> bool:  # noqa: A002
    """Asks a person at a terminal. Only y or yes is a yes; Enter and the end of the input are no."""
    print(trust_question(found, changes), file=output)
    if found.problems:
        return False
    print("Trust this folder as it is now? [y/N] ", end="", file=output, flush=True)
    return input.readline(100).strip().lower() in ("y", "yes")


def _same(answer: Answer, found: Claims) -> bool:
    return _digests(answer.claims) == _digests(found.claims)


def _digests(of: tuple[Claim, ...]) -> dict[str, str]:
    return {claim.path: claim.digest for claim in of}


def _changes(before: tuple[Claim, ...], after: tuple[Claim, ...]) -> Iterator[str]:
    old, new = ({claim.path: claim for claim in each} for each in (before, after))
    for path in sorted(old.keys() | new.keys()):
        was, now = old.get(path), new.get(path)
        said_before, says = (set(each.says) if each else set() for each in (was, now))
        if was and now and was.digest == now.digest:
            continue
        if was is None or now is None:
            yield f"{path}: {'new' if was is None else 'gone'}"
        elif said_before == says:
            yield f"{path}: its content is another one"
        yield from (f"{path}: - {line}" for line in (was.says if was else ()) if line not in says)
        yield from (f"{path}: + {line}" for line in (now.says if now else ()) if line not in said_before)


def _shown(path: str) -> str:
    return one_line(path, 1_000)
