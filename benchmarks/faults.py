"""How the rig handles each fault: noticed after, rung that recovered the board, usable again, verdict.

``python benchmarks/faults.py [FAULT ...]`` prints the table and exits 1 if a run hung, a board stayed unusable, or a
fault of the rig was reported as a failing library. Each fault is injected into a fresh virtual board, in a short run
of the suite through ``pytest --device``. Times are orders of magnitude.

A second table, alone with ``--trouble WORDS``, is that of ``benchmarks/trouble.py``: each trouble of rig and radio at
each moment of the suite, of ``--hil-compare`` and of ``camrig ab``, with a clean library.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from camrig.errors import EXIT_BLOCKED, CamrigError  # noqa: E402
from camrig.virtual.board import VirtualBoard, VirtualConfig  # noqa: E402
from camrig.virtual.faults import UNTIL_CLEARED, parse  # noqa: E402

from benchmarks.trouble import SITUATIONS, outcome_of, prepare, reason_of  # noqa: E402

SUITE = ("tests_hil/test_policy_at_run_time.py", "tests_hil/test_errors_keep_cors.py")
LIMIT = 90.0  # seconds after which a run counts as hung
BOOT_TIMEOUT = "8"

# In a run, identify and deploy are programs; the first requests prove readiness, the tests come after them.
FAULTS = (
    "baud@115200",
    "garble@0.002",
    "lose@0.002",
    "flood@5000",
    "port-lost@request*4",
    "port-lost@2@exec*4",
    "reset@exec*4",
    "guru@request*4",
    "brownout@request*4",
    "task-wdt@request*4",
    "int-wdt@request*4",
    "guru@boot*all+0.1",
    "silent",
    "silent@request*4",
    "boot-loader",
    "ignore-ctrl-c@ready",
    "power-cut@20000",
    "flash-full",
    "heap-exhausted",
    "enobufs@2@request*3",
    "server-hang",
    "wifi-refused",
    "wifi-slow@3",
    "wifi-lost@request*4",
    "wifi-lost@2@request*4",
)
BAD_VERDICTS = ("FAILED", "ERROR", "BLOCKED")
# Faults that crash the board or its application under a test may fail that test. All others are the rig's.
MAY_FAIL = ("guru", "task-wdt", "int-wdt", "heap-exhausted", "enobufs", "server-hang")


@dataclass
class FaultRun:
    """One run: its exit code (None: it hung), its results, and when it first reported a test that did not pass."""

    code: int | None
    noticed_at: float | None = None
    results: dict[str, Any] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        if self.code is None:
            return f"HUNG for {LIMIT:.0f} s"
        counts = ", ".join(
            f"{number} {outcome}" for outcome, number in self.results.get("tests", {}).items() if number
        )
        blocked = self.results.get("blocked") or [""]
        return f"exit {self.code}: {counts or 'no results'}" + (f": {blocked[0]}" if blocked[0] else "")

    @property
    def rung(self) -> str:
        """The last rung in the results that recovered the board, and its seconds."""
        steps = self.results.get("recovery", [])
        for board in self.results.get("boards", []):
            steps = steps + board.get("recovery", [])
        worked = [step for step in steps if step.get("ok")]
        if not steps:
            return "none"
        if not worked:
            return f"{len(steps)} failed"
        return f"{worked[-1].get('rung', '?')} {worked[-1].get('seconds', 0):.1f} s"


def run(board: VirtualBoard) -> FaultRun:
    """The suite on ``board``; killed when it hangs."""
    with tempfile.TemporaryDirectory() as results:
        command = [sys.executable, "-u", "-m", "pytest", *SUITE, "-v", "-p", "no:cacheprovider"]
        command += ["--device", board.path, "--hil-results", results, "--hil-boot-timeout", BOOT_TIMEOUT]
        environment = {
            k: v for k, v in os.environ.items() if not k.startswith(("CAMRIG_", "ESP", "MICROPY_", "PYTEST_"))
        }
        config = VirtualConfig()
        environment |= {"CAMRIG_WIFI_SSID": config.wifi_ssid, "CAMRIG_WIFI_PASSWORD": config.wifi_password}
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        hung = threading.Event()

        def kill() -> None:
            hung.set()
            os.killpg(process.pid, signal.SIGKILL)

        timer = threading.Timer(LIMIT, kill)
        timer.start()
        noticed = None
        assert process.stdout is not None
        for line in process.stdout:
            if noticed is None and "::" in line and any(word in line for word in BAD_VERDICTS):
                noticed = time.monotonic()
        code = process.wait()
        timer.cancel()
        reports = [json.loads(path.read_text()) for path in sorted(Path(results).glob("*.json"))]
        return FaultRun(None if hung.is_set() else code, noticed, reports[-1] if reports else {})


def usable_again(board: VirtualBoard, fault: str) -> str:
    """What it takes until a run passes on the board: nothing, the fault cleared, a power cycle; or NO."""
    lasting = parse(fault).kind.lasts == UNTIL_CLEARED or "*all" in fault
    if lasting:
        board.clear()
    if run(board).code == 0:
        return "cleared" if lasting else "yes"
    board.power_cycle()
    return "power cycle" if run(board).code == 0 else "NO"


def row(fault: str) -> tuple[list[str], bool]:
    """The table's row for ``fault``, and whether the rig handled it well."""
    with VirtualBoard.start(VirtualConfig(faults=(fault,))) as board:
        result = run(board)
        strikes = board.struck()
        if not strikes:
            noticed = "did not strike"
        elif result.noticed_at is None:
            noticed = "not needed"
        else:
            noticed = f"{result.noticed_at - strikes[0].at:.1f} s"
        usable = usable_again(board, fault)
    name = parse(fault).name
    correct = result.code in (0, EXIT_BLOCKED) or (result.code == 1 and name in MAY_FAIL)
    good = correct and usable != "NO" and bool(strikes)
    return [fault, noticed, result.rung, usable, result.verdict], good


def show_faults(faults: Sequence[str]) -> list[str]:
    """Print the table of single faults; returns those that were not handled well."""
    form = "{:<24}{:<16}{:<22}{:<14}{}"
    for fault in faults:
        parse(fault)
    bad = []
    print(form.format("fault", "noticed after", "rung", "usable again", "verdict"), flush=True)
    for fault in faults:
        cells, good = row(fault)
        print(form.format(*cells), flush=True)
        if not good:
            bad.append(fault)
    return bad


def show_trouble(words: str) -> list[str]:
    """Print the table of trouble with a clean library, as far as its names contain ``words``; returns what is bad."""
    form = "{:<58}{:<6}{:<9}{}"
    bad = []
    print("\n" + form.format("trouble with a clean library", "exit", "seconds", "sentence"), flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        for situation in SITUATIONS:
            if words not in str(situation):
                continue
            ending = outcome_of(situation, folder)
            code = "killed" if ending.code is None else ending.code
            sentence = ending.mistakes.upper() or reason_of(ending.output) or "-"
            print(form.format(str(situation), code, f"{ending.seconds:.0f}", sentence), flush=True)
            if ending.mistakes:
                bad.append(str(situation))
    return bad


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("faults", nargs="*", metavar="FAULT", help="only these (default: all of the list)")
    options.add_argument("--trouble", metavar="WORDS", help="only the trouble whose name contains these words")
    arguments = options.parse_args()
    bad = []
    try:
        if arguments.trouble is None:
            bad += show_faults(arguments.faults or FAULTS)
        if not arguments.faults:
            bad += show_trouble(arguments.trouble or "")
    except CamrigError as error:
        print(f"benchmark: {error}", file=sys.stderr)
        return error.exit_code
    print("all handled well" if not bad else f"not handled well: {', '.join(bad)}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
