"""Code that hangs while a test runs fails that test with its place; after two such tests the run ends."""

from __future__ import annotations

import pytest

from tests_unit.conftest import ROOT
from tests_unit.plugin.crash_suites import WIFI

LIBRARY = (ROOT / "lib/microdot/cors.py").read_text()
SPIN = """
import time

class CORS(CORS):
    def after_request(self, request, response):
        {condition}:
            {action}
        return super().after_request(request, response)
"""
SHORT = "import camrig.probe.lost_exchanges as lost\nlost.SECONDS_PER_EXCHANGE, lost.SECONDS_TO_RETURN = 2.0, 1.0\n"
SUITE = """
import pytest
@pytest.mark.parametrize("number", range(4))
def test_preflight(preflight, number):
    assert preflight("https://a.example").status < 500
"""
LOAD = """
from camrig.plugin import attribution
from camrig.probe.load import run_load
attribution.SECONDS_TO_RETURN = 1.0
def test_load(dut):
    assert run_load(dut.address, [b"GET / HTTP/1.0\\r\\n\\r\\n"], 2, 2, 10.0, timeout=1.0).failed == 0
def test_next(dut, preflight):
    assert preflight("https://a.example").status < 500
"""


@pytest.mark.parametrize(("condition", "action", "suite", "outcome"), [
    ("if request.method == 'OPTIONS'", "while True: time.sleep(1)", SUITE, "2 failed in"),
    ("if request.method == 'GET'", "while True: request.headers.get('Origin')", LOAD, "1 failed, 1 passed"),
], ids=["in every preflight", "under load"])  # fmt: skip
def test_a_library_that_hangs_fails_with_its_place(run, tmp_path, condition, action, suite, outcome):
    (tmp_path / "lib/microdot").mkdir(parents=True)
    (tmp_path / "lib/microdot/cors.py").write_text(LIBRARY + SPIN.format(condition=condition, action=action))
    (tmp_path / "test_suite.py").write_text(SHORT + suite)
    results = ("--hil-results", str(tmp_path / "results"))
    ended = run("pytest", "-q", str(tmp_path), "-p", "no:cacheprovider", "--hil-lib", str(tmp_path / "lib"), *results)
    assert ended.code == 1, ended.out
    line = LIBRARY.count("\n") + SPIN[: SPIN.index("{action}")].count("\n") + 1
    assert f"sim: the library hangs: Ctrl-C found it at lib/microdot/cors.py:{line} in after_request" in ended.out
    assert f"cors.py:{line}\n  {action}\n" in ended.out
    assert outcome in ended.out
    assert "blocked" not in ended.out
    assert ended.left_running() == []


def test_a_hang_of_the_board_blocks(run, tmp_path, faulty):
    board = faulty("server-hang@request*2", wifi_ssid=WIFI["CAMRIG_WIFI_SSID"],
                   wifi_password=WIFI["CAMRIG_WIFI_PASSWORD"])  # fmt: skip
    (tmp_path / "test_suite.py").write_text(SHORT + SUITE)
    options = ("-p", "no:cacheprovider", "--hil-results", str(tmp_path / "results"), "--device", board.path)
    ended = run("pytest", "-q", str(tmp_path), *options, env=WIFI)
    assert ended.code == 6, ended.out
    assert "hangs" not in ended.out
