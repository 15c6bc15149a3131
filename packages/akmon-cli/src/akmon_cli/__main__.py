"""The entry point: answers ``--version`` at once, and leaves the rest to the module that is needed."""

from __future__ import annotations

import gc
import sys

_YOUNG_OBJECTS = 200_000


def main() -> int:
    """Runs ``akmon`` with the process's arguments; gives its exit code."""
    arguments = sys.argv[1:]
    if arguments in (["--version"], ["-V"]):
        from akmon_cli import __version__

        print(f"akmon {__version__}")
        return 0
    from akmon_cli.program import run

    # Starting and ending go through objects that all stay: looking for garbage among them takes a fifth
    # of a short run.
    gc.set_threshold(_YOUNG_OBJECTS, *gc.get_threshold()[1:])
    code = run(arguments)
    gc.freeze()
    return code


if __name__ == "__main__":
    if not sys.flags.safe_path:
        del sys.path[0]  # `python -m` puts the working folder there, with whatever modules a project has
    sys.exit(main())
