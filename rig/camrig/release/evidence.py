"""The evidence of a release: that of its suite, the results of its stages, its record, and its text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from camrig.errors import BaselineError, ResultsError
from camrig.gate.archive import load_members, opened, save_members
from camrig.gate.evidence import VERDICT, recompute
from camrig.gate.json_file import Fields, parse_json
from camrig.release.decision import Decision, Material, decide
from camrig.release.record import ReleaseRecord, read_record, record_text
from camrig.release.statement import statement
from camrig.report.results_file import checked_results

RECORD, STATEMENT, SUITE_RESULTS, SOAK_RESULTS = "release.json", "release.txt", "suite.json", "soak.json"
_UNTRUSTED = "do not trust this file"
_FIGURE = re.compile(r"[0-9a-f]{12,}|[-+<>]?\d+(?:[.,]\d+)*")


def has_verdict(path: Path) -> bool:
    """Whether the evidence ``path`` has a verdict of the gate. Raises BaselineError for one that is damaged."""
    with opened(path) as archive:
        return VERDICT in archive.namelist()


def is_release(path: Path) -> bool:
    """Whether ``path`` says that it is the evidence of a release. Raises BaselineError for one that is damaged."""
    with opened(path) as archive:
        return RECORD in archive.namelist()


def is_rehearsal(path: Path) -> bool:
    """Whether ``path`` is the evidence of a rehearsal, which is of no release. Raises BaselineError."""
    if not is_release(path):
        return False
    return read_record(load_members(path)[RECORD], str(path))[0].rehearsal


def material_of(record: ReleaseRecord, members: Mapping[str, bytes], path: Path) -> Material:
    """What a release is decided from: ``record`` and the other ``members`` of ``path``. Raises BaselineError."""
    comparison, verdict = recompute(path)
    return Material(
        record,
        suite=_results(members, SUITE_RESULTS, path),
        soak=_results(members, SOAK_RESULTS, path) if SOAK_RESULTS in members else None,
        comparison=comparison,
        verdict=verdict,
        files={str(name): str(value) for name, value in _files(members, path).items()},
    )


def write_release(
    path: Path, suite: Path, record: ReleaseRecord, results: Mapping[str, bytes]
) -> tuple[Material, Decision]:
    """Write ``path`` from the evidence ``suite`` and ``results``; what was decided. Raises BaselineError."""
    members = {**load_members(suite), **results}
    material = material_of(record, members, suite)
    decision = decide(material)
    members[RECORD] = record_text(record, decision.as_data()).encode()
    members[STATEMENT] = statement(material, decision).encode()
    save_members(path, members)
    return material, decision


def recompute_release(path: Path) -> tuple[Material, Decision]:
    """The decision of ``path``, computed again. Raises BaselineError if that is not what the file says."""
    members = load_members(path)
    record, stated = read_record(members[RECORD], str(path))
    material = material_of(record, members, path)
    try:
        decision = decide(material)
        text = statement(material, decision)
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise BaselineError(
            f"the evidence {path} is damaged: no decision follows ({error})", hint=_UNTRUSTED
        ) from None
    if (stated.get("outcome"), stated.get("exit_code")) != (decision.outcome, decision.exit_code):
        raise BaselineError(
            f"the decision in {path} is not the one that its results give ({decision.headline})", hint=_UNTRUSTED
        )
    kept = members.get(STATEMENT, b"").decode("utf-8", "replace")
    if kept.partition("\n")[0] != text.partition("\n")[0] or _FIGURE.findall(kept) != _FIGURE.findall(text):
        raise BaselineError(f"the text of {path} is not the one that its results give", hint=_UNTRUSTED)
    return material, decision


def _results(members: Mapping[str, bytes], name: str, path: Path) -> dict[str, Any]:
    try:
        return checked_results(parse_json(members[name]), f"{name} in {path}")
    except KeyError:
        reason = f"{name} is missing"
    except (ValueError, ResultsError) as error:
        reason = str(error).rstrip(".")
    raise BaselineError(f"the evidence {path} is damaged: {reason}", hint=_UNTRUSTED)


def _files(members: Mapping[str, bytes], path: Path) -> Mapping[str, Any]:
    try:
        data = parse_json(members.get("files.json", b""))
    except ValueError:
        data = None
    return Fields({"files": data}, f"the evidence {path}", _UNTRUSTED).scalars("files")
