"""The site builds without a complaint, and a reader needs no network to read it."""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from tests.docs.reader import ran
from tests.docs.snippets import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

# Tags that make a browser fetch something to show a page. A plain link does not.
_FETCHING = {"audio", "embed", "iframe", "img", "link", "object", "script", "source", "video"}
_KNOWN_LINKS = {"canonical", "alternate"}


class _Fetched(HTMLParser):
    """Collects the URLs that a browser fetches from elsewhere to show a page."""

    def __init__(self) -> None:
        super().__init__()
        self.elsewhere: list[str] = []
        self.diagrams = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.diagrams += "mermaid" in (given.get("class") or "").split()
        if tag in _FETCHING and given.get("rel") not in _KNOWN_LINKS:
            targets = [given.get(name) or "" for name in ("src", "href", "data")]
            self.elsewhere += [target for target in targets if re.match(r"(https?:)?//", target)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site in strict mode, which fails on a broken link or on a page outside the navigation."""
    folder = tmp_path_factory.mktemp("site")
    done = ran(PROJECT, sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_every_page_is_built(site: Path) -> None:
    pages = [file.relative_to(PROJECT / "docs") for file in (PROJECT / "docs").rglob("*.md")]

    assert pages
    assert not [page for page in pages if not (site / page.with_suffix(".html")).is_file()]


def test_no_page_fetches_anything_from_elsewhere(site: Path) -> None:
    fetched = _Fetched()
    for page in site.rglob("*.html"):
        fetched.feed(page.read_text("utf-8"))
    styles = "".join(style.read_text("utf-8") for style in site.rglob("*.css"))

    assert fetched.elsewhere == []
    assert fetched.diagrams == 0, "the theme fetches what draws Mermaid diagrams"
    assert not re.search(r"@import|url\(\s*['\"]?(https?:)?//", styles)


def test_the_search_has_all_that_it_needs_on_the_disk(site: Path) -> None:
    page = (site / "how-to" / "diagnosis.html").read_text("utf-8")

    assert '<script src="../javascripts/iframe-worker.js">' in page
    assert (site / "javascripts" / "iframe-worker.js").is_file()
    assert "how-to/diagnosis.html" in (site / "search" / "search_index.js").read_text("utf-8")


def test_the_reference_speaks_from_the_docstrings(site: Path) -> None:
    page = (site / "reference" / "deployment.html").read_text("utf-8")

    assert "A running stack." in page
    assert "through the stack, and return its hops" in page


def test_anchors_of_the_pages_lead_somewhere(site: Path) -> None:
    broken = []
    for page in site.rglob("*.html"):
        for target in re.findall(r'href="(?!https?:)([^"#]*#[^"]+)"', page.read_text("utf-8")):
            file, _, anchor = target.partition("#")
            destination = (page.parent / file).resolve() if file else page
            if not re.search(rf'id="?{re.escape(anchor)}["\s>]', destination.read_text("utf-8")):
                broken.append(f"{page.name}: {target}")

    assert broken == []
