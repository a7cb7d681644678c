"""What the command says without words, with wrong ones, and while they are typed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from camrig.cli.main import main
from camrig.cli.parser import COMMANDS, parser

BIN = Path(sys.executable).parent


def test_without_a_word_there_is_help_and_no_success(capsys):
    assert main([]) == 4
    out = capsys.readouterr().out
    assert all(f"\n    {name} " in out or f"\n    {name}\n" in out for name in COMMANDS)
    assert "examples:\n  camrig init" in out


@pytest.mark.parametrize("name", COMMANDS)
def test_a_sub_command_has_a_description_and_an_example_that_parses(capsys, name):
    with pytest.raises(SystemExit, match="0"):
        main([name, "--help"])
    out = capsys.readouterr().out
    assert out.split("\n\n")[1].strip().endswith(".")
    assert out.rstrip().endswith(COMMANDS[name])
    words = COMMANDS[name].split()[1:]
    assert parser(words).parse_args(words).command == name


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        *((name[:1] + name[2:], name) for name in COMMANDS if len(name) > 3),
        *((name + "x", name) for name in COMMANDS),
        ("deploy --devcie x", "--device"),
        ("deploy --dryrun", "--dry-run"),
        ("prove --quik", "--quick"),
        ("ab --candidate a --baseline b --secnods=3", "--seconds"),
        ("baseline shwo x", "show"),
    ],
)
def test_what_was_meant_is_asked(capsys, words, meant):
    with pytest.raises(SystemExit, match="4"):
        main(words.split())
    assert capsys.readouterr().err.rstrip().endswith(f"Did you mean {meant}?")


@pytest.mark.parametrize("words", ["zzzzzz", "deploy --zzzzzz", "deploy zzzzzz"])
def test_nothing_is_guessed_where_nothing_is_near(capsys, words):
    with pytest.raises(SystemExit, match="4"):
        main(words.split())
    assert "mean" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "words"),
    [("camrig de", {"deploy", "devices"}), ("camrig deploy --dr", {"--dry-run"}), ("camrig baseline sh", {"show"})],
)
def test_words_are_completed_as_shells_ask_for_them(tmp_path, line, words):
    file = tmp_path / "words"
    environment = {
        **os.environ,
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(file),
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
    }
    subprocess.run([BIN / "camrig"], env=environment, timeout=60, check=True, capture_output=True)
    assert {word.strip() for word in file.read_text().split("\n")} == words


@pytest.mark.parametrize("options", [["camrig"], ["--shell", "zsh", "camrig"], ["--shell", "fish", "camrig"]])
def test_each_shell_has_a_script(options):
    done = subprocess.run(
        [BIN / "register-python-argcomplete", *options], capture_output=True, text=True, timeout=60, check=True
    )
    assert "camrig" in done.stdout
    if options == ["camrig"] and (bash := shutil.which("bash")):
        script = f"{done.stdout}\ncomplete -p camrig\n"
        assert "camrig" in subprocess.run([bash, "-c", script], capture_output=True, text=True, timeout=60).stdout
