"""Text of pages: what is left of HTML and PDF for a model to read."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from akmon_core.limits import HTML_CHARS, PDF_PAGES
from akmon_tools.pages import Unreadable, html_to_markdown, pdf_to_text
from tests.tools.webs import Fetching, page, site

PAGES = Path(__file__).with_name("pages")
CORPUS = sorted(path.stem for path in PAGES.glob("*.html"))
URL = "https://docs.example/guide/page.html"


@pytest.mark.parametrize("name", CORPUS)
def test_a_page_becomes_the_markdown_that_a_reader_would_write(name: str) -> None:
    made = html_to_markdown((PAGES / f"{name}.html").read_text("utf-8"), URL)
    assert made + "\n" == (PAGES / f"{name}.md").read_text("utf-8")


def test_the_corpus_is_there() -> None:
    assert len(CORPUS) >= 9
    assert "github" in CORPUS


def test_a_page_without_text_says_so() -> None:
    with pytest.raises(Unreadable, match="no text in the page"):
        html_to_markdown("<title>App</title><div id=root></div><script>x</script>", URL)


def test_what_is_not_closed_or_not_html_is_read_all_the_same() -> None:
    assert html_to_markdown("<p>a<p>b<b>c", URL) == "a\n\nb**c**"
    assert html_to_markdown("just words & signs < >", URL) == "just words & signs < >"
    assert html_to_markdown("<p>a<![CDATA[x]]><!-- hidden --><?php x ?>b</p>", URL).startswith("a")


def test_of_a_huge_page_the_start_is_read() -> None:
    text = html_to_markdown("<p>word</p>" + " " * HTML_CHARS, URL)
    assert text == f"word\n\n[only the first {HTML_CHARS:,} characters of the page]"


@pytest.mark.parametrize(
    "body",
    [
        "<div>" * 3_000 + "deep",
        "<ul><li>" * 1_000 + "deep",
        "<li>deep" * 5_000,
        "<p>deep" * 5_000,
        "<blockquote>" * 500 + "deep",
        "<p>deep" + "<!--" * 10_000,
        "<a href=x " * 2_000 + ">deep",
        "<p>deep <" + "a" * 10_000,
    ],
)
def test_a_page_that_is_hard_to_read_is_read(body: str) -> None:
    with site({"/": page(body)}) as server:
        assert "deep" in Fetching()(server.url("/")).text


def pdf(*pages: str) -> bytes:
    """A PDF with a line of text on each page."""
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, text in enumerate(pages):
        drawn = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET"
        fonts = "<< /Font << /F1 3 0 R >> >>"
        place = f"/Parent 2 0 R /MediaBox [0 0 612 792] /Contents {5 + 2 * number} 0 R"
        objects += [
            f"<< /Type /Page {place} /Resources {fonts} >>",
            f"<< /Length {len(drawn)} >>\nstream\n{drawn}\nendstream",
        ]
    out = io.BytesIO(b"")
    out.write(b"%PDF-1.4\n")
    places = []
    for number, content in enumerate(objects, 1):
        places.append(out.tell())
        out.write(f"{number} 0 obj\n{content}\nendobj\n".encode())
    table = out.tell()
    rows = "".join(f"{place:010} 00000 n \n" for place in places)
    out.write(f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{rows}".encode())
    out.write(f"trailer << /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF".encode())
    return out.getvalue()


def test_the_text_of_a_pdf_comes_page_by_page() -> None:
    with site({"/": page(pdf("Hello there", "Second page"), "application/octet-stream")}) as server:
        output = Fetching()(server.url("/"))
    assert output.text.endswith("\n\n[page 1]\nHello there\n\n[page 2]\nSecond page")
    assert output.images == ()


def test_of_a_long_pdf_the_first_pages_are_read() -> None:
    text = pdf_to_text(pdf(*(f"number {number}" for number in range(PDF_PAGES + 1))))
    assert f"[page {PDF_PAGES}]\nnumber {PDF_PAGES - 1}\n\n[only the first 200 of 201 pages]" in text
    assert f"number {PDF_PAGES}" not in text


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (pdf(""), "has no text in it"),
        (b"%PDF-1.7\nnothing else", "cannot be read"),
        (pdf("text")[:300], "cannot be read|has no text"),
        (b"%PDF-1.4\n" + bytes(range(256)) * 20, "cannot be read|has no text"),
    ],
)
def test_a_pdf_without_text_or_sense_is_an_error(data: bytes, said: str) -> None:
    with pytest.raises(Unreadable, match=said):
        pdf_to_text(data)
    with site({"/": page(data, "application/pdf")}) as server:
        assert f"{server.url('/')}: " in Fetching().failed(server.url("/"))


def test_an_encrypted_pdf_is_an_error_that_says_so() -> None:
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf("secret"))))
    writer.encrypt("password", algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    with pytest.raises(Unreadable, match=r"cannot be read: .*(crypt|password)"):
        pdf_to_text(out.getvalue())
