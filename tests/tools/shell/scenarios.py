"""What models do with a shell, and what must come of it."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from akmon_tools.shell import ShellTimes
from tests.tools.shell.rig import QUICK

LEAVING = ShellTimes(foreground=60, grace=0.3, settle=0.05)
"""For commands that leave something running on purpose."""


class Call(msgspec.Struct, frozen=True):
    command: str
    text: str | re.Pattern[str]
    """The whole result, or what is to be found in it."""
    timeout: float | None = None
    error: bool | None = None


class Scenario(msgspec.Struct, frozen=True):
    name: str
    calls: tuple[Call, ...]
    times: ShellTimes = QUICK


def scenario(name: str, *calls: Call, **more: Any) -> Scenario:
    return Scenario(name, calls, **more)


def found(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.DOTALL)


PLAIN = (
    scenario("two streams in order", Call("echo a; echo b >&2; echo c", "a\nb\nc\n[exit 0]")),
    scenario("an exit code", Call("echo a; exit 3", "a\n[exit 3]", error=True)),
    scenario("nothing said", Call("true", "(no output)\n[exit 0]")),
    scenario("yes into head", Call("yes | head -2", "y\ny\n[exit 0]")),
    scenario("a here-document", Call("cat <<'E'\na $x `y`\n\"q\"\nE", 'a $x `y`\n"q"\n[exit 0]')),
    scenario("a here-document that ends with the command", Call("cat <<E\na\nE\n", "a\n[exit 0]")),
    scenario("a here-string", Call("tr a b <<< 'aaa'", "bbb\n[exit 0]")),
    scenario("process substitution", Call("cat <(echo a) <(echo b)", "a\nb\n[exit 0]")),
    scenario("output through a process", Call("echo a > >(sleep 0.1; cat)", "a\n[exit 0]")),
    scenario(
        "a coprocess",
        Call(
            "coproc cat; echo a >&${COPROC[1]}; read x <&${COPROC[0]}; echo $x; exec {COPROC[1]}>&-; wait",
            "a\n[exit 0]",
        ),
    ),
    scenario("a deep pipeline", Call("echo a" + " | cat" * 60, "a\n[exit 0]")),
    scenario(
        "quoting", Call("""printf '%s\\n' "it's" 'a "b"' $'t\\tb' \\$x""", 'it\'s\na "b"\nt\tb\n$x\n[exit 0]')
    ),
    scenario("several lines", Call("for i in 1 2\ndo\n  echo $i\ndone", "1\n2\n[exit 0]")),
    scenario("a comment at the end", Call("echo a # b", "a\n[exit 0]")),
    scenario("a backslash at the end", Call("echo a \\", "a \\\n[exit 0]")),
    scenario("a dash at the start", Call("-x", "bash: line 1: -x: command not found\n[exit 127]")),
    scenario("no positional arguments", Call('echo "$#" "$@" $0', "0 bash\n[exit 0]")),
    scenario("a long command line", Call("x='" + "y" * 200_000 + "'; echo ${#x}", "200000\n[exit 0]")),
    scenario(
        "a syntax error",
        Call("cd /usr; echo (", found(r"^bash: eval: line 1: syntax error.*\[exit 2\]$")),
        Call("pwd", found(r"/ws\n\[exit 0\]$")),
    ),
    scenario("an open quote", Call("echo 'a", found(r"unexpected EOF.*\[exit 2\]$"), error=True)),
    scenario("the line of an error", Call("true\nnope", "bash: line 2: nope: command not found\n[exit 127]")),
    scenario(
        "a command that names itself", Call("pkill -f 'needle[0-9]in'; echo needle5in", "needle5in\n[exit 0]")
    ),
)

STATE = (
    scenario(
        "the folder",
        Call("mkdir -p a/b; cd a/b", "(no output)\n[exit 0, in a/b]"),
        Call("pwd", found(r"/ws/a/b\n\[exit 0, in a/b\]$")),
        Call("cd -", found(r"\[exit 0\]$")),
    ),
    scenario(
        "a folder reached by a link",
        Call("mkdir d; ln -s d l; cd l", "(no output)\n[exit 0, in l]"),
        Call("pwd; cd ..; pwd", found(r"/ws/l\n[^\n]*/ws\n\[exit 0\]$")),
    ),
    scenario("a folder outside", Call("cd /usr", "(no output)\n[exit 0, in /usr]")),
    scenario(
        "odd names of folders",
        Call("mkdir $'a\\nb'; cd $'a\\nb'", found("exit 0, in a")),
        Call('basename "$PWD"', found("^a\nb\n")),
    ),
    scenario(
        "exported variables",
        Call("export A=1 B='x y'; C=2", "(no output)\n[exit 0]"),
        Call('echo "$A|$B|$C"; unset A', "1|x y|\n[exit 0]"),
        Call('echo "$A|$B"', "|x y\n[exit 0]"),
    ),
    scenario(
        "odd values",
        Call("export A=$'l1\\nl2\\t\"$x`' U=héllo😀 E= B=$'\\xff\\xfe'", "(no output)\n[exit 0]"),
        Call('printf %s "$A|$U|$E|"; printf %s "$B" | od -An -tx1', 'l1\nl2\t"$x`|héllo😀|| ff fe\n[exit 0]'),
    ),
    scenario(
        "a huge environment",
        Call("for i in {1..200}; do export V$i=$(printf '%01000d' $i); done", "(no output)\n[exit 0]"),
        Call("env | grep -c ^V; echo ${#V200}", found(r"^200\n1000\n")),
    ),
    scenario(
        "a variable that no program could be started with",
        Call(
            "export A=1 X=$(head -c 200000 /dev/zero | tr '\\0' x)",
            "(no output)\n[not kept for later commands: X]\n[exit 0]",
        ),
        Call("env | grep -c ^A=1", "1\n[exit 0]"),
    ),
    scenario(
        "variables that make programs run something",
        Call(
            "export GIT_EXTERNAL_DIFF=x LD_PRELOAD= BASH_ENV=e.sh PATH=$PATH:/x A=1",
            "(no output)\n[not kept for later commands: BASH_ENV, GIT_EXTERNAL_DIFF, LD_PRELOAD]\n[exit 0]",
        ),
        Call(
            "echo $GIT_EXTERNAL_DIFF $BASH_ENV ${LD_PRELOAD-none} $A; export BASH_ENV=e; echo ${PATH: -2}",
            "none 1\n/x\n[exit 0]",
        ),
    ),
    scenario(
        "a pager stays off",
        Call("export PAGER=less GIT_PAGER=less", found("not kept.*GIT_PAGER, PAGER")),
        Call("echo $PAGER $GIT_PAGER", "cat cat\n[exit 0]"),
    ),
    scenario(
        "functions and options end with their call",
        Call(
            "f() { :; }; export -f f; set -e; set -a; shopt -s nullglob; alias a=b", "(no output)\n[exit 0]"
        ),
        Call("f; false; echo $- * | tr -d a-z; type a", found("f: command not found.*not found")),
    ),
    scenario(
        "exit",
        Call("cd /usr; export A=1; exit 4", "(no output)\n[exit 4, in /usr]"),
        Call("echo $A", "1\n[exit 0, in /usr]"),
    ),
    scenario(
        "set -e",
        Call("set -e; cd /usr; export A=1; false; echo never", "(no output)\n[exit 1, in /usr]"),
        Call("echo $A", found("^1\n")),
    ),
    scenario(
        "set -u",
        Call("set -u; export A=1; echo $nope; echo never", found("unbound")),
        Call("echo $A", found("^1\n")),
    ),
    scenario(
        "set -x",
        Call("set -x; export A=1", "++ export A=1\n++ A=1\n[exit 0]"),
        Call("echo $A", found("^1\n")),
    ),
    scenario(
        "a trap of its own for the end",
        Call("trap 'echo bye $?' EXIT; cd /usr; export A=1; exit 3", "bye 3\n[exit 3, in /usr]"),
        Call("echo $A", found("^1\n")),
    ),
    scenario(
        "a trap for the end with set -e",
        Call("set -e; trap 'echo $?; true; echo bye' EXIT; cd /usr; false", "1\nbye\n[exit 1, in /usr]"),
    ),
    scenario(
        "a trap taken back",
        Call("trap 'echo no' EXIT; trap - EXIT; cd /usr", "(no output)\n[exit 0, in /usr]"),
    ),
    scenario(
        "a trap in a subshell",
        Call("(trap 'echo bye' EXIT; cd /; exit 2); echo $?; pwd", found(r"^bye\n2\n[^\n]*/ws\n\[exit 0\]$")),
    ),
    scenario(
        "a subshell's folder", Call('(cd /usr; export A=1); pwd; echo "<$A>"', found(r"/ws\n<>\n\[exit 0\]$"))
    ),
    scenario(
        "IFS and a readonly variable",
        Call("IFS=,; readonly R=1; export R; cd /usr", "(no output)\n[exit 0, in /usr]"),
        Call("echo $R", found("^1\n")),
    ),
    scenario(
        "no PATH",
        Call("unset PATH; export A=1", "(no output)\n[exit 0]"),
        Call("echo $A ${PATH:+set}", found(r"^1.*\[exit 0\]$")),
    ),
    scenario(
        "the folder removed",
        Call("mkdir -p a/b; cd a/b; rm -rf ../../a", "(no output)\n[exit 0, in a/b]"),
        Call("pwd", found(r"/ws\n\[a/b is gone; started in [^\n]*/ws\]\n\[exit 0\]$")),
    ),
    scenario(
        "standard output closed",
        Call("cd /usr; export A=1; exec 1>&-; echo x", found(r"Bad file descriptor\n\[exit 1, in /usr\]$")),
        Call("echo $A", found("^1\n")),
    ),
    scenario(
        "streams turned around",
        Call("exec 2>&1 >/dev/null; echo x; echo y >&2; cd /usr", "y\n[exit 0, in /usr]"),
    ),
    scenario("exec of another program", Call("cd /usr; exec echo a", "a\n[exit 0]")),
)

ENDED = (
    scenario(
        "a folder, then the time is over",
        Call(
            "mkdir a; cd a; export A=1; echo ready; sleep 1000; echo never",
            "ready\n[killed after 0.3 s, in a]",
            0.3,
            True,
        ),
        Call("echo $A; pwd", found(r"^1\n[^\n]*/ws/a\n")),
    ),
    scenario(
        "signals ignored",
        Call(
            "trap '' TERM INT; cd /usr; export A=1; echo ready; sleep 1000; echo never",
            "ready\n[killed after 0.3 s, in /usr]",
            0.3,
        ),
        Call("echo $A", found("^1\n")),
    ),
    scenario(
        "a handler that would go on",
        Call(
            "trap 'echo handled' TERM; cd /usr; echo ready; sleep 1000; echo never",
            "ready\n[killed after 0.3 s, in /usr]",
            0.3,
        ),
    ),
    scenario(
        "a child that ignores signals",
        Call(
            "cd /usr; bash -c 'trap \"\" TERM; echo ready; while :; do sleep 1000; done'; echo never",
            "ready\n[killed after 0.3 s, in /usr]",
            0.3,
        ),
    ),
    scenario(
        "a subshell in the foreground",
        Call("(echo ready; sleep 1000; echo never) | cat; echo never", "ready\n[killed after 0.3 s]", 0.3),
    ),
    scenario(
        "a substitution",
        Call("echo ready; x=$(sleep 1000; echo never >&2); echo never", "ready\n[killed after 0.3 s]", 0.3),
    ),
    scenario(
        "a busy loop",
        Call("cd /usr; echo ready; while :; do :; done", "ready\n[killed after 0.3 s, in /usr]", 0.3),
    ),
    scenario(
        "a replaced shell",
        Call("cd /usr; echo ready; exec sleep 1000", found(r"^ready\n\[killed after 0.3 s"), 0.3),
    ),
    scenario(
        "a replaced shell that stays",
        Call(
            "cd /usr; trap '' TERM; echo ready; exec sleep 1000", "ready\n[killed after 0.3 s, in /usr]", 0.3
        ),
    ),
    scenario(
        "killed by its own hand",
        Call("cd /usr; echo a; kill -9 $$; echo never", "a\n[killed by SIGKILL]"),
        Call("pwd", found("/ws\n")),
    ),
    scenario(
        "asked to end by its own hand",
        Call("cd /usr; kill -TERM $$; echo never", "(no output)\n[killed by SIGTERM, in /usr]"),
    ),
    scenario("killed by a signal without a name", Call("kill -40 $$", "(no output)\n[killed by signal 40]")),
    scenario(
        "one byte at a time",
        Call(
            "echo ready; while :; do printf x; sleep 0.05; done",
            found(r"^ready\nx*\n\[killed after 0.5 s\]$"),
            0.5,
        ),
    ),
    scenario(
        "what a program writes at its end",
        Call(
            'python3 -c \'import signal, sys; signal.signal(15, lambda *_: sys.exit(print("bye")));'
            ' print("ready", flush=True); signal.pause()\'',
            "ready\nbye\n[killed after 0.3 s]",
            0.3,
        ),
    ),
    scenario(
        "a bomb of processes",
        Call(
            "f() { (( $1 )) && { f $(($1-1)) & f $(($1-1)) & }; sleep 1000; }; f 6 & echo ready; sleep 1000",
            "ready\n[killed after 0.5 s]",
            0.5,
        ),
    ),
    scenario(
        "one process after another",
        Call(
            "echo ready; f() { sleep 0.01; trap '' TERM; f & }; f; sleep 1000",
            "ready\n[killed after 0.3 s]",
            0.3,
        ),
    ),
    scenario(
        "job control",
        Call("set -m; sleep 1000 & bash -c 'echo ready; sleep 1000'", "ready\n[killed after 0.3 s]", 0.3),
    ),
    scenario(
        "the timeout program",
        Call("timeout 1000 bash -c 'echo ready; sleep 1000'", "ready\n[killed after 0.3 s]", 0.3),
    ),
    scenario(
        "daemons at the end of the time",
        Call(
            "setsid bash -c 'trap \"\" TERM; sleep 1000' & (setsid nohup sleep 1000 >/dev/null 2>&1 &); "
            "echo ready; sleep 1000",
            "ready\n[killed after 0.3 s]",
            0.3,
        ),
    ),
    scenario(
        "nothing in its environment",
        Call("env -i sleep 1000 & echo ready; sleep 1000", "ready\n[killed after 0.3 s]", 0.3),
    ),
)

LEFT = (
    scenario(
        "something in the background",
        Call("sleep 1000 & echo a", "a\n[still running: 1 process, such as `sleep 1000`; job 1]\n[exit 0]"),
        times=LEAVING,
    ),
    scenario(
        "two daemons",
        Call(
            "setsid sleep 1000 & (setsid nohup sleep 1001 >/dev/null 2>&1 &); "
            "until pgrep -f 'sleep 100[1]' >/dev/null; do :; done",
            found(r"\[still running: 2 processes, such as `[^`]*sleep 100[01]`; job 1\]\n\[exit 0\]$"),
        ),
        times=LEAVING,
    ),
    scenario(
        "a daemon that holds the output",
        Call(
            "nohup setsid bash -c 'trap \"\" TERM HUP; while :; do sleep 1000; done' 2>&1 & echo a",
            found(r"still running.*; job 1\]\n\[exit 0\]$"),
        ),
        times=LEAVING,
    ),
    scenario(
        "left by a shell that was killed",
        Call("sleep 1000 & kill -9 $$", found(r"still running: 1 process.*\[killed by SIGKILL\]$")),
        times=LEAVING,
    ),
    scenario("something that ends by itself", Call("sleep 0.1 & echo a", "a\n[exit 0]")),
)

INTERACTIVE = (
    scenario("a question", Call("read -p 'name? ' x || echo none", "none\n[exit 0]")),
    scenario("cat", Call("cat", "(no output)\n[exit 0]")),
    scenario("python", Call("python3 -i -c 'print(1)'", found(r"^1\n.*\[exit 0\]$"))),
    scenario("less", Call("echo a | less", "a\n[exit 0]")),
    scenario("vi", Call("vi x; echo ready", found("ready\n|killed"), 0.5)),
    scenario("top", Call("top", found(r"\[(exit [1-9]|killed)"), 0.5)),
    scenario(
        "a terminal",
        Call("tty; echo x > /dev/tty", found(r"not a tty\n.*/dev/tty: No such device.*\[exit 1\]$")),
    ),
    scenario(
        "sudo-like prompts",
        Call("python3 -c 'import getpass; getpass.getpass()'", found(r"EOFError.*\[exit 1\]$")),
    ),
)

SHOWN = (
    scenario(
        "a progress bar", Call("for i in 1 2 3; do printf '%d0%%\\r' $i; done; echo 100%", "100%\n[exit 0]")
    ),
    scenario("windows line ends", Call("printf 'a\\r\\nb\\r\\n'", "a\nb\n[exit 0]")),
    scenario("a spinner", Call("printf 'wait |\\b/\\b-\\bdone\\n'", "wait done\n[exit 0]")),
    scenario(
        "colours and titles",
        Call("printf '\\033[31mred\\033[0m\\033]0;title\\a\\033]8;;http://x\\033\\\\l\\n'", "redl\n[exit 0]"),
    ),
    scenario("bytes that are no text", Call("printf 'a\\xffb\\0c\\n'", "a\ufffdb<U+0000>c\n[exit 0]")),
    scenario(
        "a long bar does not push out the rest",
        Call(
            "seq 1000; for i in {1..3000}; do printf '%60d\\r' $i; done; echo; seq 1000 1010",
            found("^1\n2\n.*\n999\n1000\n *3000\n1000\n.*1010\n.exit 0.$"),
        ),
    ),
    scenario(
        "a line of a million characters",
        Call(
            "head -c 1000000 /dev/zero | tr '\\0' x",
            found(r"^x{14000}.*bytes left out; all of it is in output:1 \.\.\.\]\nx{14000}x*\n\[exit 0\]$"),
        ),
    ),
)

SCENARIOS = PLAIN + STATE + ENDED + LEFT + INTERACTIVE + SHOWN
