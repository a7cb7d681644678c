"""The next session waits while the board finishes a deploy that was cut off, longer than any boot may take."""

from __future__ import annotations

import pytest
from camrig.board import session as session_module
from camrig.board.recovery import AT_BOOT, Ladder, rungs
from camrig.board.session import Session
from camrig.board.unfinished_deploy import FINISHING
from camrig.deadline import Deadline
from camrig.deploy.board_scripts import BOOT_GUARD, COMMIT_SCRIPT, RIG_FOLDER, STAGED, commit_script
from camrig.virtual.board import VirtualBoard

TARGETS = [f"/file{number}" for number in range(12)]

# No file is moved before the session's first Ctrl-C, however late a busy machine sends it. Then all go slowly.
SLOW_COMMIT = b"import sys, time, select\nkeys = select.poll()\nkeys.register(sys.stdin, select.POLLIN)\n" + (
    commit_script(TARGETS, [], [], []).replace(
        b"    move(p, t)", b"    keys.poll(60000)\n    time.sleep_ms(300)\n    move(p, t)"
    )
)
BOOTS_IN = 0.4


@pytest.fixture
def unfinished(board, session, monkeypatch):
    """A board whose next start finishes a deploy in over three seconds; a boot may take less."""
    monkeypatch.setattr(session_module, "SECONDS_TO_START", 0.3)
    session.exec(
        f"import os\nos.mkdir({RIG_FOLDER!r})\n"
        f"def put(p, data):\n  with open(p, 'wb') as f: f.write(data)\n"
        f"put('/boot.py', {BOOT_GUARD.encode()!r})\n"
        f"for n in range({len(TARGETS)}): put({STAGED!r} + str(n), b'x')\n"
        f"put({COMMIT_SCRIPT!r}, {SLOW_COMMIT!r})\n"
    )
    return board


@pytest.fixture
def reopen(unfinished):
    """A new session, as the next run has one, and the lines that it says."""
    sessions = []

    def call() -> tuple[Session, list[str]]:
        said: list[str] = []
        sessions.append(Session(unfinished.path, 115200, name="b1", boots_in=BOOTS_IN, notify=said.append))
        return sessions[-1], said

    yield call
    for each in sessions:
        each.close()


def is_whole(session: Session) -> bool:
    return session.ask(f"import os, json\nprint(json.dumps([p[1:] in os.listdir('/') for p in {TARGETS}]))") == [
        True
    ] * len(TARGETS)


def power_cycle(board: VirtualBoard, session: Session) -> None:
    """Cut the power, and wait until the board goes on with its deploy: a Ctrl-C before that would end boot.py."""
    board.power_cycle()
    deadline = Deadline.after(60)
    while FINISHING.encode() not in session.transport.serial.buffer:
        assert not deadline.passed
        session.transport.serial.fill()


def waited(said: list[str]) -> bool:
    return len(said) == 1 and said[0].startswith("b1 is finishing a deploy that was cut off, file ")


def test_after_a_power_cut(unfinished, session, reopen):
    session.close()
    again, said = reopen()
    power_cycle(unfinished, again)
    again.repl()
    assert waited(said)
    assert is_whole(again)


def test_in_the_middle_of_a_program_in_the_raw_repl(unfinished, session, reopen):
    # Its first Ctrl-C ends this program, and the next start, which comes after it, has none to wait for.
    session.exec(
        f"with open({COMMIT_SCRIPT!r}) as f: text = f.read().replace('60000', '0')\n"
        f"with open({COMMIT_SCRIPT!r}, 'w') as f: f.write(text)"
    )
    session.transport.submit("exec(text)")
    session.close()
    again, said = reopen()
    again.repl()
    assert waited(said)
    assert is_whole(again)


def test_on_a_rung_of_the_recovery_ladder(unfinished, session, reopen):
    session.close()
    again, said = reopen()
    power_cycle(unfinished, again)
    assert Ladder(again, rungs(again, pulse=lambda: False, boot=BOOTS_IN)).climb(AT_BOOT).rung == AT_BOOT
    assert waited(said)
    assert is_whole(again)
