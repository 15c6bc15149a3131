"""Hosts, tools, protected files, examples, proposals and taint in rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.errors import SettingsError
from akmon_core.permissions import (
    Decision,
    Grant,
    Mode,
    Policy,
    Rule,
    Taint,
    Target,
    canonical,
    check_examples,
    hidden_tools,
    judge,
    parse_rule,
    propose,
    warning_about,
)
from akmon_core.rules import withheld, withholding
from akmon_core.tools import Effect, EffectKind
from tests.core.lines import located


def fetch(url: str) -> Target:
    return Target(Effect("fetch", url))


def write(path: str) -> Target:
    return Target(Effect("write", path), f"/p/{path}", path)


@pytest.mark.parametrize(
    ("pattern", "url", "expected"),
    [
        ("docs.python.org", "https://docs.python.org/3/", "allow"),
        ("DOCS.python.org", "https://docs.python.org/", "allow"),
        ("docs.python.org", "https://docs.python.org:8443/", "ask"),
        ("docs.python.org:8443", "https://docs.python.org:8443/", "allow"),
        ("docs.python.org", "https://docs.python.org@evil.test/", "ask"),
        ("docs.python.org", "https://docs.python.org.evil.test/", "ask"),
        ("docs.python.org", "https://evil-docs.python.org.test/", "ask"),
        ("docs.python.org", "https://evil.test/docs.python.org", "ask"),
        ("python.org", "https://docs.python.org/", "ask"),
        ("python.org", "https://evilpython.org/", "ask"),
        ("python.org", "https://xn--pythn-mqa.org/", "ask"),
        ("python.org", "https://python.org\0.example.com/", "ask"),
        ("*.python.org", "https://docs.python.org/", "allow"),
        ("*.python.org", "https://a.b.python.org/", "allow"),
        ("*.python.org", "https://python.org/", "ask"),
        ("*.python.org", "https://evilpython.org/", "ask"),
        ("github.com", "https://gist.github.com/x", "ask"),
        ("https://docs.python.org/3/*", "https://docs.python.org/3/x", "allow"),
        ("https://docs.python.org/3/*", "https://docs.python.org/2/x", "ask"),
        ("https://docs.python.org/3/*", "http://docs.python.org/3/x", "ask"),
        ("https://*.python.org/*", "https://evil.test/.python.org/x", "ask"),
        ("https://docs.python.org", "https://docs.python.org/x", "allow"),
        ("https://docs.python.org", "https://docs.python.org.evil.test/x", "ask"),
        ("[::1]:8000", "http://[::1]:8000/", "allow"),
        ("*", "https://a.org/", "allow"),
    ],
)
def test_a_rule_about_a_host_allows_that_host_only(pattern: str, url: str, expected: Decision) -> None:
    policy = Policy(rules=(parse_rule(f"fetch({pattern})"),))
    assert judge("fetch", (fetch(url),), "default", policy).decision == expected


@pytest.mark.parametrize("url", ["https://a.org:99/", "http://A.org./", "https://x@a.org/", "nonsense"])
def test_a_rule_that_denies_a_host_means_every_port_and_whatever_is_unclear(url: str) -> None:
    policy = Policy(rules=(parse_rule("fetch(a.org)", "deny"),))
    assert judge("fetch", (fetch(url),), "full-auto", policy).decision == "deny"


@pytest.mark.parametrize(
    "pattern", ["py*.org", "*.*", "a.org/x", "user@a.org", "ftp://a.org", "a b", "-a.org"]
)
def test_a_pattern_that_is_no_host_is_refused(pattern: str) -> None:
    for tool in ("fetch", "network"):
        with pytest.raises(SettingsError, match="rule"):
            parse_rule(f"{tool}({pattern})")


def test_tools_are_named_by_globs_and_hidden_where_they_are_denied_as_a_whole() -> None:
    rules = (
        parse_rule("mcp__github__*", "deny"),
        parse_rule("edit", "deny"),
        parse_rule("shell(rm *)", "deny"),
    )
    names = ["mcp__github__push", "mcp__gitlab__push", "edit", "patch", "shell", "write"]
    assert hidden_tools(Policy(rules=rules), names) == {"mcp__github__push", "edit", "patch"}
    with pytest.raises(SettingsError, match="every tool"):
        parse_rule("*")
    assert parse_rule("*", "deny").tool == "*"


@pytest.mark.parametrize(
    "path",
    [
        ".git/hooks/pre-commit", "sub/.git/config", ".GIT/config", "GIT~1/config", ".git./config",
        ".git::$INDEX_ALLOCATION/config", ".gi\u200bt/config", ".gitmodules", ".gitattributes",
        ".akmon/x", "AGENTS.md", "sub/claude.md", "AKMON.md", ".vscode/tasks.json", ".idea/x",
        ".cursor/mcp.json",
        ".claude/x", ".mcp.json", ".envrc", ".github/workflows/x.yml", ".gitlab-ci.yml", ".npmrc",
        ".yarnrc.yml", ".pnpmfile.cjs", ".husky/x", ".venv/bin/python", "env/bin/python3",
        "x/sitecustomize.py", "x.pth", ".bashrc", ".zshenv", ".config/fish/config.fish", ".gitconfig",
        ".ripgreprc", ".devcontainer/x", ".netrc", "a\\.git\\config",
    ],
)  # fmt: skip
def test_writing_to_a_protected_file_is_asked_in_every_mode_and_under_broad_rules(path: str) -> None:
    policy = Policy(rules=(parse_rule("write(**)"), parse_rule("write")))
    assert judge("write", (write(path),), "full-auto", policy).decision == "ask"
    assert judge("write", (write(path),), "accept-edits", Policy(), (Grant(writes=True),)).decision == "ask"
    assert propose("write", (write(path),)) == ""


@pytest.mark.parametrize(
    "path", ["src/a.py", ".github/dependabot.yml", "git/x", "agents.py", "a~1.txt", "bin/x"]
)
def test_other_files_are_not_protected(path: str) -> None:
    assert judge("write", (write(path),), "accept-edits", Policy()).decision == "allow"


@pytest.mark.parametrize(
    ("rule", "path", "expected"),
    [
        ("write(.github/workflows/**)", ".github/workflows/x.yml", "allow"),
        ("write(.github/**)", ".github/workflows/x.yml", "ask"),
        ("write(AGENTS.md)", "AGENTS.md", "allow"),
        ("write(**/AGENTS.md)", "a/AGENTS.md", "allow"),
        ("write(.vscode/**)", ".vscode/AGENTS.md", "ask"),
        ("write(.git/**)", ".git/config", "ask"),
        ("write(.akmon/**)", ".akmon/config.toml", "ask"),
    ],
)
def test_a_rule_that_names_a_protected_file_allows_it_but_never_what_git_and_akmon_keep(
    rule: str, path: str, expected: Decision
) -> None:
    policy = Policy(rules=(parse_rule(rule),))
    assert judge("write", (write(path),), "default", policy).decision == expected


def test_a_redirection_is_judged_as_the_writing_or_reading_of_its_file() -> None:
    echo = (parse_rule("shell(echo *)"), parse_rule("shell(cat *)"))

    def verdict(line: str, mode: Mode = "accept-edits", *more: Rule) -> str:
        policy = Policy(rules=(*echo, *more), sandbox="bubblewrap")
        return judge("shell", (located(line),), mode, policy).decision

    assert verdict("echo x > src/a.txt") == "allow"
    assert verdict("echo x > src/a.txt", "default") == "ask"
    assert verdict("echo x > src/a.txt", "plan") == "deny"
    assert verdict("touch x > src/a.txt") == "ask"
    assert verdict("echo x > .git/config", "full-auto") == "ask"
    assert verdict("echo x > ../a", "full-auto") == "deny"
    assert verdict("echo x > src/a.txt", "full-auto", parse_rule("write(src/**)", "deny")) == "deny"
    assert verdict("cat < src/a.txt", "full-auto", parse_rule("read(src/**)", "deny")) == "deny"
    assert verdict("cat src/a.txt", "full-auto", parse_rule("read(SRC/**)", "deny")) == "deny"
    assert verdict("cat < .env") == "ask"


def test_a_denial_carries_the_message_of_its_rule() -> None:
    rule = parse_rule("shell(rm *)", "deny", message="Move it to attic/ instead.", origin="user file x")
    verdict = judge("shell", (located("rm x"),), "default", Policy(rules=(rule,)))
    assert verdict.reason == "the rule shell(rm *) says deny: Move it to attic/ instead."
    assert verdict.rule == "shell(rm *)"


def test_examples_that_a_rule_gets_wrong_are_named() -> None:
    check_examples(parse_rule("shell(git status *)"), ["git status -s"], ["git push", "git status && rm x"])
    check_examples(parse_rule("shell(rm *)", "deny"), ["nice rm x", "ls; rm x"], ["ls"])
    check_examples(parse_rule("edit(src/**)"), ["src/a.py"], ["a.py"])
    check_examples(
        parse_rule("network(*.example.net)"), ["https://registry.example.net/"], ["https://example.net/"]
    )
    with pytest.raises(SettingsError, match="does not match its example 'git push'"):
        check_examples(parse_rule("shell(git status *)"), ["git push"], [])
    with pytest.raises(SettingsError, match="matches its example 'src/x'"):
        check_examples(parse_rule("edit(src/**)"), [], ["src/x"])


@pytest.mark.parametrize(
    "pattern", ["python3 *", "env *", "bash -c *", "timeout 5 *", "ssh h *", "xargs grep *"]
)
def test_a_rule_for_whatever_an_interpreter_runs_is_warned_about(pattern: str) -> None:
    assert "allows nothing" in warning_about(parse_rule(f"shell({pattern})"))
    assert warning_about(parse_rule(f"shell({pattern})", "deny")) == ""


def test_a_rule_that_names_a_script_or_module_is_not_warned_about() -> None:
    assert not any(
        warning_about(parse_rule(f"shell({pattern})"))
        for pattern in ("python3 -m pytest *", "bash run.sh *", "pytest *", "python3 x.py", "nice make *")
    )


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("pytest -q", "shell(pytest *)"),
        ("cd src && pytest -q", "shell(pytest *)"),
        ("git commit -m 'x; y'", "shell(git commit *)"),
        ("npm run build", "shell(npm run build)"),
        ("python3 -m pytest -q", "shell(python3 -m pytest -q)"),
        ("bash -c 'a b'", "shell(bash -c 'a b')"),
        ("rm -rf build", "shell(rm -rf build)"),
        ("git push", "shell(git push)"),
        ("cat ../x", ""),
        ("cat .env", ""),
        ("touch AGENTS.md", ""),
        ("echo $x", ""),
        ("make && ninja", ""),
        ("make test V=1", "shell(make test V=1)"),
        ("gradle test -q", "shell(gradle test -q)"),
        ("ninja test", "shell(ninja test)"),
    ],
)
def test_the_rule_proposed_for_a_command_is_narrow_and_allows_it(line: str, rule: str) -> None:
    assert propose("shell", (located(line),)) == rule
    if rule:
        policy = Policy(sandbox="bubblewrap")
        assert judge("shell", (located(line),), "default", policy).decision == "ask"
        grants = (Grant(rule=rule),)
        assert judge("shell", (located(line),), "default", policy, grants).decision == "allow"


@pytest.mark.parametrize(
    ("tool", "kind", "target", "rule"),
    [
        ("fetch", "fetch", "https://docs.python.org/3/", "fetch(docs.python.org)"),
        ("patch", "write", "src/a.py", "edit(src/**)"),
        ("write", "write", "a.py", "write(a.py)"),
        ("write", "write", "app/[id]/x", "write(app/[[]id]/**)"),
        ("read", "read", ".env", ""),
        ("memory", "remember", "project: x", "memory(project: x)"),
    ],
)
def test_the_rule_proposed_for_other_calls_is_narrow_and_allows_them(
    tool: str, kind: EffectKind, target: str, rule: str
) -> None:
    one = Target(Effect(kind, target), f"/p/{target}", target)
    assert propose(tool, (one,)) == rule
    if rule:
        assert judge(tool, (one,), "default", Policy(), (Grant(rule=rule),)).decision == "allow"


def test_a_session_grant_is_for_the_file_that_a_path_led_to() -> None:
    before = Target(Effect("write", "link"), "/p/a", "a")
    grants = (Grant(tool="write", targets=canonical((before,))),)
    assert judge("write", (before,), "default", Policy(), grants).decision == "allow"
    after = Target(Effect("write", "link"), "/p/b", "b")
    assert judge("write", (after,), "default", Policy(), grants).decision == "ask"


FROM_WEB = Taint(sources=("web",))


@pytest.mark.parametrize(
    ("target", "taint", "expected"),
    [
        (fetch("https://a.org/"), FROM_WEB, "allow"),
        (write("a"), FROM_WEB, "allow"),
        (write("a"), Taint(sources=("web",), networked=True), "ask"),
        (fetch("https://a.org/"), Taint(sources=("web",), changed=True), "ask"),
        (located("make test"), Taint(sources=("web",), networked=True), "ask"),
        (located("ls"), Taint(sources=("web",), networked=True), "allow"),
        (write("a"), Taint(sources=("web",), networked=True, accepted=True), "allow"),
        (write("a"), Taint(networked=True), "allow"),
    ],
)
def test_after_untrusted_text_a_turn_asks_before_it_both_changes_things_and_uses_the_network(
    target: Target, taint: Taint, expected: Decision
) -> None:
    policy = Policy(sandbox="bubblewrap")
    verdict = judge("t", (target,), "full-auto", policy, taint=taint)
    assert verdict.decision == expected
    assert (expected == "ask") == ("web" in verdict.reason)
    off = Policy(sandbox="bubblewrap", ask_when_tainted=False)
    assert judge("t", (target,), "full-auto", off, taint=taint).decision == "allow"


def test_a_command_counts_as_networked_where_rules_open_the_network() -> None:
    policy = Policy(rules=(parse_rule("network(example.org)"),), sandbox="bubblewrap")
    assert judge("shell", (located("make"),), "full-auto", policy, taint=FROM_WEB).decision == "ask"
    alone = Policy(rules=policy.rules, sandbox="bubblewrap", unattended=True)
    assert judge("shell", (located("make"),), "full-auto", alone, taint=FROM_WEB).decision == "deny"


parts = st.sampled_from(["a", "B", "a.key", "*", "**", "*.KEY", "?"])
globs = st.lists(parts, min_size=1, max_size=4).map("/".join)
paths = st.lists(st.sampled_from(["a", "b", "A.key", "c"]), min_size=1, max_size=4).map("/".join)


@given(st.lists(st.tuples(globs, st.sampled_from(["deny", "ask", "allow"])), max_size=4), st.lists(paths))
def test_what_rules_withhold_is_the_same_of_one_path_and_of_many(
    written: list[tuple[str, Decision]], asked: list[str]
) -> None:
    rules = [parse_rule(f"read({glob})", decision) for glob, decision in written]
    is_withheld = withholding(rules)
    assert [is_withheld(path) for path in asked] == [
        withheld(rules, "read", path) != "allow" for path in asked
    ]
