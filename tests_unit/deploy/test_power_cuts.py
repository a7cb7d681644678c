"""Power fails in the middle of a deploy: the board starts with the old application or the new, never a mixture."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from camrig.board.events import Event, Prompt, Restarted
from camrig.board.session import Session
from camrig.deadline import Deadline
from camrig.deploy.board_scripts import COMMIT_SCRIPT, RECORD, STAGED
from camrig.deploy.transfer import plan_deploy
from camrig.errors import CamrigError
from camrig.virtual.board import VirtualBoard, VirtualConfig

from benchmarks.power import PowerCutError, PowerCutLine, cut_after_writes, expected, hashes, writes_since
from tests_unit.deploy.conftest import LIMITS, application, deploy

OLD = application("old", parts=("one", "two", "three", "four"))
NEW = application("new", parts=("one", "two", "three", "five"))
FOREIGN_BOOT = "import __main__\n__main__.booted = 'old'\n"
SECONDS = 20

Connect = Callable[[VirtualBoard], Session]


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Flash with the old application: deployed by the rig, or by hand with foreign boot code."""
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
    """What main.py prints at a start after the power has returned."""
    session = Session(board.path, 115200)
    restarts = []

    def prompt_after_restart(event: Event) -> Event | None:
        if isinstance(event, Restarted):
            restarts.append(event)
        return event if restarts and isinstance(event, Prompt) else None

    try:
        session.listen()
        events, mark = len(session.console.events), session.console.mark()
        board.power_cycle()
        prompt = session.console.wait(prompt_after_restart, events, Deadline.after(SECONDS))
        assert prompt is not None, session.console.text()
        lines = session.console.text(since=mark).splitlines()
    finally:
        session.close()
    # The last one: the power may have failed in the middle of an earlier one.
    return next((line for line in reversed(lines) if line.startswith("versions")), "\n".join(lines))


def assert_whole(board: VirtualBoard, connect: Connect) -> bool:
    """The board runs one whole application, and a deploy then completes; True if it was the new one."""
    output = started(board)
    present = hashes(board.path)
    new = output == "versions ['new']"
    assert new or output == "versions ['old']", output
    assert COMMIT_SCRIPT not in present
    if new:
        assert expected(NEW).items() <= present.items()
        assert "/lib/pack/four.py" not in present
        assert not [path for path in present if path.startswith(STAGED)]
    else:
        old = {file.target: file.sha256 for file in OLD if file.target != "/boot.py"}
        assert old.items() <= present.items()
    session = connect(board)
    deploy(session, NEW)
    after = plan_deploy(session, NEW, (), LIMITS)
    assert (after.send, after.remove, after.staged) == ((), (), ())
    session.close()
    assert set(hashes(board.path)) == {*expected(NEW), RECORD}
    return new


@pytest.mark.parametrize("image", ["managed", "foreign"])
def test_a_power_cut_in_a_flash_write_leaves_a_whole_application(images, tmp_path, connect, image):
    foreign = {"/lib/pack/four.py"} if image == "foreign" else set()  # the rig does not manage it
    with powered(images[image], tmp_path) as board:
        session = connect(board)
        cut_after_writes(session, 1000000)
        deploy(session, NEW)
        total = writes_since(session)
        session.close()
        assert set(hashes(board.path)) == {*expected(NEW), RECORD} | foreign
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
    assert {output for _, output in outcomes} == {"versions ['old']", "versions ['new']"}


def test_a_power_cut_during_the_transfer_leaves_the_old_application(images, tmp_path, connect):
    with powered(images["managed"], tmp_path) as board:
        session = connect(board)
        line = PowerCutLine(session, board, 1 << 30)
        deploy(session, NEW)
        total = line.written
    for share in (0.3, 0.7, 0.99):
        with powered(images["managed"], tmp_path) as board:
            session = connect(board)
            PowerCutLine(session, board, int(total * share))
            with pytest.raises(PowerCutError):
                deploy(session, NEW)
            session.close()
            assert not assert_whole(board, connect)
