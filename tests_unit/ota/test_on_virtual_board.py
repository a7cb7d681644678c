"""Firmware over the air on a board: tried, kept or rolled back, and never without a firmware that boots."""

from __future__ import annotations

import pytest
from camrig.bringup.board import Board
from camrig.deadline import Deadline
from camrig.deploy.transfer import TransferLimits
from camrig.errors import BlockedError, FirmwareBootError, FirmwareError
from camrig.ota.slots import read_slots
from camrig.ota.trial import Trial, roll_back
from camrig.ota.write import holds, write_image
from camrig.settings.resolve import resolve
from camrig.virtual.board import VirtualBoard, VirtualConfig

from tests_unit.ota.conftest import WIFI, firmware

PARTITION = "from esp32 import Partition\n"
SPARE = (
    f"{PARTITION}b = bytearray(64)\nPartition(Partition.RUNNING).get_next_update().readblocks(0, b)\nprint(list(b))"
)


def running(board):
    """Slot and release that the board reports."""
    running = "Partition(Partition.RUNNING).info()[4]"
    return board.session.ask(f"import os, json\n{PARTITION}print(json.dumps([{running}, os.uname()[2]]))")


def test_an_update_is_tried_and_then_kept(board):
    image = firmware("v1.30.0")
    assert board.over_the_air.takes(image)
    done = board.over_the_air.install(image)
    assert (done.slot, done.blocks, done.trial.previous) == ("ota_1", (image.size + 4095) // 4096, "ota_0")
    assert (board.identity.firmware, board.identity.build) == ("MicroPython 1.30.0", "v1.30.0 on 2026-01-01")
    assert board.over_the_air.install(image).blocks == 0  # it runs already, still on trial
    board.deploy()
    dut = board.boot()  # first without a reset of the chip, which would end the trial
    assert not board.on_trial
    assert dut.request("GET", "/api/status").status == 200
    board.session.repl()
    assert running(board) == ["ota_1", "1.30.0"]
    assert str(board.over_the_air.install(image)) == "ota_1 runs it already"


def test_firmware_that_nobody_confirms_is_rolled_back_at_the_end(virtual, tmp_path):
    before, lines = [], []
    with Board(virtual.path, resolve({"device": [virtual.path]}, WIFI, tmp_path)) as board:
        before = running(board)
        board.over_the_air.install(firmware("v1.40.0"))
        assert running(board)[1] == "1.40.0"
        board.steps.say = lines.append
    with Board(virtual.path, resolve({"device": [virtual.path]}, WIFI, tmp_path)) as board:
        assert running(board) == before
        slot = board.over_the_air.install(firmware("v1.40.0"))
        assert slot.blocks == 0  # the spare slot has it still
        board.over_the_air.give_up()
        assert running(board) == before
        assert board.identity.firmware == "MicroPython 1.40.0"  # the one that was tried


def test_a_slot_that_an_ended_run_has_chosen_leads_to_no_lost_firmware(board):
    before = running(board)
    image = firmware("v1.45.0")
    board.over_the_air.install(image)
    board.over_the_air.give_up()
    choose_spare = f"{PARTITION}Partition(Partition.RUNNING).get_next_update().set_boot()"
    board.session.exec(choose_spare)  # and the run is killed
    with pytest.raises(FirmwareBootError):
        board.over_the_air.install(firmware("v1.46.0", faults=["guru@boot"]))
    assert running(board) == before
    board.over_the_air.install(image)
    board.over_the_air.give_up()
    board.session.exec(choose_spare)
    trial = Trial(image.title, *(name for name in ("ota_0", "ota_1") if name != before[0]), before[0])
    roll_back(board.session, trial, board.recovery.bring_back)
    for _ in range(2):
        board.session.reset_chip()
        board.session.catch(10)
        assert running(board) == before


@pytest.mark.parametrize("fault", ["guru@boot", "task-wdt@ready"])
def test_firmware_that_crashes_is_rolled_back_and_has_failed(board, fault):
    before = running(board)

    def install_and_boot():
        board.over_the_air.install(firmware("v1.41.0", faults=[fault]))
        board.deploy()
        board.boot()

    with pytest.raises(FirmwareBootError, match=r"v1.41.0 .*rolled back to ota_") as caught:
        install_and_boot()
    assert caught.value.exit_code == 1
    assert ("Guru Meditation" if fault.startswith("guru") else "task_wdt") in caught.value.details
    assert board.over_the_air.trial is None
    board.session.repl()
    assert running(board) == before
    assert board.identity.mac


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"chip": 9}, "v1.50.0.bin is for esp32s3, and the board has an esp32"),
        ({"size": 1_600_000}, "v1.50.0.bin has 1.526 MB, and the slot ota_. has 1.5 MB"),
    ],
)
def test_an_image_that_does_not_fit_is_refused_before_a_write(board, settings, sentence):
    before = board.session.ask(SPARE)
    with pytest.raises(FirmwareError, match=sentence) as caught:
        board.over_the_air.install(firmware("v1.50.0", **settings))
    assert caught.value.exit_code == 4
    assert board.session.ask(SPARE) == before


def test_a_write_that_is_interrupted_goes_on_where_it_ended(virtual, board):
    image = firmware("v1.60.0", size=200_000)
    before = running(board)
    virtual.fault("power-cut@100000")
    done = board.over_the_air.install(image)
    assert 0 < done.blocks < (image.size + 4095) // 4096 - 20
    assert [strike.fault for strike in virtual.struck()][-1].startswith("power-cut")
    board.over_the_air.give_up()
    virtual.fault("port-lost@exec*4")
    with pytest.raises(BlockedError, match="the firmware was not written") as caught:
        board.over_the_air.install(firmware("v1.61.0"))
    assert "the old firmware still boots" in caught.value.hint
    assert caught.value.exit_code == 6
    virtual.clear("port-lost")
    board.session.reopen(Deadline.after(10))
    board.session.repl()
    assert running(board) == before


def test_a_damaged_line_costs_another_attempt(virtual, board):
    image, limits = firmware("v1.62.0", size=20_000), TransferLimits(19200, 100_000, True)
    slots = read_slots(board.session)
    virtual.fault("garble@0.0001")
    try:
        write_image(board.session, slots.spare, image, limits)
    finally:
        virtual.clear("garble")
    assert holds(board.session, slots.spare, image, limits)


def test_a_board_without_slots_takes_nothing_over_the_air(tmp_path):
    with (
        VirtualBoard.start(VirtualConfig(ota=False)) as virtual,
        Board(virtual.path, resolve({"device": [virtual.path]}, WIFI, tmp_path)) as board,
    ):
        image = firmware("v1.30.0")
        assert not board.over_the_air.takes(image)
        with pytest.raises(BlockedError, match="no spare slot"):
            board.over_the_air.install(image)
