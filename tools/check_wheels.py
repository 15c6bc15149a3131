"""Tries the wheels in a folder as a user would: plain pip, fresh environments, an empty home.

Usage: python tools/check_wheels.py dist

akmon's own packages must come from the folder; what they depend on comes from the package index.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from email.message import Message
from email.parser import Parser
from pathlib import Path

ROOT = Path(__file__).parents[1]
UV = ROOT / ".tools/bin/uv"
FRONT_ENDS = ("akmon_cli", "akmon_tui", "akmon_config", "prompt_toolkit")
HEAVY = {"torch", "sentence-transformers", "transformers", "botocore", "keyring"}
EXTRAS = {
    "bedrock": "akmon-models[bedrock]",
    "keyring": "akmon-config[keyring]",
    "semantic": "akmon-index[transformers]",
}
"""By extra of akmon: what it installs in addition."""


class Failed(Exception):
    """A check found something wrong; the message says what."""


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: python tools/check_wheels.py FOLDER", file=sys.stderr)
        return 2
    dist = Path(arguments[0]).resolve()
    try:
        version = check_metadata(dist)
        with tempfile.TemporaryDirectory() as temporary, ThreadPoolExecutor() as pool:
            checks = [
                pool.submit(check_program, dist, version, Path(temporary, "program")),
                pool.submit(check_library, dist, version, Path(temporary, "library")),
            ]
            for check in checks:
                check.result()
    except Failed as failure:
        print(f"the wheels in {dist} do not work: {failure}", file=sys.stderr)
        return 1
    return 0


def check_metadata(dist: Path) -> str:
    """Looks into the wheels without installing them; gives their version."""
    wheels = {path.name.partition("-")[0]: path for path in sorted(dist.glob("*.whl"))}
    modules = {path.name for path in ROOT.glob("packages/*/src/akmon_*")}
    expect(set(wheels) == {"akmon", *modules}, f"the folder has wheels of {sorted(wheels)}")
    for module in modules:
        names = zipfile.ZipFile(wheels[module]).namelist()
        expect(f"{module}/py.typed" in names, f"{module} has no py.typed")
        expect(any(name.endswith("/licenses/LICENSE") for name in names), f"{module} has no LICENSE")
    code = [name for name in zipfile.ZipFile(wheels["akmon"]).namelist() if ".dist-info/" not in name]
    expect(not code, f"the wheel of akmon itself has code: {code}")
    metadata = read_metadata(wheels["akmon"])
    check_extras(metadata)
    print(f"ok: {len(wheels)} wheels of version {metadata['Version']} with types, licences and extras")
    return metadata["Version"]


def check_extras(metadata: Message) -> None:
    extras = metadata.get_all("Provides-Extra", [])
    expect({*EXTRAS, "all"} <= set(extras), f"akmon provides the extras {extras}")
    required = [requirement.replace('"', "'") for requirement in metadata.get_all("Requires-Dist", [])]
    for extra, package in EXTRAS.items():
        wanted = f"{package}=={metadata['Version']}; extra == '{extra}'"
        expect(wanted in required, f"akmon requires {required}, not {wanted}")


def read_metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode())


def check_program(dist: Path, version: str, folder: Path) -> None:
    """The whole program, and one turn of it with a scripted model."""
    python = fresh_environment(folder)
    count = install(python, dist, f"akmon=={version}")
    home, project = folder / "home", folder / "project"
    home.mkdir()
    project.mkdir()
    script = folder / "hello.script"
    script.write_text("say Hello.\n")
    environment = {"HOME": str(home), "PATH": f"{python.parent}:/usr/bin:/bin", "LANG": "C.UTF-8"}
    akmon = str(python.with_name("akmon"))
    said = run([akmon, "--version"], project, environment)
    expect(said.split() == ["akmon", version], f"akmon --version says {said!r}")
    said = run([akmon, "-p", "hi", "--model", f"scripted:{script}"], project, environment)
    expect(said.strip() == "Hello.", f"a scripted turn says {said!r}")
    print(f"ok: akmon=={version} installs with pip ({count} packages) and plays a turn in an empty home")


def check_library(dist: Path, version: str, folder: Path) -> None:
    """The engine alone, without anything that draws or reads settings."""
    python = fresh_environment(folder)
    count = install(python, dist, f"akmon-query=={version}")
    program = (
        "import akmon_query, importlib.util as u\n"
        f"print(akmon_query.__version__, *[m for m in {FRONT_ENDS!r} if u.find_spec(m)])"
    )
    said = run([str(python), "-c", program], folder, {"PATH": "/usr/bin:/bin", "HOME": str(folder)})
    expect(said.split() == [version], f"an environment for akmon-query has {said.split()}")
    print(f"ok: akmon-query=={version} installs alone ({count} packages) and imports without a front end")


def fresh_environment(folder: Path) -> Path:
    """A new environment with pip in it (also where Python lacks its venv module); gives its interpreter."""
    run([str(UV), "venv", "--quiet", "--seed", "--python", sys.executable, str(folder)], ROOT, os.environ)
    return folder / "bin/python"


def install(python: Path, dist: Path, requirement: str) -> int:
    """Installs with plain pip and gives the number of packages that it took."""
    report = python.parent / "report.json"
    options = ["--quiet", "--prefer-binary", "--find-links", str(dist), "--report", str(report)]
    run([str(python), "-m", "pip", "install", *options, requirement], dist, os.environ)
    run([str(python), "-m", "pip", "check"], dist, os.environ)
    sources = {
        item["metadata"]["name"].lower(): item["download_info"]["url"]
        for item in json.loads(report.read_text())["install"]
    }
    foreign = {
        name: url
        for name, url in sources.items()
        if name.split("-")[0] == "akmon" and not url.startswith(dist.as_uri())
    }
    expect(not foreign, f"pip took {foreign} from elsewhere than {dist}")
    expect(not HEAVY & set(sources), f"{requirement} pulls {sorted(HEAVY & set(sources))}")
    return len(sources)


def run(command: list[str], folder: Path, environment: Mapping[str, str]) -> str:
    """The standard output of a command that must succeed."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    shown = " ".join(command)
    expect(done.returncode == 0, f"`{shown}` exits with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def expect(condition: bool, problem: str) -> None:
    if not condition:
        raise Failed(problem)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
