"""Evidence that was damaged or changed is told in one sentence, and never a traceback or a pass."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace

import pytest
from camrig.cli.main import main
from camrig.errors import BaselineError
from camrig.gate.baseline import Baseline
from camrig.gate.calibration_file import Calibration
from camrig.gate.comparison import Comparison
from camrig.gate.evidence import Evidence, recompute, write_evidence
from camrig.gate.limits import parse_limits
from camrig.gate.samples import Batch, Kind, Samples
from camrig.gate.sequential_plan import single
from camrig.report.gate_table import render_verdict

from tests_unit.gate.test_json_files import PROVENANCE

LIMITS = {"latency.total": "+10%", "heap.allocated": "+0 B"}


def a_run():
    """Samples of a quiet board."""
    timed = tuple(Batch(tuple(5 + (n * k % 7) / 100 for k in range(1, 6)), (3.0, 3.1, 3.2)) for n in range(14))
    counted = tuple(Batch((64.0, 64.0)) for _ in range(12))
    return Baseline(
        PROVENANCE,
        {
            "latency.total": Samples("ms", Kind.TIMED, timed),
            "heap.allocated": Samples("B", Kind.COUNTED, counted),
        },
    )


@pytest.fixture
def evidence(tmp_path):
    comparison = Comparison(a_run(), a_run(), parse_limits(LIMITS), single())
    path = tmp_path / "evidence.zip"
    write_evidence(
        path, Evidence(comparison.candidate, {}, {}, {}, "a console\n" * 99, comparison, comparison.decide())
    )
    recompute(path)
    return path


def rewrite(path, name, change):
    with zipfile.ZipFile(path) as file:
        members = {one: file.read(one) for one in file.namelist()}
    data = json.loads(members[name])
    change(data)
    members[name] = json.dumps(data).encode()
    with zipfile.ZipFile(path, "w") as file:
        for one, content in members.items():
            file.writestr(one, content)


@pytest.mark.parametrize(("run", "code"), [({"exit_code": 0}, 0), ({"exit_code": 1}, 1), ({}, 4), ([], 4), ("x", 4)])
def test_a_run_whose_tests_did_not_pass_has_no_verdict_that_outweighs_it(tmp_path, capsys, run, code):
    comparison = Comparison(a_run(), a_run(), parse_limits(LIMITS), single())
    path = tmp_path / "evidence.zip"
    found = Evidence(comparison.candidate, {}, {}, {}, "", comparison, comparison.decide(), {"run": run})
    write_evidence(path, found)
    assert main(["verdict", str(path)]) == code
    said = capsys.readouterr()
    assert ("gate: pass" in said.out) == (code < 4)
    assert ("exit code 1" in said.out) == (code == 1)
    assert ("does not tell how its run ended" in said.err) == (code == 4)


def test_no_damaged_byte_and_no_cut_raises_anything_else(evidence):
    whole = evidence.read_bytes()
    refused = 0
    for place in range(0, len(whole), 11):
        for damaged in (whole[:place] + bytes([whole[place] ^ 0x5A]) + whole[place + 1 :], whole[:place]):
            evidence.write_bytes(damaged)
            try:
                recompute(evidence)
            except BaselineError:
                refused += 1
    assert refused > len(whole) / 11


def test_a_figure_that_no_board_gives_is_named_as_damage(evidence, capsys):
    def change(data):
        batches = data["metrics"]["latency.total"]["batches"]
        for number, batch in enumerate(batches):
            batch["values"] = [1.7e308 * (-1) ** number] * 5

    rewrite(evidence, "samples.json", change)
    assert main(["verdict", str(evidence)]) == 4
    told = capsys.readouterr()
    assert told.err.startswith(f"camrig: the evidence {evidence} is damaged: no verdict follows")
    assert told.err.count("\n") == 1
    assert told.out == ""


def test_half_a_file_and_something_else_are_named(evidence, capsys):
    evidence.write_bytes(evidence.read_bytes()[:400])
    assert main(["verdict", str(evidence)]) == 4
    evidence.write_text("no archive")
    assert main(["verdict", str(evidence)]) == 4
    assert main(["verdict", str(evidence.parent)]) == 4
    assert main(["verdict", str(evidence.parent / "none.zip")]) == 4
    assert [line.startswith("camrig: ") for line in capsys.readouterr().err.splitlines()] == [True] * 4


def test_a_comparison_of_unlike_boards_is_told_and_its_calibration_is_still_of_this_one():
    other = replace(PROVENANCE, firmware="1.21.0", virtual=False)
    comparison = Comparison(a_run(), Baseline(other, a_run().metrics), parse_limits(LIMITS), single(), anyway=True)
    assert comparison.differences == ("different firmware: 1.26.0 and 1.21.0",)
    shown = render_verdict(comparison, comparison.decide(), 100).splitlines()
    assert shown[0] == f"{PROVENANCE.machine}, {PROVENANCE.firmware}, {PROVENANCE.mac}"
    assert shown[1] == "compared all the same: different firmware: 1.26.0 and 1.21.0"
    foreign = replace(comparison, calibration=Calibration(replace(PROVENANCE, mac="24:6f:28:00:00:02"), {}))
    with pytest.raises(BaselineError, match="the calibration of this bench: different boards") as raised:
        foreign.decide()
    assert "camrig calibrate" in raised.value.hint
