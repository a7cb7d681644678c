"""A command of a night: how it ends, and the one exit code of all of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from camrig.deadline import Deadline
from camrig.stages import stage as stages
from camrig.stages.stage import RunningStage, Stage, by_rule, worst
from hypothesis import given
from hypothesis import strategies as st

RULE = (0, 1, 2, 6, 7)
ENDS_CLEAN = """
import time
print("up", flush=True)
try:
    time.sleep(600)
except KeyboardInterrupt:
    print("clean")
"""


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Starts a stage that runs ``source`` as a module."""
    running = []

    def call(source: str, seconds: float = 60.0) -> RunningStage:
        (tmp_path / "command_under_test.py").write_text(source)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        running.append(RunningStage(Stage("suite", "sim", ["command_under_test"], seconds), tmp_path / "log"))
        return running[-1]

    yield call
    for each in running:
        each.kill()


def ended(running, seconds=60.0):
    until = Deadline.after(seconds)
    while (end := running.poll()) is None:
        assert not until.passed
        time.sleep(0.02)
    return end


def wait_for(path, words):
    until = Deadline.after(60)
    while words not in (path.read_text() if path.exists() else ""):
        assert not until.passed
        time.sleep(0.02)


@pytest.mark.parametrize(("code", "rule", "words"), [
    (0, 0, ""), (1, 1, ""), (7, 7, ""), (3, 6, "internal error of pytest"), (4, 6, "wrong settings"),
    (5, 6, "no tests"), (9, 6, "exit code 9"), (-2, 2, "interrupted"), (-9, 6, "ended by signal 9"),
])  # fmt: skip
def test_a_code_that_is_not_of_a_run_blocks_with_words(code, rule, words):
    assert by_rule(code) == (rule, words)


@given(st.lists(st.sampled_from(RULE)), st.booleans())
def test_the_worst_code_is_that_of_the_night(codes, interrupted):
    code = worst(codes, interrupted)
    if interrupted:
        assert code == 2
    elif 1 in codes:
        assert code == 1
    elif 6 in codes:
        assert code == 6
    elif not set(codes) - {0}:
        assert code == 0
    else:
        assert code in (2, 7)


def test_results_are_those_that_the_command_names_last(start, tmp_path):
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text("{}")
    source = f"print('results: {tmp_path}/a.json')\nprint('results: {tmp_path}/b.json')\nraise SystemExit(7)\n"
    end = ended(start(source))
    assert (end.code, end.results, end.words) == (7, tmp_path / "b.json", "")


def test_a_command_without_results_says_its_last_line(start):
    end = ended(start("print('results: /nowhere/run.json')\nprint('=== no port ===')\nraise SystemExit(6)\n"))
    assert (end.code, end.results, end.words) == (6, None, "no port")


def test_what_takes_too_long_is_interrupted_and_blocks(start, tmp_path):
    source = (
        "import time\nprint('up', flush=True)\ntry:\n time.sleep(600)\nexcept KeyboardInterrupt:\n print('clean')\n"
    )
    running = start(source, seconds=3600)
    wait_for(tmp_path / "log", "up")
    running._until = Deadline.after(0)
    end = ended(running)
    assert (end.code, end.words) == (6, "took longer than 3600 s and was ended")
    assert "clean" in (tmp_path / "log").read_text()


COUNTS_INTERRUPTS = """
import signal, time
count = 0
def interrupted(number, frame):
    global count
    count += 1
signal.signal(signal.SIGINT, interrupted)
print("up", flush=True)
while not count:
    time.sleep(0.02)
time.sleep(0.3)
print("interrupted", count, flush=True)
raise SystemExit(2)
"""


def test_a_command_is_interrupted_once_however_often_that_is_asked(start, tmp_path):
    running = start(COUNTS_INTERRUPTS)
    wait_for(tmp_path / "log", "up")
    running.interrupt()
    assert running.stop().code == 2
    assert "interrupted 1\n" in (tmp_path / "log").read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_what_ignores_an_interrupt_is_killed_with_its_children(start, tmp_path, monkeypatch):
    monkeypatch.setattr(stages, "SECONDS_TO_END", 0.5)
    source = (
        "import signal, subprocess, sys, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print('child', child.pid, flush=True)\ntime.sleep(600)\n"
    )
    running = start(source)
    wait_for(tmp_path / "log", "child ")
    child = int((tmp_path / "log").read_text().split()[1])
    end = running.stop()
    assert (end.code, end.words) == (6, "ended by signal 9")
    until = Deadline.after(30)
    status = Path(f"/proc/{child}/status")
    while status.exists() and "\nState:\tZ" not in status.read_text():
        assert not until.passed
        time.sleep(0.02)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_a_command_ends_clean_when_the_night_is_killed(tmp_path):
    (tmp_path / "command_under_test.py").write_text(ENDS_CLEAN)
    night = (
        "import time\nfrom pathlib import Path\nfrom camrig.stages.stage import RunningStage, Stage\n"
        f"RunningStage(Stage('s', 'b', ['command_under_test'], 600), Path({str(tmp_path / 'log')!r}))\n"
        "time.sleep(600)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", night], env=environment) as process:
        wait_for(tmp_path / "log", "up")
        process.send_signal(signal.SIGKILL)
    wait_for(tmp_path / "log", "clean")
