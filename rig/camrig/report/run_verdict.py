"""How a run ended, in one word and one sentence. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from camrig.errors import EXIT_BLOCKED, EXIT_FAILED, EXIT_INCONCLUSIVE
from camrig.report.board_endings import BLOCKED, FAILED, INCONCLUSIVE, INTERRUPTED, PASSED, board_sentence

WORDS = {
    0: "passed",
    EXIT_FAILED: "failed",
    2: "interrupted",
    5: "no tests",
    EXIT_BLOCKED: "blocked",
    EXIT_INCONCLUSIVE: "inconclusive",
}
ERROR = "error"
OUTCOMES = (*WORDS.values(), ERROR)


def ending_of(exit_code: int) -> str:
    """How a run with this exit code ended, in one of the words that boards have."""
    word = WORDS.get(exit_code, BLOCKED)
    return word if word in (PASSED, FAILED, INCONCLUSIVE, INTERRUPTED) else BLOCKED


def run_verdict(
    exit_code: int,
    correct: str,
    blocked: Sequence[str],
    selection: Mapping[str, Any],
    gate: Mapping[str, Any] | None,
    endings: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The ``outcome``, and the ``sentence`` that gives its reason; ``correct`` is what the tests say.

    ``endings`` are those of the boards, of which it names the ones that failed or did not run.
    """
    outcome = WORDS.get(exit_code, ERROR)
    reasons = [blocked[0].rstrip(".")] if outcome == "blocked" and blocked else [correct.rstrip(".")]
    answers = (gate or {}).get("verdict") or {}
    beyond = [metric["metric"] for metric in answers.get("metrics", ()) if metric["outcome"] != "pass"]
    if beyond and outcome in ("failed", "inconclusive"):
        others = f" and {len(beyond) - 1} others" if len(beyond) > 1 else ""
        reasons.append(f"{beyond[0]}{others} did not pass the gate")
    reasons.append(board_sentence(endings or {}))
    scope = ", scoped to a part of the tests" if selection.get("scoped") else ""
    sentence = ". ".join(filter(None, [f"{outcome.capitalize()}{scope}", *reasons]))
    return {"outcome": outcome, "sentence": f"{sentence}."}
