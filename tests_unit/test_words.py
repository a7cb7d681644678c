"""The check of words finds each word that it bans, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests_unit.ci_scripts import load

words = load("words")
SCRIPT = Path(words.__file__)

ASSIGNMENTS = (
    "{} = 1",
    "{}: int = 1",
    "port, {} = 1, 2",
    "for {} in (): pass",
    "ports = [{0} for {0} in ()]",
    "with open('file') as {}: pass",
    "print({} := 1)",
    "def call({}): pass",
    "def call(*, {}=1): pass",
    "def call(*{}): pass",
    "def call(**{}): pass",
    "call = lambda {}: 1",
    "try: pass\nexcept OSError as {}: pass",
    "self.{} = 1",
    "match port:\n    case {}: pass",
)
DEFINITIONS = (
    "{} = 1",
    "def {}(): pass",
    "class {}: pass",
    "def call({}): pass",
    "session.{}()",
    "call({}=1)",
    "import camrig.{}",
    "from camrig.{} import port",
    "from camrig import port as {}",
    "print(f'{{{}}}')",
)
PLAIN = (
    "There is no board, and there\nare no ports. It is no longer attached; it is no more than a wish.",
    "Amended and recommended: what a wanted folder is. No board is, no port was. A bench can tell two boards apart.",
    "The patience of a person who writes a story about one board and another.",
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository with one clean file of each kind."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "page.md").write_text("A board answers.\n")
    (tmp_path / "code.py").write_text("response = None\n")
    (tmp_path / "Makefile").write_text("help:\n")
    return tmp_path


def report(tree: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What the command prints about a repository."""
    code = words.main([], tree)
    lines = capsys.readouterr().out.splitlines()
    assert code == (1 if lines else 0)
    return lines


def check(tree: Path, name: str, text: str) -> list[tuple[int, str]]:
    """Line and word of each hit in a file."""
    path = tree / name
    path.write_text(text)
    return [(hit.line, hit.word) for hit in words.hits(path)]


@pytest.mark.parametrize("name", ["docs/page.md", "code.py", "pyproject.toml", "Makefile"])
@pytest.mark.parametrize("phrase", words.PHRASES, ids=lambda phrase: phrase.example)
def test_a_phrase_is_found_in_every_kind_of_file(tree, capsys, name, phrase):
    (tree / name).write_text(f"# A first line.\n# Here, {phrase.example}.\n")
    (line,) = report(tree, capsys)
    assert line.startswith(f"{name}:2: ")
    assert line.endswith(f" -> {phrase.instead}")


@pytest.mark.parametrize("phrase", words.PHRASES, ids=lambda phrase: phrase.example)
def test_a_phrase_is_found_across_lines_of_a_comment(tree, phrase):
    text = "# " + phrase.example.replace(" ", "\n    # ") + "\n"
    assert len(check(tree, "code.py", "port = 1\n" + text)) == 1


@pytest.mark.parametrize("phrase", words.PHRASES, ids=lambda phrase: phrase.example)
def test_a_phrase_is_found_in_a_message_and_in_a_name(tree, phrase):
    assert len(check(tree, "code.py", f"print('{phrase.example.upper()}')\n")) == 1
    assert len(check(tree, "code.py", f"def test_{phrase.example.replace(' ', '_')}(): pass\n")) == 1


@pytest.mark.parametrize("text", PLAIN)
def test_plain_english_passes(tree, text):
    assert check(tree, "docs/page.md", text) == []


@pytest.mark.parametrize("definition", DEFINITIONS)
@pytest.mark.parametrize("name", words.IDENTIFIERS)
def test_an_identifier_is_found_wherever_it_is_used(tree, name, definition):
    assert name in [word for _, word in check(tree, "code.py", definition.format(name))]
    assert f"_{name}" in [word for _, word in check(tree, "code.py", definition.format(f"_{name}"))]


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
@pytest.mark.parametrize("name", words.VARIABLES)
def test_a_variable_without_a_noun_is_found(tree, name, assignment):
    line = 1 + assignment[: assignment.index("{")].count("\n")
    assert check(tree, "code.py", assignment.format(name)) == [(line, name)]


@pytest.mark.parametrize("name", words.VARIABLES)
def test_a_name_is_free_where_nothing_is_assigned(tree, name):
    assert check(tree, "code.py", f"from library import {name}\n{name}(1)\nport.{name}(2)\n") == []


def test_an_error_may_have_its_sentence_as_what(tree):
    text = "class CamrigError(Exception):\n    def __init__(self, what):\n        self.what = what\n"
    assert check(tree, "errors.py", text) == []
    assert check(tree, "code.py", "raise PortError(what='the port is gone')\n") == []
    assert check(tree, "errors.py", "what = 1\n") == [(1, "what")]


def test_other_is_the_parameter_of_a_comparison(tree):
    assert check(tree, "code.py", "class Port:\n    def __eq__(self, other): return self is other\n") == []


def test_a_test_name_has_at_most_70_characters(tree):
    name = "test_" + "x" * 65
    assert check(tree, "test_code.py", f"def {name}(): pass\n") == []
    assert check(tree, "test_code.py", f"async def {name}x(): pass\n") == [(1, f"{name}x")]


def test_results_environments_and_hidden_folders_are_left_out(tree, capsys):
    for folder in (".cache", "results", "build", "dist", "venv"):
        (tree / folder).mkdir()
        (tree / folder / "page.md").write_text(words.PHRASES[0].example)
    (tree / "venv" / "pyvenv.cfg").touch()
    assert report(tree, capsys) == []


def test_the_command_checks_named_files_and_lists_its_table(tree):
    (tree / "page.md").write_text(f"The first line.\n{words.PHRASES[1].example}\n")
    (tree / "picture.jpg").write_bytes(b"\xff")

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True, check=False)

    ended = run(tree / "page.md", tree / "picture.jpg", SCRIPT)
    assert ended.returncode == 1
    assert ended.stdout.startswith(f"{tree / 'page.md'}:2: ")
    assert ended.stdout.endswith(f" -> {words.PHRASES[1].instead}\n")
    assert run(tree / "code.py").returncode == 0
    assert all(name in run("--list").stdout for name in words.IDENTIFIERS)
