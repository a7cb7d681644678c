"""The picture of a run shows it, and loads nothing."""

from __future__ import annotations

import re
from html import unescape
from xml.etree import ElementTree

import pytest

from tests_unit.ci_scripts import load

picture = load("picture")
NAMESPACE = "http://www.w3.org/2000/svg"


def lines(svg: str) -> list[str]:
    """The text of the picture, line by line."""
    rows: dict[str, str] = {}
    for text in ElementTree.fromstring(svg).iter(f"{{{NAMESPACE}}}text"):
        rows[text.get("y", "")] = rows.get(text.get("y", ""), "") + unescape("".join(text.itertext()))
    return [row.replace("\xa0", " ").rstrip() for row in rows.values()]


def loads(svg: str) -> set[str]:
    """What a viewer would load: addresses in attributes and styles, besides names of parts of the picture itself."""
    tree = ElementTree.fromstring(svg)
    values = {value for element in tree.iter() for value in element.attrib.values()}
    styles = {element.text or "" for element in tree.iter(f"{{{NAMESPACE}}}style")}
    addresses = {match for text in values | styles for match in re.findall(r"url\(([^)]*)\)", text)}
    return {address for address in addresses if not address.startswith("#")} | {
        text for text in values | styles if "://" in text or "@import" in text
    }


def test_rich_alone_would_load_fonts():
    console = picture.Console(record=True, file=picture.StringIO())
    assert loads(console.export_svg()) != set()


@pytest.mark.parametrize("output", ["passed", "\x1b[32m.\x1b[0m and <b> & \"'\n  step  1 s\n"])
def test_a_picture_is_an_svg_that_loads_nothing(output):
    svg = picture.svg(output)
    assert loads(svg) == set()
    assert lines(svg) == ["$ pytest --no-header", *re.sub("\x1b\\[[0-9]+m", "", output).splitlines()]


def test_the_picture_in_the_readme_is_a_whole_run():
    svg = picture.PICTURE.read_text(encoding="utf-8")
    text = "\n".join(lines(svg))
    assert loads(svg) == set()
    for words in ("connect ", "ready ", "Correct: all ", "Cost: a preflight takes ", "Leak: none", "~/camrig/lib"):
        assert words in text
    assert "[VIRTUAL BOARD" in text
    assert str(picture.ROOT) not in text
    assert f"]({picture.PICTURE.relative_to(picture.ROOT).as_posix()})" in (picture.ROOT / "README.md").read_text()


@pytest.mark.parametrize(
    ("output", "short"),
    [
        ("  library  /home/me/rig/lib/cors.py  8369", f"  library  ~/camrig/lib/cors.py{' ' * 6}8369"),
        ("  agent    /home/me/rig/a.py, 2 modules  1feb", f"  agent    ~/camrig/a.py, 2 modules{' ' * 6}1feb"),
        ("built from /home/me/rig/cors.py, 8369", "built from ~/camrig/cors.py, 8369"),
        ("rootdir: /home/me/rig\n  next", "rootdir: ~/camrig\n  next"),
    ],
)
def test_shorter_paths_leave_columns_where_they_were(output, short):
    assert picture.with_short_paths(output, "/home/me/rig") == short
