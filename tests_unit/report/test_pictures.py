"""Whether pictures are real is said in the same words everywhere, and never claimed of made-up ones."""

from __future__ import annotations

from typing import Any

import pytest
from camrig.report.html.page import card, notices
from camrig.report.json_report import as_json
from camrig.report.pictures import NO_CAMERA_MODULE, is_unwanted, pictures
from camrig.report.step_summary import as_markdown
from camrig.report.summary import board_summary
from hypothesis import given
from hypothesis import strategies as st

from tests_unit.report.samples import board_report, run_report

REAL = {"name": "camera.init", "synthetic": False, "error": None}
MEANT = {"name": "synthetic", "synthetic": True, "error": None}
FAILED = {"name": "synthetic", "synthetic": True, "error": "camera.init: Camera Init Failed"}
NO_MODULE = {"name": "synthetic", "synthetic": True, "error": NO_CAMERA_MODULE}
EARLIER = {"name": "synthetic", "synthetic": True}  # results without a reason

SENSORS = [
    (REAL, "real, from camera.init", False),
    ({**REAL, "error": "no frame"}, "real, from camera.init; the last one failed: no frame", False),
    (MEANT, "synthetic, as the settings of the application say", False),
    (FAILED, "synthetic, the camera failed: camera.init: Camera Init Failed", True),
    (NO_MODULE, "synthetic, this firmware has no camera module", True),
    (EARLIER, "synthetic", True),
    ({"name": "camera.init", "synthetic": False}, "real, from camera.init", False),
]


@pytest.mark.parametrize(("sensor", "text", "unwanted"), SENSORS)
def test_the_same_words_in_terminal_page_and_step_summary(sensor, text, unwanted):
    report = board_report("board", sensor=sensor, virtual=False)
    assert (pictures(sensor), is_unwanted(sensor)) == (text, unwanted)
    assert f"pictures: {text}\n" in board_summary(report, "Correct.", 100, verbose=False)
    results = as_json(run_report(boards=[report]))
    assert dict(card(results["boards"][0]))["pictures"] == text
    assert f"Pictures: {text}\n" in as_markdown(results).replace("\\", "")
    assert ("pictures" in dict(notices(results))) == unwanted


def test_an_application_without_a_camera_claims_no_pictures():
    report = board_report("board", sensor=None, virtual=False)
    assert "pictures" not in board_summary(report, "Correct.", 100, verbose=False)
    results = as_json(run_report(boards=[report]))
    assert "Pictures" not in as_markdown(results)
    assert "pictures" not in {**dict(card(results["boards"][0])), **dict(notices(results))}
    assert not is_unwanted(None)


@given(st.text(), st.one_of(st.none(), st.text()))
def test_only_a_camera_has_real_pictures(name: Any, error: Any):
    assert pictures({"name": name, "synthetic": True, "error": error}).startswith("synthetic")
    assert pictures({"name": name, "synthetic": False, "error": error}).startswith(f"real, from {name}")
    assert is_unwanted({"name": name, "synthetic": True, "error": error}) == (error is not None)
