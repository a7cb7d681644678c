"""How flashing ends under every fault of a mock boot loader: ``make bench-flash``, or ``python -m benchmarks.flash``.

Each run flashes a board that has a previous firmware, NVS and files, with one fault. A run is *released* if the flash
was reported as good, else *blocked*. What the flash holds afterwards is compared byte by byte, without the code under
test. Exits 1 if a wrong board was written, a half-written one was called good, or the previous image is not back
although the board took it.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from camrig.errors import BlockedError, CamrigError, FirmwareError
from camrig.firmware.image import Image, read_image
from camrig.flash import previous
from camrig.flash.write import Target, flash_board

from benchmarks.firmware_images import TWO_SLOTS, Parts, application
from benchmarks.mock_boot_loader import MAC, Bench, Chip, Faults

OLD, NEW = Parts(version="v1.21.0"), Parts(version="v1.24.1")
COMBINED, ALONE = read_image(NEW.release(), "new.bin"), read_image(application(version="v1.24.1"), "app.bin")
SPANS = ((0x1000, 0x2000), (0x8000, 0x9000), (0x10000, len(NEW.flash_contents())))  # of the new image in flash
OTHER_MAC = "a0:b1:c2:00:00:01"
IN_A_WRITE = {
    "the line drops": "drop",
    "a block arrives damaged": "corrupt",
    "the chip stalls": "stall",
    "the chip drops the rest": "skip",
}
OUTCOMES = ("released", "untouched", "previous back", "half-written, and says so", "WRONG")


@dataclass(frozen=True)
class Case:
    """One run. ``curable`` is false where no image can reach the board any more after the write has begun."""

    title: str
    image: Image = COMBINED
    faults: dict[str, Any] = field(default_factory=dict)
    chip: dict[str, Any] = field(default_factory=dict)
    curable: bool = True
    disk_full: bool = False


def cases() -> Iterator[Case]:
    """All runs, each fault at several places and several times in a row."""
    for image in (COMBINED, ALONE):
        yield Case("none", image)
        for title, name in IN_A_WRITE.items():
            for at in (0.0, 0.25, 0.5, 0.75, 0.99):
                for times in (1, 2, 3, 9):
                    yield Case(title, image, {name: times, "at": at}, curable=times < 4)
        for at in (0.0, 0.5, 0.99):
            yield Case("another board takes its place", image, {"drop": 1, "at": at, "swap": True}, curable=False)
            for times in (1, 2, 9):
                faults = {"drop": 1, "connect": times, "at": at}
                yield Case("the line drops, and stays away", image, faults, curable=times < 4)
        yield Case("another MAC", image, chip={"mac": OTHER_MAC})
        yield Case("another chip", image, chip={"name": "esp32s3"})
        yield Case("less flash", image, chip={"size": 1 << 20})
        yield Case("protected flash", image, {"protect": True})
        yield Case("unreadable flash", image, {"unreadable": True})
        for times in (1, 2):
            yield Case("reads arrive damaged", image, {"garbled_reads": times})
            yield Case("no reset", image, {"reset": times})
        yield Case("no room for the old image", image, disk_full=True)
    yield Case("an image for another layout", read_image(Parts(rows=TWO_SLOTS).release(), "ota.bin"), {"drop": 2})


def used_chip(**fields: Any) -> Chip:
    """A board that has run its old firmware: NVS and filesystem have contents."""
    contents = bytearray(OLD.flash_contents().ljust(0x300000, b"\xff"))
    contents[0x9000:0x9020] = b"wifi password, calibration, more"
    contents[0x200000:0x200400] = b"a file! " * 128
    return Chip.holding(bytes(contents[: fields.get("size", 4 << 20)]), **fields)


def outcome(case: Case, folder: Path) -> str:
    """How the run ends, as one of OUTCOMES."""
    chip, intruder = used_chip(**case.chip), used_chip(mac=OTHER_MAC)
    before, intruder_before = bytes(chip.flash), bytes(intruder.flash)
    faults = Faults(**{**case.faults, "swap": intruder if case.faults.get("swap") else None})
    target = Target("the board", MAC, Bench(chip, faults).connect, folder=folder)
    said, released = "", False
    free = mock.Mock(free=4096 if case.disk_full else 1 << 40)
    try:
        with mock.patch.object(previous.shutil, "disk_usage", return_value=free):
            flash_board(target, case.image)
        released = True
    except (BlockedError, FirmwareError) as error:
        said = error.what
    except CamrigError:
        return "WRONG"
    wrong_board = (chip.mac, chip.name) != (MAC, COMBINED.chip)
    if intruder.flash != intruder_before or (wrong_board and chip.sectors_written):
        return "WRONG"
    whole = bytes(chip.flash) == before
    if released:
        return "released" if _has_image(chip, case.image) and _keeps_data(chip, before) else "WRONG"
    if "the flash has what it should have" in said:  # and the board was not started: blocked, with the new image
        return "released" if _has_image(chip, case.image) else "WRONG"
    if "half-written" in said:
        return "WRONG" if case.curable else OUTCOMES[3]
    if not whole:
        return "WRONG"
    return "previous back" if chip.sectors_written else "untouched"


def _has_image(chip: Chip, image: Image) -> bool:
    if image is ALONE:
        return chip.flash[0x10000:].startswith(image.data)
    contents = NEW.flash_contents()
    return all(chip.flash[start:end] == contents[start:end] for start, end in SPANS)


def _keeps_data(chip: Chip, before: bytes) -> bool:
    return chip.flash[0x9000:0xF000] == before[0x9000:0xF000] and chip.flash[0x200000:] == before[0x200000:]


def main() -> int:
    counts: dict[str, Counter[str]] = {}
    start = time.monotonic()
    for case in cases():
        with tempfile.TemporaryDirectory() as folder:
            counts.setdefault(case.title, Counter())[outcome(case, Path(folder))] += 1
    total = sum(counts.values(), Counter())
    print(_row("fault", "runs", OUTCOMES))
    for title, row in [*counts.items(), ("all", total)]:
        print(_row(title, str(row.total()), [str(row[name] or "-") for name in OUTCOMES]))
    print(
        f"wrong boards written, or half-written ones called good: {total['WRONG']}; {time.monotonic() - start:.0f} s"
    )
    return 1 if total["WRONG"] else 0


def _row(title: str, runs: str, cells: Sequence[str]) -> str:
    fields = (f"{cell:>{max(8, len(name))}}" for cell, name in zip(cells, OUTCOMES, strict=True))
    return f"{title:<32}{runs:>5}  " + "  ".join(fields)


if __name__ == "__main__":
    sys.exit(main())
