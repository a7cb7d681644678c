"""What a run says of tests that need a browser: where nobody asks for one, none is there, or one is required."""

from __future__ import annotations

import pytest

ABSENT = {"CAMRIG_BROWSER": "/nowhere/chromium"}
SUITE = "def test_page(tabs):\n    assert tabs.version\n\ndef test_other():\n    pass\n"
REQUIRED = ("--hil-require", "browser")


@pytest.fixture
def pages(run, tmp_path):
    def call(*options: str, source: str = SUITE, env=ABSENT):
        (tmp_path / "test_suite.py").write_text(source)
        results = ("--hil-results", str(tmp_path / "results"))
        return run("pytest", str(tmp_path), "-p", "no:cacheprovider", *results, *options, env=env)

    return call


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "skipped: 1 test: no browser is asked for. Give --hil-browser chromium."),
        (
            ("--hil-browser", "chromium"),
            "skipped: 1 test: CAMRIG_BROWSER is '/nowhere/chromium', which does not exist.",
        ),
    ],
    ids=["not asked for", "absent"],
)
def test_without_a_browser_its_tests_are_skipped_with_a_sentence(pages, options, words):
    ended = pages(*options)
    assert ended.code == 0
    assert words in ended.out
    assert "1 passed, 1 skipped" in ended.out


def test_a_required_browser_that_is_absent_blocks_its_tests_alone(pages):
    ended = pages(*REQUIRED)
    assert ended.code == 6
    assert ended.out.count("CAMRIG_BROWSER is '/nowhere/chromium', which does not exist.") == 1
    assert "1 passed, 1 blocked" in ended.out


def test_a_required_browser_that_no_test_asks_blocks_the_run(pages):
    ended = pages(*REQUIRED, source="def test_other():\n    pass\n")
    assert ended.code == 6
    assert "--hil-require=browser, and no test of this run has asked a browser" in ended.out


def test_the_suite_asks_no_browser_unless_it_is_to(run):
    for options, collected in (((), False), (("--hil-browser", "chromium"), True), (REQUIRED, True)):
        ended = run("pytest", "tests_hil", "--collect-only", "-q", *options)
        assert ended.code == 0
        assert ("test_chromium_" in ended.out) is collected
        assert "deselected" not in ended.out
