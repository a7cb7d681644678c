"""Power fails in the middle of a deploy: the board starts with the old application or the new, never a mixture."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from camrig.board.events import Prompt
from camrig.board.session import Session
from camrig.deadline import Deadline
from camrig.deploy.board_scripts import COMMIT, FRESH, RECORD
from camrig.deploy.transfer import look
from camrig.errors import CamrigError
from camrig.virtual.board import VirtualBoard, VirtualConfig

from benchmarks.power import CutWire, PowerCutError, cut_after_writes, expected, hashes, writes_since
from tests_unit.deploy.conftest import LINK, application, deploy

OLD = application("old", parts=("one", "two", "three", "four"))
NEW = application("new", parts=("one", "two", "three", "five"))
FOREIGN_BOOT = "import __main__\n__main__.booted = 'old'\n"
SECONDS = 20

Connect = Callable[[VirtualBoard], Session]


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Flash with the old application: put there by the rig, or by hand with boot code of its own."""
    folder = tmp_path_factory.mktemp("images")
    for name in ("managed", "foreign"):
        with VirtualBoard.start(VirtualConfig(flash=folder / name)) as board:
            session = Session(board.path, 115200)
            session.repl()
            if name == "managed":
                deploy(session, OLD)
            else:
                session.exec("import os\nos.mkdir('/lib')\nos.mkdir('/lib/pack')")
                for file in OLD:
                    data = FOREIGN_BOOT.encode() if file.target == "/boot.py" else file.data
                    session.exec(f"with open({file.target!r}, 'wb') as f: f.write({data!r})")
            session.close()
    return {name: folder / name for name in ("managed", "foreign")}


def powered(image: Path, tmp_path: Path) -> VirtualBoard:
    flash = tmp_path / "flash"
    shutil.copy(image, flash)
    return VirtualBoard.start(VirtualConfig(flash=flash))


def started(board: VirtualBoard) -> str:
    """What main.py finds at a start after the power has come back."""
    session = Session(board.path, 115200)
    try:
        session.listen()
        seen, mark = len(session.console.events), session.console.mark()
        board.power_cycle()
        prompt = session.console.wait(lambda e: e if isinstance(e, Prompt) else None, seen, Deadline.after(SECONDS))
        assert prompt is not None, session.console.text()
        lines = session.console.text(since=mark).splitlines()
    finally:
        session.close()
    return next((line for line in lines if line.startswith("versions")), "\n".join(lines))


def assert_whole(board: VirtualBoard, connect: Connect) -> bool:
    """The board has one application, which runs, and a deploy then completes; True if it was the new one."""
    said = started(board)
    found = hashes(board.path)
    new = said == "versions ['new']"
    assert new or said == "versions ['old']", said
    assert COMMIT not in found
    if new:
        assert expected(NEW).items() <= found.items()
        assert "/lib/pack/four.py" not in found
        assert not [path for path in found if path.startswith(FRESH)]
    else:
        old = {file.target: file.sha256 for file in OLD if file.target != "/boot.py"}
        assert old.items() <= found.items()
    session = connect(board)
    deploy(session, NEW)
    after = look(session, NEW, (), LINK)
    assert (after.send, after.remove, after.staged) == ((), (), ())
    session.close()
    found = hashes(board.path)
    assert set(found) == {*expected(NEW), RECORD}
    return new


@pytest.mark.parametrize("image", ["managed", "foreign"])
def test_power_fails_at_a_flash_write(images, tmp_path, connect, image):
    others = {"/lib/pack/four.py"} if image == "foreign" else set()  # not the rig's to remove
    with powered(images[image], tmp_path) as board:
        session = connect(board)
        cut_after_writes(session, 1000000)
        deploy(session, NEW)
        total = writes_since(session)
        session.close()
        assert set(hashes(board.path)) == {*expected(NEW), RECORD} | others
    assert total > 20
    outcomes = []
    for number in range(6):
        at = total - 1 - number if number < 3 else total * (number - 2) // 4
        with powered(images[image], tmp_path) as board:
            session = connect(board)
            cut_after_writes(session, at)
            with pytest.raises(CamrigError):
                deploy(session, NEW)
            session.close()
            outcomes.append((at, started(board)))
            assert outcomes[-1][1] in ("versions ['old']", "versions ['new']"), outcomes
            if image == "managed":
                assert_whole(board, connect)
    assert {said for at, said in outcomes} == {"versions ['old']", "versions ['new']"}


def test_power_fails_at_a_byte_on_the_wire(images, tmp_path, connect):
    with powered(images["managed"], tmp_path) as board:
        session = connect(board)
        wire = CutWire(session, board, 1 << 30)
        deploy(session, NEW)
        total = wire.written
    for share in (0.3, 0.7, 0.99):
        with powered(images["managed"], tmp_path) as board:
            session = connect(board)
            CutWire(session, board, int(total * share))
            with pytest.raises(PowerCutError):
                deploy(session, NEW)
            session.close()
            assert not assert_whole(board, connect)
