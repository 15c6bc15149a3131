"""``tools/install_cpu.py`` with the real pip, packages made here, and no network."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tools.install_cpu import graphics, torch

SCRIPT = Path(__file__).parents[2] / "tools" / "install_cpu.py"
PYTHON = Path(getattr(sys, "_base_executable", sys.executable))
"""An interpreter that has pip, which environments made by uv have not."""

with_pip = pytest.mark.skipif(
    subprocess.run([PYTHON, "-m", "pip", "--version"], capture_output=True, check=False).returncode != 0,
    reason=f"{PYTHON} has no pip",
)


class Shelf:
    """A folder of packages, and an environment to install them into."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        venv.create(folder / "env")

    def add(self, name: str, version: str, *needs: str) -> None:
        info = f"{name}-{version}.dist-info"
        with zipfile.ZipFile(self.folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{name}.py", "")
            requires = "".join(f"Requires-Dist: {need}\n" for need in needs)
            wheel.writestr(
                f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}"
            )
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(
                f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n"
            )

    def install(self, *requirements: str) -> tuple[int, str]:
        """The exit code of the script, and what it says."""
        done = subprocess.run(
            [PYTHON, SCRIPT, self.folder / "env" / "bin" / "python", "2.13.0", *requirements],
            env={
                "PATH": "/usr/bin:/bin",
                "HOME": str(self.folder),
                "PIP_CONFIG_FILE": "/dev/null",
                "PIP_NO_INDEX": "1",
                "PIP_FIND_LINKS": str(self.folder),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    @property
    def installed(self) -> set[str]:
        (packages,) = (self.folder / "env").glob("lib/python*/site-packages")
        return {path.name.removesuffix(".dist-info") for path in packages.glob("*.dist-info")}


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


@with_pip
def test_a_cpu_build_is_installed_with_what_it_needs_and_a_second_time_is_nothing(shelf: Shelf) -> None:
    shelf.add("torch", torch("2.13.0", sys.platform).removeprefix("torch=="), "sympy")
    shelf.add("sympy", "1.0")
    shelf.add("encoder", "3.0", "torch>=2")
    assert shelf.install("encoder==3.0") == (0, "")
    assert {name.partition("-")[0] for name in shelf.installed} == {"torch", "sympy", "encoder"}
    assert shelf.install("encoder==3.0") == (0, "")


@with_pip
@pytest.mark.skipif(sys.platform == "darwin", reason="all builds for macOS are CPU builds")
def test_where_there_is_no_cpu_build_nothing_is_installed_and_it_says_what_to_do(shelf: Shelf) -> None:
    shelf.add("torch", "2.13.0", "nvidia_cublas")
    shelf.add("nvidia_cublas", "13.0")
    shelf.add("encoder", "3.0", "torch>=2")
    code, said = shelf.install("encoder==3.0")
    assert code == 1
    assert said.startswith("nothing was installed: ")
    assert "No matching distribution found for torch==2.13.0+cpu" in said
    assert "Name an index that has CPU builds of torch in PIP_EXTRA_INDEX_URL" in said
    assert shelf.installed == set()


@with_pip
def test_nothing_is_installed_if_anything_of_it_is_for_graphics_processors(shelf: Shelf) -> None:
    shelf.add("torch", torch("2.13.0", sys.platform).removeprefix("torch=="))
    shelf.add("encoder", "3.0", "torch>=2", "nvidia_cublas", "triton")
    shelf.add("nvidia_cublas", "13.0")
    shelf.add("triton", "3.0")
    code, said = shelf.install("encoder==3.0")
    assert code == 1
    assert "nvidia_cublas==13.0" in said
    assert "triton==3.0" in said
    assert "PIP_EXTRA_INDEX_URL" in said
    assert shelf.installed == set()


def test_packages_for_graphics_processors_are_known_by_their_names() -> None:
    wanted = [
        "nvidia-cudnn-cu13==9.2",
        "NVIDIA_nccl==2",
        "cuda-bindings==13",
        "cuda.toolkit==13",
        "triton==3.7",
    ]
    assert graphics([*wanted, "torch==2.13.0+cpu", "numpy==2.4", "tritium==1"]) == wanted
