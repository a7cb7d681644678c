"""How often one question was put to a baseline: asking again after *inconclusive* spends the same error rates.

A question is one library against one baseline. It ends with its first pass or regressed; every look until then is
kept beside the baseline.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from camrig.gate.json_file import load_json, save_json
from camrig.gate.sequential_plan import SequentialPlan
from camrig.gate.verdict import Outcome

KIND = "looks"
SCHEMA = 1
_FOLDER = "looks"
_FIRST = 0.6  # what the first look may spend, because most questions need no other


def looks_path(folder: Path, name: str) -> Path:
    """The file for the baseline ``name`` of ``folder``."""
    return folder / _FOLDER / f"{name}.json"


def load_looks(path: Path) -> dict[str, int]:
    """The inconclusive looks so far, by the hash of the library. Raises BaselineError for a damaged file."""
    if not path.exists():
        return {}
    fields = load_json(path, KIND, SCHEMA, "remove it")
    used = fields.object("used")
    looks = {library: used.integer(library) for library in used.names()}
    if min(looks.values(), default=1) < 1:
        raise fields.damaged("a number of looks is below 1")
    return looks


def keep_look(path: Path, library: str, outcome: Outcome) -> None:
    """Count this look if it was inconclusive, and forget those before a pass or regressed. Raises BaselineError.

    A blocked look showed nothing and counts as nothing.
    """
    looks = load_looks(path)
    if outcome is Outcome.INCONCLUSIVE:
        looks[library] = looks.get(library, 0) + 1
    elif outcome is Outcome.BLOCKED or looks.pop(library, None) is None:
        return
    save_json(path, KIND, SCHEMA, {"used": dict(sorted(looks.items()))})


def plan_of_look(plan: SequentialPlan, used: int) -> SequentialPlan:
    """``plan`` with the error rates that are left for one more look after ``used`` inconclusive ones.

    The first look may spend six tenths of them, those after it 2/10, 2/30, 2/60 and so on. The shares of all looks
    together are 1, however many follow (Bonferroni): error spending without an end, after Lan and DeMets, "Discrete
    Sequential Boundaries for Clinical Trials", Biometrika 70 (1983).
    """
    share = (1 - _FIRST) / (used * (used + 1)) if used else _FIRST
    return replace(plan, false_alarm=plan.false_alarm * share, false_pass=plan.false_pass * share)
