"""What the gate says of each board at the end of a run, and what is kept of that: baselines, and one evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from camrig.errors import BlockedError, CamrigError
from camrig.plugin.exit_status import exit_code_of_board
from camrig.plugin.run import Run

if TYPE_CHECKING:
    from camrig.compare.stored import StoredComparison
    from camrig.gate.comparison import Comparison
    from camrig.gate.verdict import GateVerdict


@dataclass(frozen=True)
class GateAnswer:
    """What a process says of one board: lines for the terminal, the verdict, and the members of its evidence.

    ``exit_code`` is that of what went wrong in keeping them, 0 for nothing.
    """

    board: str
    lines: tuple[str, ...] = ()
    exit_code: int = 0
    comparison: Comparison | None = None
    verdict: GateVerdict | None = None
    members: dict[str, bytes] | None = None


def answer_of(run: Run, board: str, gate: StoredComparison, exit_code: int) -> GateAnswer:
    """The answer of ``board``; its baseline is saved if it passed. ``exit_code`` is that of the whole process."""
    settings, lines, errors, members = run.settings, [], [], None
    several = len(settings.device) > 1
    code = exit_code_of_board(run, board) if several else exit_code
    where = f"{board}: " if several else ""
    if settings.save and code == 0:
        try:
            lines.append(where + gate.save(settings.save))
        except Exception as error:
            errors.append(run.sentence(error))
    elif settings.save:
        lines.append(f"{where}baseline {settings.save}: not saved, because this run did not pass")
    if settings.evidence and not errors:
        from camrig.gate.evidence import members_of

        try:
            members = members_of(gate.evidence(code))
        except Exception as error:
            errors.append(run.sentence(error))
    return GateAnswer(
        board,
        (*lines, *map(str, errors)),
        errors[0].exit_code if errors else 0,
        gate.comparison,
        verdict_of(gate),
        members,
    )


def verdict_of(gate: StoredComparison) -> GateVerdict | None:
    """The answer of a gate, if it was asked and could decide."""
    if gate.comparison is None:
        return None
    try:
        return gate.judge()
    except CamrigError:
        return None


def keep_evidence(run: Run, answers: Sequence[GateAnswer], exit_code: int) -> str:
    """Write the evidence of a run, which ends with ``exit_code``; a line for the terminal, empty if there is none.

    Raises BaselineError, and BlockedError for boards of which there is none.
    """
    from camrig.gate.archive import save_members
    from camrig.gate.evidence import write_evidence_of_boards

    path, boards = run.settings.evidence, run.settings.device
    members = {answer.board: answer.members for answer in answers if answer.members is not None}
    if path is None or not members:
        return ""
    if len(boards) == 1:
        save_members(path, members[boards[0]])
    else:
        write_evidence_of_boards(path, {board: members[board] for board in boards if board in members}, exit_code)
    if missing := [board for board in boards if board not in members]:
        raise BlockedError(
            f"the evidence {path} says nothing of {', '.join(missing)}", hint="see above why, and run again"
        )
    return f"evidence: {path}"


def write_verdicts(reporter: Any, run: Run, answers: Sequence[GateAnswer]) -> None:
    """The table of each board that was compared."""
    for answer in answers:
        if answer.comparison is None or answer.verdict is None:
            continue
        from camrig.report.gate_table import render_verdict

        where = f": {answer.board}" if len(run.settings.device) > 1 else ""
        reporter.section(f"gate against {run.settings.compare}{where}")
        columns, verbose = reporter._tw.fullwidth, run.settings.verbose
        reporter.write_line(render_verdict(answer.comparison, answer.verdict, columns, verbose))
