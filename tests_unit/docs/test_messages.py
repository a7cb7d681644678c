"""The page of messages has every error of the code, and troubleshooting quotes only what the code says."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest
from camrig import errors

from tests_unit.ci_scripts import load

messages = load("messages")
PAGE = (messages.ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
QUOTED = re.findall(r"^\| `([^`]+)` \|", PAGE, re.MULTILINE)

# Troubles of the rig, each of which a user may meet, and whose page says what to do.
TROUBLES = (
    "BoardBusyError",
    "BootError",
    "BootLoaderError",
    "BoardBrokenError",
    "NoMicroPythonError",
    "PowerLostError",
    "PortError",
    "WifiError",
)


def test_the_page_is_up_to_date():
    assert messages.PAGE.read_text(encoding="utf-8") == messages.page(), "run make reference"


def test_there_are_quotations():
    assert len(QUOTED) > 40
    assert len(set(QUOTED)) == len(QUOTED)


@pytest.fixture(scope="module")
def of_the_code() -> list[Any]:
    """The messages of the package itself, which takes a while to read."""
    everything: list[Any] = messages.messages()
    return everything


def test_a_quoted_message_is_in_the_code(of_the_code):
    known = {message.text for message in of_the_code} | messages.literals()
    assert [quoted for quoted in QUOTED if quoted not in known] == []


def test_every_trouble_of_the_bench_is_quoted(of_the_code):
    troubles = {message.text for message in of_the_code if message.kind in TROUBLES}
    assert sorted(troubles - set(QUOTED)) == []


SOURCE = """
LIMIT = "7 bytes"


def fail(name, size):
    hint = "give it a name" if not name else f"use {name}"
    where = ""
    if size:
        where = f" of {size} bytes"
    raise SettingsError(f"the file {name!r}{where} has more than {LIMIT}", hint=hint)


def join(notes):
    raise BlockedError("; ".join(["the board is on fire", *notes]))


class Fire:
    def put_out(self):
        raise BlockedError(self._sentence())

    def _sentence(self):
        return "the fire is out of reach" if self.far else "the fire does not end"


def pass_on(error):
    raise BlockedError(error.what)
"""


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, int]]:
    """What is read in ``SOURCE``."""
    package = tmp_path / "camrig" / "lab"
    package.mkdir(parents=True)
    (package / "fire.py").write_text(SOURCE)
    monkeypatch.setattr(messages, "PACKAGE", tmp_path / "camrig")
    monkeypatch.setattr(messages, "SOURCE", tmp_path)
    module = type(errors)("fire")
    module.LIMIT = "7 bytes"
    monkeypatch.setattr(messages, "import_module", lambda name: {"camrig.lab.fire": module}[name])
    return [(message.text, message.hint, message.exit_code) for message in messages.messages()]


def test_a_message_has_gaps_for_what_only_a_run_knows(read):
    hint = "give it a name, or: use …"
    assert ("the file … has more than 7 bytes", hint, 4) in read
    assert ("the file … of … bytes has more than 7 bytes", hint, 4) in read


def test_a_list_of_notes_ends_a_message_in_a_gap(read):
    assert ("the board is on fire; …", "", 6) in read


def test_a_message_of_another_error_is_not_one(read):
    assert len(read) == 5


def test_a_message_that_a_method_returns_is_read(read):
    assert {("the fire is out of reach", "", 6), ("the fire does not end", "", 6)} <= set(read)


def test_a_variable_that_names_itself_ends():
    tree = ast.parse("text = text + '!'")
    texts = messages._Texts(messages._assigned(tree), None)
    assert texts.of(ast.parse("text", mode="eval").body) == ["…!"]
