"""Text that looks like what a coding session is made of: sentences, source files, output of commands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath
from random import Random

_WORDS = {
    "noun": "cart order product account session address total price stock item query result filter token "
    "page form field image upload route handler request response database table index cache template "
    "message customer payment invoice shipment category review",
    "verb": "load save update remove check render format parse count send fetch validate merge sort apply "
    "collect resolve build",
    "glue": "the a each every this that its for from with before after into when while without so and but",
    "folder": "server web tests node_modules/lib site-packages dist",
}
_NOUNS, _VERBS, _GLUE, _FOLDERS = (words.split() for words in _WORDS.values())


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
    line = next((_LOGS[word] for word in command if word in _LOGS), _plain_line)
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
        x, y, verb, number = _some(random)
        match number % 3:
            case 0:
                lines.append(f"    {x} = {verb}_{y}({a}['{y}'], {b}, limit={number})")
            case 1:
                lines.append(f"    if not {x} or {y}.{verb}d_at > {a}.get('{c}', {number}):")
                lines.append(f"        raise {y.capitalize()}Error(f'cannot {verb} {{{x}!r}}')")
            case _:
                lines.append(f"    for {x} in {verb}({b}, key=lambda each: each.{y}):")
                lines.append(f"        {c}.append({x}['{y}'])")
    return "\n".join([*lines, f"    return {c}", "", "", ""])


def _javascript(random: Random, name: str) -> str:
    a, b, c = random.sample(_NOUNS, 3)
    lines = [f"export async function {name}({a}, {{ {b} = null, {c} = [] }} = {{}}) {{"]
    for _ in range(random.randint(2, 7)):
        x, y, verb, number = _some(random)
        match number % 3:
            case 0:
                lines.append(f"  const {x}{number} = await {verb}{y.capitalize()}({a}.{y}, {{ {b} }});")
            case 1:
                lines.append(f"  if (!{a}.{x} || {a}.{y} < {number}) {{")
                lines.append(f"    throw new Error(`cannot {verb} ${{{a}.{x}}}`);\n  }}")
            case _:
                lines.append(f"  document.querySelector('#{x}-{y}').on('{verb}', () => {c}.push({a}.{x}));")
    return "\n".join([*lines, f"  return {c};", "}", "", ""])


def _css(random: Random, name: str) -> str:
    names = random.choices(("margin", "padding", "gap", "width", "top", "line-height"), k=5)
    lines = [f"  {each}: {random.randint(0, 64)}px;" for each in names]
    color = f"  color: #{random.randrange(0x1000000):06x};"
    return "\n".join([f".{name.replace('_', '-')} {{", *lines, color, "}", ""])


def _html(random: Random, name: str) -> str:
    text = sentences(random, 18)
    lines = [f'  <section id="{name}">', f"    <h2>{text[:24]}</h2>", f"    <p>{text}</p>"]
    for _ in range(random.randint(2, 5)):
        x, y, _, _ = _some(random)
        lines.append(f'    <label>{x} <input name="{y}" required></label>')
    return "\n".join([*lines, "  </section>", ""])


def _plain_piece(random: Random, name: str) -> str:
    return f"{name}: {sentences(random, 14)}\n\n"


_PIECES = {".py": _python, ".js": _javascript, ".mjs": _javascript, ".css": _css, ".html": _html}


def _some(random: Random) -> tuple[str, str, str, int]:
    """Two nouns, a verb and a number."""
    return random.choice(_NOUNS), random.choice(_NOUNS), random.choice(_VERBS), random.randint(1, 500)


def _test_line(random: Random) -> str:
    x, y, verb, number = _some(random)
    if random.random() < 0.7:
        return f"tests/test_{x}.py::test_{verb}_{y}_{number} PASSED [{number % 101:3}%]\n"
    return f"    {x} = {verb}_{y}({number})\nE   assert {random.random():.4f} == {x}\n"


def _install_line(random: Random) -> str:
    x, y, verb, number = _some(random)
    package, version = f"{x}-{verb}-{y}", f"{number % 9}.{random.randrange(30)}.{random.randrange(30)}"
    return f"npm http fetch GET 200 https://npm.example/{package}/-/{package}-{version}.tgz {number}ms\n"


def _plain_line(random: Random) -> str:
    x, y, _, number = _some(random)
    said = sentences(random, random.randint(5, 12))
    return f"{random.choice(_FOLDERS)}/{x}_{y}.js:{number}:{random.randint(1, 90)}: {said}\n"


_LOGS = {"test": _test_line, "pytest": _test_line, "install": _install_line}
"""By a word of the command."""
