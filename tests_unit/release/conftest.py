"""A repository that can be released: a library and an application in a commit, and a suite of one check."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from tests_unit.conftest import ROOT

CHECK = """
from camrig.probe.request_kinds import PAGE, POLICY
from camrig.probe.sampling import PREFLIGHT

def test_imports(board, measure):
    measure("heap.import.microdot.cors", board.imports["microdot.cors"], unit="B")

def test_bytes(dut, measure):
    dut.policy(**POLICY)
    method, target, headers, body = PAGE.message(PREFLIGHT)
    for _ in range(6):
        measure("heap.preflight.allocated", dut.agent.allocations(method, target, headers, 4).bytes, unit="B")
"""
LIMITS = '[limits]\nheap.preflight.allocated = "+0 B"\nheap.import.microdot.cors = "+512 B"\n'
GIT = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
NAMES = {f"GIT_{role}_{part}": "bench@example.org" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}


def git(folder, *words):
    subprocess.run(
        ["git", *words], cwd=folder, check=True, capture_output=True, timeout=60, env={**os.environ, **GIT, **NAMES}
    )


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "bench"
    for name in ("lib", "device"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "tests").mkdir()
    (folder / "tests" / "test_board.py").write_text(CHECK)
    (folder / "pytest.ini").write_text("[pytest]\ntestpaths = tests\n")
    (folder / "camrig.toml").write_text(f'lib = "lib"\napp = "device"\n{LIMITS}')
    (folder / ".gitignore").write_text("__pycache__\n.pytest_cache\n")
    git(folder, "init", "-q")
    commit(folder)
    return folder


def commit(folder):
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "All of it")
