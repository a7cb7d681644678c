"""Evidence of a run in one file: what was on the board, every raw sample, the console, and the verdict they give."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from camrig.errors import BaselineError
from camrig.gate.archive import HINT, check_members, opened, save_members, unwritable
from camrig.gate.baseline import Baseline, baseline_text, load_baseline
from camrig.gate.calibration import calibration_text, load_calibration
from camrig.gate.comparison import Comparison, read_comparison, terms_text, verdict_text
from camrig.gate.json_file import parse_json
from camrig.gate.verdict import GateVerdict
from camrig.redaction import hidden, hide
from camrig.whole_file import demand_place

SAMPLES, BASELINE, CALIBRATION = "samples.json", "baseline.json", "calibration.json"
TERMS, VERDICT, RUN = "terms.json", "verdict.json", "run.json"
_FIGURE = re.compile(r"[-+<>]?\s?\d+(?:[.,]\d+)*\s?%?")  # with its sign


@dataclass(frozen=True)
class Evidence:
    """``board``, ``settings`` and ``files`` (path on the board to the SHA-256 read back from it) are plain data.

    ``extra`` are further members: name to plain data.
    """

    samples: Baseline
    board: Mapping[str, Any]
    settings: Mapping[str, Any]
    files: Mapping[str, str]
    console: str
    comparison: Comparison | None = None
    verdict: GateVerdict | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


def write_evidence(path: Path, evidence: Evidence) -> None:
    """Write ``path``, in place of an older one. Raises BaselineError when it cannot be written."""
    save_members(path, members_of(evidence))


def write_evidence_of_boards(path: Path, boards: Mapping[str, Mapping[str, bytes]], exit_code: int) -> None:
    """Write ``path`` with a folder for each board, whose members are those that the evidence of one board has.

    Raises BaselineError when it cannot be written.
    """
    folders = {board: quote(board, safe="") for board in boards}
    members = {f"{folders[board]}/{name}": data for board, own in boards.items() for name, data in own.items()}
    run = _json({"exit_code": exit_code, "boards": folders}, names=True)
    save_members(path, {**members, RUN: run.encode()})


def members_of(evidence: Evidence) -> dict[str, bytes]:
    """The members of the archive that ``evidence`` is kept in, by name."""
    members = {
        SAMPLES: baseline_text(evidence.samples),
        "board.json": _json(evidence.board),
        "settings.json": _json(evidence.settings),
        "files.json": _json(evidence.files),
        "console.txt": hide(evidence.console),
        **{f"{name}.json": _json(data, names=True) for name, data in evidence.extra.items()},
    }
    if evidence.comparison is not None:
        members[TERMS] = terms_text(evidence.comparison)
        members[BASELINE] = baseline_text(evidence.comparison.baseline)
        if evidence.comparison.calibration is not None:
            members[CALIBRATION] = calibration_text(evidence.comparison.calibration)
    if evidence.verdict is not None:
        members[VERDICT] = verdict_text(evidence.verdict)
    return {name: text.encode() for name, text in members.items()}


def demand_writable(path: Path) -> None:
    """Raises BaselineError when no evidence can be written to ``path``, which stays as it is."""
    try:
        demand_place(path)
    except OSError as error:
        raise unwritable(path, error) from None


def remove_older(path: Path) -> None:
    """Remove the evidence of an earlier run before anything is measured: a run that fails may write none.

    Raises BaselineError when it cannot be removed.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(path, error) from None


def run_ended(path: Path) -> int:
    """The exit code of the run that wrote ``path``, which covers its tests too; 0 if no run is part of it.

    Raises BaselineError for a file that cannot be read.
    """
    with opened(path) as archive:
        if RUN not in archive.namelist():
            return 0
        try:
            exit_code = parse_json(archive.read(RUN))["exit_code"]
            if type(exit_code) is int and 0 <= exit_code <= 255:
                return exit_code
            reason = "its exit code is not one"
        except (ValueError, LookupError, TypeError) as error:
            reason = str(error)
        raise BaselineError(f"the evidence {path} does not say how its run ended: {reason}", hint=HINT)


def boards_of(path: Path) -> dict[str, str]:
    """The folder of each board in the evidence ``path``; empty for the evidence of one board, which needs none.

    Raises BaselineError for a file that cannot be read.
    """
    with opened(path) as archive:
        try:
            boards = parse_json(archive.read(RUN)).get("boards", {})
            return {str(board): str(folder) for board, folder in boards.items()}
        except (KeyError, ValueError, AttributeError):
            return {}  # whatever is damaged, its digest says so


def recompute(path: Path, folder: str = "") -> tuple[Comparison, GateVerdict]:
    """What was judged in ``path``, and the verdict, computed again from samples and limits alone; of several boards
    that of the one in ``folder``.

    Raises BaselineError for a file that is missing or damaged, holds no verdict, or holds a different one.
    """
    with opened(path) as archive:
        comparison, stated = _read(path, _part(archive, folder) if folder else archive)
        try:
            verdict = comparison.decide()
            same = _same_verdict(stated, verdict)
        except (ValueError, ArithmeticError, LookupError) as error:  # figures that no board could report
            raise BaselineError(f"the evidence {path} is damaged: no verdict follows ({error})", hint=HINT) from None
        if not same:
            raise BaselineError(
                f"the verdict in {path} is not the one that its samples give ({verdict.outcome.value})",
                hint="do not trust this file: samples or verdict were changed",
            )
        check_members(path, archive)
    return comparison, verdict


def _part(archive: zipfile.ZipFile, folder: str) -> zipfile.ZipFile:
    """An archive of the members in ``folder`` alone."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as part:
        for name in archive.namelist():
            if name.startswith(f"{folder}/"):
                part.writestr(name.removeprefix(f"{folder}/"), archive.read(name))
    part = zipfile.ZipFile(content)
    part.filename = archive.filename  # for messages
    return part


def _read(path: Path, archive: zipfile.ZipFile) -> tuple[Comparison, bytes]:
    """The comparison in ``archive``, and its verdict file. Raises BaselineError."""
    names = archive.namelist()
    if VERDICT not in names:
        raise BaselineError(
            f"the evidence {path} holds no verdict", hint="record evidence of a run with --hil-compare"
        )
    root = zipfile.Path(archive)
    calibration = load_calibration(root / CALIBRATION) if CALIBRATION in names else None
    comparison = read_comparison(
        root / TERMS, load_baseline(root / SAMPLES, measured=False), load_baseline(root / BASELINE), calibration
    )
    return comparison, archive.read(VERDICT)


def _same_verdict(stated: bytes, verdict: GateVerdict) -> bool:
    """Whether ``stated`` is the file of ``verdict``.

    The words of a reason may be those of another release; its figures, and every other byte, must be the same.
    """
    computed = verdict_text(verdict).encode()
    try:
        reasons = [metric["reason"] for metric in parse_json(stated)["metrics"]]
        metrics = tuple(
            replace(metric, reason=reason) if _FIGURE.findall(reason) == _FIGURE.findall(metric.reason) else metric
            for metric, reason in zip(verdict.metrics, reasons, strict=True)
        )
        return stated in (computed, verdict_text(replace(verdict, metrics=metrics)).encode())
    except (ValueError, LookupError, TypeError):
        return False


def _json(data: Any, *, names: bool = False) -> str:
    return json.dumps(hidden(data, names=names), indent=1, ensure_ascii=False, sort_keys=True) + "\n"
