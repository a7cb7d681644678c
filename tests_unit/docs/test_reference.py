"""The reference says what the code says."""

from __future__ import annotations

import argparse
import dataclasses

import pytest

from tests_unit.ci_scripts import load

reference = load("reference")


def test_the_page_is_up_to_date():
    assert reference.PAGE.read_text(encoding="utf-8") == reference.page(), "run make reference"


@pytest.mark.parametrize(
    "source",
    [
        'os.environ.get("NEW_NAME", "")',
        'os.environ["NEW_NAME"]',
        'env.get("NEW_NAME")',
        'NAME = "NEW_NAME"\nos.environ.get(NAME)',
        'if "NEW_NAME" in os.environ:',
    ],
)
def test_a_variable_that_the_code_reads_is_seen(source):
    assert list(reference._variables_of(source)) == ["NEW_NAME"]


def test_a_variable_without_a_meaning_is_an_error(monkeypatch):
    monkeypatch.delitem(reference.VARIABLES, "XDG_RUNTIME_DIR")
    with pytest.raises(ValueError, match="XDG_RUNTIME_DIR"):
        reference.page()


def test_a_new_option_is_in_the_page(monkeypatch):
    option = dataclasses.replace(reference.OPTIONS[0], flag="--hil-colour", name="colour", help="red | green <b>")
    monkeypatch.setattr(reference, "OPTIONS", (*reference.OPTIONS, option))
    assert "| `--hil-colour SPEC` | `CAMRIG_DEVICE` `ESPPORT` | `colour` | red \\| green &lt;b> |" in reference.page()


def test_a_method_is_shown_as_a_test_calls_it():
    lines = reference.page().splitlines()
    assert "| `dut.url` | Where the application serves. Raises NotAvailableError for one that does not. |" in lines
    assert any(line.startswith("| `board.exec(source, timeout=10.0)` | ") for line in lines)
    assert any(line.startswith("| `dut.policy(*, in_place=False, **changes)` | Set attributes") for line in lines)


def test_a_positional_argument_shows_whether_it_may_be_left_out():
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("folder", nargs="?")
    parser.add_argument("tests", nargs="*")
    shown = [reference._spelling(action) for action in parser._actions[1:]]
    assert shown == ["`FILE`", "`[FOLDER]`", "`[TESTS ...]`"]
