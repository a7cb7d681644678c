"""``camrig prove``: which faults of the library would the suite and the gate find?"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

from camrig.cli.command import Command, add_options
from camrig.errors import EXIT_BLOCKED, EXIT_FAILED, EXIT_INCONCLUSIVE
from camrig.prove.faulty_copy import Fault
from camrig.prove.trial import (
    BLOCKED,
    CATALOGUE,
    FALSE_ALARM,
    INCONCLUSIVE,
    KINDS,
    MISSED,
    WRONG_REASON,
    Outcome,
    ProgressLine,
    Suite,
    Trials,
    has_functional_tests,
)
from camrig.settings.resolve import Settings

_QUICK = {
    "any origin is allowed by a list",
    "preflights are answered with 403",
    "bytes: every request",
    "a comment",
}


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("tests", nargs="*", metavar="FOLDER", help="the tests to try (those that pytest finds)")
    parser.add_argument("--only", choices=KINDS, metavar="KIND", help=f"faults of one kind: {', '.join(KINDS)}")
    parser.add_argument("--quick", action="store_true", help="a few faults instead of all, about a minute")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the outcomes to FILE, too")
    parser.add_argument("--seconds", type=float, default=30.0, help="how long camrig ab takes times at most (30)")
    add_options(parser, "lib")


def selected(only: str | None, quick: bool) -> list[Fault]:
    """The faults of the catalogue that a command line names."""
    return [
        fault for fault in CATALOGUE if (only is None or fault.kind == only) and (not quick or fault.name in _QUICK)
    ]


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    faults = selected(arguments.only, arguments.quick)
    suite = Suite(settings.lib, tuple(arguments.tests), has_functional_tests(), arguments.seconds)
    trials = Trials(suite)
    try:
        trials.run(faults, ProgressLine(len(faults)))
    finally:
        print(rendered(trials.outcomes))
        if arguments.json:
            arguments.json.write_text(json.dumps([record(outcome) for outcome in trials.outcomes], indent=1) + "\n")
    return exit_code(trials.outcomes)


def rendered(outcomes: list[Outcome]) -> str:
    """The table: a line for each fault, in the catalogue's order, and the numbers of each kind."""
    outcomes = sorted(outcomes, key=lambda outcome: CATALOGUE.index(outcome.fault))
    lines = [
        f"{outcome.result:12}  {outcome.fault.kind:9}  {outcome.fault.name}"
        + (f"  <- {outcome.evidence}" if outcome.evidence else "")
        for outcome in outcomes
    ]
    for kind in KINDS:
        counts = Counter(outcome.result for outcome in outcomes if outcome.fault.kind == kind)
        if counts:
            numbers = ", ".join(f"{count} {result}" for result, count in counts.most_common())
            lines.append(f"{kind}: {numbers} of {counts.total()}")
    return "\n".join(lines)


def record(outcome: Outcome) -> dict[str, str]:
    """An outcome as it stands in the JSON file."""
    fault = outcome.fault
    return {"kind": fault.kind, "fault": fault.name, "result": outcome.result, "evidence": outcome.evidence}


def exit_code(outcomes: list[Outcome]) -> int:
    """1 for a miss, a wrong reason or a false alarm; else 6 for a blocked rig; else 7 for what is inconclusive."""
    results = {outcome.result for outcome in outcomes}
    if results & {MISSED, WRONG_REASON, FALSE_ALARM}:
        return EXIT_FAILED
    if BLOCKED in results:
        return EXIT_BLOCKED
    return EXIT_INCONCLUSIVE if INCONCLUSIVE in results else 0


PROVE = Command("prove", "put faulty copies of the library before the suite and camrig ab", _add_arguments, _run)
