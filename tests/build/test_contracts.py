"""Each import contract is broken once, in a copy of the packages, to prove that it would notice."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PLANTS = [
    ("layers", {"akmon_models/planted.py": "import akmon_query"}),
    ("layers", {"akmon_tui/planted.py": "import akmon_query"}),
    ("layers", {"akmon_tools/planted.py": "def later():\n    import akmon_tui"}),
    ("pure-core", {"akmon_core/planted.py": "import os.path"}),
    ("provider-sdks", {"akmon_query/planted.py": "import openai"}),
    ("provider-sdks", {"akmon_models/planted.py": "def later():\n    from anthropic import Anthropic"}),
    ("screen-library", {"akmon_cli/planted.py": "from prompt_toolkit.keys import Keys"}),
    ("settings", {"akmon_cli/planted.py": "import akmon_config"}),
    ("parts", {"akmon_query/planted.py": "import akmon_tools"}),
    ("front-ends", {"akmon_cli/headless.py": "import akmon_tui"}),
    ("index", {"akmon_cli/planted.py": "import akmon_index"}),
    (
        "cycles",
        {
            "akmon_core/planted.py": "import akmon_core.planted_too",
            "akmon_core/planted_too.py": "import akmon_core.planted",
        },
    ),
]


def contract_names() -> dict[str, str]:
    """The names of the contracts by their ids."""
    config = configparser.ConfigParser()
    config.read(ROOT / ".importlinter")
    prefix = "importlinter:contract:"
    return {s.removeprefix(prefix): config[s]["name"] for s in config.sections() if s.startswith(prefix)}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with the contracts and the sources of all packages."""
    shutil.copy(ROOT / ".importlinter", tmp_path)
    for source in (ROOT / "packages").glob("*/src/*"):
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, tmp_path / source.name, ignore=ignored)
    return tmp_path


def broken_contracts(copy: Path) -> tuple[set[str], str]:
    """The names of the contracts that the packages in ``copy`` break, and the whole output."""
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo"],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy), "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    output = done.stdout + done.stderr
    broken = set(re.findall(r"^(.+?) BROKEN(?: \(.*\))?$", output, re.MULTILINE))
    assert done.returncode == (1 if broken else 0), output
    return broken, output


def test_the_packages_keep_every_contract(copy: Path) -> None:
    broken, output = broken_contracts(copy)
    assert not broken, output
    assert f"{len(contract_names())} kept" in output


def test_every_contract_is_broken_once_below() -> None:
    assert {contract for contract, _ in PLANTS} == set(contract_names())


@pytest.mark.parametrize(("contract", "files"), PLANTS)
def test_a_planted_import_breaks_exactly_its_contract(
    copy: Path, contract: str, files: dict[str, str]
) -> None:
    for name, line in files.items():
        with (copy / name).open("a") as file:
            file.write(f"\n{line}\n")
    broken, output = broken_contracts(copy)
    assert broken == {contract_names()[contract]}, output
