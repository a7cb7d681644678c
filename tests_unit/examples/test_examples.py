"""Each example is a small repository of a user's, and is run as its user would run it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests_unit.conftest import ROOT

EXAMPLES = {
    "serial-only": ("Correct: all 3 tests passed.", "median.time"),
    "other-server": ("Correct as far as it was tested: 2 tests passed, 1 skipped.", "lamp.preflight"),
    "http-server": ("Correct: all 2 tests passed.", "station.preflight"),
    "own-library": ("Correct: all 5 tests passed.", "ring.bytes"),
    "own-firmware": ("Correct: all 4 tests passed.", "heap.free"),
}
OF_THE_RIG = {path.name for path in (ROOT / "device").iterdir()} - {"main.py", "__pycache__"}
TAKEN_OVER = {"http-server": {"http_server.py"}}  # a link to the camera's


@pytest.fixture
def example(tmp_path):
    """A copy of the example of that name, as a repository."""

    def copy(name: str) -> Path:
        shutil.copytree(ROOT / "examples" / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        (tmp_path / name / ".git").mkdir()
        return tmp_path / name

    return copy


def test_every_example_is_run():
    repositories = [path.parent.name for path in (ROOT / "examples").glob("*/camrig.toml")]
    assert sorted(repositories) == sorted([*EXAMPLES, "bench"])


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs(run, example, name):
    answer, metric = EXAMPLES[name]
    ended = run("pytest", "tests", cwd=example(name))
    assert ended.code == 0, ended.out
    assert answer in ended.out
    assert f" {metric} " in ended.out
    assert ("rig's agent" in ended.out or "agent " in ended.out) == (name not in ("serial-only", "own-library"))
    assert ended.left_running() == []


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_shares_no_file_name_with_the_cameras_application(name):
    files = [path.name for path in (ROOT / "examples" / name / "firmware").rglob("*") if path.is_file()]
    assert OF_THE_RIG.intersection(files) == TAKEN_OVER.get(name, set())


def test_a_board_of_the_bench_is_tested_by_name(run, tmp_path):
    # In its place: it tests the camera's application, which lies beside it.
    ended = run("pytest", "tests", "--device=left", f"--hil-results={tmp_path}", cwd=ROOT / "examples" / "bench")
    assert ended.code == 0, ended.out
    assert "its lens has a scratch" in ended.out
    assert ended.left_running() == []


def test_a_run_that_could_test_nothing_is_not_green(run, example):
    ended = run("pytest", "tests", "-k", "heap", cwd=example("other-server"))
    assert ended.code == 6, ended.out
    assert "Not decided: no test ran." in ended.out


READY = "--hil-ready"


@pytest.mark.parametrize(
    ("options", "main", "code", "words"),
    [
        (
            (READY, "^ready$"),
            "",
            6,
            ("within 2 s a line that matches '^ready$'", "'logger ready' has something before"),
        ),
        ((READY, "^LOGGER ready$"), "", 6, ("'logger ready' differs in upper and lower case",)),
        (
            (READY, "OK"),
            "import time\nprint('starts')\nwhile True:\n    time.sleep_ms(1)\n",
            6,
            ("within 2 s a line that matches 'OK'",),
        ),
        ((READY, "up"), "print('starts')\n", 6, ("main.py ended without a line that matches 'up'",)),
        ((READY, "up"), "1 / 0\n", 6, ("main.py raised at boot: ZeroDivisionError",)),
        ((READY, "(up"), "", 4, ("--hil-ready: '(up' is not a regular expression: ",)),
        ((READY, " "), "", 4, ("--hil-ready is empty",)),
        ((READY, ".*"), "", 4, ("--hil-ready: '.*' matches an empty line, and so any output: ",)),
    ],
)
def test_a_ready_line_that_never_comes_is_one_sentence(run, example, options, main, code, words):
    folder = example("serial-only")
    if main:
        (folder / "firmware/main.py").write_text(main)
    ended = run("pytest", "tests", *options, "--hil-boot-timeout", "2", cwd=folder)
    assert ended.code == code, ended.out
    for word in words:
        assert word in ended.out
    assert 'Traceback (most recent call last):\n  File "/' not in ended.out
    assert ended.left_running() == []


BLIND = "def test_nothing_in_particular(dut):\n    pass\n"


@pytest.mark.parametrize("main", ["print('logger ready')\n1 / 0\n", "print('logger ready')\nimport time\n1 / 0\n"])
def test_an_end_right_behind_the_ready_line_is_never_green(run, example, main):
    folder = example("serial-only")
    (folder / "firmware/main.py").write_text(main)
    (folder / "tests/test_logger.py").write_text(BLIND)
    ended = run("pytest", "tests", cwd=folder)
    assert ended.code == 1, ended.out
    assert "main.py ended with ZeroDivisionError" in ended.out


@pytest.mark.parametrize(
    ("line", "place"),
    [("doorbell up", "import asyncio"), ("doorbell up", "    await server"), ("serving", "")],
    ids=["long before", "behind", "itself"],
)
def test_an_application_with_an_agent_is_up_once_both_lines_came(run, example, line, place):
    folder = example("own-firmware")
    main = folder / "firmware/main.py"
    if place:
        indent = place[: len(place) - len(place.lstrip())]
        main.write_text(main.read_text().replace(place + "\n", f"{indent}print({line!r})\n{place}\n"))
    ended = run("pytest", "tests", READY, line, cwd=folder)
    assert ended.code == 0, ended.out
    assert "Correct: all 4 tests passed." in ended.out


def test_an_application_with_an_agent_that_never_serves_is_blocked(run, example):
    folder = example("own-firmware")
    (folder / "firmware/main.py").write_text(
        "import doorbell, time\nprint('doorbell up')\nwhile True:\n    time.sleep(1)\n"
    )
    ended = run("pytest", "tests", READY, "up", "--hil-boot-timeout", "1", cwd=folder)
    assert ended.code == 6, ended.out
    assert "did not say within 1 s where it serves; Ctrl-C found main.py at " in ended.out


SUITE = """
import pytest

def test_http(http):
    assert http.get("/")

def test_policy(dut):
    dut.policy(max_age=5)

def test_expected(dut):
    with pytest.raises(Exception, match="did not print 'no such line' within 0.2 s"):
        dut.console.expect("no such line", timeout=0.2)
    assert dut.console.expect(r"^sample (\\d+)").group(1)

def test_not_printed(dut):
    dut.console.expect("^Sample", timeout=0.2)

def test_a_plain_assertion(dut):
    assert 1 == 2

def test_code_that_raises(board):
    board.exec("def broken():\\n    return 1 / 0")
    board.eval("broken()")

def test_code_that_never_ends(board):
    board.exec("while True:\\n    pass", timeout=0.5)

def test_not_a_literal(board):
    board.eval("object()")

def test_the_application_runs_again(dut):
    assert dut.console.expect(r"^sample 0 ")

def test_dut_behind_code_of_the_test(dut, board):
    board.exec("x = 1")
    dut.console.expect("never", timeout=30)

def test_the_end_of_the_application(dut, board):
    board.session.transport.serial.write(b"\\x03")
    dut.console.expect("never", timeout=30)
"""


def test_what_a_serial_line_can_and_cannot_do(run, example):
    folder = example("serial-only")
    (folder / "tests/test_logger.py").write_text(SUITE)
    ended = run("pytest", "-q", "tests", cwd=folder)
    assert ended.code == 1, ended.out
    assert "Not correct: 7 of 9 tests failed." in ended.out
    for words in (
        "skipped: 1 test: sim: the application has no server that is known.",
        "skipped: 1 test: sim: the application does not import Microdot",
        "the console did not print '^Sample' within 0.2 s: ",
        "assert 1 == 2",
        "the code raised ZeroDivisionError: divide by zero",
        "line 2, in broken",
        "the code did not end within 0.5 s: Ctrl-C found it at ",
        "the value of object() is <object>, which is not a literal",
        "the application was ended by board.exec or board.eval of this test",
        "main.py ended with KeyboardInterrupt",
    ):
        assert words in ended.out, words
    assert ended.left_running() == []
