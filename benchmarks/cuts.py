"""Power cuts spread over a deploy of the real application: after each the board must boot, serve, and be whole."""

from __future__ import annotations

import random
import shutil
import time
from pathlib import Path

from camrig.board.events import Restarted, Serving
from camrig.board.session import Session
from camrig.bringup.board import Board
from camrig.deadline import Deadline
from camrig.deploy.board_scripts import COMMIT_SCRIPT, STAGED
from camrig.deploy.transfer import TransferLimits, plan_deploy, send
from camrig.errors import CamrigError
from camrig.probe.client import LostExchangeError, exchange, request_bytes
from camrig.settings.resolve import Settings
from camrig.virtual.board import VirtualBoard, VirtualConfig
from rich.console import Console

from benchmarks.application import open_board
from benchmarks.power import PowerCutError, PowerCutLine, cut_after_writes, expected, hashes, writes_since

SECONDS_TO_SERVE = 30.0
PAUSES = 3  # short power-ons after every other cut, before the power stays


def cuts(console: Console, number: int, home: Path, old: Settings, new: Settings) -> bool:
    """Cut the power ``number`` times; True when no board was corrupt.

    A third of the cuts are at bytes on the line, a third at flash writes, a third at the last writes, where the new
    application is put in place.
    """
    generator, start = random.Random(4), time.monotonic()
    deploy = _DeployUnderTest(home, old, new)
    outcomes = {"old": 0, "new": 0}
    corrupt = []
    for cut in range(number):
        share = (cut // 3 + 0.5) / ((number + 2) // 3)
        if cut % 3 == 0:
            at = int(share * deploy.bytes)
        elif cut % 3 == 1:
            at = int(share * deploy.writes)
        else:
            at = int((3 + share) / 4 * deploy.writes)
        pauses = [generator.uniform(0.01, 0.15) for _ in range(PAUSES)] if cut % 2 else []
        try:
            outcomes[deploy.cut("write" if cut % 3 else "byte", at, pauses)] += 1
        except (AssertionError, CamrigError) as error:
            corrupt.append(f"at {'flash write' if cut % 3 else 'byte'} {at}, pauses {pauses}: {error}")
            console.print(f"[red]{corrupt[-1]}")
    console.print(
        f"{number} power cuts over {deploy.bytes} bytes on the line and {deploy.writes} flash writes: "
        f"{outcomes['old']} boots of the old application, {outcomes['new']} of the new, {len(corrupt)} corrupt "
        f"({time.monotonic() - start:.0f} s)"
    )
    return not corrupt


class _DeployUnderTest:
    """Flash with the old application, and the deploy of the new one that is cut."""

    def __init__(self, home: Path, old: Settings, new: Settings) -> None:
        self.home, self.old, self.new = home, old, new
        self.image = home / "flash"
        with self._powered(self.image) as virtual, open_board(virtual.path, old) as board:
            board.deploy()
            self.files = {"old": expected(board.deployment.files())}
        with self._powered(self._copy()) as virtual, open_board(virtual.path, new) as board:
            cut_after_writes(board.session, 1000000)
            line = PowerCutLine(board.session, virtual, 1 << 30)
            _deploy(board)
            self.bytes = line.written
            self.writes = writes_since(board.session)
            self.files["new"] = expected(board.deployment.files())

    def cut(self, kind: str, at: int, pauses: list[float]) -> str:
        """Cut the power once and restore it: which application started. AssertionError when it is not whole."""
        with self._powered(self._copy()) as virtual:
            with open_board(virtual.path, self.new) as board:
                if kind == "write":
                    cut_after_writes(board.session, at)
                else:
                    PowerCutLine(board.session, virtual, at)
                try:
                    _deploy(board)
                except (CamrigError, PowerCutError):
                    pass
                else:
                    raise AssertionError("the power was not cut")
            for pause in pauses:
                virtual.power_cycle()
                time.sleep(pause)
            _serves(virtual)
            present = hashes(virtual.path)
            leftover = [path for path in present if path == COMMIT_SCRIPT or path.startswith(STAGED)]
            for name, files in self.files.items():
                counterpart = self.files["new" if name == "old" else "old"]
                mixed = [path for path in counterpart.keys() - files.keys() if path in present]
                if files.items() <= present.items() and not mixed:
                    assert name == "old" or not leftover, f"leftovers {leftover}"
                    return name
            raise AssertionError(f"neither the old nor the new application: {present}")

    def _copy(self) -> Path:
        return Path(shutil.copy(self.image, self.home / "cut-flash"))

    def _powered(self, flash: Path) -> VirtualBoard:
        assert self.old.wifi is not None
        wifi = self.old.wifi
        return VirtualBoard.start(VirtualConfig(flash=flash, wifi_ssid=wifi.ssid, wifi_password=wifi.password))


def _deploy(board: Board) -> None:
    """The transfer alone: a whole deploy would recover the board when its power returns, and start again."""
    limits = TransferLimits(board.settings.baud, board.identity.heap_free, board.identity.inflates)
    send(board.session, plan_deploy(board.session, board.deployment.files(), (), limits), limits)


def _serves(virtual: VirtualBoard) -> None:
    """Restore the power, wait for the application's response over HTTP, and stop it."""
    session = Session(virtual.path, 115200)
    try:
        session.transport.drain(0.1)  # the output of an earlier start
        session.listen()
        deadline, console, events = Deadline.after(SECONDS_TO_SERVE), session.console, len(session.console.events)
        virtual.power_cycle()
        assert console.wait(lambda event: isinstance(event, Restarted) or None, events, deadline), "stays off"
        events = len(console.events)
        url = console.wait(lambda event: event.url if isinstance(event, Serving) else None, events, deadline)
        assert url, "does not serve: " + console.text(lines=20)
        host, port = url.removeprefix("http://").split(":")
        response = exchange(host, int(port), request_bytes("GET", "/api/status", f"{host}:{port}", []), 10)
        assert response.status == 200, f"answers {response.status}"
        session.repl()  # stops the application: mpremote sends one Ctrl-C, which a server may swallow
    except LostExchangeError as error:
        raise AssertionError(f"does not answer: {error}") from None
    finally:
        session.close()
