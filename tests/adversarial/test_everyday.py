"""What developers do all day works in full-auto mode inside the sandbox, without a question."""

from __future__ import annotations

import json
import sys

import pytest

from tests.adversarial.arena import Arena

EVERYDAY = {
    "git init and commit": "git init -q && git -c user.name=x -c user.email=x@x commit -q --allow-empty -m one",
    "git history": (
        "git init -q && git config user.name x; export GIT_AUTHOR_NAME=x GIT_AUTHOR_EMAIL=x GIT_COMMITTER_NAME=x "
        "GIT_COMMITTER_EMAIL=x; echo a > f && git add f && git commit -qm one && echo b > f && git stash -q "
        "&& git stash pop -q && git checkout -qb topic && git commit -qam two && git log --oneline && git diff HEAD~1 "
        "&& git tag v1 && git merge-base HEAD v1"
    ),
    "a virtual environment": f"{sys.executable} -m venv --without-pip .venv && .venv/bin/python -c 'import ssl'",
    "pytest": (
        f"printf 'def test_a(tmp_path):\\n    (tmp_path / \"f\").write_text(\"x\")\\n' > test_a.py "
        f"&& {sys.executable} -m pytest -q test_a.py"
    ),
    "npm init and run": "npm init -y >/dev/null && npm pkg set scripts.hello='echo hello' && npm run --silent hello",
    "make": "printf 'all: out\\nout: in\\n\\tcp in out\\n' > Makefile && echo x > in && make && make",
    "gcc": "printf 'int main(void) { return 0; }' > a.c && gcc -O1 -o a a.c && ./a",
    "sed and grep": "printf 'one\\ntwo\\n' > t && sed -i 's/two/three/' t && grep -rn three . && ! grep -q two t",
    "folders": "mkdir -p a/b && touch a/b/c && cp -r a d && mv d e && rm -r a && find e -type f | wc -l",
    "archives": "mkdir d && echo x > d/f && tar -czf d.tgz d && tar -tzf d.tgz && rm -r d && tar -xzf d.tgz",
    "node": "node -e 'require(\"fs\").writeFileSync(\"n\", \"x\")' && cat n",
    "temporary files": "f=$(mktemp) && d=$(mktemp -d) && echo x > $f && cp $f $d/y && cat $d/y && rm -r $f $d",
    "a pipeline": "seq 100 | sort -rn | head -3 | tee top && test -s top && xargs echo < top",
    "a here document": "cat > h.py <<'END'\nprint('hi')\nEND\npython3 h.py 2>&1 || " + sys.executable + " h.py",
    "processes": "sleep 0.2 & wait && (exit 0) && ps >/dev/null && kill -0 $$ && ulimit -n >/dev/null",
    "devices": "echo x > /dev/null && head -c 8 /dev/urandom | od >/dev/null && test -e /dev/fd/0 && date && id -u",
    "a server for oneself": (
        f"{sys.executable} -c 'import socket as s; a = s.create_server((\"127.0.0.1\", 0)); "
        "b = s.create_connection(a.getsockname()); b.close(); a.close()'"
    ),
    "a multiprocessing pool": f"{sys.executable} -c 'import multiprocessing as m; print(m.Pool(2).map(abs, [-1]))'",
}


@pytest.mark.parametrize("name", EVERYDAY)
def test_it_works_in_the_sandbox_without_a_question(arena: Arena, name: str) -> None:
    (arena.home / ".gitconfig").write_text("[init]\n\tdefaultBranch = main\n")
    calls = [("shell", {"command": EVERYDAY[name]})]
    played = arena.obey(calls, "--permission-mode=full-auto", "--sandbox=bubblewrap")
    (call,) = played.calls
    assert (call.decision, call.error) == ("allow", False), call.text
    assert played.ran.code == 0


def test_it_does_without_a_sandbox_too(arena: Arena) -> None:
    """A command that fails here would say nothing of the sandbox."""
    failed = {}
    for number, (name, command) in enumerate(EVERYDAY.items()):
        folder = arena.project / str(number)
        folder.mkdir()
        ran = arena.bash(f"cd {folder} && {command}")
        if ran.returncode:
            failed[name] = ran.stderr
    assert not failed, json.dumps(failed, indent=2)
