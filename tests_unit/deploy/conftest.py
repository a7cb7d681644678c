"""A virtual board to deploy to, and a small application whose parts print their version."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from camrig.board.session import Session
from camrig.deploy.manifest import File
from camrig.deploy.transfer import TransferLimits, TransferResult, plan_deploy, send
from camrig.virtual.board import VirtualBoard, VirtualConfig

LIMITS = TransferLimits(115200, 100_000, True)
PARTS = ("one", "two", "three")


def application(version: str, boot: bool = True, size: int = 3000, parts: tuple[str, ...] = PARTS) -> list[File]:
    """Files of ``version``: main.py prints the version of each part, boot code and settings included."""
    filler = "".join(f"# {version} {number}\n" for number in range(size // 10))
    files = [File(f"/lib/pack/{part}.py", f"V = {version!r}\n{filler}".encode()) for part in parts]
    files.append(File("/settings.txt", version.encode()))
    if boot:
        files.append(File("/boot.py", f"import __main__\n__main__.booted = {version!r}\n".encode()))
    main = "".join(f"import pack.{part}\nversions.add(pack.{part}.V)\n" for part in parts)
    main = (
        f"versions = set()\nversions.add({version!r})\n{main}versions.add(open('/settings.txt').read())\n"
        "versions.add(globals().get('booted', 'none'))\nprint('versions', sorted(versions))\n"
    )
    files.append(File("/main.py", main.encode()))
    return files


@pytest.fixture
def board(tmp_path: Path) -> Iterator[VirtualBoard]:
    with VirtualBoard.start(VirtualConfig(flash=tmp_path / "flash")) as board:
        yield board


@pytest.fixture
def connect() -> Iterator[Callable[[VirtualBoard], Session]]:
    """Sessions in the raw REPL; each ends the one before."""
    opened: list[Session] = []

    def call(board: VirtualBoard) -> Session:
        for session in opened:
            session.close()
        opened.append(Session(board.path, 115200))
        opened[-1].repl()
        return opened[-1]

    yield call
    for session in opened:
        session.close()


@pytest.fixture
def session(board: VirtualBoard, connect: Callable[[VirtualBoard], Session]) -> Session:
    return connect(board)


def deploy(
    session: Session, files: list[File], obsolete: tuple[str, ...] = (), limits: TransferLimits = LIMITS
) -> TransferResult:
    return send(session, plan_deploy(session, files, obsolete, limits), limits)
