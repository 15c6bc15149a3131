"""What a call may do: a table of verdicts, and the laws that hold over all of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akmon_core.errors import SettingsError
from akmon_core.permissions import (
    MODES,
    Decision,
    Grant,
    Mode,
    Policy,
    Rule,
    Sandboxing,
    Target,
    Verdict,
    judge,
    parse_rule,
)
from akmon_core.tools import Effect, EffectKind
from tests.core.lines import located


def target(kind: EffectKind, what: str, *, outside: bool = False) -> Target:
    if kind == "run":
        return located(what)
    if kind not in ("read", "write"):
        return Target(Effect(kind, what))
    return Target(Effect(kind, what), f"/p/{what}", None if outside else what)


def decided(verdict: Verdict) -> Decision:
    return verdict.decision


READ, SECRET, WRITE = target("read", "src/a.py"), target("read", ".env"), target("write", "src/a.py")
GUARDED, RUN = target("write", ".git/hooks/post-commit"), target("run", "pytest -q")
FETCH, ASK = target("fetch", "https://docs.python.org/3/"), target("ask", "")
LISTING = target("run", "ls -l src")
NOTE = target("remember", "project: how to build")
AWAY = target("read", "x", outside=True)
AWAY_WRITE = target("write", "x", outside=True)


@pytest.mark.parametrize(
    ("what", "default", "accept_edits", "plan", "full_auto", "deny_all"),
    [
        (READ, "allow", "allow", "allow", "allow", "deny"),
        (SECRET, "ask", "ask", "ask", "ask", "deny"),
        (WRITE, "ask", "allow", "deny", "allow", "deny"),
        (GUARDED, "ask", "ask", "deny", "ask", "deny"),
        (RUN, "ask", "ask", "deny", "ask", "deny"),
        (LISTING, "allow", "allow", "allow", "allow", "deny"),
        (FETCH, "ask", "ask", "ask", "allow", "deny"),
        (ASK, "allow", "allow", "allow", "allow", "allow"),
        (NOTE, "ask", "ask", "deny", "allow", "deny"),
        (AWAY, "deny", "deny", "deny", "deny", "deny"),
        (AWAY_WRITE, "deny", "deny", "deny", "deny", "deny"),
    ],
)
def test_each_mode_decides_each_kind_of_effect(
    what: Target,
    default: Decision,
    accept_edits: Decision,
    plan: Decision,
    full_auto: Decision,
    deny_all: Decision,
) -> None:
    expected = {
        "default": default,
        "accept-edits": accept_edits,
        "plan": plan,
        "full-auto": full_auto,
        "deny-all": deny_all,
    }
    assert {mode: judge("t", (what,), mode, Policy()).decision for mode in MODES} == expected


@pytest.mark.parametrize(
    ("sandbox", "full_auto", "default", "reading"),
    [
        ("bubblewrap", "allow", "ask", "allow"),
        ("landlock", "allow", "ask", "allow"),
        ("seatbelt", "allow", "ask", "allow"),
        ("off", "ask", "ask", "allow"),
        ("none", "ask", "ask", "ask"),
    ],
)
def test_full_auto_runs_commands_unasked_only_inside_a_sandbox(
    sandbox: Sandboxing, full_auto: Decision, default: Decision, reading: Decision
) -> None:
    policy = Policy(sandbox=sandbox)
    assert judge("shell", (RUN,), "full-auto", policy).decision == full_auto
    assert judge("shell", (RUN,), "default", policy).decision == default
    assert judge("shell", (LISTING,), "default", policy).decision == reading


def test_where_nothing_holds_commands_in_each_is_asked_whatever_rules_say_but_a_denial_stays() -> None:
    policy = Policy(rules=_rules(["allow shell", "deny shell(rm *)"]), sandbox="none")
    assert judge("shell", (RUN,), "full-auto", policy).decision == "ask"
    assert judge("shell", (target("run", "rm x"),), "full-auto", policy).decision == "deny"


@pytest.mark.parametrize(
    ("rules", "tool", "what", "expected"),
    [
        (["allow write"], "write", WRITE, "allow"),
        (["allow edit(src/**)"], "multi_edit", WRITE, "allow"),
        (["allow edit(src/**)"], "patch", WRITE, "allow"),
        (["allow edit", "deny patch"], "patch", WRITE, "deny"),
        (["allow patch", "deny edit(src/a.py)"], "patch", WRITE, "deny"),
        (["allow patch"], "edit", WRITE, "ask"),
        (["allow edit"], "write", WRITE, "ask"),
        (["allow write(src/**)"], "write", WRITE, "allow"),
        (["allow write(src/*)"], "write", target("write", "src/deep/a.py"), "ask"),
        (["allow write(**/a.py)"], "write", target("write", "src/deep/a.py"), "allow"),
        (["allow write(src/**)"], "edit", WRITE, "ask"),
        (["allow write"], "write", GUARDED, "ask"),
        (["allow write(**)"], "write", AWAY_WRITE, "deny"),
        (["allow read"], "read", AWAY, "deny"),
        (["allow read(.env)"], "read", SECRET, "allow"),
        (["deny read(src/**)"], "read", READ, "deny"),
        (["ask read"], "read", READ, "ask"),
        (["allow shell"], "shell", target("run", "anything > $x"), "allow"),
        (["allow shell(pytest *)"], "shell", RUN, "allow"),
        (["allow shell(pytest)"], "shell", RUN, "ask"),
        (["allow shell(pytest -q)"], "shell", RUN, "allow"),
        (["allow shell(pytest *)"], "shell", target("run", "pytest && rm x"), "ask"),
        (["allow shell(pytest *)"], "shell", target("run", "pytest $(rm x)"), "ask"),
        (["allow shell(pytest *)", "allow shell(rm *)"], "shell", target("run", "pytest && rm x"), "allow"),
        (["allow shell(pytest *)"], "shell", target("run", "pytester"), "ask"),
        (["allow shell(pytest *)"], "shell", target("run", "./pytest"), "ask"),
        (["deny shell(rm *)"], "shell", target("run", "ls; rm x"), "deny"),
        (["deny shell(rm *)"], "shell", target("run", "/bin/rm x"), "deny"),
        (["deny shell(rm *)"], "shell", target("run", "r'm' x"), "deny"),
        (["deny shell", "allow shell(ls)"], "shell", target("run", "ls"), "deny"),
        (["ask shell(ls)", "allow shell"], "shell", target("run", "ls"), "ask"),
        (["allow fetch(https://docs.python.org/*)"], "fetch", FETCH, "allow"),
        (["allow fetch(https://docs.python.org/*)"], "fetch", target("fetch", "http://x/"), "ask"),
        (["allow memory(project: *)"], "memory", NOTE, "allow"),
        (["allow memory(project: *)"], "memory", target("remember", "user: project: x"), "ask"),
        (["allow memory", "deny memory(user: *)"], "memory", target("remember", "user: x"), "deny"),
    ],
)
def test_rules_decide_by_tool_and_target(rules: list[str], tool: str, what: Target, expected: str) -> None:
    assert judge(tool, (what,), "default", Policy(rules=_rules(rules))).decision == expected


def _rules(texts: list[str]) -> tuple[Rule, ...]:
    pairs = [text.split(" ", 1) for text in texts]
    decisions: dict[str, Decision] = {"allow": "allow", "ask": "ask", "deny": "deny"}
    return tuple(parse_rule(rule, decisions[decision]) for decision, rule in pairs)


@pytest.mark.parametrize(
    "line",
    [
        "rm $x",
        "\\rm x",
        "time rm x",
        "{ rm x; }",
        "if a; then rm x; fi",
        "eval 'rm x'",
        "ls > $out",
        "env -S 'rm x'",
        "bash -c 'rm $x'",
        "bash script",
        "ls | xargs",
        "echo rm | sh",
        "python3.11 -c pass",
        "find . -delete",
        "find . -exec ls ';'",
        "sudo ls",
        "ssh host",
        "nice " * 20 + "ls",
    ],
)
def test_a_line_that_may_hide_what_a_rule_denies_is_asked_about_even_in_full_auto(line: str) -> None:
    policy = Policy(rules=_rules(["deny shell(rm *)", "allow shell"]), sandbox="bubblewrap")
    assert judge("shell", (target("run", line),), "full-auto", policy).decision == "ask"


@pytest.mark.parametrize(
    "line",
    [
        "rm x",
        "/bin/rm x",
        "../../bin/RM x",
        'r"m" x',
        "ls && rm x",
        "nice rm x",
        "nice -n 5 rm x",
        "nohup timeout -k 3 5 rm x",
        "env rm x",
        "env -i A=1 -u B rm x",
        "/usr/bin/env rm x",
        "nice --adj 5 rm x",
        "timeout --kill 1 5 rm x",
        "env --unse A rm x",
        "stdbuf -oL rm x",
        "setsid -w rm x",
        "bash -c 'rm x'",
        "sh -ec 'ls; rm x'",
        "bash -c \"bash -c 'rm x'\"",
        "ls | xargs -n 1 rm",
        "sudo -u root rm x",
        "doas rm x",
        "flock lock rm x",
        "find . -exec rm '{}' ';'",
        "uv run rm x",
        "npx rm x",
    ],
)
def test_a_rule_that_denies_catches_its_command_at_any_path_and_through_others(line: str) -> None:
    policy = Policy(rules=_rules(["deny shell(rm *)", "allow shell"]), sandbox="bubblewrap")
    assert judge("shell", (target("run", line),), "full-auto", policy).decision == "deny"


def test_a_program_that_runs_others_is_allowed_where_a_rule_names_it() -> None:
    policy = Policy(rules=_rules(["deny shell(rm *)", "allow shell(python -m pytest *)"]))
    assert judge("shell", (target("run", "python -m pytest -q"),), "default", policy).decision == "allow"
    assert judge("shell", (target("run", "python x.py"),), "full-auto", policy).decision == "ask"


@pytest.mark.parametrize("pattern", ["$(x) *", "a | b *", "a; b", "> x"])
def test_a_rule_whose_pattern_cannot_be_read_allows_nothing_and_denies_everything(pattern: str) -> None:
    allowing = Policy(rules=(Rule("shell", pattern),))
    assert judge("shell", (RUN,), "default", allowing).decision == "ask"
    denying = Policy(rules=(Rule("shell", pattern, "deny"),))
    assert judge("shell", (RUN,), "full-auto", denying).decision == "deny"


@pytest.mark.parametrize("rule", ["deny task", "deny task(*)"])
def test_a_tool_that_touches_nothing_can_still_be_denied(rule: str) -> None:
    policy = Policy(rules=_rules([rule, "deny other", "deny task(x)"]))
    assert judge("task", (), "full-auto", policy).decision == "deny"
    assert judge("todo", (), "default", policy).decision == "allow"


def test_a_call_without_effects_is_not_denied_by_a_rule_about_something() -> None:
    assert judge("memory", (), "default", Policy(rules=_rules(["deny memory(user: *)"]))).decision == "allow"


def test_a_grant_for_all_writes_and_the_approval_of_reads_let_nothing_be_remembered() -> None:
    policy = Policy(approve_reads=True)
    assert judge("memory", (NOTE,), "default", policy, (Grant(writes=True),)).decision == "ask"
    assert judge("memory", (NOTE,), "default", Policy(unattended=True)).decision == "deny"
    assert judge("memory", (NOTE,), "default", Policy()).reason == "default mode asks before remembering"


def test_a_session_grant_covers_the_same_tool_and_targets_only() -> None:
    grants = (Grant(tool="shell", targets=(RUN.effect,)),)
    assert judge("shell", (RUN,), "default", Policy(), grants).decision == "allow"
    assert judge("other", (RUN,), "default", Policy(), grants).decision == "ask"
    assert judge("shell", (target("run", "pytest -x"),), "default", Policy(), grants).decision == "ask"
    assert judge("shell", (RUN, WRITE), "default", Policy(), grants).decision == "ask"
    assert judge("shell", (RUN,), "plan", Policy(), grants).decision == "deny"


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        ((WRITE,), "allow"),
        ((READ, WRITE), "allow"),
        ((WRITE, target("write", "b")), "allow"),
        ((GUARDED,), "ask"),
        ((WRITE, GUARDED), "ask"),
        ((SECRET,), "ask"),
        ((SECRET, WRITE), "ask"),
        ((RUN,), "ask"),
        ((WRITE, RUN), "ask"),
        ((FETCH,), "ask"),
        ((AWAY_WRITE,), "deny"),
    ],
)
def test_a_grant_of_all_writes_covers_ordinary_writes_and_nothing_else(
    targets: tuple[Target, ...], expected: Decision
) -> None:
    assert judge("t", targets, "default", Policy(), (Grant(writes=True),)).decision == expected


def test_approved_reads_answer_yes_only_where_a_call_just_reads_inside() -> None:
    policy = Policy(approve_reads=True)
    assert judge("t", (SECRET,), "default", policy).decision == "allow"
    assert judge("t", (SECRET, READ), "default", policy).decision == "allow"
    assert judge("t", (SECRET, WRITE), "accept-edits", policy).decision == "ask"
    assert judge("t", (AWAY,), "default", policy).decision == "deny"
    denied = Policy(approve_reads=True, rules=(Rule("t", "src/**", "deny"),))
    assert judge("t", (READ,), "default", denied).decision == "deny"


def test_unattended_what_would_be_asked_is_denied_and_says_so() -> None:
    verdict = judge("t", (WRITE,), "default", Policy(unattended=True))
    assert verdict.decision == "deny"
    assert "nobody is there to ask" in verdict.reason
    assert judge("t", (READ,), "default", Policy(unattended=True)).decision == "allow"
    assert judge("t", (WRITE,), "accept-edits", Policy(unattended=True)).decision == "allow"


def test_a_call_without_effects_is_allowed() -> None:
    assert judge("todo", (), "plan", Policy(unattended=True)).decision == "allow"


def test_a_verdict_names_the_rule_or_mode_that_decides() -> None:
    policy = Policy(rules=_rules(["deny shell(rm *)"]))
    assert "shell(rm *)" in judge("shell", (target("run", "rm x"),), "default", policy).reason
    assert "plan mode" in judge("write", (WRITE,), "plan", Policy()).reason
    assert ".git" in judge("write", (GUARDED,), "full-auto", Policy()).reason
    assert ".env" in judge("read", (SECRET,), "default", Policy()).reason
    assert "--add-dir" in judge("read", (AWAY,), "default", Policy()).reason


# --- laws -------------------------------------------------------------------------------------------

PATHS = ("a.py", "src/a.py", "src/deep/b.py", ".env", ".git/config", "src/.GIT/config")
LINES = ("ls", "ls -l", "rm x", "ls && rm x", "ls $x", "ls > x", "/bin/rm x", "env rm x", "time rm", "")
URLS = ("https://a.org/x", "http://b.org/")
TOOLS = ("t", "shell")
PATTERNS = ("", "*", "**", "src/**", "*.py", "ls", "ls *", "rm *", "$x *", "https://a.org/*")
STRICTNESS = {"deny": 0, "ask": 1, "allow": 2}

targets = st.one_of(
    st.builds(target, st.sampled_from(["read", "write"]), st.sampled_from(PATHS), outside=st.booleans()),
    st.builds(target, st.just("run"), st.sampled_from(LINES)),
    st.builds(target, st.just("fetch"), st.sampled_from(URLS)),
    st.builds(target, st.just("ask"), st.just("")),
)
rules = st.builds(
    Rule, st.sampled_from(TOOLS), st.sampled_from(PATTERNS), st.sampled_from(["allow", "ask", "deny"])
)
policies = st.builds(
    Policy,
    rules=st.lists(rules, max_size=4).map(tuple),
    approve_reads=st.booleans(),
    unattended=st.booleans(),
)
target_lists = st.lists(targets, max_size=3).map(tuple)
modes = st.sampled_from(MODES)


@st.composite
def grants_for(draw: st.DrawFn) -> tuple[tuple[Target, ...], tuple[Grant, ...]]:
    """Targets, and grants among which their own may be."""
    wanted = draw(target_lists)
    own = Grant(tool=draw(st.sampled_from(TOOLS)), targets=tuple(t.effect for t in wanted))
    return wanted, tuple(draw(st.lists(st.sampled_from([own, Grant(writes=True)]), max_size=2)))


cases = st.tuples(st.sampled_from(TOOLS), grants_for(), modes, policies)
Case = tuple[str, tuple[tuple[Target, ...], tuple[Grant, ...]], Mode, Policy]


@given(cases, rules)
def test_adding_a_deny_or_ask_rule_never_allows_more(case: Case, rule: Rule) -> None:
    tool, (wanted, grants), mode, policy = case
    if rule.decision == "allow":
        rule = Rule(rule.tool, rule.pattern, "deny")
    tighter = Policy(
        rules=(*policy.rules, rule), approve_reads=policy.approve_reads, unattended=policy.unattended
    )
    before = judge(tool, wanted, mode, policy, grants).decision
    after = judge(tool, wanted, mode, tighter, grants).decision
    assert STRICTNESS[after] <= STRICTNESS[before]


def test_a_path_that_cannot_be_used_is_denied_for_its_own_reason() -> None:
    broken = Target(Effect("read", "loop"), problem="a link leads in a circle")
    assert judge("read", (broken,), "full-auto", Policy()) == Verdict(
        "deny", "loop cannot be used: a link leads in a circle"
    )


@given(cases)
def test_no_path_outside_the_roots_is_ever_allowed_or_asked_about(case: Case) -> None:
    tool, (wanted, grants), mode, policy = case
    outside = target("write", "x", outside=True)
    assert judge(tool, (*wanted, outside), mode, policy, grants).decision == "deny"


@given(cases, st.sampled_from([WRITE, GUARDED, RUN, NOTE]))
def test_plan_mode_never_writes_runs_or_remembers(case: Case, change: Target) -> None:
    tool, (wanted, grants), _, policy = case
    assert judge(tool, (*wanted, change), "plan", policy, grants).decision == "deny"


@given(
    st.sampled_from(["ls $x", "ls > x", "ls & rm", "time ls", "a\nb", "ls 'x"]), st.lists(rules, max_size=4)
)
def test_no_rule_that_names_a_command_allows_a_line_that_cannot_be_read(line: str, some: list[Rule]) -> None:
    policy = Policy(rules=tuple(rule for rule in some if rule.pattern not in ("", "*")))
    assert judge("shell", (target("run", line),), "default", policy).decision != "allow"


@given(cases)
def test_the_strictest_verdict_over_the_targets_decides(case: Case) -> None:
    tool, (wanted, _), mode, policy = case
    alone = [STRICTNESS[judge(tool, (one,), mode, policy).decision] for one in wanted]
    together = STRICTNESS[judge(tool, wanted, mode, policy).decision]
    if wanted and not policy.approve_reads:  # which looks at the call as a whole
        assert together == min(alone, default=2)
    assert together <= min(alone, default=2)


@given(cases)
def test_the_order_of_rules_does_not_matter(case: Case) -> None:
    tool, (wanted, grants), mode, policy = case
    turned = Policy(
        rules=policy.rules[::-1], approve_reads=policy.approve_reads, unattended=policy.unattended
    )
    assert decided(judge(tool, wanted, mode, policy, grants)) == decided(
        judge(tool, wanted, mode, turned, grants)
    )


@given(cases)
def test_unattended_nothing_is_ever_asked_and_nothing_more_allowed(case: Case) -> None:
    tool, (wanted, grants), mode, policy = case
    attended = Policy(rules=policy.rules, approve_reads=policy.approve_reads)
    alone = Policy(rules=policy.rules, approve_reads=policy.approve_reads, unattended=True)
    before = judge(tool, wanted, mode, attended, grants).decision
    assert judge(tool, wanted, mode, alone, grants).decision == ("deny" if before == "ask" else before)


# --- writing rules ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("read", Rule("read")),
        (" edit(src/**) ", Rule("edit", "src/**")),
        ("shell(git status)", Rule("shell", "git status")),
        ("shell( pytest * )", Rule("shell", "pytest *")),
        ("shell(*)", Rule("shell", "*")),
        ("fetch(https://a.org/*)", Rule("fetch", "https://a.org/*")),
        ("my-server__tool", Rule("my-server__tool")),
        ("write(a (copy).txt)", Rule("write", "a (copy).txt")),
    ],
)
def test_a_rule_is_a_tool_or_a_tool_and_a_pattern(text: str, rule: Rule) -> None:
    assert parse_rule(text) == rule
    assert parse_rule(str(rule)) == rule


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("", "not a permission rule"),
        ("(x)", "not a permission rule"),
        ("shell(ls", "not a permission rule"),
        ("shell(ls) more", "not a permission rule"),
        ("two words", "not a permission rule"),
        ("shell()", "empty pattern"),
        ("shell(  )", "empty pattern"),
        ("shell(a | b)", "plain words of one command"),
        ("shell(a && b *)", "plain words of one command"),
        ("shell($x *)", "plain words of one command"),
        ("shell(ls > x)", "plain words of one command"),
        ("shell(py*)", "plain words of one command"),
        ("shell(time *)", "plain words of one command"),
    ],
)
def test_what_is_no_rule_is_refused_with_the_reason(text: str, because: str) -> None:
    with pytest.raises(SettingsError, match=because):
        parse_rule(text)
