"""Trouble of the rig and the radio, and the moments of a run at which it comes: a table of situations.

The library is the repository's own. Whatever the trouble, no test fails and nothing is called regressed: a run ends
with 0, 6 or 7, in time, with a sentence that says what happened.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from camrig.errors import EXIT_BLOCKED, EXIT_INCONCLUSIVE
from camrig.virtual.board import VirtualBoard, VirtualConfig

from benchmarks.application import ROOT, WIFI

LIMIT = 300.0  # seconds after which a run counts as hung
MARK = "CAMRIG_TEST_MARK"
CLEARED = ("CAMRIG_", "ESP", "MICROPY_", "PYTEST_")  # variables of whoever runs this
COSTS_LIMITS = """
[limits]
latency.preflight.relative = "+25%"
heap.preflight.allocated = "+0 B"
"""
COSTS_SUITE = """
from statistics import median
from camrig.probe.preflight import preflight_headers
from camrig.probe.sampling import PREFLIGHT, WITHOUT_CORS, RequestUnderTest, Sampler
PAGE = "https://panel.example"

def test_bytes(dut, measure):
    dut.policy(allowed_origins=[PAGE])
    for _ in range(12):
        burst = dut.agent.allocations("OPTIONS", "/api/status", preflight_headers(PAGE, "GET"), 4)
        measure("heap.preflight.allocated", burst.bytes, unit="B")

def test_time(dut, measure):
    dut.policy(allowed_origins=[PAGE])
    sampler = Sampler(dut.request, RequestUnderTest(PAGE))
    sampler.warm_up(20)
    for batch in sampler.batches(16, 8):
        bare = median(phases.on_board for phases in batch.phases(WITHOUT_CORS))
        shares = [phases.on_board / bare for phases in batch.phases(PREFLIGHT)]
        measure("latency.preflight.relative", shares, unit="x")
"""

# Names of the trouble, and the virtual board's fault. Those of the first part last until they are cleared.
KINDS = {
    "lost packets, 1 of 100": "net-lose@0.01",
    "lost packets, 1 of 20": "net-lose@0.05",
    "late answers": "net-delay@60",
    "jitter": "net-jitter@60",
    "a radio that sleeps": "net-jitter@300",
    "no answer, 1 of 100": "net-drop@0.01",
    "no answer, 1 of 20": "net-drop@0.05",
    "connections reset, 1 of 100": "net-reset@0.01",
    "connections reset, 1 of 20": "net-reset@0.05",
    "a port that is closed for 3 s": "port-closed@3",
    "an access point gone for 5 s": "wifi-lost@5",
    "an access point gone for good": "wifi-lost",
    "another address": "new-address",
    "a weak signal": "weak-signal@93",
    "power that fails": "power-fail",
    "a brownout": "brownout",
    "a cable pulled for 2 s": "port-lost@2",
    "a cable pulled for good": "port-lost",
    "noise on the serial line": "garble@0.002",
    "bytes lost on the serial line": "lose@0.002",
    "a slow serial line": "baud@57600",
    "a flooded console": "flood@5000",
    "a full flash": "flash-full",
}
SUITE = "tests_hil/test_policy_at_run_time.py"
LOAD = "tests_hil/test_clients_at_once_are_served.py"
COSTS = "tests_hil/test_preflight_costs.py"
GOOD_CODES = (0, EXIT_BLOCKED, EXIT_INCONCLUSIVE)


@dataclass(frozen=True)
class Moment:
    """When trouble comes, as the virtual board words it, in a run of pytest on ``tests``, or of ``camrig ab``."""

    name: str
    event: str
    tests: str = SUITE
    ab: bool = False
    compared: bool = False


MOMENTS = (
    Moment("deploy", "exec*4"),
    Moment("bring-up", "boot*2"),
    Moment("functional tests", "request*20"),
    Moment("load", "request*60", LOAD),
    Moment("measurement", "request*100", COSTS),
    Moment("comparison", "request*100", compared=True),
    Moment("ab, bytes and leaks", "request*150", ab=True),
    Moment("ab, timed batches", "request*3300", ab=True),
)


@dataclass(frozen=True)
class Situation:
    """One trouble at one moment."""

    trouble: str
    moment: Moment

    @property
    def fault(self) -> str:
        return f"{KINDS[self.trouble]}@{self.moment.event}"

    def __str__(self) -> str:
        return f"{self.trouble} during {self.moment.name}"

    def arguments(self, device: str, results: Path, ab_folder: Path) -> list[str]:
        """The command line after ``python -m``. ``ab_folder`` has the limits and the baseline of what is compared."""
        common = ["--hil-results", str(results), "--hil-boot-timeout", "8", "--device", device]
        if self.moment.ab:
            return ["camrig", "ab", "--candidate", "lib", "--baseline", "lib", "--seconds", "10", *common]
        tests = [str(ab_folder / "test_costs.py")] if self.moment.compared else [self.moment.tests]
        compare = ["--hil-compare", "good", "--hil-baselines", str(ab_folder)] if self.moment.compared else []
        return ["pytest", *tests, "-p", "no:cacheprovider", *compare, *common]


SITUATIONS = [Situation(trouble, moment) for moment in MOMENTS for trouble in KINDS]


def reason_of(output: str) -> str:
    """The sentence in which a run said what went wrong; empty if it said nothing."""
    lines = [line for line in output.splitlines() if line]
    for number, line in enumerate(lines[:-1]):
        if "= the rig is blocked =" in line:
            return lines[number + 1]
    for line in lines:
        if line.startswith("camrig: ") and line.endswith((".", "?")):  # the board's own lines are not sentences
            return line
    words = ("lost exchanges: ", " requests lost, ", "recovery: ")
    return next((line for word in words for line in lines if word in line), "")


def mistakes_in(code: int | None, output: str) -> str:
    """What is wrong with how a run ended; ``code`` is None if it had to be killed."""
    if code is None:
        return "hung"
    if code not in GOOD_CODES:
        return f"exit code {code}"
    if "regressed" in output:
        return "regressed"
    if code == EXIT_BLOCKED and not reason_of(output):
        return "no reason"
    return "Traceback (most recent call last)" if "INTERNALERROR" in output else ""


@dataclass(frozen=True)
class Ending:
    """How a run ended: its exit code (None: it had to be killed), what it printed, and what it left running."""

    code: int | None
    output: str
    seconds: float
    left_running: list[str]
    struck: bool

    @property
    def mistakes(self) -> str:
        """What the rig did wrong; empty if nothing."""
        return mistakes_in(self.code, self.output) or ("left something running" if self.left_running else "")


def outcome_of(situation: Situation, folder: Path) -> Ending:
    """Run the situation's command on a fresh virtual board with its trouble."""
    config = VirtualConfig(wifi_ssid=WIFI.ssid, wifi_password=WIFI.password)
    mark = uuid.uuid4().hex
    with VirtualBoard.start(config) as board, tempfile.TemporaryDirectory() as results:
        board.fault(situation.fault)
        environment = {k: v for k, v in os.environ.items() if not k.startswith(CLEARED)}
        environment |= {"CAMRIG_WIFI_SSID": WIFI.ssid, "CAMRIG_WIFI_PASSWORD": WIFI.password, MARK: mark}
        start = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", *situation.arguments(board.path, Path(results), folder)],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            output, code = process.communicate(timeout=LIMIT)[0], process.returncode
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, code = process.communicate()[0], None
        struck = bool(board.struck())
        return Ending(code, output, time.monotonic() - start, running(mark), struck)


def running(mark: str) -> list[str]:
    """The commands whose environment bears ``mark`` (Linux; elsewhere none can be seen)."""
    names = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"{MARK}={mark}".encode() in (folder / "environ").read_bytes():
                names.append((folder / "cmdline").read_text().replace("\0", " "))
    return [name for name in names if name]


def prepare(folder: Path) -> None:
    """Put the short suite of a comparison, its limits and its baseline into ``folder``."""
    (folder / "test_costs.py").write_text(COSTS_SUITE)
    (folder / "camrig.toml").write_text(COSTS_LIMITS)
    (folder / "pytest.ini").write_text("[pytest]\n")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(CLEARED)}
    for _ in range(3):  # sessions
        command = ["pytest", str(folder / "test_costs.py"), "-p", "no:cacheprovider", "--hil-save", "good"]
        options = ["--hil-baselines", str(folder), "--hil-results", str(folder / "results")]
        subprocess.run(
            [sys.executable, "-m", *command, *options], cwd=ROOT, env=environment, check=True, capture_output=True
        )
