"""A library that cannot run at all has failed, and the place in it is named; a bad board or application is not it."""

from __future__ import annotations

import os

import pytest
from camrig.bringup.board import Board
from camrig.deploy import library_check
from camrig.deploy.folders import application_files
from camrig.deploy.library_check import library_error
from camrig.deploy.rules import DeployRules
from camrig.errors import DeployError, LibraryError, SettingsError
from camrig.settings.resolve import resolve

from tests_unit.conftest import ROOT

LIBRARY = (ROOT / "lib/microdot/cors.py").read_text()
LAST = LIBRARY.count("\n") + 1
TARGET = "/lib/microdot/cors.py"
IN_INIT = "\nclass CORS(CORS):\n    def __init__(self, *args, **kwargs):\n        {}\n"

FAULTS = {
    "raises at import": (LIBRARY + "raise ValueError('no')", f"lib/microdot/cors.py:{LAST} in"),
    "imports what is not there": (LIBRARY + "import nonexistent", "no module named 'nonexistent'"),
    "has no class": ("class Cors: pass", "CORS"),
    "is empty": ("", "CORS"),
    "takes too much memory": (LIBRARY + "x = bytearray(1 << 30)", "MemoryError"),
    "ends the program": (LIBRARY + "import sys\nsys.exit()", "the library"),
    "restarts the interpreter": (LIBRARY + "import machine\nmachine.soft_reset()", "library"),
    "resets the chip": (LIBRARY + "import machine\nmachine.reset()", "restarts the board"),
    "hangs": (LIBRARY + "while True: pass", f"lib/microdot/cors.py:{LAST} in"),
    "raises when made": (LIBRARY + IN_INIT.format("1 / 0"), "ZeroDivisionError"),
    "hangs when made": (LIBRARY + IN_INIT.format("while True: __import__('time').sleep_ms(1)"), "does not end"),
    "recurses when made": (LIBRARY + IN_INIT.format("self.__init__()"), "recursion"),
    "takes no parameters": ("class CORS:\n    def __init__(self, app): pass", "TypeError"),
    "is not a class": ("CORS = None", "TypeError"),
}


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    with Board("sim", resolve({}, {}, tmp_path_factory.mktemp("bench"))) as opened:
        opened.deploy(production=True)
        opened.session.exec("import os\nos.remove('/lib/microdot/cors.mpy')")
        yield opened


def put(session, text):
    session.repl()
    session.exec(f"with open('{TARGET}', 'w') as file:\n    file.write({text!r})")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_library_that_cannot_run_is_named(board, monkeypatch, fault):
    monkeypatch.setattr(library_check, "SECONDS", 3.0)
    text, words = FAULTS[fault]
    put(board.session, text)
    error = library_error(board.session, [TARGET])
    assert isinstance(error, LibraryError)
    assert error.exit_code == 1
    assert words in error.what
    assert board.session.exec("print(1)").strip() == "1"


@pytest.mark.parametrize("text", [LIBRARY, LIBRARY + "\n# a comment", LIBRARY + "\nimport time\ntime.sleep_ms(100)"])
def test_a_library_that_can_run_is_not_blamed(board, text):
    put(board.session, text)
    assert library_error(board.session, [TARGET]) is None


def test_another_module_that_raises_is_not_the_library(board):
    put(board.session, LIBRARY)
    board.session.exec("import os\nos.rename('/lib/microdot/microdot.mpy', '/lib/microdot/kept')")
    try:
        assert library_error(board.session, [TARGET]) is None
    finally:
        board.session.exec("import os\nos.rename('/lib/microdot/kept', '/lib/microdot/microdot.mpy')")


@pytest.mark.parametrize("where", ["library", "application"])
@pytest.mark.parametrize(("text", "line"), [
    ("x = 1\ndef f(:\n    pass\n", "2"), ("x = 'abc\n", "1"), ("  x = 1\ny = 2\n", "1"), ("return 5\n", "1"),
])  # fmt: skip
def test_what_does_not_compile_ends_before_a_board_is_sought(command, tmp_path, where, text, line):
    (tmp_path / "lib/microdot").mkdir(parents=True)
    (tmp_path / "app").mkdir()
    (tmp_path / "lib/microdot/cors.py").write_text(text if where == "library" else LIBRARY)
    (tmp_path / "app/main.py").write_text(text if where == "application" else "print()")
    ended = command(
        "deploy",
        "--device",
        "/dev/nowhere",
        "--hil-lib",
        str(tmp_path / "lib"),
        "--hil-app",
        str(tmp_path / "app"),
    )
    assert ended.code == (LibraryError if where == "library" else SettingsError).exit_code, ended.out
    assert f"the {where}: " in ended.out
    assert f"line {line}, does not compile" in ended.out
    assert "^" in ended.out
    assert "no such port" not in ended.out


@pytest.mark.parametrize("name", [b"gr\xf6sse.py", b"sub\xff/part.py", b"\xc3.mpy", b"gr\xf6sse.png"])
def test_a_file_whose_name_is_not_utf8_is_named(tmp_path, name):
    path = os.fsencode(tmp_path) + b"/" + name
    os.makedirs(os.path.dirname(path), exist_ok=True)
    open(path, "w").close()
    (tmp_path / "main.py").write_text("")
    with pytest.raises(DeployError, match=r"\\x(f6|ff|c3).* has a name that is not UTF-8"):
        application_files(tmp_path, DeployRules())
