"""The entry point: answers ``--version`` at once, and leaves the rest to the module that is needed."""

from __future__ import annotations

import sys


def main() -> int:
    """Runs ``akmon`` with the process's arguments; gives its exit code."""
    arguments = sys.argv[1:]
    if arguments in (["--version"], ["-V"]):
        from akmon_cli import __version__

        print(f"akmon {__version__}")
        return 0
    from akmon_cli.program import run

    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
