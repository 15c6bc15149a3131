"""The prompts that /init and /review stand for."""

from __future__ import annotations

INIT = """\
Look through this project and write AGENTS.md at its root: what somebody needs who is to change the code and \
has never seen it.

- The commands to build, test (all, and one single test), lint and run, each tried or read from the \
project's own files.
- The layout: which part does what, and which may use which.
- Conventions that the code follows and that a reader would get wrong, and traps.

If there is an AGENTS.md, or a CLAUDE.md or the like, keep what is right in it, correct what is not, and add \
what is missing. Stay below 100 lines. Leave out what any programmer knows, and what you have not seen in \
the project."""

REVIEW = """\
Review the changes that are not committed yet (git status, git diff HEAD, and new files); if there are none, \
those of the last commit. Change nothing.

Read the code around each change before you judge it. Look for what is wrong: errors, cases that are left \
out, what breaks callers, races, security, tests that are missing or cannot fail. Say for each finding how \
bad it is, the file and the line, what happens, and how to fix it, the worst first. Leave out matters of \
taste. If there is nothing to find, say so."""


def with_wish(template: str, wish: str) -> str:
    """``template``, and what the person has to add."""
    return f"{template}\n\nIn particular: {wish}" if wish else template
