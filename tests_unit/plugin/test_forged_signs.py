"""What a client sends and an application prints is not a crash, however much it looks like one."""

from __future__ import annotations

from tests_unit.board.test_forged_signs import QUOTES, SIGNS
from tests_unit.conftest import ROOT

FORGED = [*SIGNS, *(quote.format(sign) for sign in list(SIGNS)[::5] for quote in QUOTES.values())]
# Microdot hangs up on a length that is not a number; whether it has crashed then takes half a second to find out.
WAYS = {"print": FORGED, "header": FORGED, "path": FORGED, "body": FORGED, "length": FORGED[::10]}
CASES = [(way, text) for way, texts in WAYS.items() for text in texts]
SUITE = f"""
from urllib.parse import quote

import pytest

CASES = {CASES!r}
# An application that prints whatever a client sends, and returns it.
ECHO = '''
from microdot.microdot import urldecode
def echo(request, text, decode=urldecode):
    for text in (decode(text), request.headers.get("X-Any", ""), request.body.decode()):
        print("\\\\r\\\\n" + text + "\\\\r\\\\n")
    return request.body or "ok", 200, {{"X-Any": request.headers.get("X-Any", "")}}
app.route("/echo/<path:text>", methods=["GET", "POST"])(echo)
'''


@pytest.fixture(scope="module", autouse=True)
def echo(dut):
    dut.agent.run(ECHO)


def send(dut, http, way, sign):
    line = sign.replace("\\r", "").replace("\\n", " ")
    if way == "print":
        dut.agent.run("print(" + repr("\\r\\n" + sign + "\\r\\n") + ")")
    elif way == "header":
        assert dut.request("GET", "/echo/a", [("Origin", line), ("X-Any", line)]).header("X-Any") == line
    elif way == "path":
        assert http.get("/echo/" + quote(sign)).status_code == 200
    elif way == "body":
        assert http.post("/echo/a", data=sign.encode()).content == sign.encode()
    else:
        assert dut.request("GET", "/api/status", [("Content-Length", line)]).status == 400


@pytest.mark.parametrize(("way", "sign"), CASES, ids=[way for way, sign in CASES])
def test_signs_are_not_believed(dut, http, way, sign):
    send(dut, http, way, sign)
    assert http.get("/api/status").status_code == 200
    assert dut.crash_monitor.crash is None


def test_the_application_has_printed_them(dut):
    assert {{type(event).__name__ for event in dut.console.events}} >= {{"Crashed", "Restarted", "SoftRebooted"}}
"""


def test_signs_in_forty_texts_are_not_believed(crash):
    assert len(FORGED) >= 40
    ended = crash(SUITE, "--hil-app", str(ROOT / "device"))
    assert ended.code == 0, ended.out
    assert f"{len(CASES) + 1} passed" in ended.out
