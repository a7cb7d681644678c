"""``camrig release --rehearsal`` from end to end: what it prints, leaves and ends with; every output is marked."""

from __future__ import annotations

import hashlib
import json
import re
import signal
import subprocess
import sys
import time

import pytest
from camrig.deadline import Deadline
from camrig.report.results_file import read_results
from camrig.virtual.app_image import build_app_image

from tests_unit.conftest import ROOT, marked
from tests_unit.release.conftest import CHECK, commit
from tests_unit.signing.test_signatures import make_keys

WIFI = {"CAMRIG_WIFI_SSID": "lab", "CAMRIG_WIFI_PASSWORD": "correct horse battery"}
MARK = "rehearsal: not a release"
FAILS = "\ndef test_fails(dut):\n    assert dut.request('GET', '/api/status').status == 500\n"
SKIPS = "\nimport pytest\n\ndef test_skips(dut):\n    pytest.skip('not today')\n"
LENIENT = """
import pytest

@pytest.hookimpl(wrapper=True{})
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        report.outcome, report.longrepr = "passed", None
    return report
"""
DROPS = """
def pytest_collection_modifyitems(config, items):
    if not config.option.collectonly:
        items[:] = [item for item in items if item.name != "test_fails"]
"""
WAITS = "\ndef test_waits(dut):\n    import time\n    time.sleep(600)\n"


@pytest.fixture
def camrig(run, repository):
    """Runs a command in the repository, of which there is a baseline."""

    def call(*words: str, module: str = "camrig"):
        env = {**WIFI, "PYTHONPATH": str(ROOT / "rig"), "PYTHONDONTWRITEBYTECODE": "1"}
        ended = run(module, *words, cwd=repository, env=env, seconds=400)
        assert "Traceback" not in ended.out
        assert WIFI["CAMRIG_WIFI_PASSWORD"] not in ended.out
        return ended

    saved = call("--hil-save", "v1", module="pytest")
    assert saved.code == 0, saved.out
    return call


def output(repository, ending):
    (path,) = (repository / "results").glob(f"release-*{ending}")
    return path


def demand_marks(repository):
    """Every file of the release says that it is none."""
    results = repository / "results"
    files = [path for path in results.glob("release-*") if path.suffix not in (".log", ".zip", ".sig")]
    assert {path.suffix for path in files} >= {".html", ".json"}
    for path in files:
        assert MARK in path.read_text().lower().replace("</b>", ":"), path
    for path in sorted(results.glob("run-*.json"))[1:]:  # behind that of the baseline
        assert read_results(path)["rehearsal"]
        assert MARK in read_results(path)["verdict"]["sentence"].lower()
    assert MARK in output(repository, "-suite.log").read_text()


def test_a_rehearsal_that_passes_leaves_evidence_that_verifies(camrig, repository, tmp_path):
    key, public = make_keys(tmp_path, "ssh")
    image = tmp_path / "firmware.bin"
    image.write_bytes(build_app_image("v1.99.0", filling=bytes(range(256)) * 200))
    ended = camrig("release", "--rehearsal", "--baseline", "v1", "--sign", str(key), "--firmware", str(image))
    assert ended.code == 0, ended.out
    lines = ended.out.splitlines()
    assert all(line.startswith("[rehearsal] ") for line in lines)
    assert MARK in lines[0]
    assert MARK in lines[-1]
    assert "the outcome would be: released" in lines[-1]
    for stage in ("flash", "deploy", "suite"):
        assert re.search(rf"^\[rehearsal\] sim  {stage}  \d+ s  passed", ended.out, re.MULTILINE)
    demand_marks(repository)
    confirmed = {
        name: "keeps " in output(repository, f"-{name}.log").read_text() for name in ("flash", "deploy", "suite")
    }
    assert confirmed == {"flash": False, "deploy": False, "suite": True}
    evidence = output(repository, ".zip")
    assert f"evidence: {evidence} (SHA-256 " in ended.out
    assert not list((repository / "results").glob("*-suite.zip"))
    page = output(repository, ".html").read_text()
    assert "Rehearsal: not a release" in page
    assert "What it does not prove" in page
    record = json.loads(output(repository, ".json").read_text())
    digest = hashlib.sha256(image.read_bytes()).hexdigest()
    assert record["firmware"] == {"name": "firmware.bin", "sha256": digest, "read_back": digest}
    suite = read_results(max((repository / "results").glob("run-*.json")))
    assert "1.99.0" in suite["boards"][0]["firmware"]  # that of the baseline is another one
    assert '<property name="rehearsal"' in output(repository, ".xml").read_text()
    verified = camrig("verify", str(evidence), "--key", str(public))
    assert verified.code == 7
    assert verified.out.endswith(f"{MARK}\n")
    assert camrig("verdict", str(evidence)).code == 0
    assert ended.left_running() == []


@pytest.mark.parametrize(
    ("check", "code", "words", "hooks"),
    [
        (FAILS, 1, "suite: 1 check failed", LENIENT.format(", tryfirst=True")),
        (FAILS, 1, "suite: 1 check failed", LENIENT.format(", trylast=True")),
        (SKIPS, 7, "1 check skipped", ""),
        (FAILS, 6, "suite: 1 check left out", DROPS),
    ],
)
def test_a_check_that_fails_or_skips_itself_refuses(camrig, repository, check, code, words, hooks):
    (repository / "tests" / "test_board.py").write_text(CHECK + check)
    (repository / "conftest.py").write_text(hooks)
    commit(repository)
    ended = camrig("release", "--rehearsal", "--baseline", "v1")
    assert ended.code == code, ended.out
    assert words in ended.out
    outcome = "blocked" if code == 6 else "refused"
    assert f"{MARK} (the outcome would be: {outcome}) (exit code {code})" in ended.out
    demand_marks(repository)
    assert json.loads(output(repository, ".json").read_text())["decision"]["exit_code"] == code
    assert camrig("verdict", str(output(repository, ".zip"))).code == code


def test_firmware_under_which_no_check_passes_is_rolled_back(camrig, repository, tmp_path):
    image = tmp_path / "firmware.bin"
    image.write_bytes(build_app_image("v1.99.0"))
    (repository / "tests" / "test_board.py").write_text(FAILS)
    commit(repository)
    ended = camrig("release", "--rehearsal", "--baseline", "v1", "--firmware", str(image))
    assert ended.code == 1, ended.out
    assert re.search(r"was not confirmed: \w+ runs again", output(repository, "-suite.log").read_text())
    assert "keeps " not in "".join(log.read_text() for log in (repository / "results").glob("release-*.log"))


def test_a_library_that_does_not_compile_fails_in_the_deploy(camrig, repository):
    (repository / "lib" / "microdot" / "cors.py").write_text("class CORS(:\n")
    commit(repository)
    ended = camrig("release", "--rehearsal", "--baseline", "v1")
    assert ended.code == 1, ended.out
    assert re.search(r"^\[rehearsal\] sim  deploy  \d+ s  failed", ended.out, re.MULTILINE)
    assert "suite did not run, because of that" in ended.out
    assert "evidence: none" in ended.out

    assert "Rehearsal: not a release" in output(repository, ".html").read_text()


def test_an_interrupted_release_ends_its_commands_and_is_none(camrig, repository, environment):
    (repository / "tests" / "test_board.py").write_text(CHECK + WAITS)
    commit(repository)
    environment = {**environment, **WIFI, "PYTHONPATH": str(ROOT / "rig")}
    words = [sys.executable, "-u", "-m", "camrig", "release", "--rehearsal", "--baseline", "v1"]
    with subprocess.Popen(
        words, cwd=repository, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        until = Deadline.after(120)
        while not any("ready  " in log.read_text() for log in (repository / "results").glob("*-suite.log")):
            assert not until.passed
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=120)
    assert process.returncode == 2, out
    assert f"{MARK} (the outcome would be: interrupted) (exit code 2)" in out
    until = Deadline.after(60)
    while running := marked(environment["CAMRIG_TEST_MARK"]):
        assert not until.passed, running
        time.sleep(0.05)
