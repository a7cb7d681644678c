"""Power cuts spread over a deploy of the real application: what each leaves must boot, serve, and be whole."""

from __future__ import annotations

import random
import shutil
import time
from pathlib import Path

from camrig.board.events import Restarted, Serving
from camrig.board.session import Session
from camrig.bringup.board import Board
from camrig.deadline import Deadline
from camrig.deploy.board_scripts import COMMIT, FRESH
from camrig.deploy.transfer import Link, look, send
from camrig.errors import CamrigError
from camrig.probe.client import LostExchangeError, exchange, request_bytes
from camrig.settings.resolve import Settings
from camrig.virtual.board import VirtualBoard, VirtualConfig
from rich.console import Console

from benchmarks.application import open_board
from benchmarks.power import CutWire, PowerCutError, cut_after_writes, expected, hashes, writes_since

SECONDS_TO_SERVE = 30.0
STUTTERS = 3  # power that comes and goes, after every other cut


def cuts(console: Console, number: int, home: Path, old: Settings, new: Settings) -> bool:
    """A third of the cuts fall on bytes of the wire, a third on flash writes, a third on the last writes, where the
    new application is put in place. True when no board was corrupt.
    """
    chance, start = random.Random(4), time.monotonic()
    bench = _Bench(home, old, new)
    seen = {"old": 0, "new": 0}
    wrong = []
    for cut in range(number):
        share = (cut // 3 + 0.5) / ((number + 2) // 3)
        if cut % 3 == 0:
            at = int(share * bench.bytes)
        elif cut % 3 == 1:
            at = int(share * bench.writes)
        else:
            at = int((3 + share) / 4 * bench.writes)
        pauses = [chance.uniform(0.01, 0.15) for _ in range(STUTTERS)] if cut % 2 else []
        try:
            seen[bench.cut("write" if cut % 3 else "byte", at, pauses)] += 1
        except (AssertionError, CamrigError) as error:
            wrong.append(f"at {'flash write' if cut % 3 else 'byte'} {at}, pauses {pauses}: {error}")
            console.print(f"[red]{wrong[-1]}")
    console.print(
        f"{number} power cuts over {bench.bytes} bytes on the wire and {bench.writes} flash writes: "
        f"{seen['old']} boots of the old application, {seen['new']} of the new, {len(wrong)} corrupt "
        f"({time.monotonic() - start:.0f} s)"
    )
    return not wrong


class _Bench:
    """Flash with the old application on it, and the deploy of the new one that is to be cut."""

    def __init__(self, home: Path, old: Settings, new: Settings) -> None:
        self.home, self.old, self.new = home, old, new
        self.image = home / "flash"
        with self._powered(self.image) as virtual, open_board(virtual.path, old) as board:
            board.deploy()
            self.files = {"old": expected(board.deployment.files())}
        with self._powered(self._copy()) as virtual, open_board(virtual.path, new) as board:
            cut_after_writes(board.session, 1000000)
            wire = CutWire(board.session, virtual, 1 << 30)
            _deploy(board)
            self.bytes = wire.written
            self.writes = writes_since(board.session)
            self.files["new"] = expected(board.deployment.files())

    def cut(self, kind: str, at: int, pauses: list[float]) -> str:
        """One cut, then power again: which application came up. AssertionError when it is not whole."""
        with self._powered(self._copy()) as virtual:
            with open_board(virtual.path, self.new) as board:
                if kind == "write":
                    cut_after_writes(board.session, at)
                else:
                    CutWire(board.session, virtual, at)
                try:
                    _deploy(board)
                except (CamrigError, PowerCutError):
                    pass
                else:
                    raise AssertionError("the power did not fail")
            for pause in pauses:
                virtual.power_cycle()
                time.sleep(pause)
            _serves(virtual)
            found = hashes(virtual.path)
            leftover = [path for path in found if path == COMMIT or path.startswith(FRESH)]
            for name, files in self.files.items():
                other = self.files["new" if name == "old" else "old"]
                mixed = [path for path in other.keys() - files.keys() if path in found]
                if files.items() <= found.items() and not mixed:
                    assert name == "old" or not leftover, f"leftovers {leftover}"
                    return name
            raise AssertionError(f"neither the old nor the new application: {found}")

    def _copy(self) -> Path:
        return Path(shutil.copy(self.image, self.home / "cut-flash"))

    def _powered(self, flash: Path) -> VirtualBoard:
        assert self.old.wifi is not None
        wifi = self.old.wifi
        return VirtualBoard.start(VirtualConfig(flash=flash, wifi_ssid=wifi.ssid, wifi_password=wifi.password))


def _deploy(board: Board) -> None:
    """The transfer alone: a whole deploy would catch the board as its power comes back, and begin again."""
    link = Link(board.settings.baud, board.identity.heap_free, board.identity.inflates)
    send(board.session, look(board.session, board.deployment.files(), (), link), link)


def _serves(virtual: VirtualBoard) -> None:
    """Give the board its power back, wait for the application's answer over HTTP, and stop it."""
    session = Session(virtual.path, 115200)
    try:
        session.transport.drain(0.1)  # what an earlier start said
        session.listen()
        until, console, seen = Deadline.after(SECONDS_TO_SERVE), session.console, len(session.console.events)
        virtual.power_cycle()
        assert console.wait(lambda event: isinstance(event, Restarted) or None, seen, until), "stays off"
        seen = len(console.events)
        url = console.wait(lambda event: event.url if isinstance(event, Serving) else None, seen, until)
        assert url, "does not serve: " + console.text(lines=20)
        host, port = url.removeprefix("http://").split(":")
        answer = exchange(host, int(port), request_bytes("GET", "/api/status", f"{host}:{port}", []), 10)
        assert answer.status == 200, f"answers {answer.status}"
        session.repl()  # mpremote sends one Ctrl-C, and a server may swallow it
    except LostExchangeError as error:
        raise AssertionError(f"does not answer: {error}") from None
    finally:
        session.close()
