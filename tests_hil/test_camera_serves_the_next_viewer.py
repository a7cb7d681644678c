"""After viewers that vanished without a word, the next one gets a picture in time."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from camera_viewer import Camera
from camrig.probe.camera_stream import watch
from camrig.probe.client import LostExchangeError, cause_of
from camrig.probe.misbehaving_clients import reset_during, unread_stream

SECONDS_TO_PICTURE = 10.0
VANISHED = {
    "reset": [reset_during("/stream?interval_ms=0")],
    "silent": [unread_stream],
    "several": [unread_stream, reset_during("/stream?interval_ms=0"), unread_stream, reset_during("/capture")],
}


@pytest.mark.parametrize("name", VANISHED)
def test_next_viewer_gets_a_picture(dut, camera: Camera, measure, name):
    def watch_after_others(usual):
        try:
            with ExitStack() as viewers:
                for vanish in VANISHED[name]:
                    viewers.enter_context(vanish(dut.address))
                return watch(dut.address, 1, SECONDS_TO_PICTURE, fewest=1, connections=dut.connections)
        except OSError as error:
            raise LostExchangeError(str(error), cause_of(error)) from None

    viewing = dut.repeat_lost(f"a viewer's stream after others vanished ({name})", watch_after_others)
    assert not viewing.refusal, f"the next viewer gets {viewing.refusal}"
    assert not viewing.pictures[0].jpeg.fault, f"the picture of the next viewer is not whole: {viewing.pictures[0]}"
    measure("camera.viewer.next_picture", viewing.first_picture, unit="ms", control=camera.controls())
