"""Writes an image into the spare slot: only blocks that differ are sent, and all is read back as one hash."""

from __future__ import annotations

import binascii
import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from camrig.board.session import Session
from camrig.deploy.board_scripts import command, piece_size, pieces, stream
from camrig.deploy.transfer import SECONDS_PER_COMMAND, SMALL_HEAP, TransferLimits
from camrig.errors import BoardRaisedError, BoardSilentError, FlashError, NoMicroPythonError, PortError
from camrig.firmware.image import Image
from camrig.firmware.partitions import Partition
from camrig.ota.board_scripts import BLOCK, DIGEST_SIZE, SURVEY_SCRIPT, WRITE_SCRIPT

ATTEMPTS = 4  # in a row that may bring nothing; a byte that is damaged on the line costs one
# Exceptions of the board itself. Errno 22 is that of data that does not inflate, after damage on the line.
_CERTAIN = re.compile(r"MemoryError|OSError: (?!(?:\[Errno )?22\b)")
_RESUMES = "run again: the old firmware still boots, and blocks that were written are not sent again"


@dataclass(frozen=True)
class Survey:
    """What a slot holds over the length of an image: the hash of it all, and the blocks that differ."""

    sha256: str
    different: tuple[int, ...]


def survey(session: Session, slot: Partition, image: Image, limits: TransferLimits) -> Survey:
    """Hash the contents of ``slot`` on the board, which must be in the raw REPL."""
    size = len(image.data)
    text = command(f"{SURVEY_SCRIPT}survey({slot.name!r}, {size})\n", limits.inflates)
    start = time.monotonic()
    sha256, joined = session.ask(text, session.pace.limit(SECONDS_PER_COMMAND, read=size))
    session.pace.has_read(size, time.monotonic() - start)
    try:
        theirs = list(pieces(binascii.a2b_base64(joined), DIGEST_SIZE))
    except ValueError:
        theirs = []  # damaged on the line
    ours = [hashlib.sha256(block).digest()[:DIGEST_SIZE] for block in pieces(image.data, BLOCK)]
    return Survey(sha256, tuple(n for n, digest in enumerate(ours) if theirs[n : n + 1] != [digest]))


def holds(session: Session, slot: Partition, image: Image, limits: TransferLimits) -> bool:
    """Whether the slot holds exactly this image. The board must be in the raw REPL."""
    return image.size <= slot.size and survey(session, slot, image, limits).sha256 == image.sha256


def write_image(
    session: Session,
    slot: Partition,
    image: Image,
    limits: TransferLimits,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Make ``slot`` hold ``image``; how many blocks were sent. The board must be in the raw REPL.

    ``progress`` gets bytes done and bytes to do. When this returns, the image has been read back. The running
    firmware is not touched, whatever is raised: FlashError, or BoardResetError for a board that restarted.
    """
    sent, least, stuck = 0, len(image.data), 0
    try:
        while stuck < ATTEMPTS:
            stuck += 1
            try:
                contents = survey(session, slot, image, limits)
                if contents.sha256 == image.sha256:
                    return sent
                if len(contents.different) < least:
                    least, stuck = len(contents.different), 0
                _send(session, slot, image, contents.different, limits, progress)
                sent += len(contents.different)
            except BoardRaisedError as error:
                _raise_if_certain(error, slot)
            except BoardSilentError:
                if stuck >= ATTEMPTS:
                    raise
                session.repl()
    except (BoardSilentError, NoMicroPythonError, PortError) as error:
        raise FlashError(f"the firmware was not written: {error.what}", board=session.name, hint=_RESUMES) from None
    raise FlashError(
        f"what was written into {slot.name} reads back as something else",
        board=session.name,
        hint="run again; if it happens again, lower --hil-baud, or the flash is worn. The old firmware still boots",
    )


def _raise_if_certain(error: BoardRaisedError, slot: Partition) -> None:
    if _CERTAIN.match(error.raised):
        raise FlashError(
            f"writing into {slot.name} failed on the board: {error.raised}",
            board=error.board,
            hint="reset the board and run again; its old firmware still boots",
            details=error.details,
        ) from None


def _send(
    session: Session,
    slot: Partition,
    image: Image,
    numbers: tuple[int, ...],
    limits: TransferLimits,
    progress: Callable[[int, int], None],
) -> None:
    data = b"".join(image.data[n * BLOCK : (n + 1) * BLOCK].ljust(BLOCK, b"\xff") for n in numbers)
    text = command(f"{WRITE_SCRIPT}begin({slot.name!r}, {list(numbers)!r})\n", limits.inflates, first=False)
    collect = b"gc.collect()\n" if limits.heap < SMALL_HEAP else b""
    done = 0
    progress(done, len(data))
    for part in pieces(data, piece_size(limits.baud, limits.heap)):
        start = time.monotonic()
        put = text + collect + b"put(" + stream(part, limits.inflates) + b")\n"
        session.exec(put, session.pace.limit(SECONDS_PER_COMMAND, written=len(part)))
        session.pace.has_written(len(part), time.monotonic() - start)
        text, done = b"", done + len(part)
        progress(done, len(data))
