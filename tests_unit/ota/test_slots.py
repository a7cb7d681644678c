"""What a board says of its slots, which images they take, and boards whose word is not what they do."""

from __future__ import annotations

import json
import struct
import zlib
from types import SimpleNamespace

import pytest
from camrig.board.console import Console
from camrig.bringup import installation
from camrig.errors import BoardRaisedError, FirmwareError, FlashError
from camrig.firmware.image import read_image
from camrig.flash.write import FlashResult
from camrig.ota.slots import check_image, fits_over_the_air, read_slots
from camrig.ota.trial import NoRollbackError, Trial, choose, confirm
from camrig.settings.resolve import Settings
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.firmware_images import Parts
from tests_unit.ota.conftest import firmware

IMAGE = firmware("v1.30.0", size=2000)
RUNNING = [0, 16, 0x10000, 0x180000, "ota_0", False]
SPARE = [0, 17, 0x190000, 0x180000, "ota_1", False]


def record(number, state):
    start = struct.pack("<I", number)
    return (start + b"\xff" * 20 + struct.pack("<II", state, zlib.crc32(start, 0xFFFFFFFF))).hex()


ERASED = "ff" * 32


class ScriptedSession:
    """Answers queries for slots in turn, the last one for ever; ``commands`` are the other programs that ran."""

    name = "a board"

    def __init__(self, *answers, refuses=""):
        self.answers, self.refuses = list(answers), refuses
        self.commands = []
        self.console = Console()

    def ask(self, code):
        return json.loads(json.dumps(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]))

    def exec(self, code):
        self.commands.append(code)
        if self.refuses:
            raise BoardRaisedError("a command failed on the board", details=f"Traceback\n{self.refuses}")


@given(st.integers(1, 2**31), st.integers(0, 4), st.integers(0, 4))
def test_the_record_that_was_written_last_counts(number, state, older):
    for records in (record(number, state) + record(number - 1 or 99999, older), ERASED + record(number, state)):
        slots = read_slots(ScriptedSession([RUNNING, "ota_0", SPARE, records]))
        if records.startswith(ERASED) or number > 1:
            assert slots.state == state
            assert slots.on_trial == (state == 1)


def test_damaged_records_and_boards_without_a_spare_slot_say_nothing():
    damaged = record(5, 1)[:-1] + "0"
    assert read_slots(ScriptedSession([RUNNING, "ota_0", SPARE, damaged + ERASED])).state is None
    assert read_slots(ScriptedSession(None)) is None
    assert read_slots(ScriptedSession([RUNNING, "ota_0", RUNNING, ERASED * 2])) is None


def test_a_combined_image_is_refused_for_a_slot():
    combined = read_image(Parts(version="v1.24.1").release(), "release.bin")
    slots = read_slots(ScriptedSession([RUNNING, "ota_0", SPARE, ERASED * 2]))
    assert not fits_over_the_air(combined, slots)
    assert not fits_over_the_air(IMAGE, None)
    with pytest.raises(FirmwareError, match=r"release.bin is a combined image, and a slot takes an"):
        check_image(combined, slots, "ESP32")


def test_a_board_that_would_not_roll_back_gets_its_slot_chosen_again():
    before = [RUNNING, "ota_0", SPARE, ERASED * 2]
    session = ScriptedSession(before, [RUNNING, "ota_1", SPARE, record(2, 0xFFFFFFFF) + ERASED])
    with pytest.raises(NoRollbackError, match="does not roll firmware back"):
        choose(session, read_slots(session), IMAGE)
    assert [command.splitlines()[-1] for command in session.commands] == [
        "Partition('ota_1').set_boot()",
        "Partition('ota_0').set_boot()",
    ]


def test_a_slot_that_was_not_chosen_is_noticed():
    session = ScriptedSession([RUNNING, "ota_0", SPARE, ERASED * 2])  # old firmware ignores the error inside set_boot
    with pytest.raises(FlashError, match="did not take the new slot"):
        choose(session, read_slots(session), IMAGE)


def test_an_image_that_the_board_itself_refuses_is_the_images_fault():
    session = ScriptedSession(
        [RUNNING, "ota_0", SPARE, ERASED * 2], refuses="OSError: (-5379, 'ESP_ERR_OTA_VALIDATE_FAILED')"
    )
    with pytest.raises(FirmwareError, match=r"refuses to boot v1.30.0.bin: .*VALIDATE_FAILED"):
        choose(session, read_slots(session), IMAGE)


@pytest.mark.parametrize(
    ("refuses", "records", "sentence"),
    [
        ("OSError: (-261, 'ESP_ERR_NOT_FOUND')", record(2, 1), "cannot be confirmed: .*NOT_FOUND"),
        ("", record(2, 1), "has not recorded"),
    ],
)
def test_firmware_that_is_not_confirmed_is_reported(refuses, records, sentence):
    session = ScriptedSession([SPARE, "ota_1", RUNNING, records + ERASED], refuses=refuses)
    with pytest.raises(FlashError, match=sentence):
        confirm(session, Trial("v1.30.0", "ota_1", "ota_0"))


def test_without_rollback_a_board_is_flashed_through_its_boot_loader(monkeypatch):
    def refuse(image, dry_run):
        raise NoRollbackError("its boot loader does not roll firmware back")

    lines = []
    board = SimpleNamespace(
        spec="/dev/ttyUSB0",
        mac="02:00:00:00:00:01",
        settings=Settings(),
        over_the_air=SimpleNamespace(takes=lambda image: True, install=refuse),
        steps=SimpleNamespace(say=lines.append),
    )
    result = FlashResult(False, board.mac, None)
    monkeypatch.setattr(installation, "flash_firmware", lambda *arguments, dry_run: result)
    assert installation.install(board, IMAGE) == installation.Installed(False, "", over_the_air=False)
    assert lines == ["its boot loader does not roll firmware back: through the boot loader"]
