"""What a client sends and an application prints is not a crash, however much it looks like one."""

from __future__ import annotations

from tests_unit.board.test_forged_signs import QUOTES, SIGNS
from tests_unit.conftest import ROOT

SUITE = """
import pytest

SIGNS = {signs!r}


@pytest.mark.parametrize("sign", SIGNS)
def test_signs_are_not_believed(dut, http, sign):
    dut.agent.run("print(" + repr("\\r\\n" + sign + "\\r\\n") + ")")
    assert http.get("/api/status").status_code == 200
    sign_printed, sign = sign, sign.replace("\\r", "").replace("\\n", " ")
    assert dut.request("GET", "/api/status", [("Origin", sign), ("X-Any", sign)]).status == 200
    if SIGNS.index(sign_printed) % 10 == 0:  # each costs half a second: is this a crash?
        with pytest.raises(Exception, match="no answer|lost"):  # Microdot hangs up on a length that is not a number
            dut.request("GET", "/api/status", [("Content-Length", sign)], repeat=False)
    assert http.get("/api/status").status_code == 200
    assert dut.crash_monitor.crash is None
"""


def test_signs_in_forty_texts_are_not_believed(crash):
    signs = [*SIGNS, *(quote.format(sign) for sign in list(SIGNS)[::5] for quote in QUOTES.values())]
    assert len(signs) >= 40
    ended = crash(SUITE.format(signs=signs), "--hil-app", str(ROOT / "device"))
    assert ended.code == 0, ended.out
    assert f"{len(signs)} passed" in ended.out
