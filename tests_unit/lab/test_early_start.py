"""A virtual board is switched on while pytest is still reading, and ended if no test takes it."""

from __future__ import annotations

import pytest
from camrig.lab import early_start, kept_boards
from camrig.lab.device_spec import open_device
from camrig.settings.resolve import Settings
from camrig.settings.wifi import Wifi
from camrig.virtual.board import VirtualConfig

from tests_unit.lab.test_kept_boards import is_gone, wait_until


@pytest.fixture(autouse=True)
def runtime(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(early_start, "_early", [])
    yield
    kept_boards.end_all()


def pid_of_early() -> int:
    return early_start._early[0][3]._process.pid


def test_a_run_takes_the_board_that_was_switched_on_for_it():
    settings = Settings(wifi=Wifi("lab", "correct horse"))
    end = early_start.switch_on(settings)
    pid = pid_of_early()
    with open_device("sim", settings) as device:
        assert not early_start._early
        assert not is_gone(pid)
        assert device.wifi == settings.wifi
    assert is_gone(pid)
    end()


def test_a_board_that_nobody_takes_is_ended():
    end = early_start.switch_on(Settings())
    pid = pid_of_early()
    end()
    end()
    assert is_gone(pid)


@pytest.mark.parametrize(("spec", "settings"), [("sim", Settings()), ("sim:slow-chip", None)])
def test_a_board_of_another_run_or_profile_is_not_taken(spec, settings):
    early = Settings()
    end = early_start.switch_on(early)
    assert early_start.taken_early(spec, settings or early) is None
    end()


@pytest.mark.parametrize("settings", [Settings(device=("/dev/ttyUSB0",)), Settings(require="hardware")])
def test_nothing_is_switched_on_where_no_virtual_board_is_needed(settings):
    early_start.switch_on(settings)()
    assert not early_start._early


def test_nothing_is_switched_on_where_a_board_is_kept():
    kept_boards.keep(VirtualConfig())
    early_start.switch_on(Settings())
    assert not early_start._early


def test_a_run_without_a_need_of_its_board_leaves_nothing(run, tmp_path):
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "main.py").touch()
    (tmp_path / "camrig.toml").write_text('app = "app"\nready = "^up$"\n')
    (tmp_path / "test_own.py").write_text(
        "import pytest\n@pytest.mark.skip\ndef test_own(board): pass\ndef test_of_host(): pass\n"
    )
    ended = run("pytest", "-q", cwd=tmp_path)
    assert "1 passed, 1 skipped" in ended.out
    wait_until(lambda: not ended.left_running())
