"""``camrig prove``: which faults of the library would the suite and the gate find?"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

from camrig.cli.command import Command, add_options
from camrig.compare.libraries import UPSTREAM, find_library
from camrig.errors import EXIT_BLOCKED, EXIT_FAILED, EXIT_INCONCLUSIVE, SettingsError
from camrig.prove.faulty_copy import Fault, demand_compiles
from camrig.prove.outcome import BLOCKED, FALSE_ALARM, INCONCLUSIVE, METRICS, MISSED, WRONG_REASON, Outcome
from camrig.prove.trial import CATALOGUE, KINDS, ProgressLine, Suite, Trials, find_tests
from camrig.settings.resolve import Settings
from camrig.steps import printed_steps
from camrig.whole_file import temporary_folder, write_whole

BEHAVIOUR = "behaviour"
_UNCHANGED = "no change at all"
# Of each kind a few that are decided quickly; the harmless one is the library unchanged.
_QUICK = {
    "a listed origin with a suffix is allowed",
    "vary is missing on errors",
    "allowed_origins changed in place is ignored",
    "time: much, preflights",
    "bytes: 256 B, every request",
    "leaks: 16 B, every request",
    _UNCHANGED,
}
_QUICK_SECONDS = 10.0


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("tests", nargs="*", metavar="FOLDER", help="the tests to try (those that pytest finds)")
    parser.add_argument("--only", choices=KINDS, metavar="KIND", help=f"faults of one kind: {', '.join(KINDS)}")
    parser.add_argument("--quick", action="store_true", help="a few faults of each kind, about a minute")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the outcomes to FILE, too")
    parser.add_argument("--seconds", type=float, help="how long camrig ab takes times at most (30; --quick: 10)")
    parser.add_argument(
        "--upstream", action="store_true", help="costs and harmless changes of Microdot's own class instead"
    )
    add_options(parser, "lib")


def selected(only: str | None, quick: bool, is_tested: bool = True) -> list[Fault]:
    """The faults of the catalogue that a command line names; those of behaviour only for a library that is tested."""
    return [
        fault
        for fault in CATALOGUE
        if (only is None or fault.kind == only)
        and (not quick or fault.name in _QUICK)
        and (is_tested or fault.kind != BEHAVIOUR)
    ]


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    if not arguments.upstream:
        return _prove(arguments, settings.lib)
    if arguments.tests or arguments.only == BEHAVIOUR:
        raise SettingsError("Microdot's own class does not pass the tests", hint="leave out --upstream")
    with temporary_folder() as folder:
        return _prove(arguments, find_library(UPSTREAM, folder).folder)


def _prove(arguments: argparse.Namespace, library: Path) -> int:
    faults = selected(arguments.only, arguments.quick, not arguments.upstream)
    demand_compiles(library)
    by_tests = not arguments.upstream and any(fault.kind not in METRICS for fault in faults)
    marker = find_tests(arguments.tests) if by_tests else ()
    seconds = arguments.seconds or (_QUICK_SECONDS if arguments.quick else 30.0)
    trials = Trials(Suite(library, tuple(arguments.tests), marker, seconds, is_tested=not arguments.upstream))
    if by_tests:
        trials.check_clean(next(fault for fault in CATALOGUE if fault.name == _UNCHANGED))
    try:
        steps = printed_steps()
        with steps("faults") as note:
            trials.run(faults, ProgressLine(len(faults), steps))
            note(f"{len(faults)} tried")
    finally:
        print(rendered(trials.outcomes))
        if arguments.json:
            _write(arguments.json, trials.outcomes)
    return exit_code(trials.outcomes)


def _write(path: Path, outcomes: list[Outcome]) -> None:
    text = json.dumps([record(outcome) for outcome in outcomes], indent=1) + "\n"
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise SettingsError(f"the outcomes cannot be written to {path}: {error.strerror}") from None


def rendered(outcomes: list[Outcome]) -> str:
    """The table: a line for each fault, in the catalogue's order, and the numbers of each kind."""
    outcomes = sorted(outcomes, key=lambda outcome: CATALOGUE.index(outcome.fault))
    lines = [
        f"{outcome.result:12}  {outcome.fault.kind:9}  {outcome.fault.name}"
        + (f"  <- {outcome.shown}" if outcome.shown else "")
        for outcome in outcomes
    ]
    for kind in KINDS:
        counts = Counter(outcome.result for outcome in outcomes if outcome.fault.kind == kind)
        if counts:
            numbers = ", ".join(f"{count} {result}" for result, count in counts.most_common())
            lines.append(f"{kind}: {numbers} of {counts.total()}")
    return "\n".join(lines)


def record(outcome: Outcome) -> dict[str, object]:
    """An outcome as it stands in the JSON file."""
    fault = outcome.fault
    return {"kind": fault.kind, "fault": fault.name, "result": outcome.result, "evidence": list(outcome.evidence)}


def exit_code(outcomes: list[Outcome]) -> int:
    """1 for a miss, a wrong reason or a false alarm; else 6 for a blocked rig; else 7 for an inconclusive fault.

    A harmless change that is inconclusive is not an alarm.
    """
    results = {outcome.result for outcome in outcomes}
    if results & {MISSED, WRONG_REASON, FALSE_ALARM}:
        return EXIT_FAILED
    if BLOCKED in results:
        return EXIT_BLOCKED
    is_open = any(outcome.result == INCONCLUSIVE and outcome.fault.kind != "harmless" for outcome in outcomes)
    return EXIT_INCONCLUSIVE if is_open else 0


PROVE = Command("prove", "put faulty copies of the library before the suite and camrig ab", _add_arguments, _run)
