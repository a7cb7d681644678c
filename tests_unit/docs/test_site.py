"""The pages as a site: without warnings, without a network, and with the same content as GitHub shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from tests_unit.ci_scripts import load

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = sorted((ROOT / "docs").glob("*.md"))
BLOCKS = ("h1", "h2", "h3", "li", "table", "th", "td", "pre", "img", "strong")

# Sockets that reach nothing but this computer would do no harm; there are none at all.
BUILD = """
import socket, sys
def refuse(*_, **__): raise OSError("the site was to be built without a network")
socket.socket = socket.create_connection = socket.getaddrinfo = refuse
from mkdocs.__main__ import cli
cli(sys.argv[1:])
"""


class Parts(HTMLParser):
    """The parts of an article: how many there are of each block, the text of code blocks, and links."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.counts = dict.fromkeys(BLOCKS, 0)
        self.code: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self._in_code = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in self.counts:
            self.counts[tag] += 1
        if tag == "pre":
            self._in_code = True
            self.code.append("")
        if tag == "a" and values.get("class") != "headerlink" and not (values.get("id") or "").startswith("__"):
            self.links.append(values.get("href") or "")
        if tag == "link" or "src" in values:
            self.loads.append(values.get("href") or values.get("src") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "pre":
            self._in_code = False

    def handle_data(self, data: str) -> None:
        if self._in_code:
            self.code[-1] += data


def build(target: Path, config: Path = ROOT / "mkdocs.yml") -> subprocess.CompletedProcess[str]:
    """Build the site as make docs does, where every warning is an error. (With --quiet mkdocs counts none.)"""
    return subprocess.run(
        [sys.executable, "-c", BUILD, "build", "--config-file", str(config), "--site-dir", str(target)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site")
    ended = build(target)
    assert ended.returncode == 0, ended.stdout
    assert "WARNING" not in ended.stdout
    return target


def article(site: Path, page: Path) -> Parts:
    html = (site / f"{page.stem}.html").read_text(encoding="utf-8")
    match = re.search(r"<article.*?</article>", html, re.DOTALL)
    assert match is not None
    return Parts(match[0])


def on_github(page: Path) -> Parts:
    """The parts as CommonMark has them, which GitHub shows, with tables."""
    return Parts(MarkdownIt("commonmark").enable("table").render(page.read_text(encoding="utf-8")))


# All pages in a test: each process that takes a part of them would build the site again.


def test_a_page_is_the_same_on_the_site_and_on_github(site):
    for page in PAGES:
        shown, expected = article(site, page), on_github(page)
        assert [code.strip("\n") for code in shown.code] == [code.strip("\n") for code in expected.code], page
        assert shown.counts == expected.counts, page
        assert len(shown.links) == len(expected.links), page


def test_a_link_leads_to_a_page_or_to_a_file_of_the_repository(site):
    files = load("site_links").FILES
    for link in [link for page in PAGES for link in article(site, page).links]:
        if link.startswith(files):
            assert (ROOT / link.removeprefix(files)).exists(), link
        elif "://" not in link and not link.startswith("#"):
            assert (site / link.partition("#")[0]).is_file(), link


def test_a_reader_loads_nothing_from_elsewhere(site):
    for path in site.rglob("*.html"):
        assert [address for address in Parts(path.read_text(encoding="utf-8")).loads if "//" in address] == []
    for path in [*site.rglob("*.css"), *site.rglob("*.svg")]:
        assert re.findall(r"url\(['\"]?(?:https?:)?//|@import", path.read_text(encoding="utf-8")) == []


def test_every_page_is_in_the_navigation(site):
    index = (site / "index.html").read_text(encoding="utf-8")
    assert [page.name for page in PAGES if f'href="{page.stem}.html"' not in index and page.stem != "index"] == []


@pytest.mark.parametrize("text", ["[gone](gone.md)", "[anchor](index.md#gone)"])
def test_a_link_to_nothing_ends_the_build(tmp_path, text):
    pages = tmp_path / "docs"
    pages.mkdir()
    (pages / "index.md").write_text(f"# Page\n\n{text}\n")
    config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:")[0]
    for relative, absolute in (
        ("docs_dir: docs", pages),
        ("hooks: [.ci/site_links.py]", ROOT / ".ci" / "site_links.py"),
    ):
        key = relative.partition(":")[0]
        config = config.replace(relative, f"{key}: [{absolute}]" if key == "hooks" else f"{key}: {absolute}")
    (tmp_path / "mkdocs.yml").write_text(config)
    ended = build(tmp_path / "site", tmp_path / "mkdocs.yml")
    assert ended.returncode == 1, ended.stdout
    assert "gone" in ended.stdout
