"""A run with a library that cannot run at all has failed, once, and never looks like a blocked rig."""

from __future__ import annotations

import pytest

from tests_unit.conftest import ROOT
from tests_unit.plugin.crash_suites import WIFI

LIBRARY = (ROOT / "lib/microdot/cors.py").read_text()
LAST = LIBRARY.count("\n") + 1


@pytest.mark.parametrize(("text", "words", "device"), [
    ("def f(:", (f"cors.py, line {LAST}, does not compile: SyntaxError", "def f(:\n", "^"), "/dev/nowhere"),
    ("raise ValueError('no')", (f"ValueError: no (lib/microdot/cors.py:{LAST} in <module>)",), "sim"),
], ids=["does not compile", "raises at import"])  # fmt: skip
def test_a_library_that_cannot_run_fails_the_run_once(hil, tmp_path, text, words, device):
    (tmp_path / "lib/microdot").mkdir(parents=True)
    (tmp_path / "lib/microdot/cors.py").write_text(LIBRARY + text)
    ended = hil("--device", device, "--hil-lib", str(tmp_path / "lib"), env=WIFI)
    assert ended.code == 1, ended.out
    for text in (*words, "1 error", "the library cannot be tested"):
        assert text in ended.out
    assert "blocked" not in ended.out
    assert 'Traceback (most recent call last):\n  File "/' not in ended.out
    assert ended.left_running() == []
