"""Evidence of a run in one file: what was on the board, every raw sample, the console, and the verdict they give."""

from __future__ import annotations

import json
import lzma
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from camrig.errors import BaselineError
from camrig.gate.baseline import Baseline, baseline_text, load_baseline
from camrig.gate.calibration_file import calibration_text, load_calibration
from camrig.gate.comparison import Comparison, read_comparison, terms_text, verdict_text
from camrig.gate.verdict import GateVerdict

SAMPLES, BASELINE, CALIBRATION = "samples.json", "baseline.json", "calibration.json"
TERMS, VERDICT, RUN = "terms.json", "verdict.json", "run.json"
_THEN = "take the evidence anew"
_MOST = 256 << 20  # bytes of one member: ours are far smaller
# All that zipfile raises for bytes that are no archive, or no longer one. A RuntimeError is about a password.
_UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
    NotImplementedError,
    struct.error,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
)
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same content gives the same bytes


@dataclass(frozen=True)
class Evidence:
    """``board``, ``settings`` and ``files`` (path on the board to the SHA-256 read back from it) are plain data."""

    samples: Baseline
    board: Mapping[str, Any]
    settings: Mapping[str, Any]
    files: Mapping[str, str]
    console: str
    comparison: Comparison | None = None
    verdict: GateVerdict | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


def write_evidence(path: Path, found: Evidence) -> None:
    """Write ``path``, in place of an older one. Raises BaselineError when it cannot be written."""
    members = {
        SAMPLES: baseline_text(found.samples),
        "board.json": _plain(found.board),
        "settings.json": _plain(found.settings),
        "files.json": _plain(found.files),
        "console.txt": found.console,
        **{f"{name}.json": _plain(data) for name, data in found.more.items()},
    }
    if found.comparison is not None:
        members[TERMS] = terms_text(found.comparison)
        members[BASELINE] = baseline_text(found.comparison.baseline)
        if found.comparison.calibration is not None:
            members[CALIBRATION] = calibration_text(found.comparison.calibration)
    if found.verdict is not None:
        members[VERDICT] = verdict_text(found.verdict)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            for name, text in sorted(members.items()):
                file.writestr(zipfile.ZipInfo(name, _EPOCH), text.encode(), zipfile.ZIP_DEFLATED)
    except OSError as error:
        raise _unwritable(path, error) from None


def demand_writable(path: Path) -> None:
    """Raises BaselineError when no evidence can be written to ``path``, which stays as it is."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        there = path.exists()
        with path.open("ab"):
            pass
        if not there:
            path.unlink()
    except OSError as error:
        raise _unwritable(path, error) from None


def remove_older(path: Path) -> None:
    """Before anything is measured: no verdict of an earlier run may stand where one that failed wrote none.

    Raises BaselineError when it cannot be removed.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from None


def _unwritable(path: Path, error: OSError) -> BaselineError:
    return BaselineError(f"the evidence {path} cannot be written: {error.strerror}", hint="name another file")


def run_ended(path: Path) -> int:
    """The exit code of the run that wrote ``path``, which also tells of its tests; 0 if it had none.

    Raises BaselineError for a file that cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as file:
            return int(json.loads(file.read(RUN))["exit_code"]) if RUN in file.namelist() else 0
    except (*_UNREADABLE, LookupError, TypeError) as error:
        raise BaselineError(f"the evidence {path} does not tell how its run ended: {error}", hint=_THEN) from None


def recompute(path: Path) -> tuple[Comparison, GateVerdict]:
    """What was judged in ``path``, and the verdict, worked out anew from samples and limits alone.

    Raises BaselineError for a file that is missing or damaged, holds no verdict, or holds another one.
    """
    try:
        with zipfile.ZipFile(path) as file:
            for info in file.infolist():
                if info.file_size > _MOST:
                    raise BaselineError(f"{path} is no evidence: {info.filename} is too large", hint=_THEN)
            if (damaged := file.testzip()) is not None:
                raise BaselineError(f"the evidence {path} is damaged: {damaged}", hint=_THEN)
            names = file.namelist()
            if VERDICT not in names:
                raise BaselineError(
                    f"the evidence {path} holds no verdict", hint="take evidence of a run with --hil-compare"
                )
            stated = file.read(VERDICT)
            root = zipfile.Path(file)
            calibration = load_calibration(root / CALIBRATION) if CALIBRATION in names else None
            comparison = read_comparison(
                root / TERMS, load_baseline(root / SAMPLES), load_baseline(root / BASELINE), calibration
            )
    except FileNotFoundError:
        raise BaselineError(f"there is no evidence {path}") from None
    except _UNREADABLE as error:
        why = str(error) or type(error).__name__
        raise BaselineError(f"the evidence {path} cannot be read: {why}", hint=_THEN) from None
    try:
        verdict = comparison.decide()
        worked_out = verdict_text(verdict).encode()
    except (ValueError, ArithmeticError, LookupError) as error:  # figures that no board ever gave
        raise BaselineError(f"the evidence {path} is damaged: no verdict follows ({error})", hint=_THEN) from None
    if worked_out != stated:
        raise BaselineError(
            f"the verdict in {path} is not the one that its samples give ({verdict.outcome.value})",
            hint="do not trust this file: one of the two was changed",
        )
    return comparison, verdict


def _plain(data: Any) -> str:
    return json.dumps(data, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
