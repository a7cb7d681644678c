"""Runs that xdist spreads over processes: a part of the samples is never judged, and blocked stays blocked."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("option", ["--hil-save", "--hil-compare", "--hil-evidence"])
@pytest.mark.parametrize("many", [("-n", "2"), ("--dist", "load", "--tx", "2*popen")])
def test_what_needs_the_whole_run_is_refused(hil, tmp_path, option, many):
    ended = hil(*many, option, str(tmp_path / "all.zip") if option == "--hil-evidence" else "all")
    assert ended.code == 4
    assert (
        "with -n no process has all samples, so there is no baseline, comparison or evidence. Leave out -n."
        in ended.out
    )
    assert "Traceback" not in ended.out
    assert list(tmp_path.iterdir()) == []


def test_n_0_behaves_as_without_xdist(hil, tmp_path):
    assert hil("-n", "0", "--hil-evidence", str(tmp_path / "all.zip"), "--collect-only").code == 0


def test_a_board_that_is_named_belongs_to_one_process(hil, tmp_path):
    ended = hil("-n", "2", "--device", str(tmp_path))
    assert ended.code == 4
    assert "with -n each process would need the board for itself. Leave out -n." in ended.out


def test_what_blocks_in_a_worker_blocks_the_run_and_is_reported(hil):
    ended = hil("-n", "2", "--hil-require", "hardware")
    assert ended.code == 6
    assert "the rig is blocked" in ended.out
    assert ended.out.count("--hil-require=hardware requires a real one. Name a board with --device.") == 1
