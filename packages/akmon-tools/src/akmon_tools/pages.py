"""Makes text of pages: Markdown of HTML, text of PDF. A program of its own, see ``akmon_tools.reader``."""

from __future__ import annotations

import io
import re
import sys
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from akmon_core.limits import FETCH_BYTES, FETCH_SECONDS, HTML_CHARS, PAGE_MEMORY_BYTES, PDF_PAGES

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

UNREADABLE = 3
"""Exit code: the message on standard error says why there is no text."""

_DROPPED = frozenset(
    (
        *("title", "script", "style", "template", "noscript", "svg", "math", "canvas", "iframe", "object"),
        *("embed", "audio", "dialog", "nav", "footer", "button", "input", "select", "textarea"),
    )
)
"""Elements that are no part of what a page says, and so those of these roles and classes."""
_ROLES = frozenset(("navigation", "search", "banner", "contentinfo"))
_CLASSES = frozenset(("headerlink", "anchorjs-link", "skip-link", "sr-only", "visually-hidden", "linenos"))
_HIDDEN = re.compile(r"(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)
_PROSE = ["h1", "h2", "h3", "p", "pre", "table", "li"]
_LEAST_CHARS = 200
"""Text that a main part has, unless what lies around it is meant too."""
_NOTES = re.compile(
    r"note|tip|hint|info|warning|caution|danger|important|admonition|callout|aside", re.IGNORECASE
)
_PLAIN: dict[int, str | None] = {0x00A0: " ", 0x00AD: None, 0x200B: None, 0x2060: None, 0xFEFF: None}
"""Characters that only tell where a line may be broken, and where not."""
_BLOCKS = ["address", "aside", "center", "details", "figure", "header", "hgroup", "main", "summary"]
"""Elements on lines of their own that the converter does not know as such."""
_LANGUAGE = re.compile(
    r"(?:^|\s)(?:language-|lang-|highlight-source-|highlight-|brush:\s?)([A-Za-z0-9+#_-]+)"
)
_ENDS = {
    "li": ("li",),
    "dt": ("dt", "dd"),
    "dd": ("dt", "dd"),
    "tr": ("tr", "td", "th"),
    "td": ("td", "th"),
    "th": ("td", "th"),
    "tbody": ("tbody", "thead", "tr", "td", "th"),
    "p": ("p",),
}
"""Elements whose start ends others, which the parser does not know: ``<li>a<li>b``."""


class Unreadable(Exception):
    """There is no text in it, or none that can be had."""


def html_to_markdown(html: str, url: str) -> str:
    """What the page at ``url`` says: its title, then its main part, with absolute links.

    Raises ``Unreadable`` if that is nothing.
    """
    import warnings

    from bs4 import BeautifulSoup

    class Soup(BeautifulSoup):
        def handle_starttag(self, name: str, *args: Any, **kwargs: Any) -> Tag | None:
            while self.currentTag and self.currentTag.name in _ENDS.get(name, ()):
                self.handle_endtag(self.currentTag.name)
            return super().handle_starttag(name, *args, **kwargs)

    warnings.simplefilter("ignore")  # of XML and of texts that look like file names; a page may be either
    soup = Soup(html[:HTML_CHARS], "html.parser")
    title = " ".join(soup.title.get_text().split()) if soup.title else ""
    base = soup.find("base", href=True)
    root = urljoin(url, str(base["href"])) if base else url
    _drop(soup)
    part = _main_part(soup)
    _link(part, root)
    text = _convert(part).translate(_PLAIN)
    if not text:
        raise Unreadable(
            "there is no text in the page; it may be one that only a browser with JavaScript shows"
        )
    cut = f"\n\n[only the first {HTML_CHARS:,} characters of the page]" if len(html) > HTML_CHARS else ""
    return (f"Title: {title}\n\n" if title else "") + text + cut


def pdf_to_text(data: bytes) -> str:
    """The text of a PDF, page by page. Raises ``Unreadable`` if it cannot be read or has none."""
    import logging

    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    logging.disable(logging.ERROR)  # it complains of much that does no harm
    try:
        reader = PdfReader(io.BytesIO(data))
        pages = [page.extract_text().strip() for page, _ in zip(reader.pages, range(PDF_PAGES), strict=False)]
        count = len(reader.pages)
    except (PyPdfError, ValueError, TypeError, KeyError, AttributeError, IndexError, OSError) as error:
        raise Unreadable(f"the PDF cannot be read: {error}") from None
    if not any(pages):
        raise Unreadable("the PDF has no text in it, only pictures of pages")
    text = "\n\n".join(f"[page {number}]\n{page}" for number, page in enumerate(pages, 1))
    return text + (f"\n\n[only the first {PDF_PAGES} of {count} pages]" if count > PDF_PAGES else "")


def _drop(soup: BeautifulSoup) -> None:
    for tag in [tag for tag in soup.find_all(True) if _is_dropped(tag)]:
        tag.decompose()
    for tag in soup.find_all("form"):  # some sites have the whole page in one
        if not tag.find(_PROSE):
            tag.decompose()
    for tag in soup.find_all("aside"):
        if not _NOTES.search(_classes(tag)):
            tag.decompose()
    for pre in soup.find_all("pre"):  # code with its line numbers in a column beside it
        table = pre.find_parent("table")
        if table and len(table.find_all("td")) == 1:
            table.replace_with(pre)


def _is_dropped(tag: Tag) -> bool:
    if tag.name in _DROPPED:
        return True
    if not tag.attrs:
        return False
    return (
        "hidden" in tag.attrs
        or tag.get("role") in _ROLES
        or not _CLASSES.isdisjoint(tag.get_attribute_list("class"))
        or bool(_HIDDEN.search(str(tag.get("style") or "")))
    )


def _main_part(soup: BeautifulSoup) -> Tag:
    articles = soup.find_all("article")
    part = soup.find("main") or soup.find(True, role="main") or (articles[0] if len(articles) == 1 else None)
    whole = soup.body or soup
    if part and len(part.get_text(strip=True)) >= min(_LEAST_CHARS, len(whole.get_text(strip=True)) // 2):
        return part
    for header in whole.find_all("header", recursive=False):
        if not header.find("h1"):
            header.decompose()
    return whole


def _link(part: Tag, root: str) -> None:
    """Makes addresses absolute, and leaves out links and pictures that say nothing."""
    for anchor in part.find_all("a"):
        target = str(anchor.get("href") or "")
        said = anchor.get_text(strip=True)
        if target.startswith("#") and said in ("", "#", "¶", "§", "🔗"):
            anchor.decompose()
        elif not target or target.startswith("#") or not (absolute := _absolute(root, target)):
            anchor.unwrap()
        else:
            anchor["href"] = absolute
            anchor.attrs.pop("title", None)
    for image in part.find_all("img"):
        source = _absolute(root, str(image.get("src") or image.get("data-src") or ""))
        if not str(image.get("alt") or "").strip():
            image.decompose()
        elif not source:
            image.replace_with(str(image["alt"]))
        else:
            image["src"] = source
            image.attrs.pop("title", None)


def _absolute(root: str, target: str) -> str:
    with suppress(ValueError):
        url = urljoin(root, target.strip())
        if url.startswith(("http://", "https://", "mailto:")):
            return url.replace(" ", "%20")
    return ""


def _convert(part: Tag) -> str:
    from markdownify import ATX, MarkdownConverter

    for tag in part.find_all(_BLOCKS):
        tag.name = "div"
    for caption in part.find_all("caption"):
        caption.name = "p"
        if caption.parent and caption.parent.name == "table":
            caption.parent.insert_before(caption)
    for string in part.find_all(string=re.compile(r"\|")):
        if string.find_parent(["td", "th"]):
            string.replace_with(string.replace("|", "\\|"))
    converter = MarkdownConverter(
        heading_style=ATX,
        bullets="-",
        escape_asterisks=False,
        escape_underscores=False,
        autolinks=False,
        table_infer_header=True,
        code_language_callback=_language,
    )
    try:
        text = converter.convert_soup(part)
    except RecursionError:
        text = part.get_text("\n", strip=True)
    return "\n".join(line.rstrip() for line in text.strip().split("\n"))


def _language(pre: Tag) -> str:
    for tag in (pre, *pre.find_all("code", limit=1), *islice(pre.parents, 2)):
        if found := _LANGUAGE.search(_classes(tag)):
            return "" if found[1] in ("none", "text", "default") else found[1]
    return ""


def _classes(tag: Tag) -> str:
    return " ".join(filter(None, tag.get_attribute_list("class")))


def main() -> int:
    """``KIND URL`` as arguments, the page on standard input, its text on standard output."""
    _bound()
    kind, url = sys.argv[1:]
    data = sys.stdin.buffer.read()
    try:
        text = pdf_to_text(data) if kind == "pdf" else html_to_markdown(data.decode("utf-8"), url)
    except Unreadable as error:
        sys.stderr.write(str(error))
        return UNREADABLE
    sys.stdout.buffer.write(text.encode("utf-8", "replace")[:FETCH_BYTES])
    return 0


def _bound() -> None:
    """A page that is made to take too much ends this program and nothing else."""
    sys.setrecursionlimit(10_000)
    with suppress(ImportError, ValueError, OSError):  # not on Windows, or stricter already
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (PAGE_MEMORY_BYTES, PAGE_MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (int(FETCH_SECONDS), int(FETCH_SECONDS) + 1))


if __name__ == "__main__":
    sys.exit(main())
