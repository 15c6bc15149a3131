"""Installs a model's packages into an environment, and never a build for graphics processors.

Usage: python tools/install_cpu.py PYTHON TORCH_VERSION REQUIREMENT...

PYTHON is the interpreter of the environment. What is to be installed is resolved first, and refused
as a whole if anything of it is for graphics processors: those packages are gigabytes, and of no use here.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

GRAPHICS = ("nvidia-", "cuda-", "triton", "pytorch-triton")
"""How the names of packages begin that only builds for graphics processors need."""
ADVICE = (
    "Name an index that has CPU builds of torch in PIP_EXTRA_INDEX_URL, or a folder of them in PIP_FIND_LINKS, "
    "and run it again. The makers of torch have such an index; its address ends in /whl/cpu."
)


class Refused(Exception):
    """Nothing was installed; the message says why, and what to do."""


def main(arguments: Sequence[str]) -> int:
    if len(arguments) < 2:
        print("usage: python tools/install_cpu.py PYTHON TORCH_VERSION REQUIREMENT...", file=sys.stderr)
        return 2
    python, version, *requirements = arguments
    try:
        install(python, [torch(version, sys.platform), *requirements])
    except Refused as refused:
        print(f"nothing was installed: {refused}", file=sys.stderr)
        return 1
    return 0


def torch(version: str, platform: str) -> str:
    """The requirement that only a CPU build meets: pip then never looks at another one, not even to resolve.

    Builds for macOS are all alike and have no such label.
    """
    return f"torch=={version}" if platform == "darwin" else f"torch=={version}+cpu"


def install(python: str, requirements: Sequence[str]) -> None:
    """Resolves, checks, and installs just what was checked. Raises ``Refused``."""
    found = resolve(python, requirements)
    if wrong := graphics(found):
        raise Refused(f"it would take {', '.join(wrong)}, which are for graphics processors. {ADVICE}")
    if found:
        pip(python, "--no-deps", *found)


def resolve(python: str, requirements: Sequence[str]) -> list[str]:
    """What ``requirements`` would add to the environment, each as ``name==version``. Raises ``Refused``."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        pip(python, "--dry-run", "--report", str(report), *requirements)
        taken = json.loads(report.read_text(encoding="utf-8"))["install"]
    return [f"{item['metadata']['name']}=={item['metadata']['version']}" for item in taken]


def graphics(requirements: Iterable[str]) -> list[str]:
    """Those that are for graphics processors."""
    return [each for each in requirements if re.sub("[-_.]+", "-", each).lower().startswith(GRAPHICS)]


def pip(python: str, *arguments: str) -> None:
    """Installs into the environment of ``python``, which need not have pip. Raises ``Refused``."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "-qq",
        "--disable-pip-version-check",
    ]
    done = subprocess.run(
        [*command, "--only-binary", ":all:", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip()
        advice = (
            ADVICE if "torch==" in said else "See what pip says, and whether a package index can be reached."
        )
        raise Refused(f"pip ended with {done.returncode}.\n{said}\n{advice}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
