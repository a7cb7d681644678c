"""``camrig nightly`` on virtual boards: what it prints, leaves and ends with, also when it is cut off."""

from __future__ import annotations

import datetime
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from camrig.cli.main import main
from camrig.deadline import Deadline
from camrig.history.comparison import comparisons
from camrig.history.query import Filter, figures
from camrig.history.record import read_run
from camrig.history.store import FILE, add, opened
from camrig.nightly import state

from benchmarks.nights import Planted, World, write
from benchmarks.worse import ALLOCATES_64, PLAIN, worse_library
from tests_unit.conftest import ROOT, marked
from tests_unit.history.results import board, written
from tests_unit.history.results import run as run_of_night

WIFI = {"CAMRIG_WIFI_SSID": "lab", "CAMRIG_WIFI_PASSWORD": "correct horse battery"}
PASSES = "def test_answers(dut, measure):\n    measure('heap.free', dut.heap().free, unit='B')\n"
FAILS = "def test_answers(dut):\n    assert dut.request('GET', '/api/status').status == 500\n"
HANGS = "import time\n\ndef test_waits(dut):\n    print('camrig-waits')\n    time.sleep(600)\n"


@pytest.fixture
def bench(tmp_path):
    """A repository with a suite of one test, in whose folder a night runs."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_board.py").write_text(PASSES)
    (tmp_path / "pytest.ini").write_text("[pytest]\ntestpaths = tests\n")
    return tmp_path


@pytest.fixture
def night(run, bench):
    """Runs the command in the repository."""

    def call(*options: str, **keywords):
        environment = {**WIFI, "PYTHONPATH": str(ROOT / "rig")}
        ended = run("camrig", "nightly", *options, cwd=bench, env=environment, seconds=400, **keywords)
        assert "Traceback" not in ended.out
        return ended

    return call


def runs(results):
    with opened(results / FILE) as connection:
        return connection.execute("SELECT ending, exit_code FROM runs ORDER BY started").fetchall()


def test_a_night_runs_suite_and_soak_and_names_its_page(night, bench):
    ended = night("--soak", "2s")
    results = bench / "results"
    assert ended.code in (0, 7), ended.out  # so short a soak may not decide
    assert re.search(r"^sim  suite  \d+ s  passed  Correct: 1 test passed\.$", ended.out, re.MULTILINE)
    assert re.search(r"^sim  soak  \d+ s  (passed|inconclusive)  Correct: all ", ended.out, re.MULTILINE)
    assert f"(exit code {ended.code}) after " in ended.out
    page = re.search(r"^page: (.*\.html)$", ended.out, re.MULTILINE)[1]
    assert "<html" in (bench / page).read_text()
    assert f"trend: {results / 'trend.html'}" in ended.out
    assert len(ended.out.splitlines()) < 10
    assert [code for _, code in runs(results)] == [0, ended.code]
    assert not (results / state.FILE).exists()
    assert (
        len(list(results.glob("nightly-*-suite-sim.log"))) == len(list(results.glob("nightly-*-soak-sim.log"))) == 1
    )
    assert len(list((results / "libraries").iterdir())) == 1
    assert (results / ".gitignore").exists()
    assert ended.left_running() == []


def test_a_board_that_is_gone_is_marked_and_the_others_go_on(night, bench):
    ended = night("--device", "/dev/nowhere", "--device", "sim")
    assert ended.code == 6
    assert re.search(r"^/dev/nowhere  suite  \d+ s  blocked  there is no port /dev/nowhere", ended.out, re.MULTILINE)
    assert re.search(r"^sim  suite  \d+ s  passed  ", ended.out, re.MULTILINE)
    assert re.search(r"^ /dev/nowhere   blocked    –      –      blocked$", ended.out, re.MULTILINE)
    assert re.search(r"^ sim            1 passed   –      –      passed$", ended.out, re.MULTILINE)
    page = (bench / re.search(r"^page: (.*/nightly-.*\.html)$", ended.out, re.MULTILINE)[1]).read_text()
    assert "Of 2 boards, /dev/nowhere was blocked, 1 passed." in page
    assert page.count('href="run-') == 2


def test_a_test_that_fails_decides_the_night(night, bench):
    (bench / "tests" / "test_board.py").write_text(FAILS)
    ended = night("--device", "/dev/nowhere", "--device", "sim")
    assert ended.code == 1
    assert re.search(r"^sim  suite  \d+ s  failed  Not correct: 1 of 1 test failed", ended.out, re.MULTILINE)
    assert "night: failed (exit code 1)" in ended.out


def test_settings_that_pytest_refuses_block_the_night(night):
    ended = night("--hil-compare", "nothing-of-that-name")
    assert ended.code == 6
    assert "compared with the baseline nothing-of-that-name, set" in ended.out
    assert re.search(r"^sim  suite  \d+ s  blocked  wrong settings$", ended.out, re.MULTILINE)


def wait_until_test_waits(results):
    """Until the test of the suite is at work."""
    until = Deadline.after(80)
    while not any("ready  " in log.read_text() for log in results.glob("nightly-*-suite-*.log")):
        assert not until.passed
        time.sleep(0.05)


@pytest.fixture
def hanging(environment, bench):
    """A night whose suite waits for ever."""
    (bench / "tests" / "test_board.py").write_text(HANGS)
    environment = {**environment, **WIFI, "PYTHONPATH": str(ROOT / "rig")}
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "camrig", "nightly", "--soak", "1h"],
        cwd=bench, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as process:  # fmt: skip
        wait_until_test_waits(bench / "results")
        yield process
        process.kill()
    wait_until_nothing_runs(environment["CAMRIG_TEST_MARK"])


def wait_until_nothing_runs(mark):
    until = Deadline.after(80)
    while running := marked(mark):
        assert not until.passed, running
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_night_ends_its_commands_and_closes(hanging, bench, number):
    hanging.send_signal(number)
    out, _ = hanging.communicate(timeout=80)
    assert hanging.returncode == 2, out
    assert "interrupted: what works is being ended; Ctrl-C again stops it at once" in out
    assert re.search(r"^sim  suite  \d+ s  interrupted", out, re.MULTILINE)
    assert "soak  " not in out
    assert not (bench / "results" / state.FILE).exists()
    assert runs(bench / "results") == [("interrupted", 2)]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_a_night_that_is_killed_leaves_nothing_and_the_next_closes_it(hanging, night, bench, environment):
    hanging.kill()
    hanging.wait()
    wait_until_nothing_runs(environment["CAMRIG_TEST_MARK"])
    assert (bench / "results" / state.FILE).exists()
    (bench / "tests" / "test_board.py").write_text(PASSES)
    ended = night()
    assert ended.code == 0, ended.out
    first = ended.out.splitlines()[0]
    assert re.match(
        r"the night of 20\S+ was cut off in 'sim  suite', .* after it began: its process \d+ is gone", first
    )
    assert first.endswith("; it is closed as interrupted")
    assert f"process {hanging.pid} is gone" in first
    assert ("interrupted", 2) in runs(bench / "results")
    assert not (bench / "results" / state.FILE).exists()
    assert "cut off" not in night().out


def test_a_second_night_is_refused_and_names_the_first(hanging, night):
    ended = night()
    assert ended.code == 6
    assert f"(process {hanging.pid}) since 20" in ended.out
    assert "another night is at work in " in ended.out
    assert len(ended.out.splitlines()) == 1


def test_a_computer_that_restarted_in_the_middle_is_named(night, bench):
    (bench / "results").mkdir()
    open_night = state.OpenNight(1, "2026-01-01T00:00:00+00:00", "", stage="sim  soak", boot="another start")
    state.save(bench / "results", open_night)
    ended = night()
    assert ended.code == 0, ended.out
    assert "was cut off in 'sim  soak'" in ended.out.splitlines()[0]
    assert "this computer restarted; it is closed as interrupted" in ended.out.splitlines()[0]
    assert runs(bench / "results") == [("interrupted", 2), ("passed", 0)]


@pytest.fixture
def opens(monkeypatch, tmp_path):
    """Begins a night and does none of its work; what it says."""
    from camrig.nightly.run import Nightly, NightOptions
    from camrig.settings.resolve import Settings

    monkeypatch.setattr(Nightly, "_work", lambda night: None)

    def begin():
        said = []
        assert Nightly(Settings(results=tmp_path), {}, NightOptions(), said.append).run() == 0
        return said

    return begin


def test_what_a_night_measured_before_it_was_cut_off_is_in_the_history(opens, tmp_path):
    (file,) = written(tmp_path, run_of_night(0, board(), exit_code=0))
    open_night = state.OpenNight(1, "2026-01-01T23:00:00+00:00", "", "sim  soak", boot="x", results=[str(file)])
    state.save(tmp_path, open_night)
    said = opens()
    assert re.match(
        r"the night of 2026-01-01T23:00:00\+00:00 was cut off in 'sim  soak', .* is closed as inter", said[0]
    )
    assert len(said) == 2
    with opened(tmp_path / FILE) as connection:
        assert [figure.metric for figure in figures(connection, Filter())] == ["heap", "latency"]
    assert not (tmp_path / state.FILE).exists()
    assert len(opens()) == 1


@pytest.mark.parametrize("content", ["{", "", "[]"])
def test_a_damaged_file_of_the_open_night_is_said_and_replaced(opens, tmp_path, content):
    (tmp_path / state.FILE).write_text(content)
    said = opens()
    assert f"a night was cut off, and its file {tmp_path / state.FILE} is damaged" in said[0]
    assert not (tmp_path / state.FILE).exists()
    assert len(opens()) == 1


def test_a_damaged_history_costs_no_verdict_and_no_results(night, bench):
    results = bench / "results"
    results.mkdir()
    (results / FILE).write_text("no database")
    old = results / "run-20200101T000000.json"
    old.write_text("{}")
    ended = night("--keep-days", "1")
    assert ended.code == 0, ended.out
    assert "no trend: " in ended.out
    assert (results / FILE).read_text() == "no database"
    assert old.exists()


def test_old_files_go_at_the_end_of_a_night(night, bench):
    results = bench / "results"
    results.mkdir()
    for day in range(10, 20):
        (results / f"nightly-202001{day}T000000-suite-sim.log").write_text("x" * 200_000)
    ended = night("--keep-size", "1")
    assert ended.code == 0, ended.out
    assert re.search(r"^removed: [45] files of earlier nights, (0\.8|1\.0) MB$", ended.out, re.MULTILINE)


def test_results_that_cannot_be_written_are_one_sentence(night, bench):
    (bench / "taken").write_text("a file")
    ended = night("--hil-results", "taken")
    assert ended.code == 6
    assert ended.out.startswith("camrig: the results of a night cannot be written to ")
    assert len(ended.out.splitlines()) == 1


@pytest.mark.parametrize("words", [["--soak", "2"], ["--keep-days", "0"], ["--keep-size", "x"]])
def test_a_wrong_option_is_one_sentence(words, capsys):
    with pytest.raises(SystemExit, match="4"):
        main(["nightly", *words])
    assert f"argument {words[0]}: " in capsys.readouterr().err


@pytest.mark.parametrize(("code", "words"), [
    (1, "confirmed by camrig ab"), (0, "it is not the library"), (7, "did not decide"),
])  # fmt: skip
def test_a_step_of_this_night_is_compared_by_ab(monkeypatch, tmp_path, code, words):
    """The trend asks for the comparison, and the exit code is that of both."""
    from camrig.nightly import run as night_run
    from camrig.settings.resolve import Settings
    from camrig.stages.stage import Stage, StageEnd

    world = World(boards=1, nights=40, planted=(Planted(39, "heap.preflight.added", 0.25, (0,)),),
                  facts={"library": {0: "3f" * 32, 39: "5b" * 32}})  # fmt: skip
    write(world, tmp_path / FILE, seed=3)
    settings = Settings(results=tmp_path, lib=ROOT / "lib")
    said, asked_for = [], []

    def ends(self, stages):
        asked_for.extend(stages)
        self._ends.append(StageEnd(stages[0], code, 1.0, None, ""))
        return [self._ends[-1]]

    night = night_run.Nightly(settings, {}, night_run.NightOptions(), said.append)
    monkeypatch.setattr(night_run.Nightly, "_do", ends)
    monkeypatch.setattr(night, "_records", lambda: list(world.runs(3))[-1:])
    monkeypatch.setattr(night_run.drift, "confirmation", lambda *_: Stage("confirm", "x", ["camrig", "ab"], 1.0))
    night._look_back()
    assert [stage.name for stage in asked_for] == ["confirm"]
    assert asked_for[0].words[-1].startswith(f"--hil-evidence={tmp_path}/evidence-")
    (text,) = [line for line in said if "heap.preflight.added" in line]
    assert words in text
    assert ("unconfirmed" in text) == (code != 1)
    assert (1 in [end.code for end in night._ends]) == (code == 1)
    with opened(tmp_path / FILE) as connection:
        kept = [record.worse for record in comparisons(connection).values()]
    assert kept == {0: [()], 1: [("heap.preflight.added",)], 7: []}[code]


COUNTS = """
from camrig.probe.request_kinds import PAGE, POLICY
from camrig.probe.sampling import PREFLIGHT

def test_bytes(dut, measure):
    dut.policy(**POLICY)
    method, target, headers, body = PAGE.message(PREFLIGHT)
    for _ in range(6):
        measure("heap.preflight.allocated", dut.agent.allocations(method, target, headers, 4).bytes, unit="B")
"""


def test_a_library_that_became_worse_is_confirmed_in_the_same_night(night, bench, tmp_path_factory):
    """Forty even nights, then a library that allocates more: the night compares both by itself."""
    (bench / "tests" / "test_board.py").write_text(COUNTS)
    (bench / "camrig.toml").write_text('[limits]\nheap.preflight.allocated = "+0 B"\n')
    results = bench / "results"
    library = worse_library(tmp_path_factory.mktemp("library") / "lib", PLAIN)
    ended = night("--hil-lib", str(library))
    assert ended.code == 0, ended.out
    (file,) = results.glob("run-*.json")
    tonight = read_run(file)
    started = datetime.datetime.fromisoformat(tonight.started)
    with opened(results / FILE) as connection:
        connection.execute("DELETE FROM runs")
        earlier = (started - datetime.timedelta(days=day) for day in range(40, 0, -1))
        add(connection, [replace(tonight, started=night.isoformat(), exit_code=0) for night in earlier])
    worse = worse_library(tmp_path_factory.mktemp("worse") / "lib", ALLOCATES_64)
    ended = night("--hil-lib", str(worse))
    assert re.search(
        r"^sim: heap\.preflight\.allocated [\d,]+ → [\d,]+ B \(\+\d.*: a step, since .*"
        r"; confirmed by camrig ab: that night's library is worse than the one before$",
        ended.out,
        re.MULTILINE,
    ), ended.out
    assert re.search(r"^sim  confirm  \d+ s  failed", ended.out, re.MULTILINE)
    assert ended.code == 1
    assert ended.left_running() == []


def test_a_night_is_compared_with_the_stored_baseline_of_its_board(run, night, bench):
    (bench / "tests" / "test_board.py").write_text(COUNTS)
    (bench / "camrig.toml").write_text('[limits]\nheap.preflight.allocated = "+0 B"\n')
    saved = run("pytest", "--hil-save", "good", cwd=bench, env={**WIFI, "PYTHONPATH": str(ROOT / "rig")})
    assert saved.code == 0, saved.out
    ended = night()
    assert ended.code in (0, 7), ended.out  # one session may not decide
    assert "sim  compared with the baseline good, its latest\n" in ended.out
    (evidence,) = (bench / "results").glob("evidence-*-sim.zip")
    assert run("camrig", "verdict", str(evidence)).code == ended.code
