"""Runs on the virtual board against a baseline: passed, regressed in the right metric, inconclusive, refused."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
from camrig.cli.main import main

from benchmarks.worse import LEAKS_OBJECTS, slower, worse_library
from tests_unit.compare.conftest import PASSWORD

RELATIVE, ALLOCATED, LEAK = "latency.preflight.relative", "heap.preflight.allocated", "heap.leak_slope"


VIRTUAL = re.compile(r"^camrig virtual board .*, MicroPython .*\[VIRTUAL BOARD: no figure of hardware\]$", re.M)


def answers(out: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z_.]+): (pass|regressed|inconclusive|blocked): ", out, re.MULTILINE))


def test_same_library_passes_and_its_evidence_gives_the_same_verdict(costs, baseline, tmp_path, capsys):
    evidence, junit = tmp_path / "evidence.zip", tmp_path / "junit.xml"
    ended = costs("--hil-compare", baseline, "--hil-evidence", str(evidence), "--junitxml", str(junit))
    assert ended.code == 0, ended.out
    assert answers(ended.out) == {RELATIVE: "pass", ALLOCATED: "pass", LEAK: "pass"}
    assert VIRTUAL.search(ended.out[ended.out.index("gate against good") :])
    assert "compared all the same" not in ended.out
    for case in ElementTree.parse(junit).iter("testcase"):
        properties = {element.get("name"): element.get("value") for element in case.iter("property")}
        assert (properties["virtual"], properties["firmware"][:11]) == ("true", "MicroPython")
        assert properties["board"]
    cases = [(case.get("classname"), case.get("name")) for case in ElementTree.parse(junit).iter("testcase")]
    assert cases[2:] == [("gate", RELATIVE), ("gate", ALLOCATED), ("gate", LEAK)]

    with zipfile.ZipFile(evidence) as file:
        members = {name: file.read(name) for name in file.namelist()}
    assert not [name for name, data in members.items() if PASSWORD.encode() in data]
    files = json.loads(members["files.json"])
    samples = json.loads(members["samples.json"])
    secret = json.dumps({"port": 8080, "wifi": {"password": PASSWORD, "ssid": "lab"}}, sort_keys=True).encode()
    assert not {"/camrig.json", "/camrig_rig.json", hashlib.sha256(secret).hexdigest()} & {*files, *files.values()}
    library = json.loads(members["board.json"])["library"]
    assert files["/lib/microdot/cors.mpy"] == samples["sessions"][0]["origin"]["library_sha256"] == library["sha256"]
    assert library["file"] == "/lib/microdot/cors.mpy"
    assert hashlib.sha256(Path(library["source"]).read_bytes()).hexdigest() == library["source_sha256"]
    assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in files.values())
    assert b"camrig: serving" in members["console.txt"]
    assert main(["verdict", str(evidence)]) == 0
    shown = capsys.readouterr().out
    assert "the one that its samples and limits give; every member has its digest" in shown
    assert VIRTUAL.search(shown)

    samples["sessions"][0]["metrics"][ALLOCATED]["batches"][0]["values"][0] += 64
    members["samples.json"] = json.dumps(samples).encode()
    with zipfile.ZipFile(evidence, "w") as file:
        for name, data in members.items():
            file.writestr(name, data)
    assert main(["verdict", str(evidence)]) == 4


def test_a_leak_regresses_bytes_and_slope(costs, baseline, tmp_path):
    leaking = worse_library(tmp_path / "leaking", LEAKS_OBJECTS)
    ended = costs("--hil-compare", baseline, "--hil-lib", str(leaking))
    assert ended.code == 1
    assert answers(ended.out) == {RELATIVE: "pass", ALLOCATED: "regressed", LEAK: "regressed"}
    assert f"regressed: {LEAK}: " in ended.out


def test_a_slower_library_regresses_only_in_time(costs, baseline, tmp_path):
    slow = worse_library(tmp_path / "slow", slower(1500))
    ended = costs("--hil-compare", baseline, "--hil-lib", str(slow))
    assert ended.code == 1
    verdicts = answers(ended.out)
    assert (verdicts[RELATIVE], verdicts[LEAK]) == ("regressed", "pass")
    assert "blocked" not in verdicts.values()


def test_a_run_that_measures_nothing_is_blocked(costs, baseline):
    ended = costs("--hil-compare", baseline, "-k", "no_such_test")
    assert ended.code == 6
    assert "nothing was measured" in ended.out


def test_no_option_deselects_the_gate_or_runs_it_before_tests(run, bench_folder, baseline, tmp_path):
    """``tmp_path`` holds pytest's cache, which remembers a failure."""
    broken = bench_folder / "test_fails.py"
    common = ("--rootdir", str(bench_folder), "-c", str(bench_folder / "pytest.ini"), "-o", f"cache_dir={tmp_path}")
    gate = ("--hil-compare", baseline, "--hil-baselines", str(bench_folder / "baselines"), "--collect-only", "-q")
    try:
        broken.write_text("def test_it():\n    assert False\n")
        assert run("pytest", str(broken), *common).code == 1
        for option in ("--lf", "--ff", "--nf", "--sw", "--deselect=gate"):
            ended = run("pytest", str(bench_folder), *common, *gate, option)
            assert ended.code == 0, ended.out
            items = [line for line in ended.out.splitlines() if "::" in line]
            assert items[-3:] == [f"gate::{RELATIVE}", f"gate::{ALLOCATED}", f"gate::{LEAK}"], option
            assert any("test_fails" in line for line in items[:-3])
    finally:
        broken.unlink()


def test_a_baseline_of_another_board_or_of_other_preflights_is_refused(costs, baseline, bench_folder):
    data = json.loads((bench_folder / "baselines" / f"{baseline}.json").read_text())
    for session in data["sessions"]:
        del session["origin"]["settings"]["preflight"]  # as a file from before browsers' preflights were measured
    (bench_folder / "baselines" / "earlier.json").write_text(json.dumps(data))
    ended = costs("--hil-compare", "earlier", "--hil-sim-heap", "3M", "-k", "bytes")
    assert ended.code == 4
    assert "different preflight requests: those of Chromium 156 and with 4 headers;" in ended.out
    assert "different settings of sim_heap: 3M and 4M. Save a baseline" in ended.out
    assert "compare all the same with --hil-compare-anyway." in ended.out
    assert answers(ended.out) == {}


def test_an_unmeasured_metric_is_blocked_also_with_compare_anyway(costs, baseline, tmp_path):
    junit = tmp_path / "junit.xml"
    anyway = ("--hil-sim-heap", "3M", "--hil-compare-anyway")
    ended = costs("--hil-compare", baseline, "-k", "bytes", *anyway, "--junitxml", str(junit))
    assert ended.code == 6
    assert "compared all the same: different settings of sim_heap: 3M and 4M\n" in ended.out
    assert answers(ended.out) == {RELATIVE: "blocked", ALLOCATED: "pass", LEAK: "pass"}
    suite = next(ElementTree.parse(junit).iter("testsuite"))
    assert (suite.get("failures"), suite.get("errors")) == ("0", "1")


def test_unwritable_evidence_is_an_error_before_any_board_is_touched(costs, bench_folder):
    ended = costs("--hil-evidence", str(bench_folder / "test_costs.py" / "evidence.zip"))
    assert ended.code == 4
    assert "connect" not in ended.out
    assert re.search(r"the evidence .* cannot be written: .*\. Name another file\.", ended.out)


@pytest.mark.parametrize("name", ["never-saved", "../escape"])
def test_a_missing_baseline_is_an_error_before_any_board_is_touched(costs, name):
    ended = costs("--hil-compare", name)
    assert ended.code == 4
    assert "connect" not in ended.out
    assert "there is no baseline" in ended.out or "is not a name" in ended.out


def test_a_limit_on_a_metric_that_the_baseline_lacks_is_an_error(costs, baseline, bench_folder):
    config = bench_folder / "camrig.toml"
    before = config.read_text()
    try:
        config.write_text(before + 'heap.free = "-512 B"\n')
        ended = costs("--hil-compare", baseline)
    finally:
        config.write_text(before)
    assert ended.code == 4
    assert "heap.free has a limit, but the baseline good holds no samples of it" in ended.out


def test_too_few_batches_are_inconclusive(costs, baseline, bench_folder, tmp_path):
    path = bench_folder / "baselines" / "good.json"
    data = json.loads(path.read_text())
    del data["sessions"][1:]
    metrics = data["sessions"][0]["metrics"]
    metrics[RELATIVE]["batches"] = metrics[RELATIVE]["batches"][:1]
    (bench_folder / "baselines" / "short.json").write_text(json.dumps(data))
    junit = tmp_path / "junit.xml"
    ended = costs("--hil-compare", "short", "--junitxml", str(junit))
    assert ended.code == 7
    assert answers(ended.out)[RELATIVE] == "inconclusive"
    assert "too few batches to bound it" in ended.out
    assert "1 inconclusive" in ended.out
    (error,) = ElementTree.parse(junit).iter("error")
    assert error.get("message", "").startswith("inconclusive: ")


def test_fewer_than_three_sessions_decide_counts_but_no_times(costs, baseline, bench_folder):
    path = bench_folder / "baselines" / "good.json"
    data = json.loads(path.read_text())
    del data["sessions"][2]
    (bench_folder / "baselines" / "young.json").write_text(json.dumps(data))
    ended = costs("--hil-compare", "young")
    assert ended.code == 7
    assert answers(ended.out) == {RELATIVE: "inconclusive", ALLOCATED: "pass", LEAK: "pass"}
    assert "the baseline holds 2 sessions, and how far days differ takes 3 of them" in ended.out
    looks = json.loads((bench_folder / "baselines" / "looks" / "young.json").read_text())["used"]
    assert list(looks.values()) == [1]


@pytest.mark.parametrize("option", ["--hil-save", "--hil-compare"])
def test_a_baseline_of_schema_1_is_refused_before_any_board_is_touched(costs, bench_folder, option):
    path = bench_folder / "baselines" / "old.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"kind": "baseline", "schema": 1, "origin": {}, "metrics": {}}))
    ended = costs(option, "old")
    assert ended.code == 4
    assert "connect" not in ended.out
    assert "is from before sessions were kept (schema 1). Remove it, and save one with --hil-save." in ended.out


def test_a_session_of_another_library_is_not_added(costs, baseline, bench_folder, tmp_path):
    before = (bench_folder / "baselines" / "good.json").read_bytes()
    slow = worse_library(tmp_path / "slow", slower(1))
    ended = costs("--hil-save", baseline, "--hil-lib", str(slow), "-k", "bytes")
    assert ended.code == 4
    assert "this run may not be added to the baseline good: its library is " in ended.out
    assert (bench_folder / "baselines" / "good.json").read_bytes() == before


def test_a_run_that_fails_saves_nothing(costs, bench_folder, tmp_path):
    ended = costs("--hil-save", "bad", "--hil-require", "hardware")
    assert ended.code == 6
    assert "not saved" in ended.out
    assert not (bench_folder / "baselines" / "bad.json").exists()
