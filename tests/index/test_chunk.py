"""How files are cut into chunks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import akmon_index
from akmon_core.tables import names
from akmon_index.chunk import chunks_of, words
from akmon_index.limits import INDEX_CHUNK_CHARS
from akmon_index.values import Chunk

SUFFIXES = sorted(names("py js ts tsx go rs java c cpp cs rb php kt swift scala lua sh md txt json"))
PIECES = st.sampled_from(
    [
        "class A {\n",
        "class B(C):\n",
        "    def f(self):\n",
        "        return 1\n",
        "}\n",
        "{",
        ")",
        "(",
        "\n",
        "function g() {\n",
        "# note\n",
        "/** doc\n */\n",
        "//",
        "@deco\n",
        "if x:\n",
        "end\n",
        "def h\n",
        '"""',
        "\r\n",
        "\t",
        " ",
        "\x0c",
        "\u2028",
        "\ud800",
        "é",
        "const q = () => {\n",
        "impl X for Y {\n",
        "'",
        "`",
        "fn z() {\n",
        "function a() {} ",
        "def a(): pass; ",
        "```\n",
        "## Heading\n",
        "---\n",
        "x = 1\n",
        "long " * 400 + "\n",
        "};\n",
        "<?php\n",
        "\r",
    ]
)


def rows_of(chunk: Chunk, lines: list[str]) -> set[int]:
    """The lines of the file that a chunk shows, from 1; fails if it shows others, or in another order."""
    assert 1 <= chunk.first <= chunk.last <= len(lines)
    shown = chunk.text.split("\n")
    if chunk.kind != "class":
        assert shown == lines[chunk.first - 1 : chunk.last]
        return set(range(chunk.first, chunk.last + 1))
    assert shown[0] == lines[chunk.first - 1]
    rows, row = set(), chunk.first
    for line in shown:
        while lines[row - 1] != line:
            row += 1
            assert row <= chunk.last
        rows.add(row)
        row += 1
    return rows


def check(path: str, text: str) -> list[Chunk]:
    """The chunks, of which the laws hold."""
    chunks = chunks_of(path, text)
    lines = text.replace("\r\n", "\n").split("\n")
    shown: set[int] = set()
    for chunk in chunks:
        assert chunk.path == path
        assert chunk.context.split("\n")[0] == path
        shown |= rows_of(chunk, lines)
    # A class shows one of several lines that are alike: which, cannot be told.
    texts = {lines[row - 1] for row in shown}
    assert all(row in shown or line in texts for row, line in enumerate(lines, 1) if line.strip())
    assert chunks == sorted(chunks, key=lambda one: (one.first, -one.last))
    return chunks


def symbols(path: str, text: str) -> list[tuple[str, str, int, int]]:
    return [(one.kind, one.symbol, one.first, one.last) for one in check(path, dedent(text))]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(SUFFIXES), st.lists(PIECES, max_size=30).map("".join) | st.text(max_size=200))
def test_every_line_is_in_a_chunk_whatever_the_text_is(suffix: str, text: str) -> None:
    chunks = check(f"src/a.{suffix}", text)
    assert chunks == chunks_of(f"src/a.{suffix}", text)


@pytest.mark.parametrize("path", sorted(Path(akmon_index.__file__).parent.glob("*.py")), ids=lambda p: p.name)
def test_every_line_of_real_code_is_in_a_chunk_of_fitting_size(path: Path) -> None:
    for chunk in check(path.name, path.read_text()):
        assert len(chunk.text) <= INDEX_CHUNK_CHARS


def test_functions_and_classes_of_python() -> None:
    text = '''\
        """What it is for."""

        import os

        LIMIT = 1


        # Where all begins.
        @cache
        def start():
            return LIMIT


        class Session(Base):
            """One talk."""

            size: int = 0

            @property
            def name(self) -> str:
                return "x"

            class Inner:
                def f(self): ...

        if os.name == "nt":
            def windows():
                pass
        '''
    assert symbols("a.py", text) == [
        ("module", "", 1, 5),
        ("function", "start", 8, 11),
        ("class", "Session", 14, 24),
        ("function", "Session.name", 19, 21),
        ("class", "Session.Inner", 23, 24),
        ("function", "Session.Inner.f", 24, 24),
        ("module", "", 26, 26),
        ("function", "windows", 27, 28),
    ]
    by_symbol = {one.symbol: one for one in chunks_of("a.py", dedent(text))}
    assert by_symbol["Session"].text.split("\n") == [
        "class Session(Base):",
        '    """One talk."""',
        "    size: int = 0",
        "    def name(self) -> str:",
        "    class Inner:",
    ]
    assert by_symbol["Session.Inner.f"].context == "a.py\nclass Session(Base):\nclass Inner:"


@pytest.mark.parametrize(
    ("suffix", "text", "expected"),
    [
        (
            "js",
            (
                "/** Doc. */\nexport class A {\n  get() {\n  }\n  on = () => {\n  }\n}\n"
                "export const f = async () => {\n}\n"
                "const C = memo(() => {\n});\nmodule.exports.g = function () {\n}\n"
                "A.prototype.m = function () {\n}\n"
            ),
            "A A.get A.on f C g A.m",
        ),
        (
            "ts",
            (
                "export interface I {\n  a: number;\n}\n@Component({})\nexport class Q<T> {\n"
                "  h(): void {\n  }\n}\n"
                "namespace N {\n  export function k() {\n  }\n}\nenum E {\n  A,\n}\n"
            ),
            "I Q Q.h k E",
        ),
        ("tsx", "export function View() {\n  return <a/>;\n}\n", "View"),
        (
            "go",
            (
                "package a\n\n// Doc.\nfunc F() {\n\tg()\n}\n\nfunc (s *S[T]) M() {\n\tg()\n}\n\n"
                "type S struct {\n\ta int\n}\n"
            ),
            "F S.M S",
        ),
        (
            "rs",
            (
                "/// Doc.\n#[derive(Debug)]\npub struct S<T> {\n  a: T,\n}\nimpl<T> Show for S<T> {\n"
                "  fn f(&self) {\n  }\n}\n"
                "mod m {\n  fn k() {\n  }\n}\ntrait Tr {\n  fn d() {\n  }\n}\n"
            ),
            "S S S.f k Tr Tr.d",
        ),
        (
            "java",
            (
                "package a;\n/** Doc. */\n@An\npublic class A {\n  A() {\n  }\n  void f() {\n  }\n"
                "  enum E {\n    B;\n    void g() {\n"
                "    }\n  }\n}\nrecord R(int a) {\n}\n"
            ),
            "A A.A A.f A.E A.E.g R",
        ),
        (
            "c",
            (
                "static char *f(int a) {\n  return 0;\n}\nstruct S {\n  int a;\n};\ntypedef struct {\n"
                "  int b;\n} T;\n"
                "#ifdef X\nint h(void) {\n  return 1;\n}\n#endif\n"
            ),
            "f S T h",
        ),
        (
            "cpp",
            (
                "namespace n {\ntemplate <class T>\nclass A {\n  ~A() {\n  }\n  void f() {\n  }\n};\n}\n"
                "void A::g() const {\n}\n"
            ),
            "A A.~A A.f A.g",
        ),
        (
            "cs",
            (
                "namespace N {\n  public class A {\n    void F() {\n    }\n  }\n  interface I {\n"
                "    void F();\n  }\n}\n"
            ),
            "A A.F I",
        ),
        (
            "rb",
            (
                "module M\n  class A < B\n    def f\n      1\n    end\n    def self.g\n      2\n    end\n"
                "    private def z\n      3\n"
                "    end\n  end\nend\n"
            ),
            "M M.A M.A.f M.A.g M.A.z",
        ),
        (
            "php",
            ("<?php\nnamespace A;\nabstract class B {\n  public function f() {\n  }\n}\nfunction h() {\n}\n"),
            "B B.f h",
        ),
        (
            "kt",
            (
                "package a\n\nclass A(val x: Int) : B() {\n  fun f() {\n  }\n}\nobject O {\n  fun h() {\n"
                "  }\n}\n"
                "fun String.ext(): Int = 1\n"
            ),
            "A A.f O O.h ext",
        ),
        (
            "swift",
            (
                "public class A: B {\n  init() {\n  }\n  func f(a: Int) {\n  }\n}\nextension A {\n"
                "  func h() {\n  }\n}\n"
            ),
            "A A.init A.f A A.h",
        ),
        (
            "scala",
            ("object O {\n  def g = {\n    1\n  }\n}\ncase class C(a: Int) {\n  def f(a: Int): Int = 1\n}\n"),
            "O O.g C C.f",
        ),
        (
            "lua",
            (
                "local M = {}\nfunction M.f(a)\n  return 1\nend\nfunction M:g()\n  return 1\nend\n"
                "local function h()\n  return 1\n"
                "end\nM.k = function()\n  return 1\nend\n"
            ),
            "M.f M.g h M.k",
        ),
        ("sh", "set -e\n\n# Doc.\nf() {\n  echo a\n}\nfunction g {\n  f\n}\n", "f g"),
    ],
)
def test_what_other_languages_define_has_a_chunk_and_a_name(suffix: str, text: str, expected: str) -> None:
    assert [one.symbol for one in check(f"a.{suffix}", text) if one.symbol] == expected.split()


def test_a_large_function_is_cut_at_statements_and_each_piece_says_what_it_is_of() -> None:
    body = "".join(f"        if a == {n}:\n            call_{n}(a)\n\n" for n in range(200))
    chunks = check("a.py", f"class A:\n    def f(self, a):\n{body}        return a\n")
    pieces = [one for one in chunks if one.symbol == "A.f"]
    assert len(pieces) > 3
    assert all(one.kind == "function" and len(one.text) <= INDEX_CHUNK_CHARS for one in pieces)
    assert all(one.context == "a.py\nclass A:\ndef f(self, a):" for one in pieces)
    assert all(one.text.startswith("        if") for one in pieces[1:])


def test_what_a_large_function_defines_has_a_chunk_by_itself() -> None:
    inner = "".join(f"  function part{n}(a) {{\n    return {'a + ' * 30}{n};\n  }}\n" for n in range(20))
    chunks = check("a.js", f"(function () {{\n{inner}}})();\n\nfunction outer() {{\n{inner}}}\n")
    names = {one.symbol for one in chunks}
    assert {"part0", "part19", "outer.part0", "outer.part19"} <= names


def test_a_large_class_is_cut_and_keeps_every_field() -> None:
    fields = "".join(f"    field_{n}: int = {n}\n" for n in range(300))
    chunks = check("a.py", f"class A:\n{fields}\n    def f(self):\n        return 1\n")
    assert all(len(one.text) <= INDEX_CHUNK_CHARS for one in chunks)
    shown = "\n".join(one.text for one in chunks if one.symbol == "A")
    assert all(f"field_{n}: int" in shown for n in range(300))


def test_markdown_is_cut_by_headings() -> None:
    text = """\
        ---
        title: x
        ---
        Before.

        # Install

        ## Linux

        Run it.

        ```
        # no heading
        ```

        Later
        -----
        More.
        """
    assert symbols("a.md", text) == [
        ("section", "", 1, 4),
        ("section", "Install > Linux", 6, 14),
        ("section", "Install > Later", 16, 18),
    ]


def test_other_text_is_cut_by_lines_that_overlap() -> None:
    chunks = check("a.txt", "".join(f"{n}\n" for n in range(1, 101)))
    assert [(one.kind, one.first, one.last) for one in chunks] == [
        ("lines", 1, 40), ("lines", 33, 72), ("lines", 65, 100),
    ]  # fmt: skip
    wide = check("a.txt", ("x" * 300 + "\n") * 50)
    assert all(len(one.text) <= INDEX_CHUNK_CHARS for one in wide)


def test_definitions_on_one_line_each_have_a_chunk() -> None:
    text = "function a() {} function b() {} class C { d() {} e() {} }\n\nfunction f() {}\n"
    assert symbols("a.js", text) == [
        ("function", "a", 1, 1),
        ("function", "b", 1, 1),
        ("class", "C", 1, 1),
        ("function", "C.d", 1, 1),
        ("function", "C.e", 1, 1),
        ("function", "f", 3, 3),
    ]


def test_only_a_line_feed_ends_a_line() -> None:
    chunks = check("a.py", "\x0cx = '\u2028'\r\ndef f():\r\n    return 1\r\n")
    assert [(one.symbol, one.first, one.last) for one in chunks] == [("", 1, 1), ("f", 2, 3)]
    assert chunks[1].text == "def f():\n    return 1"


@pytest.mark.parametrize("suffix", ["py", "js", "java", "cpp", "sh", "md", "txt"])
@pytest.mark.parametrize(
    "text", ["[({" * 300_000, "}" * 1_000_000, "(\n" * 400_000, "<" * 100_000, "'" * 30_000]
)
def test_what_is_no_code_is_cut_all_the_same(suffix: str, text: str) -> None:
    assert chunks_of(f"a.{suffix}", text)


def test_words_split_names_into_their_parts() -> None:
    assert words("parseHTTPHeader, read_line 42") == [
        "parsehttpheader", "parse", "http", "header", "read", "line", "42",
    ]  # fmt: skip


def test_parsers_are_loaded_when_code_is_cut_and_not_before() -> None:
    code = (
        "import sys, akmon_index.chunk, akmon_index.references, akmon_index.repomap; "
        "print(sorted({'tree_sitter', 'tree_sitter_language_pack', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
