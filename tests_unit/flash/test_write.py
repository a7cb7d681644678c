"""Flashing against a chip in memory: what is checked first, what is kept, and how every failure ends."""

from __future__ import annotations

import hashlib
from collections import namedtuple
from dataclasses import replace

import pytest
from camrig.errors import EXIT_BLOCKED, EXIT_USAGE, BoardBusyError, FirmwareError, FlashError
from camrig.firmware.image import read_image
from camrig.flash import previous as previous_module
from camrig.flash.write import Target, flash_board, put_back
from camrig.steps import Steps

from benchmarks.firmware_images import TWO_SLOTS, Parts, application
from benchmarks.mock_boot_loader import MAC, Bench, Chip, Faults
from tests_unit.firmware.test_partitions import record

OLD, NEW = Parts(version="v1.21.0"), Parts(version="v1.24.1")
IMAGE = read_image(NEW.release(), "new.bin")
NVS, FILES = b"nvs" * 100, b"files" * 500


def used(parts: Parts = OLD) -> Chip:
    """A board that has run: its NVS and its filesystem have contents."""
    flash = bytearray(parts.flash_contents().ljust(4 << 20, b"\xff"))
    flash[0x9000 : 0x9000 + len(NVS)] = NVS
    flash[0x200000 : 0x200000 + len(FILES)] = FILES
    return Chip(flash)


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def target_of(tmp_path, lines):
    def make(bench: Bench, mac: str = MAC, **fields) -> Target:
        steps = Steps(lambda step: lines.append(str(step)))
        return Target("the board", mac, bench.connect, steps=steps, folder=tmp_path / "kept", **fields)

    return make


def holds(chip: Chip, parts: Parts) -> bool:
    contents = parts.flash_contents()
    spans = [(0x1000, 0x2000), (0x8000, 0x9000), (0x10000, len(contents))]
    return all(chip.flash[start:end] == contents[start:end] for start, end in spans)


def test_a_new_image_is_written_and_nvs_and_files_stay(target_of, lines):
    bench = Bench(used())
    result = flash_board(target_of(bench), IMAGE)
    assert holds(bench.chip, NEW)
    assert bench.chip.flash[0x9000:].startswith(NVS)
    assert bench.chip.flash[0x200000:].startswith(FILES)
    assert (result.same, result.lost, result.mac) == (False, (), MAC)
    assert result.boots is not None
    assert result.boots.name == "factory"
    assert (bench.chip.resets, bench.connections) == (1, 1)
    assert lines[-1].endswith("micropython v1.24.1 (Nov 29 2026)")


def test_a_board_that_has_the_image_is_only_started(target_of, lines):
    bench = Bench(used(NEW))
    result = flash_board(target_of(bench), IMAGE)
    assert result.same
    assert (bench.chip.sectors_written, bench.chip.resets) == (0, 1)
    assert "has micropython v1.24.1 (Nov 29 2026) already" in lines[-1]


@pytest.mark.parametrize("offset", [0x1000, 0x8000, 0x10000, 0x10000 + IMAGE.app_size - 1])
def test_a_single_other_byte_is_another_image(target_of, offset):
    bench = Bench(used(NEW))
    bench.chip.flash[offset] ^= 1
    assert not flash_board(target_of(bench), IMAGE).same
    assert holds(bench.chip, NEW)


def test_a_board_that_boots_another_slot_has_another_image(target_of):
    parts = Parts(rows=TWO_SLOTS)
    image = read_image(parts.release(), "ota.bin")
    for number, same in ((1, True), (2, False)):
        bench = Bench(Chip.holding(parts.flash_contents()))
        bench.chip.flash[0xD000:0xE000] = record(number)
        assert flash_board(target_of(bench), image).same is same
        assert bench.chip.flash[0xD000:0xF000] == (record(1) + b"\xff" * 0x1000 if same else b"\xff" * 0x2000)


def test_an_application_alone_goes_into_the_slot_that_boots(target_of):
    bench = Bench(used())
    app = read_image(application(version="v1.24.1"), "app.bin")
    result = flash_board(target_of(bench), app)
    assert bench.chip.flash[0x10000:].startswith(app.data)
    assert bench.chip.flash[:0x10000] == used().flash[:0x10000]
    assert result.boots is not None
    assert result.boots.offset == 0x10000
    assert flash_board(target_of(bench), app).same


def test_an_erased_board_gets_a_combined_image(target_of):
    bench = Bench(Chip.holding(b""))
    assert flash_board(target_of(bench, mac=""), IMAGE).lost == ()
    assert holds(bench.chip, NEW)


def test_what_is_lost_is_listed_before_the_write(target_of, lines):
    bench = Bench(used())
    seen: list[int] = []
    target = target_of(bench)
    target = replace(
        target, steps=Steps(lambda step: (lines.append(str(step)), seen.append(bench.chip.sectors_written))[0])
    )
    image = read_image(Parts(rows=TWO_SLOTS).release(), "ota.bin")
    result = flash_board(target, image)
    assert len(result.lost) == 2
    assert [line.partition(" (")[0] for line in lines[:2]] == ["lost: NVS with Wi-Fi settings", "lost: the files"]
    assert seen[:2] == [0, 0]


def test_a_dry_run_lists_and_writes_nothing(target_of, lines):
    bench = Bench(used())
    result = flash_board(target_of(bench), read_image(Parts(rows=TWO_SLOTS).release(), "ota.bin"), dry_run=True)
    assert (result.same, len(result.lost), result.previous) == (False, 2, None)
    assert lines[0].startswith("would be lost: NVS")
    assert (bench.chip.sectors_written, bench.chip.resets) == (0, 1)


def busy(mac: str) -> None:
    raise BoardBusyError(f"the board {mac} is in use")


@pytest.mark.parametrize(
    ("chip", "faults", "fields", "error", "words"),
    [
        (
            {"mac": "a0:b1:c2:00:00:01"},
            {},
            {},
            FlashError,
            "another board is on this port: its MAC is a0:b1:c2:00:00:01",
        ),
        ({}, {}, {"claim": busy}, BoardBusyError, "in use"),
        ({"name": "esp32s3"}, {}, {}, FirmwareError, "new.bin is for esp32, and the board has an esp32s3"),
        ({"size": 2 << 20}, {}, {}, FirmwareError, "needs a flash of 4 MB, and the board has 2 MB"),
        ({}, {"unreadable": True}, {}, FlashError, "cannot be read"),
        ({}, {"garbled_reads": 9}, {}, FlashError, "cannot be read back reliably"),
    ],
)
def test_nothing_is_erased_before_every_check_has_passed(target_of, chip, faults, fields, error, words):
    bench = Bench(Chip.holding(OLD.flash_contents(), **chip), Faults(**faults))
    with pytest.raises(error, match=words) as caught:
        flash_board(target_of(bench, **fields), IMAGE)
    assert caught.value.board == "the board"
    assert caught.value.exit_code == (EXIT_USAGE if error is FirmwareError else EXIT_BLOCKED)
    assert "\n" not in str(caught.value)
    assert bench.chip.sectors_written == 0
    assert bench.chip.resets == bench.connections  # what it ran before runs again


def test_a_read_that_fails_once_is_done_again(target_of, lines):
    bench = Bench(used(), Faults(garbled_reads=1))
    flash_board(target_of(bench), IMAGE)
    assert holds(bench.chip, NEW)
    assert bench.connections == 2
    assert lines[0].startswith("connecting again: ")


def test_a_mac_is_compared_however_it_is_written(target_of):
    for mac in ("A0:B1:C2:D3:E4:F5", "a0b1c2d3e4f5", "a0-b1-c2-d3-e4-f5"):
        assert flash_board(target_of(Bench(used(NEW)), mac=mac), IMAGE).same


def test_no_room_for_the_old_image_is_said_before_anything_is_erased(target_of, monkeypatch):
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(previous_module.shutil, "disk_usage", lambda folder: usage(1000))
    bench = Bench(used())
    with pytest.raises(FlashError, match=r"no room to keep the previous firmware \(28 KB needed, 1000 B free\)"):
        flash_board(target_of(bench), IMAGE)
    assert bench.chip.sectors_written == 0


def test_a_folder_that_cannot_be_written_is_said_too(target_of, tmp_path):
    (tmp_path / "kept").write_text("a file stands here")
    bench = Bench(used())
    with pytest.raises(FlashError, match="cannot be kept on this computer"):
        flash_board(target_of(bench), IMAGE)
    assert bench.chip.sectors_written == 0


KINDS = ("drop", "corrupt", "stall", "skip")


@pytest.mark.parametrize("at", [0.0, 0.5, 0.99])
@pytest.mark.parametrize("kind", KINDS)
def test_a_write_that_fails_once_is_done_again(target_of, lines, kind, at):
    bench = Bench(used(), Faults(**{kind: 1}, at=at))
    flash_board(target_of(bench), IMAGE)
    assert holds(bench.chip, NEW)
    assert any(line.startswith("writing again: ") for line in lines)


@pytest.mark.parametrize("at", [0.0, 0.5, 0.99])
@pytest.mark.parametrize("kind", KINDS)
def test_a_write_that_fails_twice_ends_with_the_previous_image(target_of, kind, at):
    bench = Bench(used(), Faults(**{kind: 2}, at=at))
    with pytest.raises(FlashError, match="the board has its previous one again"):
        flash_board(target_of(bench), IMAGE)
    assert bench.chip.flash == used().flash


@pytest.mark.parametrize("kind", KINDS)
def test_a_board_that_takes_nothing_is_called_half_written(target_of, kind, tmp_path):
    bench = Bench(used(), Faults(**{kind: 9}))
    with pytest.raises(FlashError, match="the board is half-written") as caught:
        flash_board(target_of(bench), IMAGE)
    assert str(tmp_path / "kept") in caught.value.hint
    assert not holds(bench.chip, NEW)


def test_protected_flash_is_a_failed_flash_of_a_whole_board(target_of):
    bench = Bench(used(), Faults(protect=True))
    with pytest.raises(FlashError, match="has its previous one again"):
        flash_board(target_of(bench), IMAGE)
    assert bench.chip.flash == used().flash
    assert bench.chip.writes == 2  # what is there still is not written again


def test_a_board_that_does_not_come_back_is_half_written(target_of):
    bench = Bench(used(), Faults(drop=1, connect=9))
    with pytest.raises(FlashError, match=r"half-written.*does not enter its boot loader"):
        flash_board(target_of(bench), IMAGE)


def test_another_board_in_its_place_is_never_written(target_of):
    intruder = used()
    intruder.mac = "a0:b1:c2:00:00:01"
    bench = Bench(used(), Faults(drop=1, swap=intruder))
    with pytest.raises(FlashError, match=r"half-written.*another board is on this port"):
        flash_board(target_of(bench), IMAGE)
    assert intruder.sectors_written == 0


def test_a_board_that_stays_in_its_boot_loader_is_written_nevertheless(target_of):
    bench = Bench(used(), Faults(reset=9))
    with pytest.raises(FlashError, match="the flash has what it should have, but the board could not be started"):
        flash_board(target_of(bench), IMAGE)
    assert holds(bench.chip, NEW)
    bench = Bench(used(), Faults(drop=2, reset=9))
    with pytest.raises(FlashError, match="has its previous one again"):
        flash_board(target_of(bench), IMAGE)


def test_ctrl_c_in_a_write_says_that_the_board_is_half_written(target_of, lines):
    bench = Bench(used())
    target = target_of(bench)

    def interrupted() -> object:
        loader = bench.connect()
        loader.write = lambda pieces, done: (_ for _ in ()).throw(KeyboardInterrupt)  # type: ignore[method-assign]
        return loader

    with pytest.raises(KeyboardInterrupt):
        flash_board(replace(target, connect=interrupted), IMAGE)  # type: ignore[arg-type]
    assert "the board is half-written: flash it again before it is used" in lines


def test_the_previous_image_can_be_put_back_later(target_of):
    bench = Bench(used())
    kept = flash_board(target_of(bench), IMAGE).previous
    assert kept is not None
    put_back(target_of(bench), kept)
    assert bench.chip.flash == used().flash


@pytest.mark.parametrize("times", [1, 9])
def test_putting_back_is_tried_twice(target_of, times):
    bench = Bench(used())
    kept = flash_board(target_of(bench), IMAGE).previous
    assert kept is not None
    bench.faults = Faults(drop=times)
    if times == 1:
        put_back(target_of(bench), kept)
        assert bench.chip.flash == used().flash
    else:
        with pytest.raises(FlashError, match=r"the previous firmware could not be put back .*lost") as caught:
            put_back(target_of(bench), kept)
        assert caught.value.board == "the board"


def test_a_damaged_copy_is_not_put_back(target_of):
    bench = Bench(used())
    kept = flash_board(target_of(bench), IMAGE).previous
    assert kept is not None
    path = kept.files[-1][1]
    path.write_bytes(b"x" + path.read_bytes()[1:])
    with pytest.raises(FlashError, match="is damaged"):
        put_back(target_of(bench), kept)
    assert holds(bench.chip, NEW)


def test_what_is_kept_already_is_not_read_again(target_of, tmp_path):
    kept = flash_board(target_of(Bench(used())), IMAGE).previous
    assert kept is not None
    for _, path in kept.files:
        assert hashlib.md5(path.read_bytes()).hexdigest() in path.name
        assert path.stat().st_mode & 0o077 == 0
    bench = Bench(used())
    table = bench.chip.flash[0x8000:0x9000]
    loader = bench.connect()
    loader.read = lambda offset, size: bytes(table) if offset == 0x8000 else pytest.fail("read again")  # type: ignore[method-assign, return-value]
    target = replace(target_of(bench), connect=lambda: loader)
    assert flash_board(target, IMAGE).previous == kept


def test_old_copies_go_when_there_are_many(target_of, tmp_path, monkeypatch):
    monkeypatch.setattr(previous_module, "MOST", 4)
    for number in range(4):
        flash_board(target_of(Bench(used(Parts(version=f"v{number}")))), IMAGE)
    assert len(list((tmp_path / "kept").iterdir())) <= 4
