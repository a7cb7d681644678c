"""What the results of a run keep of one board."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from camrig.bringup.board import Board
from camrig.bringup.board_run import BoardRun
from camrig.report.json_report import BoardReport
from camrig.report.packed_text import packed


def board_report(
    board_run: BoardRun, board: Board, events: list[dict[str, Any]], known_issues: Sequence[str] = ()
) -> BoardReport:
    """The report of ``board``, which is that of ``board_run``; ``events`` are its time line."""
    identity, deployment = board.identity, board.deployment
    radio = board_run.radio
    console, left_out = board.session.console.log()
    name = board.settings.name_of(board_run.spec, identity.mac)
    entry = board.settings.board(name)
    return BoardReport(
        spec=board_run.spec,
        machine=identity.machine,
        chip=identity.chip,
        firmware=identity.firmware,
        build=identity.build,
        mac=identity.mac,
        mpy=identity.mpy_text,
        virtual=identity.virtual,
        heap_bytes=identity.heap_total,
        flash_bytes=identity.flash_total,
        url=board_run.dut.server_url if board_run.dut else "",
        library_source=str(deployment.library_source or ""),
        library_source_sha256=deployment.library_source_sha256,
        library_sha256=deployment.library_sha256,
        application=board.settings.app.resolve().name,
        application_source=str(board.settings.app),
        application_sha256=deployment.application_sha256,
        radio=asdict(radio) if radio else None,
        sensor=board_run.sensor,
        steps=[
            {"name": step.name, "seconds": round(step.seconds, 3), "ok": step.ok} for step in board_run.steps.done
        ],
        recovery=[
            {"rung": attempt.rung, "seconds": round(attempt.seconds, 3), "ok": attempt.ok}
            for attempt in board.recovery.attempts
        ],
        crashes=[
            {"test": record.test, "kind": record.crash.kind, "what": record.crash.summary, "between": record.between}
            for record in board_run.crashes
        ],
        timeline=events,
        console=packed(console, left_out),
        name=name,
        access_point=entry.access_point,
        about=entry.notes,
        known_issues=list(known_issues),
        health=board.health.report,
        usb=list(board.session.usb_trouble),
        metrics=board_run.recorder.metrics,
        notes={**board_run.recorder.notes, "exchanges": _exchanges(board_run)},
    )


def _exchanges(board_run: BoardRun) -> dict[str, Any]:
    """How many exchanges there were through the library and without it, and what became of those that were lost."""
    requests, controls = board_run.losses
    return {
        "requests": requests.total,
        "requests_lost": requests.lost,
        "controls": controls.total,
        "controls_lost": controls.lost,
        "causes": board_run.dut.exchanges.causes() if board_run.dut else {},
    }
