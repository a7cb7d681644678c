"""Tests, named in sentences.py, execute every sentence of docs/own-firmware.md and every comment in its code."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from tests_unit.conftest import ROOT
from tests_unit.docs.cistern import PAGE
from tests_unit.docs.page import Page, codes
from tests_unit.docs.sentences import SENTENCES

PARSED = """# Heading. Not a sentence

First sentence with `code. Not an end`, and
its second line. `Second` one. Third (3.5 V, e.g. so):

    indented code. No sentence

1. In a list.

       code of the item. No sentence

   Goes on, in the item.
2. Another
   item

| left | right |
|---|---|
| a `|` b | c. D |

```python
fenced = 1  # a comment
```
Last one"""


def test_a_page_is_parsed_into_its_parts(tmp_path):
    (tmp_path / "page.md").write_text(PARSED)
    page = Page(tmp_path / "page.md")
    assert page.sentences() == [
        "First sentence with `code. Not an end`, and its second line.",
        "`Second` one.",
        "Third (3.5 V, e.g. so):",
        "In a list.",
        "Goes on, in the item.",
        "Another item",
        "Last one",
    ]
    assert page.code("indented") == "indented code. No sentence\n"
    assert page.code("code of") == "code of the item. No sentence\n"
    assert page.code("fenced") == "fenced = 1  # a comment\n"
    assert page.comments() == ["a comment"]
    assert page.table("left", "right") == [["a `|` b", "c. D"]]
    assert codes("`a` and `b c`") == ["a", "b c"]


SAID = [*PAGE.sentences(), *PAGE.comments()]


@pytest.mark.parametrize("sentence", SAID, ids=lambda sentence: sentence[:50])
def test_a_sentence_is_executed(sentence):
    assert [phrase for phrase in SENTENCES if phrase in sentence], f"no test executes {sentence!r}"


@pytest.mark.parametrize("phrase", SENTENCES)
def test_words_are_those_of_one_sentence(phrase):
    assert len([sentence for sentence in SAID if phrase in sentence]) == 1


@cache
def names_in(path: Path) -> set[str]:
    """The tests of a file. It is only read."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


@pytest.mark.parametrize("phrase", SENTENCES)
def test_the_tests_of_a_sentence_exist(phrase):
    assert SENTENCES[phrase]
    for node in SENTENCES[phrase]:
        file, _, name = node.partition("::")
        assert name in names_in(ROOT / "tests_unit" / file), node
