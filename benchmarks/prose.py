"""Text that looks like what a coding session is made of: sentences, source files, output of commands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath
from random import Random

_NOUNS = """cart order product account session address total price stock item query result filter token page
form field image upload route handler request response database table index cache template message customer
payment invoice shipment category review""".split()
_VERBS = """load save update remove check render format parse count send fetch validate merge sort apply
collect resolve build""".split()
_GLUE = "the a each every this that its for from with before after into when while without so and but".split()
_FOLDERS = "server web tests node_modules/lib site-packages dist".split()


def sentences(random: Random, words: int) -> str:
    """Plain English of about ``words`` words."""
    said, left = [], words
    while left > 0:
        length = min(left, random.randint(7, 16))
        chosen = [random.choice(random.choice((_NOUNS, _GLUE, _VERBS, _GLUE))) for _ in range(length)]
        said.append(" ".join(chosen).capitalize() + ".")
        left -= length
    return " ".join(said)


def file(random: Random, path: str, size: int) -> list[str]:
    """The pieces of a source file of about ``size`` characters, each of them different."""
    piece, pieces, length = _piece(path), [_head(path)], 0
    while length < size:
        pieces.append(piece(random, _name(random, len(pieces))))
        length += len(pieces[-1])
    return pieces


def changed(random: Random, path: str, old: str) -> str:
    """Another piece in place of ``old``."""
    return _piece(path)(random, f"{random.choice(_VERBS)}_{random.randrange(10_000)}") if old else old


def log(random: Random, command: list[str], size: int) -> str:
    """About ``size`` characters that ``command`` could print."""
    line = _LOGS.get(next((word for word in reversed(command) if word in _LOGS), ""), _plain_line)
    lines, length = [f"> {' '.join(command)}\n"], 0
    while length < size:
        lines.append(line(random))
        length += len(lines[-1])
    return "".join(lines) + f"done in {random.randint(200, 9_000)} ms\n"


def _name(random: Random, number: int) -> str:
    return f"{random.choice(_VERBS)}_{random.choice(_NOUNS)}_{number}"


def _head(path: str) -> str:
    return {".py": "from __future__ import annotations\n\n", ".html": "<!doctype html>\n"}.get(
        PurePosixPath(path).suffix, f"{'#' if path.endswith(('.yaml', '.toml', 'file')) else '//'} {path}\n"
    )


def _piece(path: str) -> Callable[[Random, str], str]:
    return _PIECES.get(PurePosixPath(path).suffix, _plain_piece)


def _python(random: Random, name: str) -> str:
    a, b, c = random.sample(_NOUNS, 3)
    lines = [f"def {name}({a}: dict[str, Any], {b}: str = '') -> list[{c.capitalize()}]:"]
    lines.append(f'    """{sentences(random, 9)}"""')
    for _ in range(random.randint(2, 6)):
        x, y, verb = random.choice(_NOUNS), random.choice(_NOUNS), random.choice(_VERBS)
        lines.append(random.choice((
            f"    {x} = {verb}_{y}({a}['{y}'], {b}, limit={random.randint(1, 500)})",
            f"    if not {x} or {y}.{verb}d_at > {a}.get('{c}', {random.randint(1, 99)}):\n"
            f"        raise {y.capitalize()}Error(f'cannot {verb} {{{x}!r}}')",
            f"    for {x} in {verb}({b}, key=lambda each: each.{y}):\n        {c}.append({x}['{y}'])",
        )))  # fmt: skip
    return "\n".join([*lines, f"    return {c}", "", "", ""])


def _javascript(random: Random, name: str) -> str:
    a, b, c = random.sample(_NOUNS, 3)
    lines = [f"export async function {name}({a}, {{ {b} = null, {c} = [] }} = {{}}) {{"]
    for _ in range(random.randint(2, 7)):
        x, y, verb = random.choice(_NOUNS), random.choice(_NOUNS), random.choice(_VERBS)
        lines.append(random.choice((
            f"  const {x}{random.randint(1, 99)} = await {verb}{y.capitalize()}({a}.{y}, {{ {b} }});",
            f"  if (!{a}.{x} || {a}.{y} < {random.randint(1, 99)}) {{\n"
            f"    throw new Error(`cannot {verb} ${{{a}.{x}}}`);\n  }}",
            f"  document.querySelector('#{x}-{y}').addEventListener('{verb}', () => {c}.push({a}.{x}));",
        )))  # fmt: skip
    return "\n".join([*lines, f"  return {c};", "}", "", ""])


def _css(random: Random, name: str) -> str:
    values = [f"  {random.choice(('margin', 'padding', 'gap', 'width', 'top'))}: {random.randint(0, 64)}px;"
              for _ in range(random.randint(3, 7))]  # fmt: skip
    return "\n".join([f".{name.replace('_', '-')} {{", *values, f"  color: #{random.randrange(0x1000000):06x};", "}", ""])


def _html(random: Random, name: str) -> str:
    fields = [f'    <label>{random.choice(_NOUNS)} <input name="{random.choice(_NOUNS)}" required></label>'
              for _ in range(random.randint(2, 5))]  # fmt: skip
    text = sentences(random, 18)
    return "\n".join([f'  <section id="{name}">', f"    <h2>{text[:24]}</h2>", f"    <p>{text}</p>", *fields, "  </section>", ""])


def _plain_piece(random: Random, name: str) -> str:
    return f"{name}: {sentences(random, 14)}\n\n"


_PIECES = {
    ".py": _python,
    ".js": _javascript,
    ".mjs": _javascript,
    ".css": _css,
    ".html": _html,
}


def _test_line(random: Random) -> str:
    name, file = _name(random, random.randrange(100)), random.choice(_NOUNS)
    if random.random() < 0.7:
        return f"tests/test_{file}.py::test_{name} PASSED [{random.randint(0, 100):3}%]\n"
    return f"    {random.choice(_NOUNS)} = {name}({random.randrange(10_000)})\nE   assert {random.random():.4f} == {file}\n"


def _install_line(random: Random) -> str:
    version = ".".join(str(random.randrange(30)) for _ in range(3))
    package = f"{random.choice(_NOUNS)}-{random.choice(_VERBS)}"
    return f"npm http fetch GET 200 https://registry.example/{package}/-/{package}-{version}.tgz {random.randint(9, 900)}ms\n"


def _plain_line(random: Random) -> str:
    where = f"{random.choice(_FOLDERS)}/{random.choice(_NOUNS)}.{random.choice(('js', 'py', 'css'))}"
    return f"{where}:{random.randint(1, 400)}:{random.randint(1, 90)}: {sentences(random, random.randint(5, 12))}\n"


_LOGS = {"test": _test_line, "pytest": _test_line, "install": _install_line, "build": _plain_line}
