"""Two firmwares on one board: which image is installed when, and a comparison on the virtual board."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from camrig.cli.main import main
from camrig.compare import firmware_ab
from camrig.compare.firmware_ab import BOOTS, SCHEDULE, find_images, firmware_boots
from camrig.errors import BlockedError, FirmwareError, SettingsError
from camrig.virtual.board import VirtualBoard, VirtualConfig

from tests_unit.compare.simulated_boots import PROVENANCE
from tests_unit.ota.conftest import WIFI, firmware


@pytest.fixture
def write(tmp_path):
    """``write(version)``: the file of a virtual firmware."""

    def call(version, **settings):
        path = tmp_path / f"{version}.bin"
        path.write_bytes(firmware(version, **settings).data)
        return path

    return call


class ImaginaryBoard:
    """Remembers what was installed and deployed; after an installation the board with the MAC ``after`` answers."""

    spec = "board"

    def __init__(self, after="aa"):
        self.identity = replace(PROVENANCE, mac="aa")
        self.after, self.log = after, []

    def install(self, board, image):
        self.identity = replace(self.identity, mac=self.after)
        self.log.append(image.name)

    def forget_deployment(self):
        self.log.append("forget")

    def deploy(self, **options):
        self.log.append("deploy")


def test_an_image_is_installed_only_where_another_one_runs(write):
    board = ImaginaryBoard()
    boots = firmware_boots(board, find_images(write("v1.2.0"), write("v1.1.0")), {}, installer=board.install)
    boots.is_new = False
    for side in SCHEDULE:
        for _ in range(BOOTS):
            boots.prepare(side)
    installed = [entry for entry in board.log if entry.startswith("v")]
    assert installed == ["v1.1.0.bin", "v1.2.0.bin"] * 3
    assert board.log.count("deploy") == len(SCHEDULE) * BOOTS
    assert boots.is_new
    assert board.log[:3] == ["v1.1.0.bin", "forget", "deploy"]


def test_another_board_after_an_installation_blocks(write):
    board = ImaginaryBoard("bb")
    boots = firmware_boots(board, find_images(write("v1.2.0"), write("v1.1.0")), {}, installer=board.install)
    with pytest.raises(BlockedError, match="another board answers: bb instead of aa"):
        boots.prepare("b")
    assert "deploy" not in board.log


def test_one_firmware_twice_and_what_is_none_are_refused(write, tmp_path):
    image = write("v1.1.0")
    with pytest.raises(SettingsError, match="the same firmware, so there is nothing to compare"):
        find_images(image, image)
    with pytest.raises(FirmwareError, match=r"none\.bin cannot be read"):
        find_images(tmp_path / "none.bin", image)
    (tmp_path / "text.bin").write_text("no firmware")
    with pytest.raises(FirmwareError):
        find_images(image, tmp_path / "text.bin")


@pytest.fixture
def virtual():
    with VirtualBoard.start(VirtualConfig(wifi_ssid="lab", wifi_password="pass phrase")) as board:
        yield board


@pytest.fixture
def compare(virtual, tmp_path, monkeypatch, capsys):
    """``compare(candidate, baseline)``: the exit code of the command with these images, and what it printed."""
    for name, value in WIFI.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(firmware_ab, "BOOTS", 1)
    (tmp_path / "camrig.toml").write_text('[limits]\nheap.actual.allocated = "+0 B"\nboot.time = "+300%"\n')

    def call(candidate, baseline):
        images = "--candidate-firmware", str(candidate), "--baseline-firmware", str(baseline)
        return main(["ab", *images, "--device", virtual.path]), "".join(capsys.readouterr())

    return call


def test_two_firmwares_are_compared_and_the_baseline_is_put_back(compare, write, virtual, capsys):
    baseline = write("v1.90.0")
    code, shown = compare(write("v1.91.0"), baseline)
    assert code == 0, shown
    assert "compared: different firmware: MicroPython 1.91.0 and MicroPython 1.90.0\n" in shown
    assert re.search(r"heap\.actual\.allocated: pass: \+0 B, exactly", shown)
    assert re.search(r"boot\.time +s .* 4/4 .* pass", shown)
    assert "session 8 of 8: 1 boots" in shown
    assert "the board has the baseline's firmware again, micropython v1.90.0" in shown
    virtual.power_cycle()
    assert main(["flash", str(baseline), "--device", virtual.path]) == 0
    assert "runs it already" in capsys.readouterr().out


@pytest.mark.parametrize(("bad", "code"), [("candidate", 1), ("baseline", 6)])
def test_a_candidate_that_crashes_has_failed_and_a_baseline_blocks(compare, write, bad, code):
    crashing = write("v1.95.0", faults=["guru@request"])
    sides = (crashing, write("v1.90.0")) if bad == "candidate" else (write("v1.91.0"), crashing)
    ended, shown = compare(*sides)
    assert ended == code, shown
    assert "with the firmware v1.95.0.bin: " in shown
    assert "Traceback" not in shown
