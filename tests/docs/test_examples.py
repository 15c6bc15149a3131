"""The examples of README and docs run as they stand, with a script in the place of the model."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def blocks(document: str, language: str) -> list[str]:
    text = (ROOT / document).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


def run_python(code: str, folder: Path) -> str:
    """What ``code`` prints, in an empty folder, with an empty HOME and no keys."""
    environment = {"PATH": os.defpath, "HOME": str(folder / "home")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_example_of_the_readme_runs_an_agent(tmp_path: Path) -> None:
    (example,) = blocks("README.md", "python")
    (tmp_path / "app.py").write_text("def f(): pass\n")
    script = (
        'say I add it.\ncall read {"path": "app.py"}\n---\n'
        'call edit {"path": "app.py", "old": "def f(): pass", "new": "def f():\\n    \\"\\"\\"F.\\"\\"\\""}\n'
        "---\nsay Done.\n"
    )
    (tmp_path / "model.script").write_text(script)
    assert '"claude-sonnet-5-5"' in example
    out = run_python(example.replace('"claude-sonnet-5-5"', '"scripted:model.script"'), tmp_path)
    assert "I add it." in out
    assert "Done." in out
    assert '"""F."""' in (tmp_path / "app.py").read_text()


def test_a_tool_and_an_answerer_of_ones_own_work_as_documented(tmp_path: Path) -> None:
    (script,) = blocks("docs/library.md", "text")
    (tmp_path / "deploy.script").write_text(script)
    out = run_python("\n".join(blocks("docs/library.md", "python")), tmp_path)
    assert out.splitlines() == ["deployed to staging", "Denied: only staging.", "completed"]


@pytest.mark.parametrize("package", ["config", "models", "query"])
def test_the_example_of_a_package_runs(package: str, tmp_path: Path) -> None:
    (example,) = blocks(f"packages/akmon-{package}/README.md", "python")
    (tmp_path / "model.script").write_text("say It is a test.\n")
    out = run_python(example.replace("claude-sonnet-5-5", "scripted:model.script"), tmp_path)
    assert ("max_turns 10 flag --max-turns" if package == "config" else "It is a test.") in out


@pytest.mark.parametrize("document", ["README.md", *(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))])
def test_links_in_documents_lead_somewhere(document: str) -> None:
    path = ROOT / document
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (path.parent / target).exists(), f"{document} links to {target}"


def test_agents_md_stays_short() -> None:
    assert len((ROOT / "AGENTS.md").read_text().splitlines()) < 120


def test_every_module_is_named_in_the_architecture_and_every_name_there_is_one() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    for source in ROOT.glob("packages/*/src/*"):
        (row,) = re.findall(rf"^\| `{source.name}` \| [^|]+ \| (.*) \|$", text, flags=re.MULTILINE)
        named = set(re.findall(r"`(\w+)/?`", row))
        files = {path.stem for path in source.glob("*.py")} - {"__init__"}
        folders = {path.parent.name for path in source.glob("*/__init__.py")}
        assert named == files | folders, source.name


def test_the_picture_in_the_architecture_is_drawn_straight() -> None:
    lines = (ROOT / "docs/architecture.md").read_text(encoding="utf-8").splitlines()
    drawn = [
        (n, c, line[c]) for n, line in enumerate(lines) for c in range(len(line)) if line[c] in "│┌┐└┘┬┼"
    ]
    assert drawn
    for number, column, character in drawn:
        if character in "│┌┐┬┼":
            assert lines[number + 1][column : column + 1] in tuple("│└┘┴┬┼v"), (number + 1, column + 1)
        if character in "└┘":
            assert lines[number - 1][column : column + 1] in tuple("│┌┐"), (number + 1, column + 1)
