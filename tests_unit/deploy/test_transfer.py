"""Deploys on a virtual board: what they change, what they leave, how many commands they take, how they fail."""

from __future__ import annotations

import base64
import dataclasses
import re

import pytest
from camrig.board.session import Session
from camrig.deploy import transfer
from camrig.deploy.board_scripts import APP_BOOT, COMMIT_SCRIPT, RECORD, STAGED, STATE_DIGEST_SIZE
from camrig.deploy.manifest import File
from camrig.deploy.plan import digest
from camrig.deploy.transfer import TransferLimits, file_sizes, plan_deploy, send
from camrig.errors import BoardRaisedError, DeployError, FlashFullError
from camrig.virtual.board import VirtualBoard, VirtualConfig

from benchmarks.power import expected, hashes
from tests_unit.deploy.conftest import LIMITS, application, deploy

FILES = application("1")
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
    """Sizes of the commands that the board has run."""
    sizes: list[int] = []
    run = session.transport.run
    monkeypatch.setattr(
        session.transport, "run", lambda code, seconds: (sizes.append(len(code)), run(code, seconds))[1]
    )
    return sizes


def test_a_deploy_puts_its_files_in_place_and_leaves_others_alone(board, session):
    put(session, "/note.txt", "mine")
    session.exec("import os; os.mkdir('/lib'); os.mkdir('/lib/other')")
    before = hashes_of(board, session)
    deploy(session, FILES)
    after = hashes_of(board, session)
    assert expected(FILES).items() <= after.items()
    assert after.keys() == {*before, *expected(FILES), RECORD}
    assert after["/note.txt"] == before["/note.txt"]
    session.repl()
    assert "/lib/other" in listing(session)


def hashes_of(board: VirtualBoard, session: Session) -> dict[str, str]:
    session.transport.close()
    by_path = hashes(board.path)
    session.__init__(board.path, 115200)  # type: ignore[misc]
    session.repl()
    return by_path


def test_no_change_takes_one_command_and_a_small_change_two(session, commands):
    deploy(session, FILES)
    commands.clear()
    assert deploy(session, FILES).sent == ()
    assert len(commands) == 1
    assert commands[0] < 1500
    small = [*FILES[:-1], File("/main.py", FILES[-1].data + b"# changed\n")]
    commands.clear()
    assert deploy(session, small).sent == ("/main.py",)
    assert len(commands) == 2


def test_files_of_an_earlier_deploy_and_their_folders_are_removed(session):
    deploy(session, [*FILES, File("/extra/deep/x.py", b"X = 1\n"), File("/extra/y.py", b"")])
    put(session, "/extra/mine.txt", "mine")
    result = deploy(session, FILES)
    assert result.removed == ("/extra/deep/x.py", "/extra/y.py")
    paths = listing(session)
    assert "/extra/mine.txt" in paths
    assert not {"/extra/deep", "/extra/deep/x.py", "/extra/y.py"} & paths


def test_foreign_boot_code_still_runs_after_deploys(session):
    put(session, "/boot.py", "import sys\nsys.modules['foreign'] = 1\n")
    deploy(session, application("1", boot=False))
    session.repl()
    assert session.exec("import sys; print(sys.modules.get('foreign'))").strip() == "1"
    deploy(session, application("2", boot=False))
    session.repl()
    assert session.exec("import sys; print(sys.modules.get('foreign'))").strip() == "1"


def test_boot_code_that_the_next_application_lacks_is_removed(session):
    deploy(session, FILES)
    assert deploy(session, application("1", boot=False)).removed == (APP_BOOT,)
    assert {"/boot.py"} <= listing(session)
    assert APP_BOOT not in listing(session)


def test_an_interrupted_deploy_is_completed_by_the_next(session, monkeypatch):
    """Even when somebody replaced the rig's boot file after the interruption."""
    deploy(session, FILES)
    new = application("2")
    plan = plan_deploy(session, new, (), LIMITS)
    session.exec("def complete_commit(): raise OSError(5)")
    monkeypatch.setattr(transfer, "WRITE_SCRIPT", transfer.WRITE_SCRIPT.replace("    complete_commit()\n", "", 1))
    with pytest.raises(DeployError, match="EIO"):
        send(session, plan, LIMITS)
    assert COMMIT_SCRIPT in listing(session)
    assert deploy(session, new).sent == ()
    assert not {COMMIT_SCRIPT, f"{STAGED}0"} & listing(session)


def test_an_exception_in_boot_code_names_its_file(session):
    deploy(session, [*FILES, File("/boot.py", b"\n1 / 0\n")][-1:] + FILES[:-2] + FILES[-1:])
    mark = session.console.mark()
    session.repl()
    assert f'File "{APP_BOOT}", line 2' in session.console.text(since=mark)


def test_staged_files_of_an_interrupted_deploy_are_removed(session):
    deploy(session, FILES)
    for number in (0, 7):
        put(session, f"{STAGED}{number}", "half a file")
    plan_deploy(session, FILES, (), LIMITS, dry=True)
    assert f"{STAGED}7" in listing(session)
    assert deploy(session, FILES).sent == ()
    assert not [path for path in listing(session) if path.startswith(STAGED)]


def test_digests_in_the_console_do_not_confirm_a_guess_at_a_file(session):
    changed = [*FILES[:-1], File(FILES[-1].target, b"other content")]
    for files in (FILES, changed, changed, FILES):
        deploy(session, files)
    answers = re.findall(r'\["([^"\\]*)(?:\\n)?", \[', session.console.text())
    assert answers.pop(2) == ""  # nothing had to change
    digests = [base64.b64decode(text) for text in answers]
    assert [len(joined) for joined in digests] == [STATE_DIGEST_SIZE * (len(FILES) + 2)] * 3
    unsalted = [digest(file)[:STATE_DIGEST_SIZE] for file in (*FILES, changed[-1])]
    assert not [part for part in unsalted for joined in digests if part in joined]
    assert digests[1][:STATE_DIGEST_SIZE] != digests[2][:STATE_DIGEST_SIZE]  # of a file that stayed the same


def test_a_dry_run_changes_nothing(session):
    before = listing(session)
    plan = plan_deploy(session, FILES, (), LIMITS, dry=True)
    assert {file.target for file in plan.send} == {file.target for file in FILES}
    assert file_sizes(session, ["/boot.py", "/none"])["/none"] is None
    assert listing(session) == before


@pytest.mark.parametrize(
    "limits",
    [
        TransferLimits(115200, 100_000, False),
        TransferLimits(921600, 4_000_000, True),
        TransferLimits(300, 9_000, True),
    ],
)
def test_a_deploy_suits_any_line_and_heap(session, limits):
    deploy(session, FILES, limits=limits)
    assert deploy(session, FILES, limits=LIMITS).sent == ()


def test_progress_starts_at_zero_and_ends_at_the_total(session):
    updates: list[tuple[int, int]] = []
    send(session, plan_deploy(session, FILES, (), LIMITS), LIMITS, lambda done, total: updates.append((done, total)))
    assert updates[0][0] == 0
    assert updates[-1][0] == updates[-1][1]
    assert updates == sorted(updates)


def test_a_full_flash_is_reported_before_anything_is_written(tmp_path, connect):
    with VirtualBoard.start(VirtualConfig(flash_blocks=16)) as small:
        session = connect(small)
        before = listing(session)
        with pytest.raises(
            FlashFullError, match=r"flash is full: the deploy needs \d+ bytes in addition to the files on it, \d+ are"
        ):
            deploy(session, application("1", size=60_000))
        assert listing(session) == before


def test_a_flash_that_fills_up_during_a_transfer_is_reported(tmp_path, connect):
    with VirtualBoard.start(VirtualConfig(flash_blocks=16)) as small:
        session = connect(small)
        plan = plan_deploy(session, application("1", size=60_000), (), LIMITS)
        with pytest.raises(
            FlashFullError, match=r"the deploy needs \d+ bytes in addition to the files on it, \d+ are free"
        ):
            send(session, dataclasses.replace(plan, needed=1), LIMITS)
        assert not [path for path in listing(session) if path.startswith(STAGED)]


def test_a_read_only_filesystem_is_reported(session):
    session.exec("import vfs\nvfs.umount('/')\nvfs.mount(vfs.VfsLfs2(bdev), '/', readonly=True)")
    with pytest.raises(DeployError, match="its filesystem is read-only"):
        deploy(session, FILES)


class LineNoise:
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


def test_a_transfer_with_a_damaged_byte_is_repeated(session):
    plan = plan_deploy(session, FILES, (), LIMITS)
    LineNoise(session, 1)
    send(session, plan, LIMITS)
    assert deploy(session, FILES).sent == ()


def test_a_line_that_always_damages_is_reported(session, monkeypatch):
    plan = plan_deploy(session, FILES, (), LIMITS)

    def garbled(part: bytes, limits: TransferLimits) -> bytes:
        return b"put(" + transfer.stream(part[:-1] + b"?", False).replace(b"z(", b"io.BytesIO(") + b")\n"

    monkeypatch.setattr(transfer, "_put", garbled)
    with pytest.raises(DeployError, match=r"what arrives on the board is damaged: .* read back with another hash"):
        send(session, plan, LIMITS)
    assert not [path for path in listing(session) if path.startswith(STAGED)]


def test_an_unexpected_exception_is_reported_with_its_traceback(session, monkeypatch):
    plan = plan_deploy(session, FILES, (), LIMITS)
    monkeypatch.setattr(transfer, "_commit", lambda plan: b"raise ValueError('odd')\n")
    with pytest.raises(DeployError, match="writing failed on the board: ValueError: odd") as caught:
        send(session, plan, LIMITS)
    assert not isinstance(caught.value, BoardRaisedError)
    assert "Traceback" in caught.value.details


@pytest.mark.parametrize("identify", [0.01, 2.0])
def test_commands_get_time_by_the_size_of_files_and_the_boards_pace(session, monkeypatch, identify):
    limits: list[list[float]] = []
    run = session.transport.run
    monkeypatch.setattr(
        session.transport, "run", lambda code, seconds: (limits[-1].append(seconds), run(code, seconds))[1]
    )
    session.pace.identified(identify)
    for size in (100, 100_000):
        limits.append([])
        plan = plan_deploy(session, application("1", size=size), (), LIMITS, dry=True)
        assert plan.send
    (small,), (large,) = limits
    assert 30 <= small < large
    assert (large > 60) is (identify > 1)


def test_a_deploy_that_takes_too_long_says_what_the_next_run_does(board, session, monkeypatch):
    plan = plan_deploy(session, FILES, (), LIMITS)
    monkeypatch.setattr(transfer, "SECONDS_PER_COMMAND", 0.5)
    monkeypatch.setattr(session.pace, "limit", lambda least, **work: least)
    board.fault("silent")
    with pytest.raises(DeployError, match=r"the deploy was not finished: .* within 0\.5 s") as caught:
        send(session, plan, LIMITS)
    assert "the next run waits" in caught.value.hint
