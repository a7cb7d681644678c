"""The page of a release: that of its suite, below what was decided."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from camrig.release.decision import BLOCKED, INTERRUPTED, RELEASED, Decision, Material
from camrig.release.record import NOT_REHEARSED, Source, StageRecord
from camrig.release_stage import NOT_A_RELEASE
from camrig.report.html.page import page
from camrig.report.json_report import RunReport, data_of
from camrig.report.results_file import checked_results
from camrig.report.run_verdict import WORDS
from camrig.whole_file import write_whole

SIGNS = {RELEASED: ("passed", "✓"), BLOCKED: ("blocked", "◇"), INTERRUPTED: ("interrupted", "‖")}
REFUSED_SIGN = ("failed", "✗")


def write_page(path: Path, material: Material, decision: Decision, statement: str, digest: str) -> None:
    """Write the page; ``digest`` is the SHA-256 of the evidence, empty where there is none. Raises OSError."""
    results = material.suite if material.suite is not None else _no_results(material, decision)
    head = release_head(material, decision, statement, digest)
    write_whole(path, page(results, head).encode("utf-8", "backslashreplace"))


def release_head(material: Material, decision: Decision, statement: str, digest: str) -> dict[str, Any]:
    """What stands above the run: the decision, hashes, stages, and the text in words."""
    record = material.record
    css, sign = ("blocked", "◇") if decision.rehearsal else SIGNS.get(decision.outcome, REFUSED_SIGN)
    board = material.suite["boards"][0] if material.suite and material.suite["boards"] else {}
    firmware = record.firmware
    return {
        "css": css,
        "sign": sign,
        "word": NOT_A_RELEASE.capitalize() if decision.rehearsal else decision.outcome.capitalize(),
        "subject": f"release of {firmware.name}" if firmware.name else "release",
        "would_be": decision.outcome if decision.rehearsal else "",
        "reasons": decision.reasons,
        "rows": [
            (name, value)
            for name, value in (
                ("image", " ".join(filter(None, (firmware.name, firmware.sha256 and f"SHA-256 {firmware.sha256}")))),
                ("read back", f"SHA-256 {firmware.read_back}" if firmware.read_back else "not read back"),
                ("library", _hash(board.get("library_sha256", ""))),
                ("application", _hash(board.get("application_sha256", ""))),
                ("evidence", _hash(digest)),
                ("baseline", record.baseline),
                *(
                    (f"commit of the {name}", _commit(source))
                    for name, source in record.sources.items()
                    if source.commit
                ),
                ("tools", ", ".join(f"{name} {number}" for name, number in record.tools.items())),
            )
            if value
        ],
        "stages": [
            (stage.name, f"{stage.seconds:.0f}", _outcome(stage), stage.words.partition(": ")[2] or stage.words)
            for stage in record.stages
        ],
        "parts": _parts(statement),
    }


def _hash(sha256: str) -> str:
    return f"SHA-256 {sha256}" if sha256 else ""


def _commit(source: Source) -> str:
    return f"{source.commit}{', with changes' if source.dirty else ''}"


def _outcome(stage: StageRecord) -> str:
    return "not rehearsed" if stage.words == NOT_REHEARSED else WORDS.get(stage.code, "blocked")


def _parts(statement: str) -> list[tuple[str, list[str]]]:
    """The headings of the text with the points below each; the reasons stand above already."""
    parts = []
    for part in statement.strip().split("\n\n"):
        heading, *points = part.splitlines()
        if points and all(point.startswith("- ") for point in points) and not heading.startswith("Why "):
            parts.append((heading, [point[2:] for point in points]))
    return parts


def _no_results(material: Material, decision: Decision) -> dict[str, Any]:
    """Results in place of those of a suite that did not run."""
    record = material.record
    report = RunReport(
        camrig=record.tools.get("camrig", ""),
        started=record.started,
        seconds=record.clock.seconds,
        exit_code=decision.exit_code,
        tests={},
        blocked=list(decision.reasons),
        boards=[],
        arguments=["camrig", "release"],
        rehearsal=record.rehearsal,
    )
    return checked_results(data_of(report), "results")
