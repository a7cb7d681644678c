"""``make clean`` deletes what a command can make again, and keeps what took hours on a board."""

from __future__ import annotations

import shutil

from .conftest import ROOT, run

MADE = (".venv/bin/python", "build/lib/x", "dist/x.whl", ".mypy_cache/x", "results/run.json", "results/a/x")
KEPT = ("Makefile", "results/baselines/v1.json", "results/baselines/calibration.ab.json", "rig/camrig/errors.py")


def test_make_clean_keeps_baselines_and_calibrations(tmp_path):
    for name in (*MADE, *KEPT, "rig/camrig/__pycache__/errors.pyc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    shutil.copy(ROOT / "Makefile", tmp_path)
    for _ in range(2):
        ended = run(["make", "clean"], tmp_path)
        assert ended.returncode == 0, ended.stdout
        assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == set(KEPT)
    assert not (tmp_path / "rig" / "camrig" / "__pycache__").exists()


def test_make_clean_passes_in_a_fresh_clone(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    assert run(["make", "clean"], tmp_path).returncode == 0
