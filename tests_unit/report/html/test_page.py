"""The page of a run: the verdict first, what failed by its cause, every text escaped, nothing loaded."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from camrig.report.html.page import causes, matrix, messages, notices, page
from camrig.report.html.page import health as health_of
from camrig.report.packed_text import packed
from camrig.report.results_file import checked_results
from hypothesis import given
from hypothesis import settings as hypothesis_settings

from tests_unit.report.samples import EXCHANGE, TEXTS, health, results

FORBIDDEN = ("src=", "url(", "@import", '<link rel="stylesheet', "fetch(", "XMLHttpRequest")
CELL = {"policy": "max age", "request": "preflight, listed", "checked": 3, "failed": 0, "ms": 0.7, "exchange": ""}


def run(**fields):
    """Results as the page gets them."""
    return checked_results(results(**fields), "a run")


def ended_with(exit_code):
    return run(exit_code=exit_code)


class Page(HTMLParser):
    """The elements, classes, ids, links and texts of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.classes, self.ids, self.links, self.text = [], [], [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.tags.append(tag)
        self.classes += (values.get("class") or "").split()
        if "id" in values:
            self.ids.append(values["id"])
        if tag == "a":
            self.links.append(values["href"])

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize(
    ("exit_code", "word", "css"),
    [
        (0, "Passed", "passed"),
        (1, "Failed", "failed"),
        (2, "Interrupted", "interrupted"),
        (5, "No tests", "no-tests"),
        (6, "Blocked", "blocked"),
        (7, "Inconclusive", "inconclusive"),
        (3, "Error", "error"),
    ],
)
def test_the_verdict_is_the_first_thing(exit_code, word, css):
    text = page(ended_with(exit_code))
    assert f'<div class="verdict {css}">' in text
    assert re.search(r"<h1>.*?</h1>", text)[0].endswith(f"{word}</h1>")
    assert text.index('class="verdict') < text.index("<main>")


@pytest.mark.parametrize("exit_code", [2, 5, 6, 7])
def test_what_did_not_fail_is_never_red(exit_code):
    blocked = ended_with(exit_code)
    blocked["outcomes"] = [{**test, "outcome": "blocked"} for test in blocked["outcomes"]]
    shown = Page(page(blocked))
    assert not {"failed", "error", "bad"} & set(shown.classes)
    assert "What did not run" in shown.text


def test_scoped_interrupted_and_virtual_runs_say_so_on_top():
    odd = ended_with(2)
    odd["interrupted"] = True
    odd["selection"] = {
        "scoped": True,
        "keyword": "preflight",
        "markers": "functional",
        "paths": [],
        "stopped": "why",
    }
    odd["boards"][0]["virtual"] = True
    assert [word for word, _ in notices(odd)] == ["interrupted", "stopped", "scoped", "virtual"]
    text = page(odd)
    assert "-k preflight, -m functional" in text
    assert text.index("Virtual board: no figure") < text.index("<main>")
    plain = ended_with(0)
    plain["interrupted"], plain["selection"] = False, {"scoped": False}
    plain["boards"][0]["virtual"] = False
    assert notices(plain) == []


@hypothesis_settings(max_examples=30)
@given(TEXTS)
def test_no_text_becomes_a_part_of_the_page(text):
    usual, odd = Page(page(run(text="sim"))), Page(page(run(text=text + "<script>alert(1)</script>'\"&<blink x=")))
    assert odd.tags.count("script") == usual.tags.count("script")
    assert "blink" not in odd.tags
    assert odd.tags.count("table") == usual.tags.count("table")


def test_a_failed_exchange_is_shown_beside_what_was_expected():
    test = {"exchange": EXCHANGE}
    shown = dict(messages(test))
    assert list(shown) == ["policy", "request", "response", "expected"]
    request = EXCHANGE["request"]
    assert shown["request"].splitlines()[0] == f"{request['method']} {request['target']}"
    assert len(shown["response"].splitlines()) == 1 + len(EXCHANGE["response"]["headers"])
    absent = [name for name, value in EXCHANGE["expected"]["headers"].items() if value is None]
    assert all(f"{name}: (absent)" in shown["expected"] for name in absent)


@pytest.mark.parametrize("exchange", [None, {}, {"request": {}}, {"note": "a test's own"}])
def test_an_exchange_of_another_form_is_left_to_the_text(exchange):
    assert messages({"exchange": exchange}) == []


def failed(name, text="", differences=()):
    return {"test": name, "text": text, "differences": list(differences), "exchange": None, "console": ""}


def test_failures_are_grouped_by_cause_the_most_frequent_first():
    tests = [
        failed("a", "x = 1\n>       assert x == 2\nE       assert 1 == 2\n"),
        *(failed(f"b{number}", differences=["Vary is missing where 'Origin' is expected"]) for number in range(9)),
        failed("c", "desk: main.py ended with OSError\n\nmore"),
    ]
    shown = [(cause["number"], cause["text"], len(cause["tests"]), cause["names"]) for cause in causes(tests)]
    assert shown == [
        (9, "Vary is missing where 'Origin' is expected", 6, ["b6", "b7", "b8"]),
        (1, "assert 1 == 2", 1, []),
        (1, "desk: main.py ended with OSError", 1, []),
    ]


def test_a_red_cell_of_the_matrix_opens_its_exchange():
    odd = ended_with(1)
    cells = [
        {**CELL, "policy": "origins alone"},
        {**CELL, "failed": 2, "exchange": "OPTIONS /api/status <1>"},
        {**CELL, "policy": "origins alone", "request": "request, no origin"},
    ]
    odd["boards"][0]["notes"]["cors.matrix"] = cells
    text = page(odd)
    shown = Page(text)
    assert "#cell-1-1" in shown.links
    assert "cell-1-1" in shown.ids
    assert text.index('id="cell-1-1"') < text.index("OPTIONS /api/status &lt;1&gt;")
    assert "✗ 2 of 3" in shown.text
    grid = matrix(cells)
    assert grid["columns"] == ["preflight, listed", "request, no origin"]
    assert [(policy, [cell and cell["failed"] for cell in row]) for policy, row in grid["rows"]] == [
        ("max age", [2, None]),
        ("origins alone", [0, 0]),
    ]


def test_baseline_and_limit_are_drawn_beside_the_samples():
    judged = ended_with(1)
    metric = judged["boards"][0]["metrics"][0]
    metric |= {"name": "latency.preflight.on_board", "unit": "ms", "n": 6, "median": 2.0, "p95": None, "p99": None}
    metric["batches"] = [{"values": [1.0, 2.0, 2.0, 2.0, 3.0, 9.0], "control": [], "at": []}]
    side = {"n": 6, "median": 1.5, "batches": 1, "bad": 0, "low_outliers": 0, "high_outliers": 0}
    row = {
        "metric": metric["name"],
        "unit": "ms",
        "limit": "+20%",
        "outcome": "regressed",
        "reason": "",
        "effect": None,
    }
    judged["limits"] = {metric["name"]: "+20%"}
    judged["gate"] = {"baseline": "main", "verdict": {"metrics": [{**row, "baseline": side, "candidate": side}]}}
    text = page(judged)
    assert "<title>baseline: 1.50 ms</title>" in text
    assert "<title>limit, +20%: 1.80 ms</title>" in text


def metric_of(name, unit, values):
    batches = [{"values": values, "control": [], "at": []}]
    figures = {"n": len(values), "median": values[0], "p95": None, "p99": None, "low": None, "high": None}
    return {"name": name, "unit": unit, **figures, "batches": batches}


def test_the_camera_has_a_figure_of_its_own_with_its_rate_in_words():
    measured = ended_with(0)
    measured["boards"][0]["metrics"] = [
        metric_of("latency.actual.total", "ms", [1.0] * 6),
        metric_of("camera.stream.gap", "ms", [40.0] * 6),
        metric_of("camera.stream.fps", "pictures/s", [25.0, 24.0]),
        metric_of("camera.stream.stalls", "n", [0.0, 1.0]),
        metric_of("camera.picture.bytes", "B", [1341.0] * 6),
    ]
    text = Page(page(measured)).text
    assert "25 pictures a second, 1 stall in 2 streams, 1,341 bytes a picture. " in text
    latency, camera = text.index("Latency by phase"), text.index("The camera")
    assert "stream.gap" in text[camera:]
    assert "stream.gap" not in text[latency:camera]
    measured["boards"][0]["metrics"] = measured["boards"][0]["metrics"][:1]
    assert "The camera" not in Page(page(measured)).text


def test_the_console_is_in_the_page_as_it_is_in_the_results():
    odd = ended_with(0)
    odd["boards"][0]["console"] = packed("camera: ünd </script>\n" * 3000, left_out=7)
    text = page(odd)
    assert odd["boards"][0]["console"]["text"] in text
    assert len(text) < 100_000
    assert "the 7 bytes before them were not kept" in text


def test_the_console_around_a_crash_is_below_the_time_line():
    odd = ended_with(1)
    event = odd["boards"][0]["timeline"][0]
    event |= {"at": 12.5, "what": "the firmware crashed", "console": "Guru <Meditation>"}
    text = page(odd)
    summary = "the console around crash at 12.50 s: the firmware crashed"
    assert text.index("What happened, and when") < text.index(summary) < text.index("Guru &lt;Meditation&gt;")


def test_a_run_without_metrics_or_boards_has_a_page():
    blocked = ended_with(6)
    blocked["boards"], blocked["outcomes"], blocked["blocked"] = [], [], ["/dev/ttyUSB0: no such port"]
    shown = Page(page(blocked))
    assert "/dev/ttyUSB0: no such port" in shown.text


@pytest.mark.parametrize("exit_code", [0, 1, 6])
def test_a_page_asks_for_nothing(exit_code):
    text = page(ended_with(exit_code))
    assert not [word for word in FORBIDDEN if word in text]
    assert "default-src 'none'" in text


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 820, 1400])
def test_a_browser_shows_the_page_without_an_error_or_a_request(open_page, tmp_path, width, dark):
    odd = ended_with(1)
    odd["boards"][0]["notes"]["cors.matrix"] = [{**CELL, "failed": 1, "exchange": "OPTIONS /"}]
    path = tmp_path / "run.html"
    path.write_text(page(odd), encoding="utf-8")
    opened = open_page(path, tmp_path, width, dark, "#cell-1-1")
    assert (opened.errors, opened.requests) == ([], [])
    root = re.search(r"<html[^>]*>", opened.document)[0]
    assert 'data-overflow="0"' in root
    assert f'data-back="rgb({"20, 24, 29" if dark else "255, 255, 255"})"' in root
    assert re.search(r'<details[^>]*id="cell-1-1"[^>]*open', opened.document)


def test_a_page_that_does_ask_is_noticed(open_page, tmp_path):
    path = tmp_path / "asks.html"
    path.write_text('<!doctype html><body><img src="http://127.0.0.1:9/x.png"><script>missing()</script></body>')
    opened = open_page(path, tmp_path, 800, dark=False)
    assert opened.requests == ["http://127.0.0.1:9/x.png"]
    assert "missing is not defined" in "".join(opened.errors)


def test_results_of_schema_2_have_a_page():
    data = results(exit_code=0)
    for name in ("verdict", "correct", "arguments", "host", "repository", "selection", "limits", "gate", "outcomes"):
        del data[name]
    for name in ("chip", "radio", "sensor", "answers", "timeline", "console", "application", "application_sha256"):
        del data["boards"][0][name]
    text = page(checked_results({**data, "schema": 2}, "an old run"))
    assert '<div class="verdict passed">' in text


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        (None, ""),
        (health("", "fine", "fine"), ""),
        (
            health("", "fine", "port lost", "fine"),
            "1 of its last 3 runs bad, the last: port lost at 2026-11-02 01:12:09",
        ),
        (health("", "port lost", *["fine"] * 10), ""),  # too long ago
        (health("wedged since 2026-11-29", "fine"), "wedged since 2026-11-29"),
        (
            health("wedged", "recovered", "did not come back"),
            "wedged; 2 of its last 2 runs bad, the last: did not come back at 2026-11-02 01:12:09",
        ),
    ],
)
def test_a_card_says_how_the_last_runs_on_its_board_ended(entry, text):
    assert health_of(entry) == text
