"""``camrig watch`` through the front door: save, and read the line."""

from __future__ import annotations

import queue
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from camrig.lab import kept_boards
from camrig.virtual.board import VirtualConfig

from tests_unit.conftest import marked

SECONDS = 60
CYCLE = r"\d\d:\d\d:\d\d  (?P<saved>.*): (?P<result>.*) in \d+\.\d\d s"
TWO_TESTS = "def test_a(): assert {}\ndef test_b(): assert {}\n"


class Watch:
    """A running ``camrig watch``, whose lines arrive in a queue."""

    def __init__(self, folder: Path, environment: dict[str, str], arguments: tuple[str, ...]) -> None:
        self.folder, self.mark = folder, environment["CAMRIG_TEST_MARK"]
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-m", "camrig", "watch", *arguments],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.lines.put(line.rstrip())
        self.lines.put("")

    def until(self, pattern: str) -> re.Match[str]:
        seen = []
        while True:
            seen.append(self.lines.get(timeout=SECONDS))
            if match := re.fullmatch(pattern, seen[-1]):
                self.above = seen
                return match
            assert seen[-1] or self.process.poll() is None, "\n".join(seen)

    def cycle(self) -> tuple[str, str]:
        match = self.until(CYCLE)
        return match["saved"], match["result"]

    def save(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(SECONDS)


@pytest.fixture
def watch(
    environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Watch]]:
    """Starts ``camrig watch`` in a repository with an application, a library and tests."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    (tmp_path / "run").mkdir()
    folder = tmp_path / "repository"
    (folder / "firmware").mkdir(parents=True)
    (folder / "firmware" / "main.py").write_text("import size\nprint('ready')\n")
    (folder / "firmware" / "size.py").write_text("SIZE = 1\n")
    (folder / "camrig.toml").write_text('app = "firmware"\nready = "^ready$"\n')
    (folder / "test_own.py").write_text(TWO_TESTS.format(True, True))
    started: list[Watch] = []

    def start(*arguments: str) -> Watch:
        started.append(Watch(folder, environment | {"XDG_RUNTIME_DIR": str(tmp_path / "run")}, arguments))
        return started[-1]

    start.folder = folder  # type: ignore[attr-defined]
    yield start
    for each in started:
        each.process.kill()
        each.process.wait()
        each.process.stdout.close()
    kept_boards.end_all()


def test_what_failed_last_runs_first_and_alone_until_it_passes(watch):
    running = watch("-p", "no:hypothesispytest")
    assert running.cycle() == ("start", "2 passed")
    assert re.fullmatch(r"watching \d+ files; Ctrl-C ends it", running.lines.get(timeout=SECONDS))
    running.save("test_own.py", TWO_TESTS.format("1 == 1", "0 == 1"))
    assert running.cycle() == ("test_own.py", "1 failed, 1 passed")
    assert any("assert 0 == 1" in line for line in running.above)
    running.save("test_own.py", TWO_TESTS.format("2 == 2", "0 == 2"))
    assert running.cycle() == ("test_own.py", "1 failed, 1 not run")
    running.save("test_own.py", TWO_TESTS.format("3 == 3", "3 == 3"))
    assert running.cycle() == ("test_own.py", "2 passed")
    assert running.above == [running.above[-1]]  # nothing but the line where all is well
    assert running.end() == 0
    assert marked(running.mark) == []


def test_the_application_is_deployed_again_to_a_board_that_stays(watch):
    test = "def test_size(board):\n    board.exec('import size')\n    assert board.eval('size.SIZE') == {}\n"
    (watch.folder / "test_own.py").write_text(test.format(1))
    running = watch("test_own.py")
    assert running.cycle() == ("start", "1 passed")
    (board,) = kept_boards.listed()
    running.save("firmware/size.py", "SIZE = 22\n")
    assert running.cycle() == ("firmware/size.py", "1 failed")
    assert any("deploy" in line and "1 file sent" in line and "unchanged" in line for line in running.above)
    assert any(board.path in line for line in running.above)
    running.save("test_own.py", test.format(22))
    assert running.cycle() == ("test_own.py", "1 passed")
    assert running.end(signal.SIGTERM) == 0
    assert kept_boards.listed() == []
    assert marked(running.mark) == []


def test_a_board_that_was_kept_before_is_kept_after(watch, monkeypatch):
    board, _ = kept_boards.keep(VirtualConfig())
    running = watch()
    assert running.cycle()[1] == "2 passed"
    assert running.end() == 0
    assert board.answers


def test_ctrl_c_ends_tests_that_run(watch):
    (watch.folder / "test_own.py").write_text(
        "import time\ndef test_long():\n    open('begun', 'w').close()\n    time.sleep(600)\n"
    )
    running = watch()
    begun = watch.folder / "begun"
    deadline = threading.Event()
    for _ in range(SECONDS * 20):
        if begun.exists():
            break
        deadline.wait(0.05)
    assert running.end() == 0
    assert marked(running.mark) == []


def test_a_save_while_tests_run_makes_another_cycle(watch):
    (watch.folder / "test_own.py").write_text(
        "import pathlib\ndef test_a():\n"
        "    path = pathlib.Path('firmware/size.py')\n"
        "    if 'SIZE = 1\\n' == path.read_text(): path.write_text('SIZE = 2\\n')\n"
    )
    running = watch()
    assert running.cycle() == ("start", "1 passed")
    assert running.cycle() == ("firmware/size.py", "1 passed")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("-k", "nosuch"), "camrig: there are no tests to run. Name their folder, as in camrig watch tests."),
        (("--no-such-option",), "camrig: pytest cannot run the tests. Name their folder, as in camrig watch tests."),
        (("--device", "sim:fast"), "camrig: the virtual board has no profile 'fast'. Use one of slow-chip."),
    ],
)
def test_what_cannot_be_watched_is_one_sentence(watch, arguments, sentence):
    running = watch(*arguments)
    running.until(re.escape(sentence))
    assert running.process.wait(SECONDS) == 4
    assert kept_boards.listed() == []


def test_an_error_in_a_test_file_does_not_end_the_watch(watch):
    running = watch()
    assert running.cycle() == ("start", "2 passed")
    running.save("test_own.py", "def test_a(:\n")
    assert running.cycle() == ("test_own.py", "1 error")
    running.save("test_own.py", TWO_TESTS.format(1, 1))
    assert running.cycle() == ("test_own.py", "2 passed")
