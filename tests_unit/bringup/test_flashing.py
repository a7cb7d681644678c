"""Flashing a reserved board, and proving that the image is what runs: a virtual board with a mock boot loader."""

from __future__ import annotations

import os
import pty
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from camrig.board.recovery import CONTROL_LINES, REFLASH, Ladder, RungUnavailableError, rungs
from camrig.board.session import Session
from camrig.bringup import flashing
from camrig.bringup.board import Board
from camrig.bringup.flashing import flash_firmware, load_image, reflash_action
from camrig.bringup.running_firmware import RunningFirmware, difference
from camrig.cli.main import main
from camrig.errors import (
    EXIT_BLOCKED,
    EXIT_FAILED,
    EXIT_USAGE,
    FirmwareBootError,
    FirmwareError,
    FlashError,
)
from camrig.firmware.image import read_image
from camrig.firmware.partitions import Partition
from camrig.lab.device_spec import Device
from camrig.settings.resolve import Settings
from camrig.settings.wifi import Wifi
from camrig.steps import Steps
from camrig.virtual.board import VirtualBoard, VirtualConfig

from benchmarks.firmware_images import ONE_SLOT, Parts, application, description, program
from benchmarks.mock_boot_loader import Bench, Chip, Faults

OLD, NEW = Parts(version="v1.21.0"), Parts(version="v1.24.1")
IMAGE = read_image(NEW.release(), "new.bin")
FACTORY = next(Partition(*row) for row in ONE_SLOT if row[0] == "factory")


@pytest.fixture(scope="module")
def virtual() -> Iterator[VirtualBoard]:
    with VirtualBoard.start(VirtualConfig()) as board:
        yield board


@pytest.fixture
def port(virtual, tmp_path) -> Path:
    """A name for the board's port, which can lead elsewhere later."""
    path = tmp_path / "port"
    path.symlink_to(virtual.path)
    return path


def opened(port: Path, lines: list[str]) -> Board:
    board = Board(str(port), Settings(boot_timeout=30), Steps(lambda step: lines.append(str(step))))
    board.reach()
    board.open()
    board.session.repl()
    board.identify()
    return board


def test_a_flashed_board_is_identified_again_and_usable(port, virtual):
    lines: list[str] = []
    with closing(opened(port, lines)) as board:
        bench = Bench(Chip.holding(OLD.flash_contents(), mac=board.mac, start=virtual.power_cycle))
        result = flash_firmware(board, IMAGE, bench.connect)
        assert not result.same
        assert board.session.exec("print(6*7)").strip() == "42"
        assert flash_firmware(board, IMAGE, bench.connect).same
    assert [line.split()[0] for line in lines if " s  " in line] == ["flash", "verify", "flash", "verify"]


def test_a_flash_that_fails_leaves_the_port_open_and_names_the_board(port):
    lines: list[str] = []
    with closing(opened(port, lines)) as board:
        for bench, words in (
            (Bench(Chip.holding(b"")), "another board is on this port"),
            (Bench(Chip.holding(OLD.flash_contents(), mac=board.mac), Faults(drop=9)), "half-written"),
        ):
            with pytest.raises(FlashError, match=words) as caught:
                flash_firmware(board, IMAGE, bench.connect)
            assert (caught.value.board, caught.value.exit_code) == (str(port), EXIT_BLOCKED)
            assert board.session.transport.serial.port.is_open


def test_firmware_that_does_not_boot_has_failed_and_the_old_one_is_back(port, monkeypatch):
    """From the reset on, nothing answers on the port."""
    near, far = pty.openpty()
    chip = Chip.holding(OLD.flash_contents())
    monkeypatch.setattr(flashing, "SECONDS_TO_FORMAT", 0.0)
    monkeypatch.setattr(Settings, "boots_in", 0.5)
    with closing(opened(port, [])) as board:
        chip.mac = board.mac
        bench = Bench(chip)

        def connect() -> object:
            port.unlink()
            port.symlink_to(os.ttyname(far))
            return bench.connect()

        with pytest.raises(FirmwareBootError, match=r"does not boot: nothing answers .*previous firmware again"):
            flash_firmware(board, IMAGE, connect)  # type: ignore[arg-type]
    os.close(near)
    os.close(far)
    assert FirmwareBootError.exit_code == EXIT_FAILED
    assert chip.flash == Chip.holding(OLD.flash_contents()).flash


def test_the_rung_of_the_ladder_writes_the_reserved_board_alone(tmp_path, monkeypatch):
    path = tmp_path / "new.bin"
    path.write_bytes(IMAGE.data)
    bench = Bench(Chip.holding(OLD.flash_contents()))
    monkeypatch.setattr(flashing, "connect_to", lambda device, settings: bench.connect)
    device = Device("/dev/ttyUSB0", "/dev/ttyUSB0", None)
    for mac, error in (("", RungUnavailableError), ("a0:b1:c2:00:00:01", FlashError)):
        action, _ = reflash_action(device, Settings(), path, lambda mac=mac: mac)
        assert action is not None
        with pytest.raises(error):
            action()
        assert bench.chip.sectors_written == 0
    action, _ = reflash_action(device, Settings(), path, lambda: bench.chip.mac)
    assert action is not None
    action()
    assert bench.chip.flash[0x10000:].startswith(application(version="v1.24.1"))


def test_a_mute_board_is_brought_back_by_the_rung(virtual, tmp_path, monkeypatch):
    """The port leads nowhere until the chip is started with its new firmware."""
    near, far = pty.openpty()
    port, image = tmp_path / "port", tmp_path / "new.bin"
    port.symlink_to(os.ttyname(far))
    image.write_bytes(IMAGE.data)

    def start() -> None:
        port.unlink()
        port.symlink_to(virtual.path)
        virtual.power_cycle()

    bench = Bench(Chip.holding(OLD.flash_contents(), start=start))
    monkeypatch.setattr(flashing, "connect_to", lambda device, settings: bench.connect)
    action, _ = reflash_action(Device(str(port), str(port), None), Settings(), image, lambda: bench.chip.mac)
    with closing(Session(str(port), 115200)) as session:
        ladder = Ladder(session, rungs(session, pulse=lambda: False, reflash=action, boot=8))
        assert ladder.climb(CONTROL_LINES).rung == REFLASH
        assert session.exec("print(6 * 7)", 5).strip() == "42"
    os.close(near)
    os.close(far)


def test_the_mac_of_the_last_run_on_a_port_is_remembered(port):
    with closing(opened(port, [])) as board:
        mac = board.mac
        assert mac
    with closing(Board(str(port), Settings())) as board:
        board.reach()
        board.open()
        assert (board.mac, board.reservation.last_mac) == ("", mac)


def test_a_virtual_board_cannot_be_flashed(tmp_path):
    assert (
        reflash_action(Device("sim", "x", None), Settings(), tmp_path, str)[1] == "a virtual board has no boot loader"
    )
    with pytest.raises(FirmwareError, match="cannot be read"):
        load_image(tmp_path)


@pytest.mark.parametrize(
    ("build", "partition", "digest", "words"),
    [
        ("v1.24.1 on 2024-11-29", FACTORY, IMAGE.app_sha256, ""),
        ("a build of one's own", FACTORY, IMAGE.app_sha256, ""),
        ("v1.24.1 on 2024-11-29", None, "", ""),
        ("v1.21.0 on 2023-10-06", None, "", "the board reports v1.21.0 on 2023-10-06, and the image is v1.24.1"),
        ("", None, "", "the board reports no version, and the image is v1.24.1"),
        ("v1.24.1", FACTORY, "0" * 64, "the application that runs has another hash"),
        (
            "v1.21.0",
            Partition("ota_1", 0, 0x11, 0x190000, 0x180000),
            "",
            "the board runs v1.21.0 from ota_1, and the image was written to factory",
        ),
    ],
)
def test_what_runs_is_compared_with_the_image(build, partition, digest, words):
    reason = difference(IMAGE, FACTORY, RunningFirmware(build, partition, digest))
    assert reason.startswith(words) if words else reason == ""


def test_a_foreign_project_need_not_report_the_version_of_its_image():
    mine = read_image(program("esp32", (description("7", "mycamera"),)), "mine.bin")
    assert difference(mine, FACTORY, RunningFirmware("v1.24.1", None, "")) == ""


def test_the_command_says_what_is_missing(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("bad.bin").write_bytes(b"PK\x03\x04")
    Path("good.bin").write_bytes(IMAGE.data)
    for words, sentence in (
        ((), "flash needs a firmware image"),
        (("gone.bin", "--device", "/dev/ttyGONE"), "gone.bin' is not a file"),
        (("bad.bin", "--device", "/dev/ttyGONE"), "bad.bin is not a firmware image but a zip archive"),
        (("good.bin",), "a virtual board has no boot loader, so it takes firmware only over the air"),
    ):
        assert main(["flash", *words]) == EXIT_USAGE
        assert sentence in capsys.readouterr().err


def test_the_command_flashes_a_board_and_a_dry_run_only_looks(port, virtual, tmp_path, capsys, monkeypatch):
    path = tmp_path / "new.bin"
    path.write_bytes(IMAGE.data)
    with closing(opened(port, [])) as board:
        bench = Bench(Chip.holding(OLD.flash_contents(), mac=board.mac, start=virtual.power_cycle))
    monkeypatch.setattr(flashing, "connect_to", lambda device, settings: bench.connect)
    words = ["flash", str(path), "--device", str(port)]
    assert main([*words, "--dry-run"]) == 0
    assert "it fits; nothing was written" in capsys.readouterr().out
    assert bench.chip.sectors_written == 0
    assert main(words) == 0
    out = capsys.readouterr().out
    assert out.startswith("new.bin: micropython v1.24.1 (Nov 29 2026) for esp32, combined\nidentify")
    assert bench.chip.flash[0x10000:].startswith(application(version="v1.24.1"))
    bench.chip.mac = "a0:b1:c2:00:00:01"
    assert main(words) == EXIT_BLOCKED
    assert "another board is on this port" in capsys.readouterr().err


def test_a_run_with_firmware_flashes_before_it_deploys(port, virtual, tmp_path, monkeypatch):
    path = tmp_path / "new.bin"
    path.write_bytes(IMAGE.data)
    with closing(opened(port, [])) as board:
        bench = Bench(Chip.holding(OLD.flash_contents(), mac=board.mac, start=virtual.power_cycle))
    monkeypatch.setattr(flashing, "connect_to", lambda device, settings: bench.connect)
    wifi = Wifi("lab", "correct horse battery")
    for same in (False, True):
        before, steps = bench.chip.sectors_written, Steps()
        with Board(str(port), Settings(firmware=path, wifi=wifi), steps) as board:
            assert board.session.exec("print(6*7)").strip() == "42"
        assert [step.name for step in steps.done] == ["connect", "identify", "flash", "verify"]
        assert (bench.chip.sectors_written == before) is same
