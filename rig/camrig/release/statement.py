"""What a release proves and what it does not, in words. Pure: the same files give the same figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from camrig.gate.verdict import Outcome
from camrig.redaction import one_line
from camrig.release.decision import RELEASED, Decision, Material
from camrig.release.record import NOT_REHEARSED, SOAK
from camrig.release_stage import NOT_A_RELEASE
from camrig.report.pictures import why_synthetic
from camrig.settings.duration import in_words

NAMED = 6  # metrics that a sentence names


def statement(material: Material, decision: Decision) -> str:
    """The text: the decision, its reasons, what was shown, and what nobody looked at."""
    record = material.record
    lines = [f"{decision.headline[0].upper()}{decision.headline[1:]}", ""]
    lines.append(f"Firmware {record.firmware.name or '(none)'} on {_board(material)}, started {record.started}.")
    if decision.reasons:
        lines += ["", "Why it is not released", *(f"- {reason}." for reason in decision.reasons)]
    shown = [*proves(material)]
    if decision.outcome != RELEASED:
        heading = "What was shown all the same"
    else:
        heading = "What a pass like this proves" if decision.rehearsal else "What this pass proves"
    lines += ["", heading, *(f"- {text}" for text in shown or ["Nothing."])]
    lines += ["", "What it does not prove", *(f"- {text}" for text in does_not_prove(material))]
    if decision.rehearsal:
        lines += ["", f"{NOT_A_RELEASE.capitalize()}."]
    # A board or a file may say anything; it neither adds a line nor commands a terminal.
    return "".join(f"{one_line(line)}\n" for line in lines)


def _board(material: Material) -> str:
    if not material.suite or not material.suite["boards"]:
        return material.record.board
    board = material.suite["boards"][0]
    return f"{board['machine']}, {board['mac']}"


def proves(material: Material) -> Iterator[str]:
    """A sentence for each thing that was shown."""
    record, suite = material.record, material.suite
    firmware = record.firmware
    if firmware.read_back and firmware.read_back == firmware.sha256:
        yield f"The board's flash holds the image, SHA-256 {firmware.sha256}: its digests were read back."
    if suite and suite["boards"]:
        board = suite["boards"][0]
        yield f"The firmware says of itself: {board['firmware']}, {board['build']}."
        commit = _commit(material, "library")
        yield f"The library on it has the SHA-256 {board['library_sha256']}, read back; {commit}."
        yield f"The application on it has the SHA-256 {board['application_sha256']}{_files(material)}."
        yield from _of_checks(material, suite)
    yield from _of_gate(material)
    if material.soak and (soak := material.soak)["exit_code"] == 0:
        yield f"In a soak of {in_words(record.soak_seconds)}: {soak['correct'].rstrip('.')}."
    if not record.clock.jumped:
        yield (
            f"Over {in_words(record.clock.seconds)} the clock of this computer kept within {record.clock.limit:.1f} s"
            f" of its monotonic clock (at most {abs(record.clock.apart):.1f} s apart)."
        )


def _commit(material: Material, name: str) -> str:
    source = material.record.sources.get(name)
    if source is None or source.commit is None:
        return "its commit is not known"
    return f"commit {source.commit}" + (" with changes" if source.dirty else ", without changes")


def _files(material: Material) -> str:
    return f"; {len(material.files)} files were read back" if material.files else ""


def _of_checks(material: Material, suite: Mapping[str, Any]) -> Iterator[str]:
    metrics = len(material.verdict.metrics) if material.verdict else 0
    outcomes = [test["outcome"] for test in suite["outcomes"]]
    checks = len(outcomes) - metrics
    if set(outcomes) == {"passed"}:
        yield f"All {checks} checks of the suite ran and passed; none was skipped or deselected."


def _of_gate(material: Material) -> Iterator[str]:
    verdict, comparison = material.verdict, material.comparison
    if verdict is None or comparison is None:
        return
    passed = [metric for metric in verdict.metrics if metric.outcome is Outcome.PASS]
    if passed:
        taken, firmware = comparison.baseline.provenance.taken, comparison.baseline.provenance.firmware
        yield (
            f"{len(passed)} of {len(verdict.metrics)} metrics with a limit are within it, against the baseline"
            f" {material.record.baseline} of {taken} (firmware {firmware}): "
            + ", ".join(f"{metric.metric} {metric.limit}" for metric in passed)
            + "."
        )
        if verdict.holds:
            yield (
                f"The chance that a firmware beyond a limit passes is at most {verdict.false_pass:.3g},"
                " if the board behaves as it did in its sessions."
            )


def does_not_prove(material: Material) -> Iterator[str]:
    """A sentence for each thing that somebody might believe was looked at."""
    record, suite, comparison = material.record, material.suite, material.comparison
    flash = next((stage for stage in record.stages if stage.words == NOT_REHEARSED), None)
    if flash is not None:
        yield "That the image can be flashed: nothing was flashed."
    elif not record.firmware.read_back:
        yield "That the image is what runs: it was not read back."
    if suite and any(board["virtual"] for board in suite["boards"]):
        yield "Anything of hardware: the board was a virtual one."
    for board in suite["boards"] if suite else ():
        if board["sensor"] and board["sensor"]["synthetic"]:
            reason = why_synthetic(board["sensor"])
            yield "Anything of the camera: its pictures were synthetic" + (f" ({reason})." if reason else ".")
    yield "Other boards: one board was looked at, with its own flash, radio and power supply."
    yield from _radio(suite)
    if comparison is not None and suite and suite["boards"]:
        free = [metric["name"] for metric in suite["boards"][0]["metrics"] if metric["name"] not in comparison.limits]
        if free:
            rest = f" and {len(free) - NAMED} others" if len(free) > NAMED else ""
            yield f"That what has no limit is as good as before: {', '.join(free[:NAMED])}{rest}."
        yield "Changes that are smaller than the limits."
    if not any(stage.name == SOAK for stage in record.stages):
        yield "What shows only after hours: no soak was run."
    else:
        yield f"What shows only after more than {in_words(record.soak_seconds)}."
    yield "What a browser makes of the answers: none was asked."
    rig = record.sources.get("rig")
    if rig is not None and rig.dirty:
        yield "What the rig of its commit would say: camrig itself had changes."
    yield "Flash outside of the image and of the files of library and application, such as NVS."
    if not record.signed:
        yield "Who released it: the evidence was not to be signed."


def _radio(suite: Mapping[str, Any] | None) -> Iterator[str]:
    radio = (suite["boards"][0]["radio"] or {}) if suite and suite["boards"] else {}
    known = [f"{name} {radio[name]}" for name in ("channel", "rssi") if radio.get(name) is not None]
    yield (
        "Other networks: one access point"
        + (f" ({', '.join(known)} dBm)" if radio.get("rssi") is not None else "")
        + "."
    )
