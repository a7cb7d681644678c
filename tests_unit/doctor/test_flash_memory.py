"""``camrig doctor --flash``: firmware that tells its partitions, and the boot loader where none answers."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from camrig.board.session import Session
from camrig.bringup.running_firmware import difference, read_running
from camrig.doctor.check import State
from camrig.doctor.flash_memory import (
    FlashMemory,
    checks_by_firmware,
    checks_by_loader,
    memory_checks,
    read_memory,
    read_through_loader,
)
from camrig.firmware.image import read_image
from camrig.firmware.partitions import read_partitions
from camrig.virtual.board import VirtualBoard, VirtualConfig

from benchmarks.firmware_images import TWO_SLOTS, Parts, application, table
from benchmarks.mock_boot_loader import Bench, Chip, Faults
from tests_unit.firmware.test_partitions import record

PARTS = Parts(rows=TWO_SLOTS, version="v1.24.1")
TABLE = read_partitions(table(TWO_SLOTS))
COMMAND = "camrig flash FIRMWARE.bin --device /dev/ttyUSB0"
# What MicroPython's port for ESP32 has, over the contents of an application.
ESP32 = """
import sys, binascii
class Partition:
    RUNNING, BOOT, TYPE_APP, TYPE_DATA = 0, 1, 0, 1
    ROWS = {rows!r}
    DATA = binascii.a2b_base64({data!r})
    def __init__(self, row):
        self.row = {{0: self.ROWS[3], 1: self.ROWS[3]}}.get(row, row) if isinstance(row, int) else row
    def info(self):
        name, kind, subtype, offset, size = self.row
        return (kind, subtype, offset, size, name, False)
    @classmethod
    def find(cls, kind):
        return [cls(row) for row in cls.ROWS if row[1] == kind]
    def readblocks(self, block, buffer, offset=0):
        start = block * 4096 + offset
        for i in range(len(buffer)):
            buffer[i] = self.DATA[start + i] if start + i < len(self.DATA) else 255
class esp32:
    Partition = Partition
class esp:
    @staticmethod
    def flash_size():
        return {size}
sys.modules['esp32'], sys.modules['esp'] = esp32, esp
"""


@pytest.fixture(scope="module")
def board() -> Iterator[VirtualBoard]:
    with VirtualBoard.start(VirtualConfig()) as board:
        yield board


@pytest.fixture
def session(board) -> Iterator[Session]:
    with closing(Session(board.path, 115200)) as session:
        session.repl()
        yield session


def give_partitions(session: Session, data: bytes, size: int = 4 << 20) -> None:
    session.exec(ESP32.format(rows=list(TWO_SLOTS), data=base64.b64encode(data).decode(), size=size), 30)


def test_the_firmware_tells_partitions_application_and_files(session):
    give_partitions(session, application(version="v1.24.1"))
    memory = read_memory(session)
    assert memory.partitions == TABLE
    assert (memory.running, memory.size, memory.whole) == (TABLE[3], 4 << 20, True)
    assert memory.sha256 == application(version="v1.24.1")[-32:].hex()
    assert memory.application is not None
    assert memory.application.version == "v1.24.1"
    assert memory.filesystem is not None
    checks = list(checks_by_firmware(session, COMMAND))
    assert [(check.name, check.state) for check in checks] == [
        ("partitions", State.OK),
        ("image", State.OK),
        ("filesystem", State.OK),
    ]
    assert "ota_1" in checks[0].details


def test_what_runs_is_proven_by_its_hash(session):
    image = read_image(PARTS.release(), "new.bin")
    for version, expected in (("v1.24.1", ""), ("v1.21.0", "the application that runs has another hash")):
        give_partitions(session, application(version=version))
        running = read_running(session, image)
        assert (running.partition, len(running.app_sha256)) == (TABLE[3], 64)
        assert difference(image, TABLE[3], running).startswith(expected)
        assert bool(difference(image, TABLE[3], running)) == bool(expected)


def test_a_damaged_application_is_found(session):
    data = bytearray(application())
    data[5000] ^= 1
    give_partitions(session, bytes(data))
    image = list(checks_by_firmware(session, COMMAND))[1]
    assert (image.name, image.state, image.command) == ("image", State.WRONG, COMMAND)


BAD_FILE = """
import io
with io.open('/bad.bin', 'wb') as f:
    f.write(b'x' * 3000)
def open(path, mode):
    if path == '/bad.bin':
        raise OSError(5)
    return io.open(path, mode)
"""


def test_a_file_that_cannot_be_read_is_named(session):
    session.exec(BAD_FILE)
    try:
        check = list(checks_by_firmware(session, COMMAND))[-1]
        assert (check.state, "it is damaged: /bad.bin cannot be read" in check.finding) == (State.WRONG, True)
    finally:
        session.exec("import os\nos.remove('/bad.bin')")


def test_firmware_without_partitions_is_a_note(session):
    assert [check.state for check in checks_by_firmware(session, COMMAND)] == [State.OK] * 3
    session.exec("import sys\nclass esp32: pass\nsys.modules['esp32'] = esp32")
    checks = list(checks_by_firmware(session, COMMAND))
    assert [check.state for check in checks] == [State.NOTE, State.OK]


SOUND = FlashMemory(4 << 20, TABLE, TABLE[3], TABLE[3], None, "ab" * 32, True, (1 << 20, 1 << 19), 3)


@pytest.mark.parametrize(
    ("fields", "name", "state", "words"),
    [
        ({}, "filesystem", State.OK, "3 files, 512 KB of 1 MB free"),
        ({"size": 2 << 20}, "partitions", State.WRONG, "ota_1 reaches beyond the end of the flash, which has 2 MB"),
        ({"partitions": ()}, "partitions", State.WRONG, "the flash is empty"),
        ({"next_boot": TABLE[4]}, "image", State.NOTE, "the next start boots ota_1"),
        ({"whole": False}, "image", State.WRONG, "the flash is damaged"),
        ({"filesystem": None}, "filesystem", State.WRONG, "no filesystem is mounted"),
        ({"filesystem": (1 << 20, 4096)}, "filesystem", State.NOTE, "4 KB of 1 MB free"),
        ({"unreadable": ("/lib/a.py",)}, "filesystem", State.WRONG, "it is damaged: /lib/a.py cannot be read"),
    ],
)
def test_each_finding_has_its_check(fields, name, state, words):
    checks = {check.name: check for check in memory_checks(replace(SOUND, **fields), COMMAND)}
    assert (checks[name].state, words in checks[name].finding) == (state, True), checks[name]
    assert sum(check.state is not State.OK for check in checks.values()) == (state is not State.OK)


def test_the_boot_loader_tells_the_same_of_a_mute_board():
    chip = Chip.holding(PARTS.flash_contents())
    memory = read_through_loader(Bench(chip).connect())
    assert (memory.partitions, memory.running, memory.whole) == (TABLE, TABLE[3], True)
    checks = list(checks_by_loader(Bench(chip).connect, COMMAND))
    assert [(check.name, check.state) for check in checks] == [("partitions", State.OK), ("image", State.OK)]
    assert chip.resets == 1
    chip.flash[0x10100] ^= 1
    assert [check.state for check in checks_by_loader(Bench(chip).connect, COMMAND)] == [State.OK, State.WRONG]


def test_the_boot_loader_tells_which_slot_boots():
    chip = Chip.holding(PARTS.flash_contents())
    chip.flash[0xD000:0xE000] = record(2)
    memory = read_through_loader(Bench(chip).connect())
    assert (memory.running, memory.whole) == (TABLE[4], False)  # nothing was written to that one


@pytest.mark.parametrize(
    ("contents", "faults", "words"),
    [(b"", {}, "the flash is empty"), (PARTS.flash_contents(), {"unreadable": True}, "the flash cannot be read")],
)
def test_a_flash_that_tells_nothing_is_a_finding(contents, faults, words):
    (check,) = checks_by_loader(Bench(Chip.holding(contents), Faults(**faults)).connect, COMMAND)
    assert (check.state, words in check.finding) == (State.WRONG, True)
