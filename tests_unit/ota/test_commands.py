"""``camrig flash`` and ``--firmware`` on a board that takes firmware over the air."""

from __future__ import annotations

from camrig.cli.main import main

from tests_unit.ota.conftest import WIFI, firmware


def test_flash_checks_writes_and_keeps(virtual, tmp_path, monkeypatch, capsys):
    for name, value in WIFI.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    image = tmp_path / "new.bin"
    image.write_bytes(firmware("v1.80.0").data)
    command = ["flash", str(image), "--device", virtual.path]
    assert main([*command, "--dry-run"]) == 0
    assert "it fits into ota_1, files and settings are kept" in capsys.readouterr().out
    assert main(command) == 0
    shown = capsys.readouterr().out
    assert "ota_1 runs it on trial" in shown
    assert "ota_1 keeps micropython v1.80.0" in shown
    virtual.power_cycle()
    assert main(command) == 0
    assert "ota_1 runs it already" in capsys.readouterr().out


def test_a_run_with_firmware_keeps_it_and_says_so(hil, tmp_path):
    image = tmp_path / "good.bin"
    image.write_bytes(firmware("v1.81.0").data)
    ended = hil("--firmware", str(image), "--device", "sim")
    assert ended.code == 0, ended.out
    assert "MicroPython 1.81.0" in ended.out
    assert "ota_1 keeps micropython v1.81.0" in ended.out


def test_a_run_whose_firmware_crashes_has_failed(hil, tmp_path):
    image = tmp_path / "bad.bin"
    image.write_bytes(firmware("v1.82.0", faults=["guru@request"]).data)
    ended = hil("--firmware", str(image), "--device", "sim")
    assert ended.code == 1, ended.out
    assert "v1.82.0 (Jan  1 2026) did not stay up, and the boot loader rolled back to ota_0" in ended.out
