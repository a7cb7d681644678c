"""How a run of several boards ended for each of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

PASSED, FAILED, BLOCKED, INCONCLUSIVE, INTERRUPTED = "passed", "failed", "blocked", "inconclusive", "interrupted"
_BLAMED = {"failed", "error"}
_WORDS = {FAILED: "failed", BLOCKED: "{} blocked", INCONCLUSIVE: "{} inconclusive", INTERRUPTED: "{} interrupted"}
_SHOWN = 6  # boards of one ending that a sentence names


def board_endings(reached: Sequence[str], tests: Iterable[tuple[str, str]], ending: str) -> dict[str, str]:
    """The ending of each board by its spec, those that the rig did not reach last.

    ``tests`` are board and outcome of each test; ``ending`` is how the whole run ended.
    """
    reached = list(dict.fromkeys(reached))
    outcomes: dict[str, set[str]] = {}
    for board, outcome in tests:
        outcomes.setdefault(board, set()).add(outcome)
    missed = [board for board in outcomes if board and board not in reached]
    if len(reached) + len(missed) == 1:
        return {board: _of_missed(ending) if missed else ending for board in (*reached, *missed)}
    endings = {board: _own(outcomes.get(board, set()), outcomes, ending) for board in (*reached, *missed)}
    return {board: _of_missed(own) if board in missed else own for board, own in endings.items()}


def board_sentence(endings: Mapping[str, str]) -> str:
    """Which of several boards failed or did not run, without a full stop; empty for fewer than two boards."""
    if len(endings) < 2:
        return ""
    parts = []
    for ending, words in _WORDS.items():
        if names := [board for board, own in endings.items() if own == ending]:
            parts.append(f"{_listed(names)} {words.format('was' if len(names) == 1 else 'were')}")
    passed = sum(own == PASSED for own in endings.values())
    if passed == len(endings):
        return f"All {passed} boards passed"
    return f"Of {len(endings)} boards, {', '.join([*parts, *([f'{passed} passed'] if passed else [])])}"


def _of_missed(ending: str) -> str:
    return INTERRUPTED if ending == INTERRUPTED else BLOCKED


def _own(own: set[str], outcomes: Mapping[str, set[str]], ending: str) -> str:
    """How the run ended for one of several boards, from the tests that ran on it."""
    if own & _BLAMED:
        return FAILED
    if ending == INTERRUPTED or not own:
        return ending
    if BLOCKED in own:
        return BLOCKED
    if INCONCLUSIVE in own:
        return INCONCLUSIVE
    blamed = set().union(*outcomes.values()) & _BLAMED
    return PASSED if ending != FAILED or blamed else ending


def _listed(names: Sequence[str]) -> str:
    if len(names) > _SHOWN:
        names = [*names[:_SHOWN], f"{len(names) - _SHOWN} others"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
