"""The packages agree with each other and carry what a published package needs."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = sorted(path.parent for path in (ROOT / "packages").glob("*/pyproject.toml"))

each_package = pytest.mark.parametrize("package", PACKAGES, ids=lambda path: str(path.name))


def project(folder: Path) -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    return table


def requirements(folder: Path) -> list[str]:
    """What a package depends on, extras included."""
    table = project(folder)
    return [
        *table["dependencies"],
        *(r for rs in table.get("optional-dependencies", {}).values() for r in rs),
    ]


def project_folders(root: Path) -> list[Path]:
    return [root, *sorted(path.parent for path in root.glob("packages/*/pyproject.toml"))]


def stated_versions(root: Path) -> Iterator[tuple[str, str]]:
    """Every place that states a version of akmon, and the version."""
    for folder in project_folders(root):
        name = project(folder)["name"]
        yield f"{name}: version", project(folder)["version"]
        for requirement in requirements(folder):
            if re.match(r"akmon-", requirement):
                yield f"{name}: {requirement}", requirement.partition("==")[2]
    for module in sorted(root.glob("packages/*/src/*/__init__.py")):
        found = re.search(r'^__version__ = "(.+)"$', module.read_text(), re.MULTILINE)
        yield f"{module.parent.name}.__version__", found[1] if found else "none"
    for locked in tomllib.loads((root / "uv.lock").read_text())["package"]:
        if locked["name"].split("-")[0] == "akmon":
            yield f"uv.lock: {locked['name']}", locked["version"]


def test_every_place_states_one_version() -> None:
    stated = dict(stated_versions(ROOT))
    assert {place: v for place, v in stated.items() if v != project(ROOT)["version"]} == {}
    assert len([place for place in stated if place.endswith(": version")]) == len(PACKAGES) + 1
    assert len([place for place in stated if place.endswith("__version__")]) == len(PACKAGES)


def test_bump_sets_the_version_everywhere(tmp_path: Path) -> None:
    for path in [ROOT / "uv.lock", ROOT / "tools/bump.py", *ROOT.glob("packages/*/src/*/__init__.py")]:
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    for folder in project_folders(ROOT):
        shutil.copy(folder / "pyproject.toml", tmp_path / folder.relative_to(ROOT))
    subprocess.run([sys.executable, str(tmp_path / "tools/bump.py"), "12.34.56rc7"], check=True)
    before, after = dict(stated_versions(ROOT)), dict(stated_versions(tmp_path))
    assert {place: v for place, v in after.items() if v != "12.34.56rc7"} == {}
    assert len(after) == len(before)


@pytest.mark.parametrize("arguments", [[], ["one"], ["1.2"], ["1.2.3", "1.2.4"]])
def test_bump_refuses_what_is_no_version(arguments: list[str]) -> None:
    command = [sys.executable, str(ROOT / "tools/bump.py"), *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert "VERSION" in done.stderr


@each_package
def test_a_package_has_a_readme_a_licence_and_types(package: Path) -> None:
    module = package / "src" / package.name.replace("-", "_")
    assert (package / "README.md").read_text().startswith(f"# {package.name}\n")
    assert (package / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    assert not (package / "LICENSE").is_symlink()
    assert (module / "py.typed").exists()


@each_package
def test_a_package_is_described_alike(package: Path) -> None:
    table, root = project(package), project(ROOT)
    assert table["name"] == package.name
    assert table["requires-python"] == root["requires-python"]
    assert table["license"] == root["license"]
    assert "Typing :: Typed" in table["classifiers"]


def test_every_dependency_is_explained() -> None:
    explained = ROOT / "docs/dependencies.md"
    text = explained.read_text().lower() if explained.exists() else ""
    names = {
        re.split(r"[^A-Za-z0-9._-]", r)[0].lower() for f in project_folders(ROOT) for r in requirements(f)
    }
    foreign = sorted(name for name in names if name.split("-")[0] != "akmon")
    missing = [name for name in foreign if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text)]
    assert not missing, f"docs/dependencies.md does not say what these are for: {', '.join(missing)}"


def test_no_file_names_a_machine_or_a_registry() -> None:
    """Paths of somebody's machine and hosts of package registries; the lock file needs its registry."""
    private = re.compile(
        r"(?<![\w.])/(?:work|root)/"
        r"|pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|deb\.debian\.org|proxy\.golang\.org"
    )
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    found = [
        f"{name}:{number}: {line.strip()}"
        for name in names.split("\0")
        if name and name != "uv.lock" and (ROOT / name).is_file()
        for number, line in enumerate((ROOT / name).read_text(errors="replace").splitlines(), start=1)
        if private.search(line)
    ]
    assert not found, "\n".join(found)
