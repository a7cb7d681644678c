"""Where hardware is required, pictures that no camera took are refused, unless that is what the settings say."""

from __future__ import annotations

from pathlib import Path

import pytest
from camrig.board.identity import Identity
from camrig.bringup.board_run import BoardRun
from camrig.bringup.real_pictures import require_pictures
from camrig.dut import Dut
from camrig.errors import EXIT_BLOCKED, CameraError, ServerSilentError
from camrig.probe.agent import Agent
from camrig.report.pictures import NO_CAMERA_MODULE
from camrig.settings.resolve import Settings, resolve
from camrig.steps import Steps

from tests_unit.conftest import ROOT
from tests_unit.report.test_pictures import FAILED, MEANT, NO_MODULE, REAL

SETTINGS = Settings(app=Path("some/app"), require="hardware")


@pytest.mark.parametrize("require", ["hardware", "hardware,browser"])
@pytest.mark.parametrize(
    ("sensor", "words"),
    [
        (FAILED, ["its camera failed", "Camera Init Failed", "camrig doctor --device 'COM 3'"]),
        (NO_MODULE, [NO_CAMERA_MODULE, "a firmware with a camera driver"]),
    ],
)
def test_made_up_pictures_are_refused_with_what_to_do(sensor, words, require):
    with pytest.raises(CameraError) as caught:
        require_pictures(sensor, Settings(app=Path("some/app"), require=require), "COM 3")
    text = str(caught.value)
    assert caught.value.exit_code == EXIT_BLOCKED
    for word in ("COM 3: ", "--hil-require=hardware", "settings.camera = false", "camrig.toml", *words):
        assert word in text
    require_pictures(sensor, Settings(app=Path("some/app")), "COM 3")


@pytest.mark.parametrize("sensor", [REAL, {**REAL, "error": "no frame"}, MEANT, None])
def test_a_camera_none_on_purpose_and_a_foreign_application_pass(sensor):
    require_pictures(sensor, SETTINGS, "COM3")


def test_a_board_is_refused_once_it_has_booted_and_the_results_say_why(tmp_path, monkeypatch):
    monkeypatch.setattr(Identity, "virtual", False)  # as if it were hardware without a camera
    board_run = BoardRun("sim", Steps())
    with board_run.reserved(Settings(require="hardware")) as board:
        with pytest.raises(CameraError, match=NO_CAMERA_MODULE):
            board_run.boot(board)
        assert board_run.sensor == {"name": "synthetic", "synthetic": True, "error": NO_CAMERA_MODULE}
    (tmp_path / "camrig.toml").write_text("[deploy]\nsettings.camera = false\n")
    settings = resolve({"require": "hardware", "app": str(ROOT / "device"), "lib": str(ROOT / "lib")}, {}, tmp_path)
    board_run = BoardRun("sim", Steps())
    with board_run.reserved(settings) as board:
        board_run.boot(board)
        assert board_run.sensor == {"name": "synthetic", "synthetic": True, "error": None}
        # The board goes down, and its camera does not come back with it.
        monkeypatch.setattr(Agent, "sensor", lambda agent: FAILED)
        monkeypatch.setattr(Dut, "answers", lambda dut: False)
        board_run.record_silence(ServerSilentError("no answer"))
        with pytest.raises(CameraError, match="its camera failed"):
            board_run.start_test("the next test")
        assert board_run.sensor == FAILED
