"""Damaged or changed evidence is reported in one sentence, never as a traceback or a pass."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace

import pytest
from camrig.cli.main import main
from camrig.errors import BaselineError, SettingsError
from camrig.gate.archive import save_members
from camrig.gate.baseline import Baseline, load_baseline
from camrig.gate.calibration import Calibration
from camrig.gate.comparison import Comparison
from camrig.gate.evidence import Evidence, demand_writable, recompute, write_evidence
from camrig.gate.limits import parse_limits
from camrig.gate.samples import MetricKind, Samples
from camrig.gate.sequential_plan import one_look
from camrig.measure.batch import SampleBatch
from camrig.report.baseline_table import render_baseline
from camrig.report.gate_table import render_verdict
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests_unit.gate.test_json_files import PROVENANCE
from tests_unit.test_whole_file import special_file

LIMITS = {"latency.total": "+10%", "heap.allocated": "+0 B"}


def quiet_run():
    """Samples of a quiet board."""
    timed = tuple(SampleBatch(tuple(5 + (n * k % 7) / 100 for k in range(1, 6)), (3.0, 3.1, 3.2)) for n in range(14))
    counted = tuple(SampleBatch((64.0, 64.0)) for _ in range(12))
    return Baseline(
        PROVENANCE,
        {
            "latency.total": Samples("ms", MetricKind.TIMED, timed),
            "heap.allocated": Samples("B", MetricKind.COUNTED, counted),
        },
    )


def quiet_baseline():
    """Three sessions of it."""
    return replace(quiet_run(), earlier=(quiet_run(), quiet_run()))


@pytest.fixture
def evidence(tmp_path):
    comparison = Comparison(quiet_run(), quiet_baseline(), parse_limits(LIMITS), one_look())
    path = tmp_path / "evidence.zip"
    write_evidence(
        path, Evidence(comparison.candidate, {}, {}, {}, "a console\n" * 99, comparison, comparison.decide())
    )
    recompute(path)
    return path


def rewrite(path, name, change):
    with zipfile.ZipFile(path) as archive:
        members = {member: archive.read(member) for member in archive.namelist()}
    data = json.loads(members[name])
    change(data)
    members[name] = (json.dumps(data, indent=1, ensure_ascii=False) + "\n").encode()
    if name == "verdict.json":  # as a camrig of other words would have written it
        members.pop("digests.json")
        save_members(path, members)
        return
    with zipfile.ZipFile(path, "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)


@pytest.mark.parametrize(("run", "code"), [({"exit_code": 0}, 0), ({"exit_code": 1}, 1), ({}, 4), ([], 4), ("x", 4)])
def test_failed_tests_of_a_run_outweigh_its_verdict(tmp_path, capsys, run, code):
    comparison = Comparison(quiet_run(), quiet_baseline(), parse_limits(LIMITS), one_look())
    path = tmp_path / "evidence.zip"
    write_evidence(
        path, Evidence(comparison.candidate, {}, {}, {}, "", comparison, comparison.decide(), {"run": run})
    )
    assert main(["verdict", str(path)]) == code
    output = capsys.readouterr()
    assert ("gate: pass" in output.out) == (code < 4)
    assert ("exit code 1" in output.out) == (code == 1)
    assert ("does not say how its run ended" in output.err) == (code == 4)


def test_a_run_that_measured_nothing_leaves_evidence_of_that(tmp_path, capsys):
    why = dict.fromkeys(parse_limits(LIMITS), "no test of this run measured it")
    nothing = replace(quiet_run(), metrics={})
    comparison = Comparison(nothing, quiet_baseline(), parse_limits(LIMITS), one_look(), blocked=why)
    path = tmp_path / "evidence.zip"
    write_evidence(
        path, Evidence(nothing, {}, {}, {}, "", comparison, comparison.decide(), {"run": {"exit_code": 1}})
    )
    assert main(["verdict", str(path)]) == 1
    output = capsys.readouterr()
    assert "no test of this run measured it" in output.out
    assert not output.err


def test_any_damaged_byte_or_cut_raises_a_baseline_error(evidence):
    content = evidence.read_bytes()
    refused = 0
    for offset in range(0, len(content), 11):
        flipped = content[:offset] + bytes([content[offset] ^ 0x5A]) + content[offset + 1 :]
        for damaged in (flipped, content[:offset]):
            evidence.write_bytes(damaged)
            try:
                recompute(evidence)
            except BaselineError:
                refused += 1
    assert refused > len(content) / 11


def test_a_figure_that_no_board_could_report_is_damage(evidence, capsys):
    def change(data):
        batches = data["sessions"][0]["metrics"]["latency.total"]["batches"]
        for number, batch in enumerate(batches):
            batch["values"] = [1.7e308 * (-1) ** number] * 5

    rewrite(evidence, "samples.json", change)
    assert main(["verdict", str(evidence)]) == 4
    output = capsys.readouterr()
    assert output.err.startswith(f"camrig: the evidence {evidence} is damaged: no verdict follows")
    assert output.err.count("\n") == 1
    assert output.out == ""


def reword(metric):
    """The same reason in the words of another release."""
    metric["reason"] = metric["reason"].replace("is within", "does not exceed")


@pytest.mark.parametrize(
    ("change", "trusted"),
    [
        (reword, True),
        (lambda metric: metric.update(reason=metric["reason"] + " 9"), False),
        (lambda metric: metric.update(reason=None), False),
        (lambda metric: metric.pop("reason"), False),
        (lambda metric: metric.update(outcome="regressed"), False),
        (lambda metric: metric.update(floor=0.5), False),
    ],
)
def test_a_changed_verdict_is_refused_unless_only_words_differ(evidence, change, trusted):
    rewrite(evidence, "verdict.json", lambda data: change(data["metrics"][0]))
    if trusted:
        assert "is within" in recompute(evidence)[1].metrics[0].reason
        return
    with pytest.raises(BaselineError, match="not the one that its samples give"):
        recompute(evidence)


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b'{"metrics": []}', b"[" * 100_000])
def test_a_verdict_file_of_another_form_is_refused(evidence, content):
    with zipfile.ZipFile(evidence) as archive:
        members = {member: archive.read(member) for member in archive.namelist()}
    with zipfile.ZipFile(evidence, "w") as archive:
        for member, original in members.items():
            archive.writestr(member, content if member == "verdict.json" else original)
    with pytest.raises(BaselineError, match="not the one that its samples give"):
        recompute(evidence)


def test_a_cut_file_and_a_file_of_another_kind_are_reported(evidence, capsys):
    evidence.write_bytes(evidence.read_bytes()[:400])
    assert main(["verdict", str(evidence)]) == 4
    evidence.write_text("not an archive")
    assert main(["verdict", str(evidence)]) == 4
    assert main(["verdict", str(evidence.parent)]) == 4
    assert main(["verdict", str(evidence.parent / "none.zip")]) == 4
    assert [line.startswith("camrig: ") for line in capsys.readouterr().err.splitlines()] == [True] * 4


def test_a_comparison_of_different_boards_is_shown_as_such():
    older = Baseline(replace(PROVENANCE, firmware="1.21.0", virtual=False), quiet_run().metrics)
    comparison = Comparison(quiet_run(), older, parse_limits(LIMITS), one_look(), anyway=True)
    assert comparison.differences == ("different firmware: 1.26.0 and 1.21.0",)
    lines = render_verdict(comparison, comparison.decide(), 100, verbose=True).splitlines()
    assert lines[0] == f"{PROVENANCE.machine}, {PROVENANCE.firmware}, {PROVENANCE.mac}"
    assert lines[1] == "compared all the same: different firmware: 1.26.0 and 1.21.0"


def test_what_is_compared_on_purpose_and_all_sessions_are_in_the_evidence(tmp_path):
    newer = replace(PROVENANCE, firmware="1.99.0", settings={**PROVENANCE.settings, "app.x": 1})
    candidate = replace(quiet_baseline(), provenance=newer)
    comparison = Comparison(
        candidate, quiet_baseline(), parse_limits(LIMITS), one_look(), compared=("firmware", "app.x")
    )
    path = tmp_path / "evidence.zip"
    write_evidence(path, Evidence(candidate, {}, {}, {}, "", comparison, comparison.decide()))
    read, verdict = recompute(path)
    assert read.subjects == ("different firmware: 1.99.0 and 1.26.0", "different settings of app.x: 1 and unset")
    assert verdict.metrics[0].candidate.batches == 3 * 14
    assert f"compared: {read.subjects[0]}\n" in render_verdict(read, verdict, 120, False)
    for compared, reason in ((["app.x"], "different firmware"), ([1], "more than texts")):
        rewrite(path, "terms.json", lambda data, compared=compared: data.update(compared=compared))
        with pytest.raises(BaselineError, match=reason):
            recompute(path)


def test_a_calibration_of_another_board_is_refused_in_any_comparison():
    calibration = Calibration(replace(PROVENANCE, mac="24:6f:28:00:00:02"), {})
    comparison = Comparison(
        quiet_run(), quiet_run(), parse_limits(LIMITS), one_look(), anyway=True, calibration=calibration
    )
    with pytest.raises(BaselineError, match="the calibration of this bench: different boards") as raised:
        comparison.decide()
    assert "camrig calibrate" in raised.value.hint


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("run.json", lambda data: data.update(exit_code=0)),
        ("samples.json", lambda data: data["sessions"][0]["origin"].update(taken="another day")),
        ("baseline.json", lambda data: data["sessions"][0]["origin"].update(rssi=-90)),
        ("digests.json", lambda data: data.pop("run.json")),
        ("files.json", lambda data: data.update({"/main.py": "00"})),
    ],
)
def test_evidence_of_which_a_part_was_changed_gives_no_verdict(tmp_path, capsys, name, change):
    comparison = Comparison(quiet_run(), quiet_baseline(), parse_limits(LIMITS), one_look())
    path = tmp_path / "evidence.zip"
    extra = {"run": {"exit_code": 1}}
    write_evidence(path, Evidence(comparison.candidate, {}, {}, {}, "", comparison, comparison.decide(), extra))
    rewrite(path, name, change)
    assert main(["verdict", str(path)]) == 4
    output = capsys.readouterr()
    assert output.out == ""
    assert "not those that were written" in output.err


def zipped(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def members_of(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@given(data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_member_is_added_removed_changed_or_swapped_unseen(evidence, data):
    """Whatever is done to the members, short of computing the digests again."""
    original = evidence.read_bytes()
    members = members_of(evidence)
    name = data.draw(st.sampled_from(sorted(members)))
    match data.draw(st.sampled_from(["add", "remove", "change", "rename", "swap"])):
        case "add":
            members[data.draw(st.from_regex(r"[a-z]{1,8}\.(json|txt)", fullmatch=True)) + "_"] = b"{}"
        case "remove":
            del members[name]
        case "change":
            place = data.draw(st.integers(0, len(members[name]) - 1))
            byte = bytes([members[name][place] ^ data.draw(st.integers(1, 255))])
            members[name] = members[name][:place] + byte + members[name][place + 1 :]
        case "rename":
            members[f"x{name}"] = members.pop(name)
        case "swap":
            second = data.draw(st.sampled_from(sorted(set(members) - {name})))
            members[name], members[second] = members[second], members[name]
    if members == members_of(evidence):
        return  # two members of one content
    zipped(evidence, members)
    try:
        with pytest.raises((BaselineError, SettingsError)):
            recompute(evidence)
    finally:
        evidence.write_bytes(original)


def test_what_became_of_which_member_is_named(evidence, capsys):
    original = members_of(evidence)
    for members, words in (
        ({**original, "more.txt": b""}, "(more.txt was added)"),
        ({name: content for name, content in original.items() if name != "console.txt"}, "(console.txt was removed)"),
        ({**original, "console.txt": b"calm"}, "(console.txt was changed)"),
        ({name: content for name, content in original.items() if name != "digests.json"}, "holds no digests"),
    ):
        zipped(evidence, members)
        assert main(["verdict", str(evidence)]) == 4
        assert words in capsys.readouterr().err


@pytest.mark.parametrize("change", [lambda data: data + b"x", lambda data: b"#!/bin/sh\n" + data])
def test_bytes_outside_of_the_members_are_damage(evidence, change):
    evidence.write_bytes(change(evidence.read_bytes()))
    with pytest.raises(BaselineError, match="damaged"):
        recompute(evidence)


def test_a_comment_of_the_archive_is_damage(evidence):
    with zipfile.ZipFile(evidence, "a") as archive:
        archive.comment = b"released"
    with pytest.raises(BaselineError, match="bytes of no member"):
        recompute(evidence)


@pytest.mark.parametrize("kind", ["folder", "fifo", "device", "link to a device", "huge", "loop"])
def test_what_is_not_a_regular_file_is_neither_evidence_nor_a_baseline(tmp_path, capsys, kind):
    path = special_file(tmp_path, kind)
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "name.json").symlink_to(path)
    assert main(["verdict", str(path)]) == 4
    assert main(["baseline", "show", "name", "--hil-baselines", str(kept)]) == 4
    lines = capsys.readouterr().err.splitlines()
    assert [line.startswith("camrig: ") for line in lines] == [True, True]


@pytest.mark.parametrize("kind", ["folder", "fifo", "device"])
def test_evidence_does_not_replace_what_is_not_a_file(tmp_path, kind):
    with pytest.raises(BaselineError, match="cannot be written"):
        demand_writable(special_file(tmp_path, kind))


def test_what_is_packed_into_evidence_is_of_a_sane_size(tmp_path):
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("verdict.json", "w") as member:
        for _ in range(40):
            member.write(bytes(1 << 20))
    with pytest.raises(BaselineError, match="too large"):
        recompute(path)


def test_no_text_of_a_file_acts_on_a_terminal(evidence):
    def change(data):
        data["sessions"][0]["origin"]["machine"] = "\x1b[2J[/bold]"

    rewrite(evidence, "samples.json", change)
    with zipfile.ZipFile(evidence) as archive:
        samples = load_baseline(zipfile.Path(archive) / "samples.json")
    assert "\x1b" not in render_baseline("name", samples)
