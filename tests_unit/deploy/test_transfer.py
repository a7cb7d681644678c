"""Deploys on a virtual board: what they touch, what they leave alone, what they cost, and how they fail."""

from __future__ import annotations

import base64
import dataclasses
import re

import pytest
from camrig.board.session import Session
from camrig.deploy import transfer as sync
from camrig.deploy.board_scripts import BOOT, COMMIT, DIGEST, FRESH, RECORD
from camrig.deploy.manifest import File
from camrig.deploy.plan import digest
from camrig.deploy.transfer import Link, look, send, sizes
from camrig.errors import BoardRaisedError, DeployError, FlashFullError
from camrig.virtual.board import VirtualBoard, VirtualConfig

from benchmarks.power import expected, hashes
from tests_unit.deploy.conftest import LINK, application, deploy

WANTED = application("1")
WALK = """
import os
def walk(d):
    for n in os.listdir(d):
        print(d + '/' + n)
        if os.stat(d + '/' + n)[0] & 0x4000:
            walk(d + '/' + n)
walk('')
"""


def put(session: Session, path: str, text: str) -> None:
    session.exec(f"with open({path!r}, 'w') as f: f.write({text!r})")


def listing(session: Session) -> set[str]:
    return set(session.exec(WALK).split())


@pytest.fixture
def commands(session: Session, monkeypatch) -> list[int]:
    """Sizes of the commands that the board was given."""
    given: list[int] = []
    transport, run = session.transport, session.transport.run
    monkeypatch.setattr(transport, "run", lambda code, seconds: (given.append(len(code)), run(code, seconds))[1])
    return given


def test_what_was_deployed_is_there_and_nothing_else_was_touched(board, session):
    put(session, "/note.txt", "mine")
    session.exec("import os; os.mkdir('/lib'); os.mkdir('/lib/other')")
    before = hashes_of(board, session)
    deploy(session, WANTED)
    after = hashes_of(board, session)
    assert expected(WANTED).items() <= after.items()
    assert after.keys() == {*before, *expected(WANTED), RECORD}
    assert after["/note.txt"] == before["/note.txt"]
    session.repl()
    assert "/lib/other" in listing(session)


def hashes_of(board: VirtualBoard, session: Session) -> dict[str, str]:
    session.transport.close()
    found = hashes(board.path)
    session.__init__(board.path, 115200)  # type: ignore[misc]
    session.repl()
    return found


def test_nothing_changed_costs_one_command_and_one_small_change_two(session, commands):
    deploy(session, WANTED)
    commands.clear()
    assert deploy(session, WANTED).sent == ()
    assert len(commands) == 1
    assert commands[0] < 1500
    small = [*WANTED[:-1], File("/main.py", WANTED[-1].data + b"# changed\n")]
    commands.clear()
    assert deploy(session, small).sent == ("/main.py",)
    assert len(commands) == 2


def test_files_of_an_earlier_deploy_go_and_their_folder_with_them(session):
    deploy(session, [*WANTED, File("/extra/deep/x.py", b"X = 1\n"), File("/extra/y.py", b"")])
    put(session, "/extra/mine.txt", "mine")
    done = deploy(session, WANTED)
    assert done.removed == ("/extra/deep/x.py", "/extra/y.py")
    there = listing(session)
    assert "/extra/mine.txt" in there
    assert not {"/extra/deep", "/extra/deep/x.py", "/extra/y.py"} & there


def test_boot_code_that_is_nobodys_goes_on_running(session):
    put(session, "/boot.py", "import sys\nsys.modules['foreign'] = 1\n")
    deploy(session, application("1", boot=False))
    session.repl()
    assert session.exec("import sys; print(sys.modules.get('foreign'))").strip() == "1"
    deploy(session, application("2", boot=False))
    session.repl()
    assert session.exec("import sys; print(sys.modules.get('foreign'))").strip() == "1"


def test_boot_code_that_the_next_application_does_without(session):
    deploy(session, WANTED)
    assert deploy(session, application("1", boot=False)).removed == (BOOT,)
    assert {"/boot.py"} <= listing(session)
    assert BOOT not in listing(session)


def test_a_deploy_that_was_cut_is_finished_where_nothing_else_did(session, monkeypatch):
    """Boot code of another hand took the place of the rig's after the cut."""
    deploy(session, WANTED)
    new = application("2")
    todo = look(session, new, (), LINK)
    session.exec("def settle(): raise OSError(5)")
    monkeypatch.setattr(sync, "WRITE", sync.WRITE.replace("    settle()\n", "", 1))
    with pytest.raises(DeployError, match="EIO"):
        send(session, todo, LINK)
    assert COMMIT in listing(session)
    assert deploy(session, new).sent == ()
    assert not {COMMIT, f"{FRESH}0"} & listing(session)


def test_an_exception_in_boot_code_names_its_file(session):
    deploy(session, [*WANTED, File("/boot.py", b"\n1 / 0\n")][-1:] + WANTED[:-2] + WANTED[-1:])
    mark = session.console.mark()
    session.repl()
    assert f'File "{BOOT}", line 2' in session.console.text(since=mark)


def test_leftovers_of_a_deploy_that_was_cut_are_cleared(session):
    deploy(session, WANTED)
    for number in (0, 7):
        put(session, f"{FRESH}{number}", "half a file")
    look(session, WANTED, (), LINK, dry=True)
    assert f"{FRESH}7" in listing(session)
    assert deploy(session, WANTED).sent == ()
    assert not [path for path in listing(session) if path.startswith(FRESH)]


def test_the_console_keeps_no_digest_by_which_a_guess_at_a_file_could_be_checked(session):
    deploy(session, WANTED)
    assert deploy(session, WANTED).sent == ()
    told = [base64.b64decode(one) for one in re.findall(r'"have": "([^"\\]+)', session.console.text())]
    assert len(told) == 2
    assert not [file.target for file in WANTED for have in told if digest(file) in have]
    assert told[0][-DIGEST:] != told[1][-DIGEST:]


def test_a_dry_run_changes_nothing(session):
    before = listing(session)
    todo = look(session, WANTED, (), LINK, dry=True)
    assert {file.target for file in todo.send} == {file.target for file in WANTED}
    assert sizes(session, ["/boot.py", "/none"])["/none"] is None
    assert listing(session) == before


@pytest.mark.parametrize(
    "link", [Link(115200, 100_000, False), Link(921600, 4_000_000, True), Link(300, 9_000, True)]
)
def test_any_link(session, link):
    deploy(session, WANTED, link=link)
    assert deploy(session, WANTED, link=LINK).sent == ()


def test_progress_ends_at_the_whole(session):
    told: list[tuple[int, int]] = []
    send(session, look(session, WANTED, (), LINK), LINK, lambda done, total: told.append((done, total)))
    assert told[0][0] == 0
    assert told[-1][0] == told[-1][1]
    assert told == sorted(told)


def test_a_full_flash_is_told_before_anything_is_written(tmp_path, connect):
    with VirtualBoard.start(VirtualConfig(flash_blocks=16)) as small:
        session = connect(small)
        before = listing(session)
        with pytest.raises(
            FlashFullError, match=r"flash is full: the deploy needs \d+ bytes beside what is there, \d+ are"
        ):
            deploy(session, application("1", size=60_000))
        assert listing(session) == before


def test_a_flash_that_fills_up_on_the_way(tmp_path, connect):
    with VirtualBoard.start(VirtualConfig(flash_blocks=16)) as small:
        session = connect(small)
        todo = look(session, application("1", size=60_000), (), LINK)
        with pytest.raises(FlashFullError, match=r"the deploy needs \d+ bytes beside what is there, \d+ are free"):
            send(session, dataclasses.replace(todo, needed=1), LINK)
        assert not [path for path in listing(session) if path.startswith(FRESH)]


def test_a_filesystem_that_is_read_only(session):
    session.exec("import vfs\nvfs.umount('/')\nvfs.mount(vfs.VfsLfs2(bdev), '/', readonly=True)")
    with pytest.raises(DeployError, match="its filesystem is read-only"):
        deploy(session, WANTED)


class Noise:
    """Damages one byte of each of the first ``times`` long writes to the board."""

    def __init__(self, session: Session, times: int) -> None:
        self.times = times
        self.write = session.transport.serial.write
        session.transport.serial.write = self  # type: ignore[method-assign, assignment]

    def __call__(self, data: bytes) -> int:
        if self.times and len(data) > 100:
            self.times -= 1
            data = data[:50] + bytes([data[50] ^ 0x20 if data[50] != 0x23 else 0x24]) + data[51:]
        return self.write(data)


def test_a_byte_damaged_on_the_wire_is_sent_again(session):
    todo = look(session, WANTED, (), LINK)
    Noise(session, 1)
    send(session, todo, LINK)
    assert deploy(session, WANTED).sent == ()


def test_a_line_that_always_damages(session, monkeypatch):
    todo = look(session, WANTED, (), LINK)

    def garbled(part: bytes, link: Link) -> bytes:
        return b"put(" + sync.stream(part[:-1] + b"?", False).replace(b"z(", b"io.BytesIO(") + b")\n"

    monkeypatch.setattr(sync, "_put", garbled)
    with pytest.raises(DeployError, match=r"what arrives on the board is damaged: .* read back with another hash"):
        send(session, todo, LINK)
    assert not [path for path in listing(session) if path.startswith(FRESH)]


def test_an_exception_nobody_foresaw_is_told_with_the_boards_words(session, monkeypatch):
    todo = look(session, WANTED, (), LINK)
    monkeypatch.setattr(sync, "_finish", lambda todo: b"raise ValueError('odd')\n")
    with pytest.raises(DeployError, match="writing failed on the board: ValueError: odd") as caught:
        send(session, todo, LINK)
    assert not isinstance(caught.value, BoardRaisedError)
    assert "Traceback" in caught.value.details
