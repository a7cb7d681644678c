"""Whether a firmware is released, from record and results alone. Pure: the same files give the same answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from camrig.errors import EXIT_BLOCKED, EXIT_FAILED, EXIT_INCONCLUSIVE
from camrig.gate.comparison import Comparison
from camrig.gate.verdict import GateVerdict, Outcome
from camrig.redaction import one_line
from camrig.release.record import FLASH, NOT_REHEARSED, SOAK, SUITE, ReleaseRecord
from camrig.release_stage import NOT_A_RELEASE
from camrig.report.pictures import is_unwanted, why_synthetic
from camrig.report.run_verdict import WORDS
from camrig.stages.stage import EXIT_INTERRUPTED, worst

RELEASED, REFUSED, BLOCKED, INTERRUPTED = "released", "refused", "blocked", "interrupted"
_WORD = {
    0: RELEASED,
    EXIT_FAILED: REFUSED,
    EXIT_INCONCLUSIVE: REFUSED,
    EXIT_BLOCKED: BLOCKED,
    EXIT_INTERRUPTED: INTERRUPTED,
}
Reason = tuple[int, str]  # the exit code that it means, and a sentence


@dataclass(frozen=True)
class Material:
    """All that is decided from. ``files`` are the SHA-256 read back from the board; what is missing is None."""

    record: ReleaseRecord
    suite: Mapping[str, Any] | None = None
    soak: Mapping[str, Any] | None = None
    comparison: Comparison | None = None
    verdict: GateVerdict | None = None
    files: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Decision:
    """The ``outcome`` in a word, every reason against a release, and the exit code that all of it means."""

    outcome: str
    reasons: tuple[str, ...]
    exit_code: int
    rehearsal: bool

    @property
    def headline(self) -> str:
        """What stands above everything: of a rehearsal, never the word of a release alone."""
        if not self.rehearsal:
            return self.outcome
        return f"{NOT_A_RELEASE} (the outcome would be: {self.outcome})"

    def as_data(self) -> dict[str, Any]:
        return {
            "outcome": self.outcome,
            "headline": self.headline,
            "reasons": list(self.reasons),
            "exit_code": self.exit_code,
        }


def decide(material: Material) -> Decision:
    """Released only if every stage passed, every check ran and passed, and nothing speaks against it."""
    pairs = ((code, one_line(text)) for code, text in _reasons(material))
    reasons = list(dict.fromkeys(pairs))
    code = worst([code for code, _ in reasons])
    if any(reason_code == EXIT_INTERRUPTED for reason_code, _ in reasons):
        code = EXIT_INTERRUPTED
    texts = tuple(text for _, text in sorted(reasons, key=lambda reason: reason[0] != code))
    return Decision(_WORD[code], texts, code, material.record.rehearsal)


def _reasons(material: Material) -> Iterator[Reason]:
    record = material.record
    yield from _of_stages(record)
    yield from _of_firmware(record)
    yield from _of_record(record)
    if material.suite is not None:
        yield from _of_run(material.suite, SUITE, record)
        yield from _of_board(material.suite, SUITE, record)
        yield from _of_selection(material.suite["selection"])
    if material.soak is not None:
        yield from _of_run(material.soak, SOAK, record)
        yield from _of_board(material.soak, SOAK, record)
    yield from _of_material(material)


def _of_stages(record: ReleaseRecord) -> Iterator[Reason]:
    ended = [stage.name for stage in record.stages]
    for stage in record.stages:
        if stage.code != 0:
            code = stage.code if stage.code in _WORD else EXIT_BLOCKED
            word = WORDS.get(stage.code, "blocked")
            yield code, f"{stage.name} {word}" + (f": {stage.words}" if stage.words else "")
    missing = [name for name in record.expected if name not in ended]
    if missing:
        stopped = any(stage.code != 0 for stage in record.stages)
        yield (
            next((s.code for s in record.stages if s.code in _WORD and s.code), EXIT_BLOCKED),
            (f"{', '.join(missing)} did not run" + (", because of that" if stopped else "")),
        )
    if len(set(ended)) < len(ended) or not set(ended) <= set(record.expected):
        yield EXIT_BLOCKED, "the stages are not those of a release"


def _of_firmware(record: ReleaseRecord) -> Iterator[Reason]:
    firmware = record.firmware
    flash = next((stage for stage in record.stages if stage.name == FLASH), None)
    if flash is None or flash.code != 0:
        return
    if record.rehearsal and flash.words == NOT_REHEARSED:
        return
    if not firmware.sha256 or not firmware.read_back:
        yield EXIT_BLOCKED, "the image was not read back from the board, so it is not known what runs"
    elif firmware.read_back != firmware.sha256:
        yield EXIT_BLOCKED, "the board holds another image than the file"


def _of_record(record: ReleaseRecord) -> Iterator[Reason]:
    if record.clock.jumped:
        yield (
            EXIT_BLOCKED,
            f"the clock of this computer jumped by {record.clock.apart:+.1f} s against its monotonic clock, and"
            f" {record.clock.limit:.1f} s are allowed",
        )
    library = record.sources.get("library")
    if library is None or library.commit is None or library.dirty is None:
        yield EXIT_BLOCKED, "the commit of the library is not known"
    for name in ("library", "application"):
        if (source := record.sources.get(name)) is not None and source.dirty:
            yield EXIT_BLOCKED, f"the {name} has changes that are in no commit"


def _of_run(results: Mapping[str, Any], name: str, record: ReleaseRecord) -> Iterator[Reason]:
    counts = Counter(str(test["outcome"]) for test in results["outcomes"])
    for outcome, code in (
        ("failed", EXIT_FAILED),
        ("error", EXIT_FAILED),
        ("blocked", EXIT_BLOCKED),
        ("inconclusive", EXIT_INCONCLUSIVE),
    ):
        if number := counts.pop(outcome, 0):
            yield code, f"{name}: {_checks(number)} {outcome}, first {_first(results, outcome)}"
    passed = counts.pop("passed", 0)
    for outcome, number in sorted(counts.items()):
        first = _first(results, outcome)
        yield (
            EXIT_INCONCLUSIVE,
            f"{name}: {_checks(number)} {outcome}, first {first}; what did not pass does not count",
        )
    if passed == 0:
        yield EXIT_INCONCLUSIVE, f"{name}: no check passed"
    stage = next((stage for stage in record.stages if stage.name == name), None)
    if stage is None or results["exit_code"] != stage.code:
        yield EXIT_BLOCKED, f"the results of the {name} are not those of its stage"
    if results["interrupted"]:
        yield EXIT_INTERRUPTED, f"the {name} was interrupted"
    for cause in results["blocked"]:
        yield EXIT_BLOCKED, f"{name}: {cause.rstrip('.')}"
    if results["rehearsal"] != record.rehearsal:
        yield EXIT_BLOCKED, f"the results of the {name} are not of this release"


def _first(results: Mapping[str, Any], outcome: str) -> str:
    return next(str(test["test"]) for test in results["outcomes"] if test["outcome"] == outcome)


def _checks(number: int) -> str:
    return f"{number} check{'s' * (number != 1)}"


def _of_board(results: Mapping[str, Any], name: str, record: ReleaseRecord) -> Iterator[Reason]:
    if len(results["boards"]) != 1:
        yield EXIT_BLOCKED, f"the {name} ran on {len(results['boards'])} boards, and a release is of one"
        return
    (board,) = results["boards"]
    if board["virtual"] and not record.rehearsal:
        yield EXIT_BLOCKED, f"the {name} ran on a virtual board"
    if not board["virtual"] and record.rehearsal:
        yield EXIT_BLOCKED, f"the {name} of a rehearsal ran on hardware"
    if is_unwanted(board["sensor"]) and not record.rehearsal:
        reason = why_synthetic(board["sensor"]) or "the camera of this board did not answer"
        yield EXIT_BLOCKED, f"{name}: the pictures were synthetic: {reason}"


def _of_selection(selection: Mapping[str, Any]) -> Iterator[Reason]:
    if selection.get("deselected"):
        yield EXIT_INCONCLUSIVE, f"suite: {_checks(selection['deselected'])} deselected"
    elif selection.get("scoped") is not False:
        yield EXIT_INCONCLUSIVE, "suite: only a part of the tests was selected"
    if selection.get("not_run") != 0:
        number = selection.get("not_run")
        yield EXIT_BLOCKED, f"suite: {_checks(number) if type(number) is int else 'checks'} left out"
    if selection.get("stopped"):
        yield EXIT_INCONCLUSIVE, f"suite: it stopped before its last check: {selection['stopped']}"


def _of_material(material: Material) -> Iterator[Reason]:
    record, suite, soak = material.record, material.suite, material.soak
    passed = {stage.name for stage in record.stages if stage.code == 0}
    if SUITE in passed and (suite is None or material.verdict is None or not material.files):
        yield EXIT_BLOCKED, "the suite left no results, no verdict of the gate, or no files read back from the board"
    if SOAK in passed and soak is None:
        yield EXIT_BLOCKED, "the soak left no results"
    verdict = material.verdict
    if verdict is not None and verdict.outcome is not Outcome.PASS:
        beyond = [metric.metric for metric in verdict.metrics if metric.outcome is verdict.outcome]
        yield (
            verdict.exit_code,
            f"gate {verdict.outcome.value}: {', '.join(beyond[:3])}"
            + (f" and {len(beyond) - 3} others" if len(beyond) > 3 else ""),
        )
    if suite is None:
        return
    if (suite["gate"] or {}).get("baseline") != record.baseline:
        yield EXIT_BLOCKED, f"the suite was not compared with the baseline {record.baseline}"
    collected, gates = suite["selection"].get("collected"), verdict.metrics if verdict else ()
    if verdict is not None and len(suite["outcomes"]) != (collected or 0) + len(gates):
        yield EXIT_INCONCLUSIVE, f"suite: {len(suite['outcomes'])} of {(collected or 0) + len(gates)} checks ran"
    yield from _same_board(material, suite)


def _same_board(material: Material, suite: Mapping[str, Any]) -> Iterator[Reason]:
    comparison, soak = material.comparison, material.soak
    boards = [*suite["boards"][:1], *(soak["boards"][:1] if soak else ())]
    same = ("mac", "firmware", "build", "library_sha256", "application_sha256")
    if len({tuple(board[name] for name in same) for board in boards}) > 1:
        yield EXIT_BLOCKED, "suite and soak ran on different boards, firmware, libraries or applications"
    if comparison is None:
        return
    own, reference = comparison.candidate.provenance, comparison.baseline.provenance
    if comparison.anyway or own.mac != reference.mac or own.virtual != reference.virtual:
        yield EXIT_BLOCKED, f"the baseline {material.record.baseline} is of another board"
    if not boards:
        return
    is_own = own.virtual or own.mac == boards[0]["mac"]  # a virtual board has another name in its samples
    if not is_own or own.library_sha256 != boards[0]["library_sha256"]:
        yield EXIT_BLOCKED, "the samples are of another board or library than the results"
