"""Whether the rig believes a crash, a restart or a ready line that a client has sent and the application prints.

``python -m benchmarks.forged_signs`` sends the texts of the unit tests through console, headers, paths, bodies and
lengths to an application on a virtual board that prints whatever it gets, and prints how many were believed. Exits 1
if any was.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

from benchmarks.application import ROOT
from benchmarks.trouble import CLEARED
from tests_unit.plugin.test_forged_signs import CASES, FORGED, SUITE, WAYS

SECONDS = 300.0  # after which the run counts as hung


def believed(folder: Path) -> Counter[str]:
    """The number of texts that were believed, by the way in which they came. All, where the run did not end well."""
    (folder / "test_signs.py").write_text(SUITE)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "test_signs.py",
        "-q",
        "-p",
        "no:cacheprovider",
        "--junitxml",
        "report.xml",
    ]
    command += ["--hil-device", "sim", "--hil-app", str(ROOT / "device"), "--hil-lib", str(ROOT / "lib")]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(CLEARED)}
    run = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    cases = ElementTree.parse(folder / "report.xml").findall(".//testcase")
    bad = [case for case in cases if any(case.find(tag) is not None for tag in ("failure", "error", "skipped"))]
    passed = Counter(way for case in cases if case not in bad for way in WAYS if f"[{way}" in case.get("name", ""))
    if run.returncode:
        print(run.stdout + run.stderr, file=sys.stderr)
    return Counter({way: len(texts) - passed[way] for way, texts in WAYS.items()})


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        counts = believed(Path(name))
    print("{:<12}{:>6}{:>10}".format("way", "texts", "believed"))
    for way, number in counts.items():
        print(f"{way:<12}{len(WAYS[way]):>6}{number:>10}")
    print(f"{len(FORGED)} forged texts, {len(CASES)} times: {counts.total()} believed")
    return 1 if counts.total() else 0


if __name__ == "__main__":
    sys.exit(main())
