"""Reading a file of results: checked against the schema, and brought to the present one where it is older."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from camrig.errors import ResultsError
from camrig.gate.json_file import parse_json
from camrig.report.answers import correctness
from camrig.report.json_report import EMPTY_OF_BOARD, EMPTY_OF_TEST, SCHEMA
from camrig.report.results_schema import fault_of
from camrig.report.run_verdict import run_verdict
from camrig.whole_file import read_whole

MOST_BYTES = 128 << 20
OLDEST = 2
INTERRUPTED = 2  # pytest's exit code
_HINT = "name a file run-….json that a run wrote into its folder of results"


def read_results(path: Path) -> dict[str, Any]:
    """The results in ``path`` with the fields of the present schema; every test has all of its fields.

    Raises ResultsError for a file that is missing, damaged, of a newer camrig, or not of results at all.
    """
    try:
        data = parse_json(read_whole(path, MOST_BYTES))
    except FileNotFoundError:
        raise ResultsError(f"there is no file {path}", hint=_HINT) from None
    except OSError as error:
        raise ResultsError(f"{path} cannot be read: {error.strerror}", hint=_HINT) from None
    except ValueError as error:
        raise ResultsError(f"{path} is not a file of results: it is not JSON ({error})", hint=_HINT) from None
    return checked_results(data, str(path))


def checked_results(data: Any, name: str) -> dict[str, Any]:
    """``data``, which came from ``name``, as results of the present schema. Raises ResultsError."""
    version = data.get("schema") if isinstance(data, dict) and "boards" in data else None
    if not isinstance(version, int) or isinstance(version, bool):
        raise ResultsError(f"{name} is not a file of results", hint=_HINT)
    if version > SCHEMA:
        raise ResultsError(
            f"{name} has schema {version}, and this camrig reads {OLDEST} to {SCHEMA}",
            hint="read it with the camrig that wrote it, or a newer one",
        )
    if version < OLDEST:
        raise ResultsError(
            f"{name} has schema {version}, and this camrig reads {OLDEST} to {SCHEMA}", hint="run the tests again"
        )
    if version == OLDEST:
        data = _from_2(data)
    if fault := fault_of(data):
        raise ResultsError(f"{name} is damaged: {fault}", hint="run the tests again")
    data.setdefault("rehearsal", False)
    data["boards"] = [{**EMPTY_OF_BOARD, **board} for board in data["boards"]]
    data["outcomes"] = [{**EMPTY_OF_TEST, **test} for test in data["outcomes"]]
    return dict(data)


def _from_2(old: dict[str, Any]) -> dict[str, Any]:
    """Results of schema 2 as those of schema 3, which say of what was not kept that it is not known."""
    data = {
        "interrupted": old.get("exit_code") == INTERRUPTED,
        "arguments": [],
        "host": {},
        "repository": None,
        "selection": {},
        "limits": {},
        "gate": None,
        "outcomes": [],
        "rehearsal": False,
        **old,
        "schema": SCHEMA,
    }
    tests, blocked, boards, exit_code = (data.get(name) for name in ("tests", "blocked", "boards", "exit_code"))
    if not (
        isinstance(tests, dict)
        and isinstance(blocked, list)
        and isinstance(boards, list)
        and isinstance(exit_code, int)
    ):
        return data  # the check says so
    numbers = {name: count for name, count in tests.items() if isinstance(count, int)}
    data["correct"] = correctness(numbers) if numbers else ""
    data["verdict"] = run_verdict(exit_code, data["correct"], [*map(str, blocked)], {}, None)
    data["boards"] = [_board_from_2(board, data["correct"]) for board in boards]
    return data


def _board_from_2(old: Any, correct: str) -> Any:
    if not isinstance(old, dict):
        return old
    answers = {"correct": correct, "cost": "", "leak": ""}
    return {
        "chip": str(old.get("machine", "")).rsplit(" with ", 1)[-1],
        "flash_bytes": 0,
        "application": "",
        "application_source": "",
        "application_sha256": "",
        "radio": None,
        "sensor": None,
        "answers": answers,
        "timeline": [],
        "console": None,
        **old,
    }
